"""Stops of notebooks by their names: who is named is stopped, where nothing speaks against it or somebody agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from opskit.core.grace import IdleStep
from opskit.core.model import NotebookEvidence
from opskit.core.stop_outcome import StopOutcome
from opskit.notebooks.flows.inspect import Inspection
from opskit.notebooks.flows.stop_action import StopAction
from opskit.notebooks.rules.idleness import IdlePolicy
from opskit.notebooks.rules.inside_verdict import why_not_inside
from opskit.notebooks.rules.stop_consent import notebook_status_refusal, stop_refusal


def named_reason(evidence: NotebookEvidence, policy: IdlePolicy) -> str:
    """Why what was named is stopped, and what nobody has seen of it though it was asked for."""
    unseen = why_not_inside(evidence, policy)
    return f"asked for by name; {unseen}" if unseen else "asked for by name"


def plan_named_stops(look: Inspection, policy: IdlePolicy) -> tuple[StopAction, ...]:
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
        for seen in look.notebooks
    )


def open_questions(plan: Sequence[StopAction]) -> list[str]:
    """What somebody has to agree to before the plan is carried out."""
    return [action.question.message for action in plan if action.outcome_is_planned and action.question]


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
