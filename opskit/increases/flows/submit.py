"""Submits increases exactly once: under a lock it reads again, records the attempt, sends it, and looks up what got no
response.

Submitting plans again from fresh reads, so neither a second terminal nor a lost response leads to a second request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from opskit.aws.client import AwsClient
from opskit.aws.polling import read_after_pauses
from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError, UsageError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.increases import store
from opskit.increases.changes import create_support_case, open_support_case, request_increase
from opskit.increases.flows.plan import last_submission, read_and_plan, requests_or_unknown
from opskit.increases.reads import read_open_cases
from opskit.increases.rules.increase import (
    CaseForRequestPlan,
    CasePlan,
    ConsolePlan,
    Increase,
    IncreaseOutcome,
    IncreaseResult,
    IncreaseStep,
    RequestPlan,
    Submission,
)
from opskit.increases.rules.plan import find_created_request
from opskit.increases.rules.support_cases import SupportCase, find_same_cases
from opskit.quotas.rules.model import IncreaseRequest, format_quota_value
from opskit.state.change_outcome import ChangeOutcome
from opskit.state.home import state_home
from opskit.state.journal import journal_action
from opskit.state.paths import account_key
from opskit.state.records import HeldLock

# Seconds before each lookup of a request whose response was lost. Most requests are listed at once; one that is not may
# take up to ``LISTING_LAG``, which the next run respects.
_LOOKUP_SECONDS = (0.5, 1.0, 2.0)

MessageSink = Callable[[str], None]

_JOURNAL_OUTCOMES: Mapping[IncreaseOutcome, ChangeOutcome] = {
    IncreaseOutcome.FILED: ChangeOutcome.FILED,
    IncreaseOutcome.ALREADY_OPEN: ChangeOutcome.ALREADY_OPEN,
    IncreaseOutcome.ALREADY_ENOUGH: ChangeOutcome.ALREADY_ENOUGH,
    IncreaseOutcome.QUEUED: ChangeOutcome.QUEUED,
    IncreaseOutcome.PLANNED: ChangeOutcome.PLANNED,
    IncreaseOutcome.REFUSED: ChangeOutcome.REFUSED,
    IncreaseOutcome.UNKNOWN: ChangeOutcome.UNKNOWN,
}


@dataclass(frozen=True)
class _SubmitContext:
    """What submitting needs: the client, the use case, the clock, and the message sink."""

    client: AwsClient
    use_case: str
    clock: Clock
    emit: MessageSink

    def save_queued(
        self,
        increase: Increase,
        state: store.QueueState,
        *,
        known: frozenset[str] = frozenset(),
        id: str | None = None,
        lock: HeldLock | None = None,
    ) -> None:
        """Record the increase in its current state; with ``lock`` only while this run holds it.

        Raises:
            UsageError: the state cannot be used, or another run holds the lock.
        """
        target, now = increase.target, self.clock.now()
        row = (
            increase.region,
            increase.quota_name,
            target.instance_type,
            target.workload,
            target.value,
            increase.channel,
            self.use_case,
        )
        store.upsert_queued(self.client, store.QueuedRequest(*row, state, now, known, id), lock)


def submit_increases(
    clients: Sequence[AwsClient], increases: Sequence[Increase], why: str, clock: Clock, emit: MessageSink
) -> tuple[Increase, ...]:
    """Send what is planned; the rest is returned unchanged. A failure in one Region does not stop the others.

    Raises:
        AwsError: STS could not be read.
        UsageError: the state directory cannot be used.
    """
    # What is stored with a time is compared with it by other machines, whose clocks may be others.
    shared = replace(clock, now=lambda: clock.now() + state_home().clock_skew())
    by_region = {client.region: _SubmitContext(client, why, shared, emit) for client in clients}
    return tuple(_submit_one(by_region[increase.region], increase) for increase in increases)


def _submit_one(context: _SubmitContext, increase: Increase) -> Increase:
    """Submit one increase. A failure before anything was sent concerns only this one."""
    if not increase.will_send:
        _update_queue(context, increase)
        return increase
    client = context.client

    def report_waiting() -> None:
        context.emit(f"Another opskit process is submitting increases in {client.region}; waiting.")

    try:
        # Planning again inside the lock is what prevents a duplicate: another process may have just sent the same
        # request.
        key = ("increase", *account_key(client), client.region)
        with state_home().locks.hold_lock(*key, on_wait=report_waiting) as lock:
            # AWS lists a request some seconds after it took it: one whose response was lost may be on its way still.
            _wait_for_previous(context, increase)
            replanned, snapshot = read_and_plan(client, increase.target, increase.channel, context.clock.now())
            if replanned.will_send:
                return _submit(context, replanned, snapshot.request_ids, lock)
            _update_queue(context, replanned)
            return replanned
    except (AwsError, UsageError) as failure:
        reason = f"Nothing was sent, because the last read before it failed: {failure}"
        return increase.with_result(reason, IncreaseResult(IncreaseOutcome.UNKNOWN, problem=failure.problem))


def _wait_for_previous(context: _SubmitContext, increase: Increase) -> None:
    """Wait until an earlier submission whose response was lost is listed, if it arrived."""
    now = context.clock.now()
    submission = last_submission(context.client, increase.quota_name, increase.channel, now)
    seconds = submission.seconds_until_visible(now) if submission else 0.0
    if seconds:
        context.emit(
            f"A request for {increase.quota_name} got no response just now; checking for it in {seconds:.0f} s."
        )
        context.clock.sleep(seconds)


def _submit(context: _SubmitContext, increase: Increase, known: frozenset[str], lock: HeldLock) -> Increase:
    """Record the attempt, send it, and look it up if there was no response. ``known`` are the IDs of earlier
    requests. A run that held the lock no more, as after its machine has slept, would send what another has sent: so
    the attempt is recorded only under the lock, and the lock is looked at once more right before the sending.
    """
    client, submission = context.client, Submission(context.clock.now(), increase.target.value, known, increase.channel)
    key = (increase.region, increase.quota_name, increase.target.value, store.QueueState.QUEUED)
    queued = next(
        (
            request
            for request in store.pending_requests(client)
            if (request.region, request.quota_name, request.desired_value, request.state) == key
        ),
        None,
    )
    subject = f"{increase.quota_name} to {format_quota_value(increase.target.value)}"
    why = context.use_case or increase.reason
    with journal_action(client, _journal_action_of(increase.step), subject, why) as record:
        record.was_sent = False
        # Recorded before it is sent: a kill after this line makes the next run look the request up instead of repeating
        # it. After the journal, which may take its time: that run counts from the time of this record until AWS lists.
        context.save_queued(increase, store.QueueState.ATTEMPTED, known=known, lock=lock)
        lock.check_held()
        record.was_sent = True
        done = _send_request(client, increase, context.use_case)
        done = _look_up_outcome(context, increase, done, submission)
        record.outcome, record.detail = _JOURNAL_OUTCOMES[done.outcome], done.request_id or done.case_id or done.reason
    _update_queue(context, done, known, queued, lock)
    if done.outcome.is_filed and increase.request_id and not increase.channel.submission_type.is_case:
        # The request existed before; only its support case is new.
        return replace(done, step=replace(done.result, outcome=IncreaseOutcome.ALREADY_OPEN))
    return done


def _send_request(client: AwsClient, increase: Increase, why: str) -> Increase:
    match increase.step:
        case RequestPlan():
            return request_increase(client, increase)
        case CaseForRequestPlan(request_id):
            return open_support_case(client, increase, request_id)
        case CasePlan(category):
            return create_support_case(client, increase, category, why)
        # Neither is sent: ``will_send`` has been asked before.
        case ConsolePlan() | IncreaseResult():
            raise ValueError(f"nothing is to be sent for {increase.quota_name}")


def _look_up_outcome(context: _SubmitContext, sent: Increase, done: Increase, submission: Submission) -> Increase:
    """The increase with what AWS lists of it, if its response alone does not decide. ``sent`` is the plan that was
    sent.
    """
    match done.outcome:
        case IncreaseOutcome.UNKNOWN:
            return _resolve_lost_response(context, sent, done, submission)
        case IncreaseOutcome.ALREADY_OPEN:
            return _with_open_request(done, requests_or_unknown(context.client, done.quota_code or ""))
        case IncreaseOutcome.FILED:
            return _with_other_cases(context.client, sent, done)
        case IncreaseOutcome.ALREADY_ENOUGH | IncreaseOutcome.QUEUED:
            return done
        case IncreaseOutcome.PLANNED | IncreaseOutcome.REFUSED:
            return done


def _with_other_cases(client: AwsClient, sent: Increase, done: Increase) -> Increase:
    """A case that was filed, with the word that there are others for the quota: AWS Support takes duplicates, and
    another machine may have sent one at the same moment.
    """
    match sent.step:
        case CasePlan():
            cases = _open_cases_for(client, sent)
        case RequestPlan() | CaseForRequestPlan() | ConsolePlan() | IncreaseResult():
            return done
    if isinstance(cases, Unknown):
        return replace(done, reason=f"{done.reason} Whether another is open for the quota could not be read.")
    others = [each for each in cases if done.case_id not in (each.id, each.display_id)]
    if not others:
        return done
    numbers = ", ".join(case.display_id for case in others)
    return replace(done, reason=f"{done.reason} Open for the same quota too: case {numbers}; close one of them.")


def _with_open_request(increase: Increase, requests: tuple[IncreaseRequest, ...] | Unknown) -> Increase:
    """An increase that AWS says is already open, with the open request."""
    listed = () if isinstance(requests, Unknown) else requests
    open_request = next((request for request in listed if request.status.is_open), None)
    if open_request is None:
        return increase
    result = IncreaseResult(increase.outcome, open_request.id, open_request.case_id, open_request.desired_value)
    return increase.with_result(increase.reason, result)


def _resolve_lost_response(context: _SubmitContext, sent: Increase, done: Increase, submission: Submission) -> Increase:
    """The outcome of an increase whose response was lost: filed if it is listed, otherwise still unknown."""
    found: Increase | Unknown | None = None
    for found in read_after_pauses(
        lambda: _find_filed(context.client, sent, submission), context.clock, _LOOKUP_SECONDS
    ):
        if isinstance(found, Increase):
            return found
    unread = f"AWS's list could not be read ({found.reason.rstrip('.')})" if found else "AWS does not list it yet"
    reason = f"{done.reason} {unread}; the next run checks again before it sends anything."
    return replace(done, reason=reason)


def _find_filed(client: AwsClient, sent: Increase, submission: Submission) -> Increase | Unknown | None:
    """The increase as filed, if AWS lists what it created; otherwise None."""
    match sent.step:
        case RequestPlan():
            requests = requests_or_unknown(client, sent.quota_code or "")
            if isinstance(requests, Unknown):
                return requests
            created = find_created_request(submission, requests)
            if created is None:
                return None
            reason = f"AWS's response was lost, but the request exists; its status is {created.status}."
            return sent.with_result(
                reason, IncreaseResult(IncreaseOutcome.FILED, created.id, created.case_id, created.desired_value)
            )
        case CaseForRequestPlan(request_id, value):
            requests = requests_or_unknown(client, sent.quota_code or "")
            if isinstance(requests, Unknown):
                return requests
            case_id = next((each.case_id for each in requests if each.id == request_id and each.case_id), None)
        case CasePlan():
            cases = _open_cases_for(client, sent)
            if isinstance(cases, Unknown):
                return cases
            case_id, value = next((each.display_id for each in cases), None), sent.target.value
        case ConsolePlan() | IncreaseResult():
            return None
    if case_id is None:
        return None
    result = IncreaseResult(IncreaseOutcome.FILED, case_id=case_id, open_value=value)
    return sent.with_result("AWS's response was lost, but the case exists.", result)


def _open_cases_for(client: AwsClient, increase: Increase) -> list[SupportCase] | Unknown:
    """The open cases for a quota."""
    target = increase.target
    try:
        cases = read_open_cases(client)
    except AwsError as failure:
        return unknown_from_error(failure)
    return find_same_cases(increase.quota_name, target.instance_type, target.workload, increase.region, cases)


def _update_queue(
    context: _SubmitContext,
    increase: Increase,
    known: frozenset[str] = frozenset(),
    queued: store.QueuedRequest | None = None,
    lock: HeldLock | None = None,
) -> None:
    """Keep queued and filed increases, and drop decided ones. AWS has the request already, so problems here are only
    reported. ``queued`` is the increase as it was queued before, ``lock`` is held by the run that sent it.
    """
    client, name, target_value = context.client, increase.quota_name, increase.target.value
    try:
        match increase.outcome:
            case IncreaseOutcome.QUEUED:
                context.save_queued(increase, store.QueueState.QUEUED, lock=lock)
            case IncreaseOutcome.FILED:
                context.save_queued(
                    increase, store.QueueState.FILED, known=known, id=increase.request_id or increase.case_id
                )
            # Refused for who asked, not for what: another caller may resume it, so it stays in the queue.
            case IncreaseOutcome.REFUSED if queued and increase.refused_for_caller:
                store.upsert_queued(client, queued, lock)
            case IncreaseOutcome.REFUSED:
                store.delete_queued_range(client, name, target_value, target_value)
            case IncreaseOutcome.ALREADY_ENOUGH:
                store.delete_queued_range(client, name, 0.0, target_value)
            case IncreaseOutcome.ALREADY_OPEN:
                store.delete_queued_range(client, name, 0.0, increase.covered_value)
            case IncreaseOutcome.UNKNOWN | IncreaseOutcome.PLANNED:
                return
    except UsageError as failure:
        context.emit(f"{failure} {failure.problem.hint}")


def _journal_action_of(step: IncreaseStep) -> str:
    """The action's name in the journal."""
    # It is stored, and looked up by later runs, so these words must not change.
    match step:
        case CaseForRequestPlan() | CasePlan():
            return "open support case"
        case RequestPlan() | ConsolePlan() | IncreaseResult():
            return "request increase"
