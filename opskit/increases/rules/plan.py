"""What to ask AWS for, and whether asking can work: a plan as a value, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from opskit.core.exceptions import CREDENTIAL_CODES, Problem
from opskit.core.model import IncreaseRequest, NotOffered, Quota, RequestStatus, Requirement, Unknown, Workload
from opskit.increases.rules.channel import Channel
from opskit.increases.rules.support_cases import SupportCase, SupportCategory, find_duplicate_case
from opskit.quotas.rules.headroom import format_quota_value

_APPROVAL_GRACE = timedelta(hours=24)
"""For how long an approval whose value is not there yet is waited for rather than asked again."""
_LISTING_LAG = timedelta(hours=1)
"""For how long what AWS took may be missing from its lists; and a support case of unknown fate may still appear:
AWS refuses no second case, so we do.
"""
_STALE_AFTER = timedelta(hours=24)
"""After how long a PENDING request is helped on by a support case: what AWS grants by itself it grants in minutes."""
_IN_FLIGHT = timedelta(seconds=10)
"""For how long a filing of unknown fate may still be on its way. Later than that, AWS's own rule holds: it takes one
open request a quota.
"""

_CALLER_PROBLEM_CODES = CREDENTIAL_CODES | {"denied"}


class IncreaseOutcome(StrEnum):
    """What became of one wish."""

    FILED = "filed"
    ALREADY_OPEN = "already-open"
    ALREADY_ENOUGH = "already-enough"
    QUEUED = "queued"
    PLANNED = "planned"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def is_filed(self) -> bool:
        """Whether AWS has taken it just now."""
        match self:
            case IncreaseOutcome.FILED:
                return True
            case IncreaseOutcome.ALREADY_OPEN | IncreaseOutcome.ALREADY_ENOUGH | IncreaseOutcome.QUEUED:
                return False
            case IncreaseOutcome.PLANNED | IncreaseOutcome.REFUSED | IncreaseOutcome.UNKNOWN:
                return False

    @property
    def is_refused(self) -> bool:
        """Whether it is a no, of AWS or before AWS was asked."""
        match self:
            case IncreaseOutcome.REFUSED:
                return True
            case IncreaseOutcome.FILED | IncreaseOutcome.ALREADY_OPEN | IncreaseOutcome.ALREADY_ENOUGH:
                return False
            case IncreaseOutcome.QUEUED | IncreaseOutcome.PLANNED | IncreaseOutcome.UNKNOWN:
                return False

    @property
    def is_planned(self) -> bool:
        """Whether it is yet to be carried out."""
        match self:
            case IncreaseOutcome.PLANNED:
                return True
            case IncreaseOutcome.FILED | IncreaseOutcome.ALREADY_OPEN | IncreaseOutcome.ALREADY_ENOUGH:
                return False
            case IncreaseOutcome.QUEUED | IncreaseOutcome.REFUSED | IncreaseOutcome.UNKNOWN:
                return False

    @property
    def is_open(self) -> bool:
        """Whether AWS is looking at it."""
        match self:
            case IncreaseOutcome.FILED | IncreaseOutcome.ALREADY_OPEN:
                return True
            case IncreaseOutcome.ALREADY_ENOUGH | IncreaseOutcome.QUEUED | IncreaseOutcome.PLANNED:
                return False
            case IncreaseOutcome.REFUSED | IncreaseOutcome.UNKNOWN:
                return False

    @property
    def leads_nowhere(self) -> bool:
        """Whether nothing was, is or will be asked for, as far as is known."""
        match self:
            case IncreaseOutcome.REFUSED | IncreaseOutcome.UNKNOWN:
                return True
            case IncreaseOutcome.FILED | IncreaseOutcome.ALREADY_OPEN | IncreaseOutcome.ALREADY_ENOUGH:
                return False
            case IncreaseOutcome.QUEUED | IncreaseOutcome.PLANNED:
                return False


@dataclass(frozen=True)
class IncreaseTarget:
    """An applied value somebody wants: ``value`` is absolute. ``instance_type`` None is an account-wide total."""

    instance_type: str | None
    workload: Workload
    value: float

    def requirement(self) -> Requirement:
        """The demand this would meet, which names the quota."""
        return Requirement(self.instance_type, self.workload, count=max(1, int(self.value)))


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


@dataclass(frozen=True)
class Increase:
    """One wish in one Region: the plan while ``outcome`` is planned, the result afterwards.

    ``quota_code``, ``applied`` and ``default`` None: AWS has none, or it could not be read; ``reason`` says which.
    ``request_id`` is the request that is open or was just filed, ``case_id`` its support case; None without one.
    ``open_value`` is what an open request asks for. ``support_category`` is where AWS Support takes a case of its own.
    ``problem`` is what AWS or the network said no with. ``only_support``: Service Quotas cannot take it, AWS
    Support may. ``is_under_way``: it was sent, and may yet appear.
    """

    region: str
    target: IncreaseTarget
    quota_name: str
    quota_code: str | None
    applied: float | None
    default: float | None
    channel: Channel
    outcome: IncreaseOutcome
    reason: str
    request_id: str | None = None
    case_id: str | None = None
    open_value: float | None = None
    support_category: SupportCategory | None = None
    problem: Problem | None = None
    only_support: bool = False
    is_under_way: bool = False

    def with_result(
        self,
        outcome: IncreaseOutcome,
        reason: str,
        *,
        request_id: str | None = None,
        case_id: str | None = None,
        problem: Problem | None = None,
    ) -> Increase:
        """This ask with what became of it."""
        return replace(
            self,
            outcome=outcome,
            reason=reason,
            request_id=request_id or self.request_id,
            case_id=case_id or self.case_id,
            problem=problem,
        )

    @property
    def will_send(self) -> bool:
        """Whether carrying it out would send anything."""
        return self.outcome.is_planned and self.channel.sends

    @property
    def outcome_unknown(self) -> bool:
        """Whether it was sent, and nobody knows yet what became of it."""
        lost = self.problem is not None and self.problem.code == "outcome-unknown"
        return self.outcome is IncreaseOutcome.UNKNOWN and (lost or self.is_under_way)

    @property
    def refused_for_caller(self) -> bool:
        """Whether a refusal is about who asks, not about what is asked for."""
        return self.problem is not None and self.problem.code in _CALLER_PROBLEM_CODES

    @property
    def covered_value(self) -> float:
        """Up to which value an ask that is open already makes others needless."""
        if self.open_value is None and self.case_id is None:
            return 0.0
        return self.target.value if self.open_value is None else self.open_value


def plan_increase(
    target: IncreaseTarget,
    snapshot: QuotaSnapshot,
    channel: Channel,
    now: datetime,
    submission: Submission | None = None,
) -> Increase:
    """Decide what to do about a wish: ``planned`` when asking can work, else what stands in the way."""
    seen = snapshot.quota if isinstance(snapshot.quota, Quota) else None
    increase = Increase(
        region=snapshot.region,
        target=target,
        quota_name=snapshot.name,
        quota_code=seen.code if seen else None,
        applied=seen.applied if seen else None,
        default=seen.default if seen else None,
        channel=channel.first_tried,
        outcome=IncreaseOutcome.PLANNED,
        reason="",
    )
    match snapshot.quota:
        case Unknown():
            return _unreadable_increase(increase, "The quota could not be read:", snapshot.quota)
        case NotOffered():
            where = f"{snapshot.region} has no quota of this name"
            return increase.with_result(
                IncreaseOutcome.REFUSED, f"{where}: no increase can help, another Region might."
            )
        case Quota() as quota:
            return _plan_known_quota(increase, quota, snapshot, now, submission)


def _unreadable_increase(increase: Increase, what: str, unread: Unknown) -> Increase:
    problem = Problem(unread.code, unread.reason, unread.hint, increase.region)
    return increase.with_result(IncreaseOutcome.UNKNOWN, f"{what} {unread.reason}", problem=problem)


def _plan_known_quota(
    increase: Increase, quota: Quota, snapshot: QuotaSnapshot, now: datetime, submission: Submission | None
) -> Increase:
    if quota.effective_value is None:
        return increase.with_result(
            IncreaseOutcome.UNKNOWN, "AWS has no applied value, and the default could not be read."
        )
    if quota.effective_value >= increase.target.value:
        which = "default" if quota.applied is None else "applied value"
        return increase.with_result(
            IncreaseOutcome.ALREADY_ENOUGH, f"The {which} is already {format_quota_value(quota.effective_value)}."
        )
    if isinstance(snapshot.requests, Unknown):
        return _unreadable_increase(
            increase, "Earlier requests could not be read, so asking might ask twice:", snapshot.requests
        )
    asked = _earlier_request(increase, snapshot.requests, now, submission)
    if asked:
        return asked
    match increase.channel:
        case Channel.CONSOLE:
            return replace(increase, reason=_wanted_phrase(increase, quota.effective_value))
        case Channel.SUPPORT:
            return _plan_support_case(increase, quota.effective_value, snapshot.support, now, submission)
        case Channel.SERVICE_QUOTAS | Channel.AUTO:
            return _plan_service_quotas(increase, quota, quota.effective_value)


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
        if now - submission.sent_at >= _LISTING_LAG or any(request.id == submission.id for request in requests):
            return None
        reason = (
            f"{format_quota_value(submission.desired_value)} was asked for at "
            f"{submission.sent_at:%H:%M} UTC; AWS's lists do not show it yet."
        )
        request, case = (None, submission.id) if submission.channel.opens_case else (submission.id, None)
        ended = increase.with_result(IncreaseOutcome.ALREADY_OPEN, reason, request_id=request, case_id=case)
        return replace(ended, open_value=submission.desired_value)
    arrived = find_created_request(submission, requests)
    if submission.desired_value != increase.target.value or arrived is None:
        return None
    return increase.with_result(
        IncreaseOutcome.REFUSED,
        f"The request sent at {submission.sent_at:%H:%M} UTC had arrived, and AWS closed it: {arrived.status}.",
        request_id=arrived.id,
        case_id=arrived.case_id,
    )


def _open_request_result(
    increase: Increase, request: IncreaseRequest, now: datetime, submission: Submission | None
) -> Increase:
    hangs = increase.channel.sends and now - request.created >= _STALE_AFTER
    if request.status.can_get_case and (hangs or increase.channel.opens_case):
        if submission and submission.sent_at > request.created and now - submission.sent_at < _LISTING_LAG:
            reason = f"A support case for it was asked for at {submission.sent_at:%H:%M} UTC."
            return _already_open_result(increase, request, reason)
        reason = (
            f"The request to {format_quota_value(request.desired_value)} is still PENDING: a support case moves it on."
        )
        return replace(increase, reason=reason, request_id=request.id)
    reason = f"A request to {format_quota_value(request.desired_value)} is already open ({request.status})."
    if request.desired_value < increase.target.value:
        reason += (
            f" AWS takes one a quota at a time: ask for {format_quota_value(increase.target.value)} when it is closed."
        )
    return _already_open_result(increase, request, reason)


def _already_open_result(increase: Increase, request: IncreaseRequest, reason: str) -> Increase:
    ended = increase.with_result(IncreaseOutcome.ALREADY_OPEN, reason, request_id=request.id, case_id=request.case_id)
    return replace(ended, open_value=request.desired_value)


def _wanted_phrase(increase: Increase, value: float) -> str:
    return f"{format_quota_value(value)} now, {format_quota_value(increase.target.value)} wanted."


def _plan_service_quotas(increase: Increase, quota: Quota, value: float) -> Increase:
    """The plan itself, or why Service Quotas cannot take it."""
    if not quota.adjustable:
        reason = "AWS says that this quota is not adjustable."
    elif quota.default is not None and increase.target.value <= quota.default:
        reason = (
            "Service Quotas takes only values above the default, "
            f"{format_quota_value(quota.default)}; the applied value "
            f"{format_quota_value(value)} was lowered, and only AWS Support can restore it."
        )
    else:
        return replace(increase, reason=_wanted_phrase(increase, value))
    return replace(increase.with_result(IncreaseOutcome.REFUSED, reason), only_support=True)


def fall_back_to_support(refused: Increase, by_case: Increase) -> Increase:
    """What to do about a wish that Service Quotas cannot take, given what AWS Support can do about it."""
    reason = f"{refused.reason} {by_case.reason}"
    if by_case.outcome.leads_nowhere and not by_case.is_under_way:
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
            return increase.with_result(IncreaseOutcome.UNKNOWN, "AWS Support was not looked at.")
        case Unknown(code="no-support-plan"):
            return increase.with_result(IncreaseOutcome.REFUSED, support.reason)
        case Unknown():
            return _unreadable_increase(increase, "AWS Support could not be read, so asking might ask twice:", support)
        case SupportInfo():
            pass
    case = find_duplicate_case(
        increase.quota_name, increase.target.instance_type, increase.target.workload, increase.region, support.cases
    )
    if case:
        reason = f"Support case {case.display_id} is already open for it: {case.subject}"
        return increase.with_result(IncreaseOutcome.ALREADY_OPEN, reason, case_id=case.display_id)
    if submission and submission.channel.opens_case and now - submission.sent_at < _LISTING_LAG:
        return _pending_case_result(increase, submission)
    if support.category is None:
        return increase.with_result(
            IncreaseOutcome.REFUSED, "AWS Support offers this account no case for SageMaker quotas."
        )
    return replace(increase, reason=_wanted_phrase(increase, value), support_category=support.category)


def _pending_case_result(increase: Increase, submission: Submission) -> Increase:
    """The ask ended by a case of ours that AWS Support does not show yet."""
    at = f"A support case was sent at {submission.sent_at:%H:%M} UTC"
    if submission.id is None:
        waits = increase.with_result(IncreaseOutcome.UNKNOWN, f"{at} and may still appear: look again in an hour.")
        return replace(waits, is_under_way=True)
    return increase.with_result(IncreaseOutcome.ALREADY_OPEN, f"{at}; AWS does not show it yet.", case_id=submission.id)


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
