"""Stop notebooks: look, plan, look again right before each stop, act, and see that it happened."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from opskit.aws.gather import gather_all
from opskit.aws.pacing import AdaptivePacer, ThrottledTries
from opskit.aws.polling import read_after_pauses
from opskit.core.aws_statuses import NotebookStatus
from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError, OutcomeUnknown, Throttled
from opskit.core.grace import GraceTag, IdleStep, format_grace_tag, next_step
from opskit.core.model import Notebook, Unknown
from opskit.core.stop_outcome import FRESH_SECONDS, GONE, MAX_STALE_READS, StopOutcome
from opskit.core.tags import IDLE_SINCE
from opskit.keeps.flows import record_grace_before_tag
from opskit.notebooks.changes import notebooks as changes
from opskit.notebooks.connection_budget import MAX_WORKERS, RecheckBudget
from opskit.notebooks.flows.inside import InsideMemory
from opskit.notebooks.flows.inspect import InspectedNotebook, Inspection, close_idle
from opskit.notebooks.flows.recheck import Recheck, recheck_notebook
from opskit.notebooks.flows.stop_plan import StopAction, StopPolicy, describe_other_stop, named_reason, with_status
from opskit.notebooks.reads.notebooks import read_notebook
from opskit.notebooks.rules.enums import NotebookAction
from opskit.notebooks.rules.idleness import IdlePolicy
from opskit.notebooks.rules.inside_verdict import INSIDE_FRESH_SECONDS
from opskit.notebooks.rules.stop_consent import stop_refusal
from opskit.notifications.rules import StoppableKind
from opskit.state.journal import PendingChange, mark_done

# What says InService even after so many looks is told as unknown, not as done.
_MAX_STATUS_READS = 5
# An AWS that has taken a stop may go on saying InService for a moment.
_STATUS_READ_SECONDS = 1.0


def plan_idle_stops(inspection: Inspection, terms: StopPolicy, now: datetime) -> tuple[StopAction, ...]:
    """What is due at ``now`` for the notebooks seen: those that are idle are to be stopped, or tagged where the terms
    have a grace. Changes nothing, and reads nothing.
    """
    return tuple(_plan_stop(seen, terms, now) for seen in inspection.notebooks)


def mark_refused(plan: Sequence[StopAction]) -> tuple[StopAction, ...]:
    """The plan as one that was not carried out."""
    return tuple(
        replace(stop_action, outcome=StopOutcome.REFUSED) if stop_action.outcome_is_planned else stop_action
        for stop_action in plan
    )


def execute_stops(
    plan: Sequence[StopAction], terms: StopPolicy, clock: Clock, *, by_name: bool = False
) -> tuple[StopAction, ...]:
    """Stop what is planned, each after a last look that is at most a second old; one that fails does not hinder the
    others, and what AWS refuses, or does not answer, is in the result. Regions take turns: each has a rate, and
    connections, of its own.
    """
    actions = list(plan)
    due_in: dict[str, list[int]] = {}
    for at, stop_action in enumerate(plan):
        if stop_action.step.is_change and not stop_action.is_settled:
            due_in.setdefault(stop_action.inspected.client.region, []).append(at)
    for places in due_in.values():
        client = plan[places[0]].inspected.client
        # The plan's own connections go first: the last looks count theirs, up to the 16 that may be open.
        close_idle([client])
        context = _StopContext(terms, clock, by_name)
        done = gather_all([partial(_execute_action, plan[at], context) for at in places], max_workers=MAX_WORKERS)
        for at, stop_action in zip(places, done, strict=True):
            actions[at] = stop_action
    return tuple(actions)


def _plan_stop(seen: InspectedNotebook, terms: StopPolicy, now: datetime) -> StopAction:
    tags = seen.evidence.tags
    known = tags if isinstance(tags, dict) else {}
    next_due = next_step(seen.assessment, known, terms.grace, now, seen.notebook.arn)
    outcome = StopOutcome.PLANNED if next_due.step.is_stop else None
    return StopAction(seen, next_due.step, next_due.reason, outcome, stops_at=next_due.stops_at)


class _StopContext:
    """What all changes of one Region share."""

    def __init__(self, terms: StopPolicy, clock: Clock, by_name: bool) -> None:
        self.terms, self.clock, self.by_name = terms, clock, by_name
        self.lines = RecheckBudget(inside=terms.idle_policy.inside is True)
        # Tagging and stopping are operations of their own, each with a rate of its own.
        self.paces = {step: AdaptivePacer(clock) for step in IdleStep}

    def recheck_action(self, action: StopAction, attempt: _Attempt) -> AbstractContextManager[Recheck]:
        """A last look at one of them. What is begun or ended by it needs a look inside.

        Raises:
            AwsError: on entering it: AWS does not say how the notebook is.
        """
        turn = partial(self.paces[action.step].wait_turn, is_repeat=attempt.sent is not None)
        memory = attempt.inside
        memory.may_inspect = self.terms.idle_policy.inside is True and action.needs_inside_inspection
        return recheck_notebook(
            action.inspected,
            self.terms.idle_policy.for_price(action.inspected.usd_per_hour),
            self.clock,
            self.lines,
            turn,
            asks_jupyter=not (self.by_name and action.has_consent),
            memory=memory,
        )


@dataclass
class _Attempt:
    """What is kept while one notebook is dealt with: the look inside, and in ``sent`` the change as it was last sent;
    None: none was.
    """

    inside: InsideMemory = field(default_factory=InsideMemory)
    sent: StopAction | None = None


def _execute_action(action: StopAction, context: _StopContext) -> StopAction:
    """Do what is due, and where a last look finds something else due, that; but never a stop that nobody planned."""
    attempt = _Attempt()
    # At most as often as there are steps: a notebook whose state keeps changing is left to the next run.
    for _ in IdleStep:
        if not action.step.is_change:
            break
        after = _note_other_stop(action, _try_action(action, context, attempt), context)
        if after.step is action.step or after.is_settled:
            return after
        # Never a stop that nobody planned: what people saw and agreed to was a plan without it.
        if after.will_stop:
            reason = f"{after.reason}, which was not so when it was planned; the next run stops it"
            return replace(after, step=IdleStep.NOTHING, reason=reason, outcome=None)
        action = after
    return action


def _try_action(action: StopAction, context: _StopContext, attempt: _Attempt) -> StopAction:
    """The same once AWS took the change or refused it, or as a last look found it, with nothing changed."""
    try:
        with _pending_change(action) as intent:
            after = _send_until_accepted(action, intent, context, attempt)
            # A last look spoke against it: the journal has the change as dropped, with the reason.
            if not intent.is_sent:
                intent.error = after.reason
                return after
    except OutcomeUnknown as failure:
        sent = attempt.sent or action
        return _resolve_stop(sent, failure, context) if action.will_stop else _failed_action(action, failure)
    except AwsError as failure:
        return _failed_action(action, failure)
    return _resolve_stop(after, None, context) if after.will_stop else after


def _pending_change(action: StopAction) -> AbstractContextManager[PendingChange[...]]:
    seen = action.inspected
    match action.step:
        case IdleStep.STOP:
            return changes.prepare_stop(seen.client, seen.notebook, action.reason, seen.usd_per_hour)
        case IdleStep.TAG:
            return changes.prepare_tagging(seen.client, seen.notebook, [IDLE_SINCE])
        case IdleStep.UNTAG:
            return changes.prepare_untagging(seen.client, seen.notebook, [IDLE_SINCE])
        case IdleStep.NOTHING:
            raise ValueError("nothing is intended")


def _send_until_accepted(
    action: StopAction, intent: PendingChange[...], context: _StopContext, attempt: _Attempt
) -> StopAction:
    """Look and send, and look again before sending again, until AWS takes it or a look speaks against it.

    Raises:
        AwsError: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    throttled, old = ThrottledTries(context.paces[action.step]), 0
    while True:
        with ExitStack() as held:
            try:
                recheck = held.enter_context(context.recheck_action(action, attempt))
            except AwsError as failure:
                reason = f"it could not be looked at again: {failure.problem.message}"
                return replace(action, reason=reason, outcome=StopOutcome.REFUSED)
            now_due = _step_after_recheck(action, recheck, context)
            if now_due.step is not action.step or now_due.is_settled:
                return now_due
            if now_due.step.begins_grace and now_due.stops_at is not None:
                record_grace_before_tag(StoppableKind.NOTEBOOK, now_due.inspected.notebook, now_due.stops_at)
            age = context.clock.monotonic() - recheck.began
            if age > FRESH_SECONDS or not recheck.is_whole or attempt.inside.forget_stale(context.clock):
                old += 1
                if old < MAX_STALE_READS:
                    continue
                return _refuse_stale_recheck(now_due, age)
            inside_ms = attempt.inside.age_milliseconds(context.clock)
            # Noted before it is sent, so that a lost answer is told with the look that the change stood on.
            attempt.sent = replace(now_due, looked_ms_ago=int(age * 1000), inside_ms_ago=inside_ms)
            try:
                intent.send_change(*_change_arguments(now_due, recheck, context.terms))
            except Throttled:
                context.paces[action.step].slow_down(recheck.turn)
                if throttled.is_last():
                    raise
            else:
                context.paces[action.step].mark_accepted()
                return attempt.sent


