"""Plans an increase: whether to request it, how, and whether a request can succeed. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from opskit.core.exceptions import Problem
from opskit.core.message_phrases import ABOVE_DEFAULT, QUOTA_NOT_ADJUSTABLE
from opskit.core.model import NotOffered, Quota, QuotaLookup, Unknown
from opskit.increases.rules.channel import Channel, SubmissionType
from opskit.increases.rules.increase import (
    CASE_TELLS_NO_VALUE,
    CaseForRequestPlan,
    CasePlan,
    ConsolePlan,
    Increase,
    IncreaseOutcome,
    IncreaseResult,
    IncreaseTarget,
    RequestPlan,
    Submission,
)
from opskit.increases.rules.support_cases import SupportCase, SupportCategory, find_duplicate_case
from opskit.quotas.rules.model import IncreaseRequest, RequestStatus, format_quota_value

# For this long after an approval the value is expected to follow, and no second request is planned.
_APPROVAL_GRACE = timedelta(hours=24)
LISTING_LAG = timedelta(hours=1)
"""For how long a request that AWS accepted may be missing from its lists, and for how long a support case with unknown
outcome may still appear: AWS Support accepts duplicates, so opskit must not send one.
"""
# After this long a PENDING request gets a support case: automatic approvals take minutes, so it waits for a person.
_STALE_AFTER = timedelta(hours=24)


@dataclass(frozen=True)
class SupportInfo:
    """What AWS Support offers the account: ``category`` None if it accepts no quota increases; and its open cases."""

    category: SupportCategory | None
    cases: tuple[SupportCase, ...]


@dataclass(frozen=True)
class QuotaSnapshot:
    """What was read of the quota of a target, and of all requests made for it.

    ``support`` None: not read, because the channel does not use it.
    """

    region: str
    name: str
    quota: QuotaLookup
    requests: tuple[IncreaseRequest, ...] | Unknown = ()
    support: SupportInfo | Unknown | None = None

    @property
    def request_ids(self) -> frozenset[str]:
        """The IDs of the existing requests, to recognise a new one."""
        return frozenset() if isinstance(self.requests, Unknown) else frozenset(request.id for request in self.requests)


def plan_increase(
    target: IncreaseTarget,
    snapshot: QuotaSnapshot,
    channel: Channel,
    now: datetime,
    submission: Submission | None = None,
) -> Increase:
    """Decide what to do about a target: ``planned`` if a request can succeed, else the reason why not."""
    increase = Increase(
        region=snapshot.region,
        target=target,
        quota_name=snapshot.name,
        quota=snapshot.quota,
        channel=channel.first_tried,
        reason="",
        step=ConsolePlan(),  # until it is decided below; it sends nothing
    )
    match snapshot.quota:
        case Unknown():
            return _unreadable_increase(increase, "The quota could not be read:", snapshot.quota)
        case NotOffered():
            no_quota = f"{snapshot.region} has no quota of this name"
            return increase.with_result(
                f"{no_quota}: no increase can help, another Region might.", IncreaseResult(IncreaseOutcome.REFUSED)
            )
        case Quota() as quota:
            return _plan_known_quota(increase, quota, snapshot, now, submission)


def _unreadable_increase(increase: Increase, what: str, unread: Unknown) -> Increase:
    problem = Problem(unread.code, unread.reason, unread.hint, increase.region)
    return increase.with_result(f"{what} {unread.reason}", IncreaseResult(IncreaseOutcome.UNKNOWN, problem=problem))


def _plan_known_quota(
    increase: Increase, quota: Quota, snapshot: QuotaSnapshot, now: datetime, submission: Submission | None
) -> Increase:
    if quota.effective_value is None:
        return increase.with_result(
            "AWS has no applied value, and the default could not be read.", IncreaseResult(IncreaseOutcome.UNKNOWN)
        )
    value = quota.effective_value
    settled = _settled_increase(increase, quota, value, snapshot.requests, now, submission)
    # Each channel says whether what is there already, or may be under way, spares it.
    match increase.channel:
        case Channel.CONSOLE:
            planned = settled or replace(increase, reason=_wanted_phrase(increase, value), step=ConsolePlan())
        case Channel.SUPPORT:
            planned = settled or _plan_support_case(increase, value, snapshot.support, now, submission)
        case Channel.SERVICE_QUOTAS | Channel.AUTO:
            planned = settled or _plan_service_quotas(increase, quota, value)
    if planned is settled:
        return planned
    return replace(planned, reason=f"{planned.reason}{_refused_before(snapshot.requests)}")


def _settled_increase(
    increase: Increase,
    quota: Quota,
    value: float,
    requests: tuple[IncreaseRequest, ...] | Unknown,
    now: datetime,
    submission: Submission | None,
) -> Increase | None:
    """The increase ended by the ``value`` that is there, or by what was requested of Service Quotas before, or could
    not be read of it; None: a request is wanted.
    """
    # Before the requests: where the value is there already, no request is of interest.
    if value >= increase.target.value:
        which = "default" if quota.applied is None else "applied value"
        return increase.with_result(
            f"The {which} is already {format_quota_value(value)}.", IncreaseResult(IncreaseOutcome.ALREADY_ENOUGH)
        )
    # An open request that cannot be seen may exist; Service Quotas would refuse a second, Support would accept it.
    if isinstance(requests, Unknown):
        return _unreadable_increase(
            increase, "Earlier requests could not be read, so asking might ask twice:", requests
        )
    return _earlier_request(increase, requests, now, submission)


def _refused_before(requests: tuple[IncreaseRequest, ...] | Unknown) -> str:
    """What AWS decided about the newest request, if it was refused."""
    if isinstance(requests, Unknown):
        return ""
    # Only the newest: the same request may be refused again, and an older refusal is outlived by it. AWS's automatic
    # management is nobody who asked.
    made = [request for request in requests if not request.is_automatic]
    newest = max(made, key=lambda request: request.created, default=None)
    if newest is None or newest.status.is_open:
        return ""
    request = f"the last request, to {format_quota_value(newest.desired_value)}, of {newest.created:%Y-%m-%d}"
    if newest.status.is_refused:
        return f" AWS denied {request} ({newest.status})."
    if newest.status.says_nothing:
        return f" AWS closed {request} without saying why ({newest.status})."
    return ""


def _earlier_request(
    increase: Increase, requests: tuple[IncreaseRequest, ...], now: datetime, submission: Submission | None
) -> Increase | None:
    """The increase ended by an earlier request; None if there is none that covers it."""
    newest = sorted(requests, key=lambda request: request.created, reverse=True)
    for request in newest:
        # Any open request, whatever its value: AWS allows one a quota.
        if request.status.is_open:
            return _open_request_result(increase, request, now, submission)
    for request in newest:
        is_fresh = now - request.created < _APPROVAL_GRACE
        if request.status is RequestStatus.APPROVED and is_fresh and request.desired_value >= increase.target.value:
            reason = (
                f"A request to {format_quota_value(request.desired_value)} is "
                "approved; the applied value is unchanged so far."
            )
            return _already_open_result(increase, request, reason)
    return _earlier_submission(increase, newest, now, submission) if submission else None


def _earlier_submission(
    increase: Increase, requests: list[IncreaseRequest], now: datetime, submission: Submission
) -> Increase | None:
    """The increase ended by opskit's own submission that is not among the open requests; None if it is settled."""
    if submission.id is not None:
        if now - submission.sent_at >= LISTING_LAG or any(request.id == submission.id for request in requests):
            return None
        reason = (
            f"{format_quota_value(submission.desired_value)} was asked for at "
            f"{submission.sent_at:%H:%M} UTC; AWS's lists do not show it yet."
        )
        request, case = submission.request_and_case
        result = IncreaseResult(IncreaseOutcome.ALREADY_OPEN, request, case, submission.desired_value)
        return increase.with_result(reason, result)
    arrived = find_created_request(submission, requests)
    if submission.desired_value != increase.target.value or arrived is None:
        return None
    return increase.with_result(
        f"The request sent at {submission.sent_at:%H:%M} UTC had arrived, and AWS closed it: {arrived.status}.",
        IncreaseResult(IncreaseOutcome.REFUSED, request_id=arrived.id, case_id=arrived.case_id),
    )


