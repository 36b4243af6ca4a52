"""Inspects instances from inside: several at once for a list or a dry run, and one by one before a change."""

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
from opskit.notebooks.rules.inside_verdict import INSIDE_FRESH_SECONDS, assess_with_inside, may_inspect_inside
from opskit.notebooks.rules.own_traces import was_used_after
from opskit.notebooks.store import InspectionLog

_AT_ONCE = 6
# An older inspection would be too old by the time a change, which waits for the rate limit, is sent.
_REUSE_SECONDS = INSIDE_FRESH_SECONDS - 5.0


@dataclass
class InsideMemory:
    """The last inspection of one notebook instance, which is valid for half a minute. ``found`` None: there is none
    that counts. ``began`` is when it began, by ``Clock.monotonic``, ``left`` the last activity of Jupyter that it
    caused, by Jupyter's clock; None: no inspection that counts has read anything. If ``may_inspect`` is False, an
    earlier result is still valid, but the instance is not inspected again.
    """

    may_inspect: bool = False
    found: InsideEvidence | None = None
    began: float = 0.0
    left: datetime | None = None

    def needs_inspection(self, clock: Clock) -> bool:
        """Whether to inspect before the next change."""
        return self.may_inspect and (self.found is None or clock.monotonic() - self.began > _REUSE_SECONDS)

    def age_milliseconds(self, clock: Clock) -> int | None:
        """The age of the inspection in milliseconds; None: there was none."""
        return None if self.found is None else int((clock.monotonic() - self.began) * 1000)

    def forget_outdated(self, assessment: IdleAssessment, jupyter: JupyterState | None, policy: IdlePolicy) -> bool:
        """Drop the inspection if Jupyter was used since, although the notebook counts as idle: only another inspection
        shows what was done, such as a save. Returns whether it was dropped.
        """
        if not assessment.verdict.is_idle or self.left is None or jupyter is None:
            return False
        if not was_used_after(jupyter, self.left, ignore_terminals=policy.ignore_terminals):
            return False
        self.found = self.left = None
        return True

    def forget_stale(self, clock: Clock) -> bool:
        """Drop the inspection if it is too old to base a change on. Returns whether it was dropped."""
        age = self.age_milliseconds(clock)
        if age is None or age <= INSIDE_FRESH_SECONDS * 1000:
            return False
        self.found = None
        return True


def inspect_inside_if_allowed(
    seen: InspectedNotebook,
    jupyter: OpenJupyter | Unknown | None,
    policy: IdlePolicy,
    clock: Clock,
    budget: RecheckBudget,
    memory: InsideMemory,
) -> None:
    """Inspect the instance for up to 15 seconds, if the notebook's tags allow it. The result is in ``memory``: Unknown
    if the inspection failed, None if it is not allowed.
    """
    memory.found = memory.left = None
    with budget.aws_slots:
        tags = read_arn_tags(seen.client, seen.notebook.arn)
    if not isinstance(jupyter, OpenJupyter) or not may_inspect_inside(tags, policy):
        return
    if isinstance(tags, dict) and keep_reason(tags, clock.now()) is None:
        memory.began = clock.monotonic()
        memory.found, memory.left = _inspect_now(seen, jupyter)


def inspect_inside_selected(
    inspection: Inspection, policy: IdlePolicy, now: datetime, is_meant: Callable[[InspectedNotebook], bool]
) -> Inspection:
    """The inspection, with the inside of each selected instance inspected too, six at a time and each for up to 15
    seconds. What could not be inspected is unknown, with the reason.
    """
    if policy.inside is not True:
        return inspection
    close_idle([seen.client for seen in inspection.notebooks])
    asks = [
        partial(_assess_from_inside, seen, policy, now)
        if is_meant(seen) and may_inspect_inside(seen.evidence.tags, policy)
        else partial(_unchanged, seen)
        for seen in inspection.notebooks
    ]
    return replace(inspection, notebooks=tuple(gather_all(asks, max_workers=_AT_ONCE)))


def _unchanged(seen: InspectedNotebook) -> InspectedNotebook:
    return seen


def _assess_from_inside(seen: InspectedNotebook, policy: IdlePolicy, now: datetime) -> InspectedNotebook:
    with enter_jupyter(seen, RecheckBudget(inside=True)) as jupyter:
        found: InsideEvidence = _inspect_now(seen, jupyter)[0] if isinstance(jupyter, OpenJupyter) else jupyter
    evidence = replace(seen.evidence, inside=found)
    own = policy.for_price(seen.usd_per_hour)
    return replace(seen, evidence=evidence, assessment=assess_with_inside(evidence, own, now))


def _inspect_now(seen: InspectedNotebook, jupyter: OpenJupyter) -> tuple[InsideEvidence, datetime | None]:
    notes = InspectionLog(seen.client, seen.notebook, make_terminal_name())
    found = jupyter.inspect_inside(notes)
    return found, notes.left


@contextmanager
def enter_jupyter(seen: InspectedNotebook, budget: RecheckBudget) -> Iterator[OpenJupyter | Unknown]:
    """Authenticate to a notebook's Jupyter for the duration of the block; yields Unknown, with the reason, if that
    fails.
    """

    def make_url() -> str:
        with budget.aws_slots:
            return read_presigned_url(seen.client, seen.notebook.name)

    with ExitStack() as held:
        jupyter: OpenJupyter | Unknown
        try:
            jupyter = held.enter_context(open_jupyter(make_url, budget.jupyter_slots))
        except AwsError as failure:
            jupyter = presigned_url_unknown(failure)
        yield jupyter
