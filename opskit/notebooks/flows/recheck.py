"""Reads a notebook again immediately before a change. All reads are concurrent, and after them nothing remains to be
done but to send the change.
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
from opskit.notebooks.flows.inside import InsideMemory, enter_jupyter, inspect_inside_if_allowed
from opskit.notebooks.flows.inspect import InspectedNotebook, load_past_inspections_or_none
from opskit.notebooks.reads.jupyter import OpenJupyter
from opskit.notebooks.reads.jupyter_log import read_last_line_time
from opskit.notebooks.reads.notebooks import read_notebook
from opskit.notebooks.rules.enums import EvidenceSource
from opskit.notebooks.rules.evidence import JupyterActivity, LogActivity, NotebookActivity, NotebookEvidence
from opskit.notebooks.rules.idleness import IdlePolicy
from opskit.notebooks.rules.inside_verdict import assess_with_inside, may_inspect_inside
from opskit.notebooks.rules.own_traces import PastInspection, without_own_traces


@dataclass(frozen=True)
class Recheck:
    """How a notebook is now. ``read_at`` is when the first request of the recheck was sent, and ``began`` the same by
    ``Clock.monotonic``; ``turn`` is the rate limiter's number for the change. ``inspected`` None: the notebook no
    longer exists. ``is_whole`` False: the instance should have been inspected from inside and was not, since its tags
    forbade it until now, or its Jupyter was used since the inspection.
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
    """Read a notebook that was ``seen`` again when the rate limit allows its change; the change belongs into the block.
    Everything slow happens before these reads: authenticating to Jupyter, waiting for slots and for the rate limit,
    inspecting the instance (``memory`` keeps the result), opening connections. Without ``asks_jupyter`` its Jupyter is
    not read, since the user gave the notebook's name. ``policy`` is this notebook's, which depends on its price.

    Raises:
        AwsError: the notebook could not be read.
    """
    with ExitStack() as held:
        enters = asks_jupyter and policy.evidence.enters_jupyter
        jupyter = held.enter_context(enter_jupyter(seen, budget)) if enters else None
        if enters and memory.may_inspect:
            turn = _take_turn_and_inspect(seen, jupyter, policy, clock, budget, take_turn, memory)
            held.enter_context(budget.recheck_slots)
        else:
            held.enter_context(budget.recheck_slots)
            turn = take_turn()
        past = load_past_inspections_or_none(seen.client, seen.notebook) if enters else ()
        if isinstance(jupyter, OpenJupyter):
            # Before the opening, so that an opening that fails half way leaves none open.
            held.callback(jupyter.close_connections)
            jupyter.open_connections()
        # Taken before the first request: what is read is no older than that.
        now, began = clock.now(), clock.monotonic()
        there, tags, activity = gather(
            partial(read_notebook, seen.client, seen.notebook.name),
            partial(read_arn_tags, seen.client, seen.notebook.arn),
            partial(_read_activity_if_asked, seen, jupyter, past, policy, asks_jupyter=asks_jupyter),
        )
        if there is None:
            yield Recheck(None, now, began, turn)
            return
        evidence = NotebookEvidence(there, tags=tags, activity=activity, inside=memory.found)
        assessment = assess_with_inside(evidence, policy, now)
        memory.forget_outdated(assessment, evidence.jupyter, policy)
        is_missing = enters and memory.may_inspect and memory.found is None and may_inspect_inside(tags, policy)
        yield Recheck(
            replace(seen, evidence=evidence, assessment=assessment),
            now,
            began,
            turn,
            is_whole=not (is_missing and assessment.verdict.is_idle),
        )


def _take_turn_and_inspect(
    seen: InspectedNotebook,
    jupyter: OpenJupyter | Unknown | None,
    policy: IdlePolicy,
    clock: Clock,
    budget: RecheckBudget,
    take_turn: Callable[[], int],
    memory: InsideMemory,
) -> int:
    """Wait for the rate limit, and inspect the instance if the last inspection is too old."""
    # What was inspected before AWS throttled its change needs no inspection, so it takes no slot from others while it
    # waits.
    if not memory.needs_inspection(clock):
        turn = take_turn()
        if memory.needs_inspection(clock):  # it has aged while waiting
            with budget.inside_slots:
                inspect_inside_if_allowed(seen, jupyter, policy, clock, budget, memory)
        return turn
    # The slot comes before the turn, so that no more changes are pending than can be inspected.
    with budget.inside_slots:
        turn = take_turn()
        inspect_inside_if_allowed(seen, jupyter, policy, clock, budget, memory)
    return turn


def _read_activity_if_asked(
    seen: InspectedNotebook,
    jupyter: OpenJupyter | Unknown | None,
    past: tuple[PastInspection, ...],
    policy: IdlePolicy,
    *,
    asks_jupyter: bool,
) -> NotebookActivity | None:
    if not asks_jupyter:
        return None
    match policy.evidence:
        case EvidenceSource.JUPYTER:
            if not isinstance(jupyter, OpenJupyter):
                return JupyterActivity(jupyter or Unknown("its Jupyter was not entered"))
            state = jupyter.read_all()
            return JupyterActivity(state if isinstance(state, Unknown) else without_own_traces(state, past))
        case EvidenceSource.LOGS:
            return LogActivity(read_last_line_time(seen.client, seen.notebook.name))