def _open_request_result(
    increase: Increase, request: IncreaseRequest, now: datetime, submission: Submission | None
) -> Increase:
    submission_type = increase.channel.submission_type
    is_stale = submission_type.may_get_case and now - request.created >= _STALE_AFTER
    if request.status.can_get_case and (is_stale or submission_type.is_case):
        if submission and _asked_for_case(submission, request) and now - submission.sent_at < LISTING_LAG:
            reason = f"A support case for it was asked for at {submission.sent_at:%H:%M} UTC."
            return _already_open_result(increase, request, reason)
        value = format_quota_value(request.desired_value)
        reason = f"The request to {value} is still PENDING: opening a support case to move it forward."
        return replace(increase, reason=reason, step=CaseForRequestPlan(request.id, request.desired_value))
    whose = "A request of AWS's automatic management" if request.is_automatic else "A request"
    reason = f"{whose} to {format_quota_value(request.desired_value)} is already open ({request.status})."
    if request.desired_value < increase.target.value:
        target = format_quota_value(increase.target.value)
        reason += f" AWS allows one open request per quota: request {target} when it is closed."
    return _already_open_result(increase, request, reason)


def _asked_for_case(submission: Submission, request: IncreaseRequest) -> bool:
    """Whether opskit's submission was to open a support case for this request."""
    match submission.channel.submission_type:
        case SubmissionType.CASE:
            return submission.sent_at > request.created
        # What Service Quotas is sent is a request, but where one was stuck already.
        case SubmissionType.REQUEST:
            return submission.sent_at - request.created >= _STALE_AFTER
        case SubmissionType.NOTHING:
            return False


