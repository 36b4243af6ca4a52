"""What to ask AWS for, and whether asking can work: a plan as a value, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from opskit.decide.headroom import number
from opskit.decide.support import Case, Desk, same_case
from opskit.errors import CREDENTIALS, Problem
from opskit.model import Demand, NotOffered, Quota, Request, RequestStatus, Unread, Usage

_FRESH = timedelta(hours=24)
"""For how long an approval whose value is not there yet is waited for rather than asked again."""
_APPEARS = timedelta(hours=1)
"""For how long what AWS took may be missing from its lists; and a support case of unknown fate may still appear:
AWS refuses no second case, so we do.
"""
_HANGS = timedelta(hours=24)
"""After how long a PENDING request is helped on by a support case: what AWS grants by itself it grants in minutes."""
_SETTLES = timedelta(seconds=10)
"""For how long a filing of unknown fate may still be on its way. Later than that, AWS's own rule holds: it takes one
open request a quota.
"""

_ABOUT_THE_CALLER = CREDENTIALS | {"denied"}


class Via(StrEnum):
    """The way to ask. ``auto`` is Service Quotas, its queue where AWS takes no more requests at once, and AWS Support
    for what Service Quotas cannot take.
    """

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
class SupportView:
    """What AWS Support offers the account: ``desk`` None when it takes no quota increases; and its open cases."""

    desk: Desk | None
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Sight:
    """What was seen of the quota that a wish is about, and of all requests ever made for it.

    ``support`` None: it was not looked at, because the wish does not go that way.
    """

    region: str
    name: str
    quota: Quota | NotOffered | Unread
    requests: tuple[Request, ...] | Unread = ()
    support: SupportView | Unread | None = None

    @property
    def request_ids(self) -> frozenset[str]:
        """The requests that are there already, to tell a new one from."""
        return frozenset() if isinstance(self.requests, Unread) else frozenset(one.id for one in self.requests)


@dataclass(frozen=True)
class Attempt:
    """A filing of ours that AWS's lists may not show yet, sent at ``at``; ``known`` were there before. ``id`` is what
    AWS called it, None where its answer was lost.
    """

    at: datetime
    desired: float
    known: frozenset[str] = frozenset()
    via: Via = Via.SERVICE_QUOTAS
    id: str | None = None

    def settles_in(self, now: datetime) -> float:
        """Seconds until a look tells whether it arrived; 0 where it does already."""
        if self.id is not None or self.via is Via.SUPPORT:
            return 0.0
        left = (_SETTLES - (now - self.at)).total_seconds()
        return min(max(0.0, left), _SETTLES.total_seconds())  # clocks are set back at times


@dataclass(frozen=True)
class Ask:
    """One wish in one Region: the plan while ``outcome`` is planned, the result afterwards.

    ``quota_code``, ``applied`` and ``default`` None: AWS has none, or it could not be read; ``because`` says which.
    ``request_id`` is the request that is open or was just filed, ``case_id`` its support case; None without one.
    ``open_to`` is what an open request asks for. ``desk`` is where AWS Support takes a case of its own.
    ``problem`` is what AWS or the network said no with. ``only_support``: Service Quotas cannot take it, AWS
    Support may. ``is_under_way``: it was sent, and may yet appear.
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
    request_id: str | None = None
    case_id: str | None = None
    open_to: float | None = None
    desk: Desk | None = None
    problem: Problem | None = None
    only_support: bool = False
    is_under_way: bool = False

    def ended(
        self,
        outcome: Outcome,
        because: str,
        *,
        request_id: str | None = None,
        case_id: str | None = None,
        problem: Problem | None = None,
    ) -> Ask:
        """This ask with what became of it."""
        return replace(
            self,
            outcome=outcome,
            because=because,
            request_id=request_id or self.request_id,
            case_id=case_id or self.case_id,
            problem=problem,
        )

    @property
    def acts(self) -> bool:
        """Whether carrying it out would send anything."""
        return self.outcome is Outcome.PLANNED and self.via is not Via.CONSOLE

    @property
    def may_have_arrived(self) -> bool:
        """Whether it was sent, and nobody knows yet what became of it."""
        lost = self.problem is not None and self.problem.code == "outcome-unknown"
        return self.outcome is Outcome.UNKNOWN and (lost or self.is_under_way)

    @property
    def may_pass(self) -> bool:
        """Whether a refusal is about who asks, not about what is asked for."""
        return self.problem is not None and self.problem.code in _ABOUT_THE_CALLER

    @property
    def covers(self) -> float:
        """Up to which value an ask that is open already makes others needless."""
        if self.open_to is None and self.case_id is None:
            return 0.0
        return self.wish.to if self.open_to is None else self.open_to


