"""What is due for each notebook of a stop, and what became of it: those that are named, where nothing speaks against it
or somebody agrees; those that another run stopped; and those whose grace has begun.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from secrets import token_hex

from opskit.aws.resource_tags import read_arn_tags
from opskit.core.clock import Clock
from opskit.core.grace import IdleStep
from opskit.core.stop_outcome import ResourceStop, StopOutcome
from opskit.keeps.flows import confirm_sent_graces
from opskit.notebooks.flows.inspect import InspectedNotebook, Inspection, has_unreadable_evidence
from opskit.notebooks.rules.enums import NotebookAction
from opskit.notebooks.rules.evidence import NotebookEvidence
from opskit.notebooks.rules.idleness import IdlePolicy
from opskit.notebooks.rules.inside_verdict import why_not_inside
from opskit.notebooks.rules.stop_consent import notebook_status_refusal, stop_refusal
from opskit.state.journal import journal_entries


@dataclass(frozen=True)
class StopAction(ResourceStop[InspectedNotebook]):
    """What is due for one notebook, and what became of that. ``inside_ms_ago`` is how old the look inside was when the
    change was sent (None: none was made); ``has_consent``: somebody has agreed to the ``question``.
    """

    inside_ms_ago: int | None = None
    has_consent: bool = False

    @property
    def needs_inside_inspection(self) -> bool:
        """Whether it is to be stopped, or its grace is to begin."""
        return self.step.needs_inside_inspection

    @property
    def is_settled(self) -> bool:
        """Whether it is known what became of it, or that nobody knows."""
        return self.outcome is not None and not self.outcome.is_planned

    @property
    def is_unreadable(self) -> bool:
        """Whether it is kept because something could not be read."""
        return not self.will_stop and has_unreadable_evidence(self.inspected)


@dataclass(frozen=True)
class StopPolicy:
    """What the user calls idle, and for how long (``grace``) an idle notebook stays tagged before it stops; None for
    ``grace``: it is not tagged. ``run_id`` tells the tags of this run from those of others.
    """

    idle_policy: IdlePolicy
    grace: timedelta | None = None
    run_id: str = field(default_factory=lambda: token_hex(4))


def named_reason(evidence: NotebookEvidence, policy: IdlePolicy) -> str:
    """Why what was named is stopped, and what nobody has seen of it though it was asked for."""
    unseen = why_not_inside(evidence, policy)
    return f"asked for by name; {unseen}" if unseen else "asked for by name"


def plan_named_stops(inspection: Inspection, policy: IdlePolicy) -> tuple[StopAction, ...]:
    """Stop what was named. What AWS would not stop in its status is refused; what somebody has to agree to (kept, busy,
    unknown) has a ``question``.
    """
    return tuple(
        StopAction(seen, IdleStep.NOTHING, seen.assessment.reason)
        if seen.assessment.verdict.is_stopped
        else _refuse_by_status(
            StopAction(
                seen,
                IdleStep.STOP,
                named_reason(seen.evidence, policy),
                StopOutcome.PLANNED,
                question=stop_refusal(seen.evidence, seen.assessment),
            )
        )
        for seen in inspection.notebooks
    )


def agree_to_stops(plan: Sequence[StopAction]) -> tuple[StopAction, ...]:
    """The plan of somebody who agrees to it, whatever the named do."""
    return tuple(replace(action, has_consent=action.will_stop) for action in plan)


def agree_to_questions(plan: Sequence[StopAction]) -> tuple[StopAction, ...]:
    """The plan of somebody who agrees to what was asked. About the others nothing was said: one that begins to work
    meanwhile is not stopped.
    """
    return tuple(replace(action, has_consent=action.will_stop and action.question is not None) for action in plan)


def refuse_open_questions(plan: Sequence[StopAction]) -> tuple[StopAction, ...]:
    """The plan without what somebody would have to agree to, where nobody can be asked."""
    return tuple(
        _refused(action) if action.outcome_is_planned and action.question and not action.has_consent else action
        for action in plan
    )


def _refused(action: StopAction) -> StopAction:
    assert action.question is not None
    reason = f"not without --yes: {action.inspected.assessment.reason}"
    return replace(action, outcome=StopOutcome.REFUSED, refusal=action.question, reason=reason)


def _refuse_by_status(action: StopAction) -> StopAction:
    refusal = notebook_status_refusal(action.inspected.evidence)
    if refusal is None:
        return action
    return replace(action, outcome=StopOutcome.REFUSED, refusal=refusal, reason=refusal.message, question=None)


# A stop takes AWS a minute or two, so a run that began so long ago may have sent it.
_AT_THE_SAME_TIME = timedelta(minutes=10)


def describe_other_stop(seen: InspectedNotebook, now: datetime) -> str:
    """By whom, as far as this machine's journal tells; the stops of another machine stand in none that is here."""
    said = f"AWS says {seen.notebook.status}"
    if _was_stopped_here(seen, now):
        return f"another run of opskit stopped it ({said})"
    return f"another run of opskit elsewhere, or somebody, stopped it meanwhile ({said})"


def with_status(seen: InspectedNotebook, status: str) -> InspectedNotebook:
    """The same with the status that a later look found."""
    return replace(seen, evidence=replace(seen.evidence, notebook=replace(seen.notebook, status=status)))


def _was_stopped_here(seen: InspectedNotebook, now: datetime) -> bool:
    try:
        entries = journal_entries(now - _AT_THE_SAME_TIME)
    except (OSError, sqlite3.Error):  # then the journal tells nothing
        return False
    return any(
        (entry.action, entry.subject, entry.region) == (NotebookAction.STOP, seen.notebook.name, seen.client.region)
        and entry.endpoint == seen.client.session.endpoint_id()
        and entry.account in (seen.notebook.account, None)
        and entry.meaning.may_have_happened
        for entry in entries
    )


def confirm_graces(actions: Sequence[StopAction], terms: StopPolicy, clock: Clock) -> tuple[StopAction, ...]:
    """The same with ``grace_begun`` where a grace has begun with this run. Reads the tags once more, two seconds after
    the last of them was sent: by then of several runs at once the last one's stands.
    """
    return confirm_sent_graces(actions, _tags_of_notebook, terms.run_id, clock)


def _tags_of_notebook(action: StopAction) -> tuple[str, object]:
    seen = action.inspected
    return seen.notebook.arn, read_arn_tags(seen.client, seen.notebook.arn)
