"""The last look at a notebook before something is changed: all that there is to know of it, read side by side at one
moment, with nothing left to do after it but to send the change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from opskit.aws.gather import gather
from opskit.aws.resource_tags import read_arn_tags
from opskit.core.clock import Clock
from opskit.core.model import Unknown
from opskit.notebooks.connection_budget import RecheckBudget
from opskit.notebooks.flows.inside import InsideMemory, look_inside_if_allowed, open_way
from opskit.notebooks.flows.inspect import InspectedNotebook, load_looks_or_none
from opskit.notebooks.reads.jupyter import OpenJupyter
from opskit.notebooks.reads.jupyter_log import read_last_line_time
from opskit.notebooks.reads.notebooks import read_notebook
from opskit.notebooks.rules.evidence import JupyterActivity, LogActivity, NotebookActivity, NotebookEvidence
from opskit.notebooks.rules.idleness import IdlePolicy
from opskit.notebooks.rules.inside_verdict import assess_with_inside, may_look_inside
from opskit.notebooks.rules.own_traces import PastLook, without_own_traces
from opskit.notebooks.rules.words import EvidenceSource


@dataclass(frozen=True)
class Recheck:
    """How a notebook is now. ``read_at`` is when the first of the look's requests was sent, and ``began`` the same by
    ``Clock.monotonic``; ``turn`` is what the pace gave for the change. ``inspected`` None: it is gone.
    ``is_whole`` False: it should have been looked into from inside, and was not, since its tags forbade it until now,
    or its Jupyter was used since it was.
    """

    inspected: InspectedNotebook | None
    read_at: datetime
    began: float
    turn: int
    is_whole: bool = True


@contextmanager
def recheck_notebook(
    seen: InspectedNotebook,
    policy: IdlePolicy,
    clock: Clock,
    budget: RecheckBudget,
    take_turn: Callable[[], int],
    *,
    asks_jupyter: bool,
    memory: InsideMemory,
) -> Iterator[Recheck]:
    """Look at what was ``seen`` once more, when its turn to be changed has come; the change belongs into the block.
    What may take long comes before the look: the way into its Jupyter, free lines, the turn, the look inside (which
    ``memory`` keeps), connections. Not ``asks_jupyter``: its Jupyter is left alone, since whoever named the notebook
    knows what it does. ``policy`` is the one of this notebook, as its price makes it.

    Raises:
        AwsError: AWS does not say how it is.
    """
    with ExitStack() as held:
        enters = asks_jupyter and policy.evidence.enters_jupyter
        way = held.enter_context(open_way(seen, budget)) if enters else None
        if enters and memory.may_look:
            turn = _take_turn_and_look(seen, way, policy, clock, budget, take_turn, memory)
            held.enter_context(budget.recheck_slots)
        else:
            held.enter_context(budget.recheck_slots)
            turn = take_turn()
        past = load_looks_or_none(seen.client, seen.notebook) if enters else ()
        if isinstance(way, OpenJupyter):
            # Before the opening, so that an opening that fails half way leaves none open.
            held.callback(way.close_connections)
            way.open_connections()
        # Taken before the first request: what is read is no older than that.
        now, began = clock.now(), clock.monotonic()
        there, tags, activity = gather(
            partial(read_notebook, seen.client, seen.notebook.name),
            partial(read_arn_tags, seen.client, seen.notebook.arn),
            partial(_read_activity_if_asked, seen, way, past, policy, asks_jupyter=asks_jupyter),
        )
        if there is None:
            yield Recheck(None, now, began, turn)
            return
        evidence = NotebookEvidence(there, tags=tags, activity=activity, inside=memory.found)
        assessment = assess_with_inside(evidence, policy, now)
        memory.forget_outdated(assessment, evidence.jupyter, policy)
        is_missing = enters and memory.may_look and memory.found is None and may_look_inside(tags, policy)
        yield Recheck(
            replace(seen, evidence=evidence, assessment=assessment),
            now,
            began,
            turn,
            is_whole=not (is_missing and assessment.verdict.is_idle),
        )


def _take_turn_and_look(
    seen: InspectedNotebook,
    way: OpenJupyter | Unknown | None,
    policy: IdlePolicy,
    clock: Clock,
    budget: RecheckBudget,
    take_turn: Callable[[], int],
    memory: InsideMemory,
) -> int:
    """Wait for the turn, and look inside where the last look there is too old."""
    # What needs no look, since it was looked into before AWS throttled its change, keeps no line from others while it
    # waits.
    if not memory.needs_look(clock):
        turn = take_turn()
        if memory.needs_look(clock):  # it has aged while waiting
            with budget.inside_slots:
                look_inside_if_allowed(seen, way, policy, clock, budget, memory)
        return turn
    # The line is waited for before the turn, so that no more changes are on their way than can be looked at.
    with budget.inside_slots:
        turn = take_turn()
        look_inside_if_allowed(seen, way, policy, clock, budget, memory)
    return turn


def _read_activity_if_asked(
    seen: InspectedNotebook,
    way: OpenJupyter | Unknown | None,
    past: tuple[PastLook, ...],
    policy: IdlePolicy,
    *,
    asks_jupyter: bool,
) -> NotebookActivity | None:
    if not asks_jupyter:
        return None
    match policy.evidence:
        case EvidenceSource.JUPYTER:
            if not isinstance(way, OpenJupyter):
                return JupyterActivity(way or Unknown("its Jupyter was not entered"))
            state = way.read_all()
            return JupyterActivity(state if isinstance(state, Unknown) else without_own_traces(state, past))
        case EvidenceSource.LOGS:
            return LogActivity(read_last_line_time(seen.client, seen.notebook.name))