def plan(wish: Wish, sight: Sight, via: Via, now: datetime, attempt: Attempt | None = None) -> Ask:
    """Decide what to do about a wish: ``planned`` when asking can work, else what stands in the way."""
    seen = sight.quota if isinstance(sight.quota, Quota) else None
    ask = Ask(
        region=sight.region,
        wish=wish,
        quota_name=sight.name,
        quota_code=seen.code if seen else None,
        applied=seen.applied if seen else None,
        default=seen.default if seen else None,
        via=Via.SERVICE_QUOTAS if via is Via.AUTO else via,
        outcome=Outcome.PLANNED,
        because="",
    )
    match sight.quota:
        case Unread():
            return _unread(ask, "The quota could not be read:", sight.quota)
        case NotOffered():
            where = f"{sight.region} has no quota of this name"
            return ask.ended(Outcome.REFUSED, f"{where}: no increase can help, another Region might.")
        case Quota() as quota:
            return _of_known(ask, quota, sight, now, attempt)


def _unread(ask: Ask, what: str, unread: Unread) -> Ask:
    problem = Problem(unread.code, unread.because, unread.hint, ask.region)
    return ask.ended(Outcome.UNKNOWN, f"{what} {unread.because}", problem=problem)


def _of_known(ask: Ask, quota: Quota, sight: Sight, now: datetime, attempt: Attempt | None) -> Ask:
    if quota.value is None:
        return ask.ended(Outcome.UNKNOWN, "AWS has no applied value, and the default could not be read.")
    if quota.value >= ask.wish.to:
        which = "default" if quota.applied is None else "applied value"
        return ask.ended(Outcome.ALREADY_ENOUGH, f"The {which} is already {number(quota.value)}.")
    if isinstance(sight.requests, Unread):
        return _unread(ask, "Earlier requests could not be read, so asking might ask twice:", sight.requests)
    asked = _asked_already(ask, sight.requests, now, attempt)
    if asked:
        return asked
    match ask.via:
        case Via.CONSOLE:
            return replace(ask, because=_wanted(ask, quota.value))
        case Via.SUPPORT:
            return _by_case(ask, quota.value, sight.support, now, attempt)
        case _:
            return _by_service_quotas(ask, quota, quota.value)


def _asked_already(ask: Ask, requests: tuple[Request, ...], now: datetime, attempt: Attempt | None) -> Ask | None:
    """The ask ended by an earlier request, None when none stands in its way."""
    newest = sorted(requests, key=lambda request: request.created, reverse=True)
    for request in newest:
        if request.status.is_open:
            return _open(ask, request, now, attempt)
    for request in newest:
        fresh = now - request.created < _FRESH
        if request.status is RequestStatus.APPROVED and fresh and request.desired >= ask.wish.to:
            because = f"A request to {number(request.desired)} is approved; the applied value has not moved yet."
            return _already_open(ask, request, because)
    return _sent_before(ask, newest, now, attempt) if attempt else None


def _sent_before(ask: Ask, requests: list[Request], now: datetime, attempt: Attempt) -> Ask | None:
    """The ask ended by a filing of ours that is not among the open requests, None when it is out of the way."""
    if attempt.id is not None:
        if now - attempt.at >= _APPEARS or any(request.id == attempt.id for request in requests):
            return None
        because = f"{number(attempt.desired)} was asked for at {attempt.at:%H:%M} UTC; AWS's lists do not show it yet."
        request, case = (None, attempt.id) if attempt.via is Via.SUPPORT else (attempt.id, None)
        ended = ask.ended(Outcome.ALREADY_OPEN, because, request_id=request, case_id=case)
        return replace(ended, open_to=attempt.desired)
    arrived = trace(attempt, requests)
    if attempt.desired != ask.wish.to or arrived is None:
        return None
    return ask.ended(
        Outcome.REFUSED,
        f"The request sent at {attempt.at:%H:%M} UTC had arrived, and AWS closed it: {arrived.status}.",
        request_id=arrived.id,
        case_id=arrived.case_id,
    )