def _refuse_stale_recheck(due: StopAction, age: float) -> StopAction:
    """What is due, left undone: no look was ever young and whole enough. ``age`` is the last one's, in seconds."""
    if age > FRESH_SECONDS:
        said = f"reading it took {age:.1f} s, and opskit acts on nothing that old"
    else:
        said = f"no inspection of the instance was at most {INSIDE_FRESH_SECONDS:.0f} s old when its turn had come"
    return replace(due, reason=f"{due.reason}; {said}", outcome=StopOutcome.REFUSED)


def _change_arguments(due: StopAction, recheck: Recheck, terms: StopPolicy) -> tuple[dict[str, str], ...]:
    """What a change is sent with."""
    match due.step:
        case IdleStep.TAG:
            # The time of the look that found it idle, not of the tagging: work in between would else be older than the
            # grace.
            grace = GraceTag(recheck.read_at, due.stops_at or recheck.read_at, terms.run_id)
            return ({IDLE_SINCE: format_grace_tag(grace, due.inspected.notebook.arn)},)
        case IdleStep.STOP | IdleStep.UNTAG | IdleStep.NOTHING:
            return ()


def _step_after_recheck(action: StopAction, recheck: Recheck, context: _StopContext) -> StopAction:
    """What is due by the last look."""
    if recheck.inspected is None:
        return StopAction(action.inspected, IdleStep.NOTHING, "it is gone", status=GONE)
    if context.by_name:
        return _named_after_recheck(action, recheck.inspected, context.terms.idle_policy)
    return _plan_stop(recheck.inspected, context.terms, context.clock.now())