def _already_open_result(increase: Increase, request: IncreaseRequest, reason: str) -> Increase:
    result = IncreaseResult(IncreaseOutcome.ALREADY_OPEN, request.id, request.case_id, request.desired_value)
    return increase.with_result(reason, result)


def _wanted_phrase(increase: Increase, value: float) -> str:
    return f"{format_quota_value(value)} now, {format_quota_value(increase.target.value)} wanted."


def _plan_service_quotas(increase: Increase, quota: Quota, value: float) -> Increase:
    """The plan, or why Service Quotas cannot take the request."""
    if not quota.adjustable:
        reason = f"{QUOTA_NOT_ADJUSTABLE}."
    elif quota.default is not None and increase.target.value <= quota.default:
        reason = (
            f"{ABOVE_DEFAULT}, "
            f"{format_quota_value(quota.default)}; the applied value "
            f"{format_quota_value(value)} was lowered, and only AWS Support can restore it."
        )
    else:
        return replace(increase, reason=_wanted_phrase(increase, value), step=RequestPlan())
    return increase.with_result(reason, IncreaseResult(IncreaseOutcome.REFUSED, only_support=True))


def fall_back_to_support(refused: Increase, by_case: Increase) -> Increase:
    """What to do about an increase that Service Quotas cannot take, given the plan for AWS Support."""
    reason = f"{refused.reason} {by_case.reason}"
    if by_case.outcome.leads_nowhere and not by_case.result.may_appear:
        return replace(refused, reason=reason)
    return replace(by_case, reason=reason)


def _plan_support_case(
    increase: Increase,
    value: float,
    support: SupportInfo | Unknown | None,
    now: datetime,
    submission: Submission | None,
) -> Increase:
    """A separate support case, unless one exists or Support accepts none."""
    match support:
        case None:
            return increase.with_result("AWS Support was not looked at.", IncreaseResult(IncreaseOutcome.UNKNOWN))
        case Unknown(code="no-support-plan"):
            return increase.with_result(support.reason, IncreaseResult(IncreaseOutcome.REFUSED))
        case Unknown():
            return _unreadable_increase(increase, "AWS Support could not be read, so asking might ask twice:", support)
        case SupportInfo():
            pass
    case = find_duplicate_case(
        increase.quota_name, increase.target.instance_type, increase.target.workload, increase.region, support.cases
    )
    if case:
        reason = f"Support case {case.display_id} is already open for it: {case.subject}"
        result = IncreaseResult(IncreaseOutcome.ALREADY_OPEN, case_id=case.display_id, open_value=CASE_TELLS_NO_VALUE)
        return increase.with_result(reason, result)
    # Support's list lags, and it takes duplicates: for an hour a case that was sent counts as there.
    if submission and submission.channel.submission_type.is_case and now - submission.sent_at < LISTING_LAG:
        return _pending_case_result(increase, submission)
    if support.category is None:
        return increase.with_result(
            "AWS Support does not accept SageMaker quota cases from this account.",
            IncreaseResult(IncreaseOutcome.REFUSED),
        )
    return replace(increase, reason=_wanted_phrase(increase, value), step=CasePlan(support.category))


def _pending_case_result(increase: Increase, submission: Submission) -> Increase:
    """The increase ended by opskit's own case that AWS Support does not list yet."""
    sent = f"A support case was sent at {submission.sent_at:%H:%M} UTC"
    if submission.id is None:
        return increase.with_result(
            f"{sent} and may still appear: check again in an hour.",
            IncreaseResult(IncreaseOutcome.UNKNOWN, may_appear=True),
        )
    return increase.with_result(
        f"{sent}; AWS does not show it yet.",
        IncreaseResult(IncreaseOutcome.ALREADY_OPEN, case_id=submission.id, open_value=submission.desired_value),
    )


def find_created_request(submission: Submission, requests: Iterable[IncreaseRequest]) -> IncreaseRequest | None:
    """The request that a submission with unknown outcome has created; None if there is none."""
    return next(
        (
            request
            for request in requests
            # By what was there before, not by time: AWS's clock and this machine's may differ by more than the sending
            # took. AWS's automatic management made what is automatic.
            if not request.is_automatic
            and request.desired_value == submission.desired_value
            and request.id not in submission.known_ids
        ),
        None,
    )
