"""What to ask AWS for, and whether asking can work: a plan as a value, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from opskit.model import Demand, NotOffered, Quota, Request, RequestStatus, Unread, Usage

_FRESH = timedelta(hours=24)
"""For how long an approval whose value is not there yet is waited for rather than asked again."""
_CLOCKS_APART = timedelta(minutes=5)
"""How far this machine's clock and AWS's may differ when an attempt is matched with a request."""


class Via(StrEnum):
    """The way to ask. ``auto`` is Service Quotas, and its queue where AWS takes no more requests at once."""

    AUTO = "auto"
    SERVICE_QUOTAS = "service-quotas"
    SUPPORT = "support"
    CONSOLE = "console"


class Outcome(StrEnum):
    """What became of one wish."""

    FILED = "filed"
    ALREADY_OPEN = "already-open"
    ALREADY_ENOUGH = "already-enough"
    QUEUED = "queued"
    PLANNED = "planned"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Wish:
    """An applied value somebody wants: ``to`` is absolute. ``instance_type`` None is an account-wide total."""

    instance_type: str | None
    usage: Usage
    to: float

    def demand(self) -> Demand:
        """The demand this would meet, which names the quota."""
        return Demand(self.instance_type, self.usage, need=max(1, int(self.to)))


@dataclass(frozen=True)
class Sight:
    """What was seen of the quota that a wish is about, and of all requests ever made for it."""

    region: str
    name: str
    quota: Quota | NotOffered | Unread
    requests: tuple[Request, ...] | Unread


@dataclass(frozen=True)
class Attempt:
    """A filing of ours whose outcome nobody knows: sent at ``at``, never answered."""

    at: datetime
    desired: float


@dataclass(frozen=True)
class Ask:
    """One wish in one Region: the plan while ``outcome`` is planned, the result afterwards.

    ``quota_code``, ``applied`` and ``default`` None: AWS has none, or it could not be read; ``because`` says which.
    ``request`` is the request that is open or was just filed; ``case_id`` its support case, None without one.
    """

    region: str
    wish: Wish
    quota_name: str
    quota_code: str | None
    applied: float | None
    default: float | None
    via: Via
    outcome: Outcome
    because: str
    request: Request | None = None
    request_id: str | None = None
    case_id: str | None = None

    def ended(
        self, outcome: Outcome, because: str, *, request_id: str | None = None, case_id: str | None = None
    ) -> Ask:
        """This ask with what became of it."""
        return replace(
            self,
            outcome=outcome,
            because=because,
            request_id=request_id or self.request_id,
            case_id=case_id or self.case_id,
        )


def plan(wish: Wish, sight: Sight, via: Via, now: datetime, attempt: Attempt | None = None) -> Ask:
    """Decide what to do about a wish: ``planned`` when asking can work, else what stands in the way."""
    way = Via.SERVICE_QUOTAS if via is Via.AUTO else via
    seen = sight.quota if isinstance(sight.quota, Quota) else None
    ask = Ask(
        region=sight.region,
        wish=wish,
        quota_name=sight.name,
        quota_code=seen.code if seen else None,
        applied=seen.applied if seen else None,
        default=seen.default if seen else None,
        via=way,
        outcome=Outcome.PLANNED,
        because="",
    )
    match sight.quota:
        case Unread(because):
            return ask.ended(Outcome.UNKNOWN, f"The quota could not be read: {because}")
        case NotOffered():
            return ask.ended(
                Outcome.REFUSED,
                f"{sight.region} has no quota of this name: no increase can help, another Region might.",
            )
        case Quota() as quota:
            return _of_known(ask, quota, sight.requests, now, attempt)


def _of_known(
    ask: Ask, quota: Quota, requests: tuple[Request, ...] | Unread, now: datetime, attempt: Attempt | None
) -> Ask:
    if quota.value is None:
        return ask.ended(Outcome.UNKNOWN, "AWS has no applied value, and the default could not be read.")
    if quota.value >= ask.wish.to:
        which = "default" if quota.applied is None else "applied value"
        return ask.ended(Outcome.ALREADY_ENOUGH, f"The {which} is already {number(quota.value)}.")
    if isinstance(requests, Unread):
        return ask.ended(
            Outcome.UNKNOWN, f"Earlier requests could not be read, so asking might ask twice: {requests.because}"
        )
    asked = _asked_already(ask, requests, now, attempt)
    return asked or _askable(ask, quota, quota.value)


def _asked_already(ask: Ask, requests: tuple[Request, ...], now: datetime, attempt: Attempt | None) -> Ask | None:
    """The ask ended by an earlier request, None when none stands in its way."""
    newest = sorted(requests, key=lambda request: request.created, reverse=True)
    for request in newest:
        if request.status.is_open:
            return _open(ask, request)
    for request in newest:
        fresh = now - request.created < _FRESH
        if request.status is RequestStatus.APPROVED and fresh and request.desired >= ask.wish.to:
            return ask.ended(
                Outcome.ALREADY_OPEN,
                f"A request to {number(request.desired)} is approved; the applied value has not moved yet.",
                request_id=request.id,
                case_id=request.case_id,
            )
    if attempt and (arrived := trace(attempt, newest)):
        return ask.ended(
            Outcome.REFUSED,
            f"The request sent at {attempt.at:%H:%M} UTC had arrived, and AWS closed it: {arrived.status}.",
            request_id=arrived.id,
            case_id=arrived.case_id,
        )
    return None


def _open(ask: Ask, request: Request) -> Ask:
    if ask.via is Via.SUPPORT and request.status is RequestStatus.PENDING:
        because = f"The request to {number(request.desired)} is still PENDING: a support case moves it on."
        return replace(ask, because=because, request=request, request_id=request.id)
    because = f"A request to {number(request.desired)} is already open ({request.status})."
    if request.desired < ask.wish.to:
        because += f" AWS takes one a quota at a time: ask for {number(ask.wish.to)} when it is closed."
    return ask.ended(Outcome.ALREADY_OPEN, because, request_id=request.id, case_id=request.case_id)


def _askable(ask: Ask, quota: Quota, value: float) -> Ask:
    """The plan itself, or why Service Quotas cannot take it."""
    if ask.via is Via.SERVICE_QUOTAS and not quota.adjustable:
        return ask.ended(Outcome.REFUSED, "AWS says that this quota is not adjustable.")
    if ask.via is Via.SERVICE_QUOTAS and quota.default is not None and ask.wish.to <= quota.default:
        return ask.ended(
            Outcome.REFUSED,
            f"Service Quotas takes only values above the default, {number(quota.default)}; the applied value "
            f"{number(value)} was lowered, and only AWS Support can restore it.",
        )
    return replace(ask, because=f"{number(value)} now, {number(ask.wish.to)} wanted.")


def trace(attempt: Attempt, requests: Iterable[Request]) -> Request | None:
    """The request that an attempt of unknown outcome turns out to have made, None when there is none."""
    since = attempt.at - _CLOCKS_APART
    return next((one for one in requests if one.desired == attempt.desired and one.created >= since), None)


def number(value: float) -> str:
    """A quota's value as people write it."""
    return str(int(value)) if float(value).is_integer() else str(value)
