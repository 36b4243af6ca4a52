"""Is there room, and money, for a command that is not ours? Looked at as ``quotas check`` does, and where that was
asked for again and again until there is.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial

from opskit.aws import Door, side_by_side
from opskit.decide.guard import (
    HINTS_OF_A_COMMAND,
    Part,
    may_pass,
    over_budget,
    refusal,
    why_not,
    worth_waiting,
)
from opskit.decide.headroom import QuotaCheck
from opskit.errors import AwsFailure, NoCredentials, OpskitError, UsageProblem
from opskit.flows.check_quotas import check_quotas
from opskit.flows.clock import Clock
from opskit.model import Demand, Fleet
from opskit.observe.prices import COMPONENTS, read_price

_FIRST_SECONDS, _LONGEST_SECONDS, _GROWTH = 2.0, 60.0, 1.5


@dataclass(frozen=True)
class Terms:
    """What must be true before a command may run. ``seconds`` is how long its instances may: None when nobody said,
    and then no cost can be told. ``wait`` is how long room is waited for.
    """

    demands: tuple[Demand, ...]
    seconds: int | None = None
    max_usd: Decimal | None = None
    wait: timedelta = timedelta(0)


@dataclass(frozen=True)
class Guarded:
    """What was seen; the command may run when nothing is ``in_the_way``."""

    check: QuotaCheck
    parts: tuple[Part, ...]
    in_the_way: tuple[OpskitError, ...]


def guard(door: Door, terms: Terms, clock: Clock, tell: Callable[[str], None]) -> Guarded:
    """Look at quotas and money, and wait for room as long as the terms allow.

    Raises:
        NoCredentials: there are none to ask with.
    """
    check, *parts = side_by_side([partial(_look, door, terms, clock), *_prices(door, terms)])
    money = over_budget(parts, terms.max_usd)
    if money is None:
        check = _with_room(door, terms, check, clock, tell)
    ways = (refusal(check, HINTS_OF_A_COMMAND), money)
    return Guarded(check, tuple(parts), tuple(each for each in ways if each))


def _look(door: Door, terms: Terms, clock: Clock) -> QuotaCheck:
    return check_quotas([door], terms.demands, clock.now())


def _prices(door: Door, terms: Terms) -> list[partial[Part]]:
    if terms.seconds is None:
        return []
    return [partial(_priced, door, demand, terms.seconds) for demand in terms.demands]


def _priced(door: Door, demand: Demand, seconds: int) -> Part:
    kind = str(demand.instance_type)
    return Part(demand.usage, Fleet(kind, demand.need, seconds), read_price(door, kind, COMPONENTS[demand.usage]))


def _with_room(door: Door, terms: Terms, first: QuotaCheck, clock: Clock, tell: Callable[[str], None]) -> QuotaCheck:
    """The last look: at room, at a no that will stay one, or at the end of the patience. What cannot be told at
    first sight is not waited for; later it may be a passing cloud.
    """
    check, until, pause, told = first, clock.now() + terms.wait, _FIRST_SECONDS, ""
    while worth_waiting(check) or (check is not first and may_pass(check)):
        left = (until - clock.now()).total_seconds()
        if left <= 0:
            break
        if told != (told := why_not(check)):
            tell(f"No room yet. {told}")
        clock.sleep(min(pause, left))
        pause = min(pause * _GROWTH, _LONGEST_SECONDS)
        check = _again(door, terms, check, clock)
    return check


def _again(door: Door, terms: Terms, before: QuotaCheck, clock: Clock) -> QuotaCheck:
    """Another look. Credentials that AWS no longer takes are looked for anew: somebody may have signed in."""
    if before.locked_out:
        _renew(door)
    try:
        return _look(door, terms, clock)
    except NoCredentials:
        _renew(door)
        return before


def _renew(door: Door) -> None:
    with suppress(AwsFailure, UsageProblem):  # the next look says what is wrong
        door.connection.renew()
