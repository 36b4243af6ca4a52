"""The last look at a notebook before something is changed: all that there is to know of it, read side by side at one
moment, with nothing left to do after it but to send the change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from opskit.aws.gather import gather
from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError
from opskit.core.model import JupyterState, NotebookEvidence, Unknown
from opskit.notebooks.connection_budget import RecheckBudget
from opskit.notebooks.flows.inspect import InspectedNotebook, presigned_url_unknown, read_tags_or_unknown
from opskit.notebooks.reads.jupyter import OpenJupyter, open_jupyter
from opskit.notebooks.reads.jupyter_log import read_last_line_time
from opskit.notebooks.reads.notebooks import read_notebook, read_presigned_url
from opskit.notebooks.rules.idleness import IdlePolicy, assess_notebook


@dataclass(frozen=True)
class Recheck:
    """How a notebook is now. ``read_at`` is when the first of the look's requests was sent, and ``began`` the same by
    ``Clock.monotonic``; ``turn`` is what the pace gave for the change. ``inspected`` None: it is gone.
    """

    inspected: InspectedNotebook | None
    read_at: datetime
    began: float
    turn: int


@contextmanager
def recheck_notebook(
    seen: InspectedNotebook,
    policy: IdlePolicy,
    clock: Clock,
    budget: RecheckBudget,
    take_turn: Callable[[], int],
    *,
    inside: bool,
) -> Iterator[Recheck]:
    """Look at what was ``seen`` once more, when its turn to be changed has come; the change belongs into the block.
    What may take long comes before the look: the way into its Jupyter, free lines, the turn, connections. Not
    ``inside``: its Jupyter is left alone, since whoever named the notebook knows what it does.

    Raises:
        AwsError: AWS does not say how it is.
    """
    with ExitStack() as held:
        asks_jupyter = inside and not policy.evidence.is_log
        way = held.enter_context(_open_if_asked(seen, budget)) if asks_jupyter else None
        held.enter_context(budget.recheck_slot())
        turn = take_turn()
        if isinstance(way, OpenJupyter):
            held.callback(way.close_connections)
            way.open_connections()
        now, began = clock.now(), clock.monotonic()
        there, tags, jupyter, log = gather(
            partial(read_notebook, seen.client, seen.notebook.name),
            partial(read_tags_or_unknown, seen.client, seen.notebook),
            partial(_read_open_jupyter, way),
            partial(_read_log_if_asked, seen, policy, inside=inside),
        )
        if there is None:
            yield Recheck(None, now, began, turn)
            return
        evidence = NotebookEvidence(there, tags, jupyter, log)
        yield Recheck(
            InspectedNotebook(seen.client, evidence, assess_notebook(evidence, policy, now), seen.usd_per_hour),
            now,
            began,
            turn,
        )


@contextmanager
def _open_if_asked(seen: InspectedNotebook, budget: RecheckBudget) -> Iterator[OpenJupyter | Unknown]:
    def make_url() -> str:
        with budget.aws_slot():
            return read_presigned_url(seen.client, seen.notebook.name)

    with ExitStack() as held:
        way: OpenJupyter | Unknown
        try:
            way = held.enter_context(open_jupyter(make_url, budget.jupyter_slot))
        except AwsError as failure:
            way = presigned_url_unknown(failure)
        yield way


def _read_open_jupyter(way: OpenJupyter | Unknown | None) -> JupyterState | Unknown | None:
    return way.read_all() if isinstance(way, OpenJupyter) else way


def _read_log_if_asked(seen: InspectedNotebook, policy: IdlePolicy, *, inside: bool) -> datetime | Unknown | None:
    reads_log = inside and policy.evidence.is_log
    return read_last_line_time(seen.client, seen.notebook.name) if reads_log else None