def _named_after_recheck(action: StopAction, now: InspectedNotebook, policy: IdlePolicy) -> StopAction:
    """A notebook that was named is stopped, unless somebody has kept it since whoever named it was asked."""
    before = action.inspected.assessment.verdict
    question = stop_refusal(now.evidence, now.assessment)
    if now.assessment.verdict.is_stopped:
        return StopAction(now, IdleStep.NOTHING, now.assessment.reason)
    # No prompt here: others are being stopped meanwhile, and nobody may be at the keyboard any more.
    if question and not action.has_consent:
        reason = f"{question.message} That was not so when it was planned; --yes stops it anyway"
        return StopAction(now, IdleStep.STOP, reason, StopOutcome.REFUSED, refusal=question)
    if now.assessment.verdict.is_protected and not before.is_protected:
        reason = f"somebody has just asked to keep it ({now.assessment.reason}); stop it again if you mean it"
        return StopAction(now, IdleStep.STOP, reason, StopOutcome.REFUSED)
    if isinstance(now.evidence.tags, Unknown) and not isinstance(action.inspected.evidence.tags, Unknown):
        reason = f"whether somebody has kept it could not be read: {now.evidence.tags.reason}"
        return StopAction(now, IdleStep.STOP, reason, StopOutcome.REFUSED)
    reason = action.reason if action.has_consent else named_reason(now.evidence, policy)
    return replace(action, reason=reason, inspected=replace(action.inspected, evidence=now.evidence))


