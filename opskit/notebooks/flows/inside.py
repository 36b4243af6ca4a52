"""Look inside instances: for a plan that is only shown or for a list at once, and before a change at its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from opskit.aws.gather import gather_all
from opskit.aws.resource_tags import read_arn_tags
from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError
from opskit.core.model import JupyterState, Unknown
from opskit.core.tags import keep_reason
from opskit.notebooks.connection_budget import RecheckBudget
from opskit.notebooks.flows.inspect import (
    InspectedNotebook,
    Inspection,
    close_idle,
    presigned_url_unknown,
)
from opskit.notebooks.reads.inside import make_terminal_name
from opskit.notebooks.reads.jupyter import OpenJupyter, open_jupyter
from opskit.notebooks.reads.notebooks import read_presigned_url
from opskit.notebooks.rules.evidence import InsideEvidence
from opskit.notebooks.rules.idleness import IdleAssessment, IdlePolicy
from opskit.notebooks.rules.inside_verdict import INSIDE_FRESH_SECONDS, assess_with_inside, may_look_inside
from opskit.notebooks.rules.own_traces import was_used_after
from opskit.notebooks.store import LookNotes

_AT_ONCE = 6
# A look that is older when a change's turn is waited for would be too old when it comes.
_REUSE_SECONDS = INSIDE_FRESH_SECONDS - 5.0


@dataclass
class InsideMemory:
    """The last look inside one notebook, which counts for half a minute. ``began`` is when it began, by
    ``Clock.monotonic``, ``left`` the last activity of Jupyter's that it caused, by Jupyter's clock. Not ``may_look``:
    what was seen still counts, but nothing new is looked for.
    """

    may_look: bool = False
    found: InsideEvidence | None = None
    began: float = 0.0
    left: datetime | None = None

    def needs_look(self, clock: Clock) -> bool:
        """Whether to look inside before the next change."""
        return self.may_look and (self.found is None or clock.monotonic() - self.began > _REUSE_SECONDS)

    def age_milliseconds(self, clock: Clock) -> int | None:
        """How old the look is, in milliseconds; None where there was none."""
        return None if self.found is None else int((clock.monotonic() - self.began) * 1000)

    def forget_outdated(self, assessment: IdleAssessment, jupyter: JupyterState | None, policy: IdlePolicy) -> bool:
        """Drop the look where Jupyter was used since, and the notebook is idle all the same: what was done, such as a
        save, only another look can tell. Whether it was so.
        """
        if not assessment.verdict.is_idle or self.left is None or jupyter is None:
            return False
        if not was_used_after(jupyter, self.left, ignore_terminals=policy.ignore_terminals):
            return False
        self.found = self.left = None
        return True

    def forget_stale(self, clock: Clock) -> bool:
        """Drop the look where it is too old for a change to stand on. Whether it was."""
        age = self.age_milliseconds(clock)
        if age is None or age <= INSIDE_FRESH_SECONDS * 1000:
            return False
        self.found = None
        return True


def look_inside_if_allowed(
    seen: InspectedNotebook,
    way: OpenJupyter | Unknown | None,
    policy: IdlePolicy,
    clock: Clock,
    budget: RecheckBudget,
    memory: InsideMemory,
) -> None:
    """Ask the notebook's tags whether to look inside, and do, up to 15 seconds: what it found is in ``memory``, an
    Unknown where it could not, None where it may not.
    """
    memory.found = memory.left = None
    with budget.aws_slots:
        tags = read_arn_tags(seen.client, seen.notebook.arn)
    if not isinstance(way, OpenJupyter) or not may_look_inside(tags, policy):
        return
    if isinstance(tags, dict) and keep_reason(tags, clock.now()) is None:
        memory.began = clock.monotonic()
        memory.found, memory.left = _look_now(seen, way)


def look_inside_meant(
    look: Inspection, policy: IdlePolicy, now: datetime, is_meant: Callable[[InspectedNotebook], bool]
) -> Inspection:
    """What was seen, with a look inside each notebook that is meant: one that nothing else speaks for. Six at a time,
    each up to 15 seconds; what could not be looked into is unknown, with the reason.
    """
    if policy.inside is not True:
        return look
    close_idle([seen.client for seen in look.notebooks])
    asks = [
        partial(_inspect_inside, seen, policy, now)
        if is_meant(seen) and may_look_inside(seen.evidence.tags, policy)
        else partial(_as_seen, seen)
        for seen in look.notebooks
    ]
    return replace(look, notebooks=tuple(gather_all(asks, max_workers=_AT_ONCE)))


def _as_seen(seen: InspectedNotebook) -> InspectedNotebook:
    return seen


def _inspect_inside(seen: InspectedNotebook, policy: IdlePolicy, now: datetime) -> InspectedNotebook:
    with open_way(seen, RecheckBudget(inside=True)) as way:
        found: InsideEvidence = _look_now(seen, way)[0] if isinstance(way, OpenJupyter) else way
    evidence = replace(seen.evidence, inside=found)
    own = policy.for_price(seen.usd_per_hour)
    return replace(seen, evidence=evidence, assessment=assess_with_inside(evidence, own, now))


def _look_now(seen: InspectedNotebook, way: OpenJupyter) -> tuple[InsideEvidence, datetime | None]:
    notes = LookNotes(seen.client, seen.notebook, make_terminal_name())
    found = way.look_inside(notes)
    return found, notes.left


@contextmanager
def open_way(seen: InspectedNotebook, budget: RecheckBudget) -> Iterator[OpenJupyter | Unknown]:
    """Enter a notebook's Jupyter for as long as the block lasts; Unknown, with the reason, where it lets nobody in."""

    def make_url() -> str:
        with budget.aws_slots:
            return read_presigned_url(seen.client, seen.notebook.name)

    with ExitStack() as held:
        way: OpenJupyter | Unknown
        try:
            way = held.enter_context(open_jupyter(make_url, budget.jupyter_slots))
        except AwsError as failure:
            way = presigned_url_unknown(failure)
        yield way
