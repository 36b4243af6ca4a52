"""The last look at a notebook before something is changed: all that there is to know of it, read side by side at one
moment, with nothing left to do after it but to send the change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from opskit.aws import side_by_side
from opskit.decide.idleness import Evidence, IdlePolicy, judge
from opskit.errors import AwsFailure
from opskit.flows.clock import Clock
from opskit.flows.lines import LastLines
from opskit.flows.look_at_notebooks import Seen, no_key, read_tags
from opskit.model import JupyterView, NotebookEvidence, Unread
from opskit.observe.jupyter import WayIn, way_in
from opskit.observe.notebook_log import last_line
from opskit.observe.notebooks import notebook as read_notebook
from opskit.observe.notebooks import presigned_url


@dataclass(frozen=True)
class LastLook:
    """How a notebook is now. ``at`` is when the first of the look's requests was sent, and ``began`` the same by
    ``Clock.monotonic``; ``turn`` is what the pace gave for the change. ``seen`` None: it is gone.
    """

    seen: Seen | None
    at: datetime
    began: float
    turn: int


@contextmanager
def last_look(
    seen: Seen, policy: IdlePolicy, clock: Clock, lines: LastLines, take_turn: Callable[[], int], *, inside: bool
) -> Iterator[LastLook]:
    """Look at what was ``seen`` once more, when its turn to be changed has come; the change belongs into the block.
    What may take long comes before the look: the way into its Jupyter, free lines, the turn, connections. Not
    ``inside``: its Jupyter is left alone, since whoever named the notebook knows what it does.

    Raises:
        AwsFailure: AWS does not say how it is.
    """
    with ExitStack() as held:
        asks_jupyter = inside and policy.evidence is Evidence.JUPYTER
        way = held.enter_context(_way_to(seen, lines)) if asks_jupyter else None
        held.enter_context(lines.to_look())
        turn = take_turn()
        if isinstance(way, WayIn):
            held.callback(way.hang_up)
            way.get_ready()
        now, began = clock.now(), clock.monotonic()
        reads: list[Callable[[], Any]] = [
            partial(read_notebook, seen.door, seen.notebook.name),
            partial(read_tags, seen.door, seen.notebook),
            partial(_looked_into, way),
            partial(_last_line, seen, policy, inside=inside),
        ]
        there, tags, jupyter, log = side_by_side(reads)
        if there is None:
            yield LastLook(None, now, began, turn)
            return
        evidence = NotebookEvidence(there, tags, jupyter, log)
        yield LastLook(Seen(seen.door, evidence, judge(evidence, policy, now), seen.usd_per_hour), now, began, turn)


@contextmanager
def _way_to(seen: Seen, lines: LastLines) -> Iterator[WayIn | Unread]:
    def make_url() -> str:
        with lines.to_aws():
            return presigned_url(seen.door, seen.notebook.name)

    with ExitStack() as held:
        way: WayIn | Unread
        try:
            way = held.enter_context(way_in(make_url, lines.to_jupyter))
        except AwsFailure as failure:
            way = no_key(failure)
        yield way


def _looked_into(way: WayIn | Unread | None) -> JupyterView | Unread | None:
    return way.look() if isinstance(way, WayIn) else way


def _last_line(seen: Seen, policy: IdlePolicy, *, inside: bool) -> object:
    reads_log = inside and policy.evidence is Evidence.LOGS
    return last_line(seen.door, seen.notebook.name) if reads_log else None
