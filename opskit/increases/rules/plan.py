"""What to ask AWS for, and whether asking can work: a plan as a value, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from opskit.core.exceptions import Problem
from opskit.core.message_phrases import ABOVE_DEFAULT, QUOTA_NOT_ADJUSTABLE
from opskit.core.model import NotOffered, Quota, Unknown
from opskit.increases.rules.channel import Channel
from opskit.increases.rules.increase import (
    CaseForRequestPlan,
    CasePlan,
    ConsolePlan,
    Increase,
    IncreaseOutcome,
    IncreaseResult,
    IncreaseTarget,
    RequestPlan,
)
from opskit.increases.rules.support_cases import SupportCase, SupportCategory, find_duplicate_case
from opskit.quotas.rules.headroom import format_quota_value
from opskit.quotas.rules.model import IncreaseRequest, RequestStatus

# For how long an approval whose value is not there yet is waited for rather than asked again.
_APPROVAL_GRACE = timedelta(hours=24)
LISTING_LAG = timedelta(hours=1)
"""For how long what AWS took may be missing from its lists; and a support case of unknown fate may still appear:
AWS refuses no second case, so we do.
"""
# After how long a PENDING request is helped on by a support case: what AWS grants by itself it grants in minutes.
_STALE_AFTER = timedelta(hours=24)
# For how long a filing of unknown fate may still be on its way. Later than that, AWS's own rule holds: it takes one
# open request a quota.
_IN_FLIGHT = timedelta(seconds=10)


@dataclass(frozen=True)
class SupportInfo:
    """What AWS Support offers the account: ``category`` None when it takes no quota increases; and its open cases."""

    category: SupportCategory | None
    cases: tuple[SupportCase, ...]


@dataclass(frozen=True)
class QuotaSnapshot:
    """What was seen of the quota that a wish is about, and of all requests ever made for it.

    ``support`` None: it was not looked at, because the wish does not go that way.
    """

    region: str
    name: str
    quota: Quota | NotOffered | Unknown
    requests: tuple[IncreaseRequest, ...] | Unknown = ()
    support: SupportInfo | Unknown | None = None

    @property
    def request_ids(self) -> frozenset[str]:
        """The requests that are there already, to tell a new one from."""
        return frozenset() if isinstance(self.requests, Unknown) else frozenset(request.id for request in self.requests)


@dataclass(frozen=True)
class Submission:
    """A filing of ours that AWS's lists may not show yet, sent at ``sent_at``; ``known_ids`` were there before.
    ``id`` is what AWS called it, None where its answer was lost.
    """

    sent_at: datetime
    desired_value: float
    known_ids: frozenset[str] = frozenset()
    channel: Channel = Channel.SERVICE_QUOTAS
    id: str | None = None

    def seconds_until_visible(self, now: datetime) -> float:
        """Seconds until a look tells whether it arrived; 0 where it does already."""
        if self.id is not None or self.channel.opens_case:
            return 0.0
        left = (_IN_FLIGHT - (now - self.sent_at)).total_seconds()
        return min(max(0.0, left), _IN_FLIGHT.total_seconds())  # clocks are set back at times


def plan_increase(
    target: IncreaseTarget,
    snapshot: QuotaSnapshot,
    channel: Channel,
    now: datetime,
    submission: Submission | None = None,
) -> Increase:
    """Decide what to do about a wish: ``planned`` when asking can work, else what stands in the way."""
    increase = Increase(
        region=snapshot.region,
        target=target,
        quota_name=snapshot.name,
        quota=snapshot.quota if isinstance(snapshot.quota, Quota) else None,
        channel=channel.first_tried,
        reason="",
        step=ConsolePlan(),  # until it is decided below; it sends nothing
    )
    match snapshot.quota:
        case Unknown():
            return _unreadable_increase(increase, "The quota could not be read:", snapshot.quota)
        case NotOffered():
            where = f"{snapshot.region} has no quota of this name"
            return increase.with_result(
                f"{where}: no increase can help, another Region might.", IncreaseResult(IncreaseOutcome.REFUSED)
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
    if quota.effective_value >= increase.target.value:
        which = "default" if quota.applied is None else "applied value"
        return increase.with_result(
            f"The {which} is already {format_quota_value(quota.effective_value)}.",
            IncreaseResult(IncreaseOutcome.ALREADY_ENOUGH),
        )
    if isinstance(snapshot.requests, Unknown):
        return _unreadable_increase(
            increase, "Earlier requests could not be read, so asking might ask twice:", snapshot.requests
        )
    asked = _earlier_request(increase, snapshot.requests, now, submission)
    if asked:
        return asked
    planned = _plan_by_channel(increase, quota, quota.effective_value, snapshot, now, submission)
    return replace(planned, reason=f"{planned.reason}{_refused_before(snapshot.requests)}")


def _plan_by_channel(
    increase: Increase,
    quota: Quota,
    value: float,
    snapshot: QuotaSnapshot,
    now: datetime,
    submission: Submission | None,
) -> Increase:
    match increase.channel:
        case Channel.CONSOLE:
            return replace(increase, reason=_wanted_phrase(increase, value), step=ConsolePlan())
        case Channel.SUPPORT:
            return _plan_support_case(increase, value, snapshot.support, now, submission)
        case Channel.SERVICE_QUOTAS | Channel.AUTO:
            return _plan_service_quotas(increase, quota, value)


def _refused_before(requests: tuple[IncreaseRequest, ...]) -> str:
    """What AWS decided about the newest request, if it was refused: the same request may be refused again."""
    newest = max(requests, key=lambda request: request.created, default=None)
    if newest is None or not newest.status.is_refused:
        return ""
    value = format_quota_value(newest.desired_value)
    return f" AWS denied the last request, to {value}, of {newest.created:%Y-%m-%d} ({newest.status})."


def _earlier_request(
    increase: Increase, requests: tuple[IncreaseRequest, ...], now: datetime, submission: Submission | None
) -> Increase | None:
    """The ask ended by an earlier request, None when none stands in its way."""
    newest = sorted(requests, key=lambda request: request.created, reverse=True)
    for request in newest:
        if request.status.is_open:
            return _open_request_result(increase, request, now, submission)
    for request in newest:
        fresh = now - request.created < _APPROVAL_GRACE
        if request.status is RequestStatus.APPROVED and fresh and request.desired_value >= increase.target.value:
            reason = (
                f"A request to {format_quota_value(request.desired_value)} is "
                "approved; the applied value has not moved yet."
            )
            return _already_open_result(increase, request, reason)
    return _earlier_submission(increase, newest, now, submission) if submission else None


def _earlier_submission(
    increase: Increase, requests: list[IncreaseRequest], now: datetime, submission: Submission
) -> Increase | None:
    """The ask ended by a filing of ours that is not among the open requests, None when it is out of the way."""
    if submission.id is not None:
        if now - submission.sent_at >= LISTING_LAG or any(request.id == submission.id for request in requests):
            return None
        reason = (
            f"{format_quota_value(submission.desired_value)} was asked for at "
            f"{submission.sent_at:%H:%M} UTC; AWS's lists do not show it yet."
        )
        request, case = (None, submission.id) if submission.channel.opens_case else (submission.id, None)
        found = IncreaseResult(IncreaseOutcome.ALREADY_OPEN, request, case, submission.desired_value)
        return increase.with_result(reason, found)
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
    hangs = increase.channel.sends and now - request.created >= _STALE_AFTER
    if request.status.can_get_case and (hangs or increase.channel.opens_case):
        if submission and submission.sent_at > request.created and now - submission.sent_at < LISTING_LAG:
            reason = f"A support case for it was asked for at {submission.sent_at:%H:%M} UTC."
            return _already_open_result(increase, request, reason)
        reason = (
            f"The request to {format_quota_value(request.desired_value)} is still PENDING: a support case moves it on."
        )
        return replace(increase, reason=reason, step=CaseForRequestPlan(request.id))
    reason = f"A request to {format_quota_value(request.desired_value)} is already open ({request.status})."
    if request.desired_value < increase.target.value:
        reason += (
            f" AWS takes one a quota at a time: ask for {format_quota_value(increase.target.value)} when it is closed."
        )
    return _already_open_result(increase, request, reason)


def _already_open_result(increase: Increase, request: IncreaseRequest, reason: str) -> Increase:
    found = IncreaseResult(IncreaseOutcome.ALREADY_OPEN, request.id, request.case_id, request.desired_value)
    return increase.with_result(reason, found)


def _wanted_phrase(increase: Increase, value: float) -> str:
    return f"{format_quota_value(value)} now, {format_quota_value(increase.target.value)} wanted."


def _plan_service_quotas(increase: Increase, quota: Quota, value: float) -> Increase:
    """The plan itself, or why Service Quotas cannot take it."""
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
    """What to do about a wish that Service Quotas cannot take, given what AWS Support can do about it."""
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
    """A case of AWS Support's own, unless one is there or Support takes none."""
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
        return increase.with_result(reason, IncreaseResult(IncreaseOutcome.ALREADY_OPEN, case_id=case.display_id))
    if submission and submission.channel.opens_case and now - submission.sent_at < LISTING_LAG:
        return _pending_case_result(increase, submission)
    if support.category is None:
        return increase.with_result(
            "AWS Support offers this account no case for SageMaker quotas.", IncreaseResult(IncreaseOutcome.REFUSED)
        )
    return replace(increase, reason=_wanted_phrase(increase, value), step=CasePlan(support.category))


def _pending_case_result(increase: Increase, submission: Submission) -> Increase:
    """The ask ended by a case of ours that AWS Support does not show yet."""
    at = f"A support case was sent at {submission.sent_at:%H:%M} UTC"
    if submission.id is None:
        return increase.with_result(
            f"{at} and may still appear: look again in an hour.",
            IncreaseResult(IncreaseOutcome.UNKNOWN, may_appear=True),
        )
    return increase.with_result(
        f"{at}; AWS does not show it yet.", IncreaseResult(IncreaseOutcome.ALREADY_OPEN, case_id=submission.id)
    )


def find_created_request(submission: Submission, requests: Iterable[IncreaseRequest]) -> IncreaseRequest | None:
    """The request that an attempt of unknown outcome turns out to have made, None when there is none."""
    return next(
        (
            request
            for request in requests
            if request.desired_value == submission.desired_value and request.id not in submission.known_ids
        ),
        None,
    )