def _open(ask: Ask, request: Request, now: datetime, attempt: Attempt | None) -> Ask:
    hangs = ask.via is not Via.CONSOLE and now - request.created >= _HANGS
    if request.status is RequestStatus.PENDING and (hangs or ask.via is Via.SUPPORT):
        if attempt and attempt.at > request.created and now - attempt.at < _APPEARS:
            because = f"A support case for it was asked for at {attempt.at:%H:%M} UTC."
            return _already_open(ask, request, because)
        because = f"The request to {number(request.desired)} is still PENDING: a support case moves it on."
        return replace(ask, because=because, request_id=request.id)
    because = f"A request to {number(request.desired)} is already open ({request.status})."
    if request.desired < ask.wish.to:
        because += f" AWS takes one a quota at a time: ask for {number(ask.wish.to)} when it is closed."
    return _already_open(ask, request, because)


def _already_open(ask: Ask, request: Request, because: str) -> Ask:
    ended = ask.ended(Outcome.ALREADY_OPEN, because, request_id=request.id, case_id=request.case_id)
    return replace(ended, open_to=request.desired)


def _wanted(ask: Ask, value: float) -> str:
    return f"{number(value)} now, {number(ask.wish.to)} wanted."


def _by_service_quotas(ask: Ask, quota: Quota, value: float) -> Ask:
    """The plan itself, or why Service Quotas cannot take it."""
    if not quota.adjustable:
        because = "AWS says that this quota is not adjustable."
    elif quota.default is not None and ask.wish.to <= quota.default:
        because = (
            f"Service Quotas takes only values above the default, {number(quota.default)}; the applied value "
            f"{number(value)} was lowered, and only AWS Support can restore it."
        )
    else:
        return replace(ask, because=_wanted(ask, value))
    return replace(ask.ended(Outcome.REFUSED, because), only_support=True)


def with_support(refused: Ask, by_case: Ask) -> Ask:
    """What to do about a wish that Service Quotas cannot take, given what AWS Support can do about it."""
    because = f"{refused.because} {by_case.because}"
    if by_case.outcome in (Outcome.REFUSED, Outcome.UNKNOWN) and not by_case.is_under_way:
        return replace(refused, because=because)
    return replace(by_case, because=because)


def _by_case(
    ask: Ask, value: float, support: SupportView | Unread | None, now: datetime, attempt: Attempt | None
) -> Ask:
    """A case of AWS Support's own, unless one is there or Support takes none."""
    match support:
        case None:
            return ask.ended(Outcome.UNKNOWN, "AWS Support was not looked at.")
        case Unread(code="no-support-plan"):
            return ask.ended(Outcome.REFUSED, support.because)
        case Unread():
            return _unread(ask, "AWS Support could not be read, so asking might ask twice:", support)
        case SupportView():
            pass
    case = same_case(ask.quota_name, ask.wish.instance_type, ask.wish.usage, ask.region, support.cases)
    if case:
        because = f"Support case {case.display_id} is already open for it: {case.subject}"
        return ask.ended(Outcome.ALREADY_OPEN, because, case_id=case.display_id)
    if attempt and attempt.via is Via.SUPPORT and now - attempt.at < _APPEARS:
        return _case_sent(ask, attempt)
    if support.desk is None:
        return ask.ended(Outcome.REFUSED, "AWS Support offers this account no case for SageMaker quotas.")
    return replace(ask, because=_wanted(ask, value), desk=support.desk)


def _case_sent(ask: Ask, attempt: Attempt) -> Ask:
    """The ask ended by a case of ours that AWS Support does not show yet."""
    at = f"A support case was sent at {attempt.at:%H:%M} UTC"
    if attempt.id is None:
        waits = ask.ended(Outcome.UNKNOWN, f"{at} and may still appear: look again in an hour.")
        return replace(waits, is_under_way=True)
    return ask.ended(Outcome.ALREADY_OPEN, f"{at}; AWS does not show it yet.", case_id=attempt.id)


def trace(attempt: Attempt, requests: Iterable[Request]) -> Request | None:
    """The request that an attempt of unknown outcome turns out to have made, None when there is none."""
    return next((one for one in requests if one.desired == attempt.desired and one.id not in attempt.known), None)