def _note_other_stop(planned: StopAction, after: StopAction, context: _StopContext) -> StopAction:
    """Where a stop was planned and the notebook stops by another's: that, which is no failure and saves nothing."""
    if not planned.will_stop:
        return after
    # A refusal without a look of ours: AWS refuses a stop of what stops already, which only its status tells.
    if after.outcome is not None and after.outcome.is_refused and after.looked_ms_ago is None:
        after = _reread_after_refusal(after)
    seen = after.inspected
    if after.will_stop or not seen.notebook.traits.stop_took_effect:
        return after
    return replace(after, reason=describe_other_stop(seen, context.clock.now()))


def _reread_after_refusal(action: StopAction) -> StopAction:
    """AWS refuses a stop of what stops already; what refuses for another reason stays a refusal."""
    seen = action.inspected
    try:
        there = read_notebook(seen.client, seen.notebook.name)
    except AwsError:  # then nothing more is known than that it was refused
        return action
    if there is None or not there.traits.stop_took_effect:
        return action
    stopping = with_status(seen, there.status)
    return replace(action, inspected=stopping, step=IdleStep.NOTHING, outcome=None, status=there.status)


def _failed_action(action: StopAction, failure: AwsError) -> StopAction:
    outcome = StopOutcome.UNKNOWN if isinstance(failure, OutcomeUnknown) else StopOutcome.REFUSED
    if action.will_stop:
        said = f"AWS refused: {failure.problem.message}"
    else:
        said = f"{action.reason}; its tag {IDLE_SINCE} could not be changed: {failure.problem.message}"
    return replace(action, reason=said, outcome=outcome)


def _resolve_stop(action: StopAction, failure: OutcomeUnknown | None, context: _StopContext) -> StopAction:
    """Confirm that it is stopping; where the answer was lost, its status tells what happened."""
    try:
        status = _read_status_after(action.inspected, context)
    except AwsError as unread:
        reason = f"{action.reason}; whether it is stopping could not be read: {unread.problem.message}"
        return replace(action, reason=reason, outcome=StopOutcome.UNKNOWN)
    if NotebookStatus(status).traits.stop_took_effect:
        if failure:
            mark_done(action.inspected.client, NotebookAction.STOP, action.inspected.notebook.name, status)
        return replace(action, outcome=StopOutcome.DONE, status=status)
    lost = failure.problem.message if failure else f"AWS accepted the stop, but reports {status}"
    return replace(action, reason=f"{action.reason}; {lost}", outcome=StopOutcome.UNKNOWN, status=status)


def _read_status_after(seen: InspectedNotebook, context: _StopContext) -> str:
    """The notebook's status once it has moved, or the last one seen after a few looks."""

    def read_now() -> Notebook | None:
        with context.lines.aws_slots:
            return read_notebook(seen.client, seen.notebook.name)

    status = ""
    pauses = (0.0, *[_STATUS_READ_SECONDS] * (_MAX_STATUS_READS - 1))
    for now_there in read_after_pauses(read_now, context.clock, pauses):
        status = now_there.status if now_there else GONE
        if now_there is None or not now_there.traits.may_run_jupyter:
            break
    return status
