"""What a request may cost, and whether a budget allows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from opskit.core.exceptions import UsageError
from opskit.core.model import Price, Unknown, Workload
from opskit.core.text import format_duration
from opskit.guards.rules.request_model import InstanceNeed

Prices = Mapping[tuple[str, Workload], Price | Unknown]
"""The price of each instance type and workload."""

HOURS = "hours"
"""The bound of needs that were declared: the guard's argument, which says how long they run."""

_CENT_SHARE = Decimal("0.0001")
# More than anybody means; 1e999999 would be written with a million digits.
_MAX_USD = Decimal(10**12)


class OnUnknown(StrEnum):
    """What happens to a call that cannot be judged."""

    REFUSE = "refuse"
    WARN = "warn"

    @property
    def refuses(self) -> bool:
        """Whether the call is not sent."""
        match self:
            case OnUnknown.REFUSE:
                return True
            case OnUnknown.WARN:
                return False


@dataclass(frozen=True)
class CallPolicy:
    """What a guard allows each call. ``max_usd`` is the most that one call may cost: jobs with their longest run time,
    everything without an end with ``hours``, unless ``max_usd_hour`` bounds that. None: no such bound.
    """

    max_usd: Decimal | None = None
    max_usd_hour: Decimal | None = None
    hours: Decimal = Decimal(24)
    on_unknown: OnUnknown = OnUnknown.REFUSE

    @property
    def has_budget(self) -> bool:
        """Whether prices matter."""
        return self.max_usd is not None or self.max_usd_hour is not None


@dataclass(frozen=True)
class CallCost:
    """The most that a call may cost: ``bounded_usd`` for all that ends by itself, ``hourly_usd`` an hour for what does
    not, and ``all_hourly_usd`` an hour for both. ``unpriced`` are the reasons why prices are not known; the sums are
    then minima. ``sources`` are where the prices come from.
    """

    bounded_usd: Decimal = Decimal(0)
    hourly_usd: Decimal = Decimal(0)
    all_hourly_usd: Decimal = Decimal(0)
    unpriced: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def total_usd(self, hours: Decimal) -> Decimal:
        """The cost of all of it, with so many hours of what has no end."""
        return (self.bounded_usd + self.hourly_usd * hours).quantize(_CENT_SHARE)


def call_cost(needs: Sequence[InstanceNeed], prices: Prices) -> CallCost:
    """The cost of all needs. Of alternatives the most expensive counts, since any of them may start."""
    bounded, endless, hourly = Decimal(0), Decimal(0), Decimal(0)
    for group in _choices(needs):
        bounded += max(_usd_for_run(need, prices) for need in group)
        endless += max((_hourly_usd(need, prices) for need in group if need.seconds is None), default=Decimal(0))
        hourly += max(_hourly_usd(need, prices) for need in group)
    found = [_price_of(need, prices) for need in needs if need.billed_count]
    return CallCost(
        bounded,
        endless,
        hourly,
        tuple(dict.fromkeys(price.reason for price in found if isinstance(price, Unknown))),
        tuple(dict.fromkeys(price.source for price in found if isinstance(price, Price))),
    )


def _choices(needs: Iterable[InstanceNeed]) -> list[list[InstanceNeed]]:
    groups: dict[str, list[InstanceNeed]] = {}
    for index, need in enumerate(needs):
        groups.setdefault(need.choice or f"need {index}", []).append(need)
    return list(groups.values())


def _price_of(need: InstanceNeed, prices: Prices) -> Price | Unknown:
    unread = Unknown(f"the price of {need.instance_type} was not read")
    return prices.get((need.instance_type, need.price_workload), unread)


def _usd_per_hour(need: InstanceNeed, prices: Prices) -> Decimal:
    price = _price_of(need, prices)
    return price.usd_per_hour if isinstance(price, Price) else Decimal(0)


def _hourly_usd(need: InstanceNeed, prices: Prices) -> Decimal:
    return _usd_per_hour(need, prices) * need.hourly_count


def _usd_for_run(need: InstanceNeed, prices: Prices) -> Decimal:
    return _usd_per_hour(need, prices) * need.billed_count * (need.seconds or 0) / 3600


@dataclass(frozen=True)
class BoundExceeded:
    """A bound that a call exceeds: the guard's argument, and why, as a sentence without its end. ``by_hours``: the
    argument ``hours`` is behind the amount.
    """

    argument: str
    reason: str
    by_hours: bool = False


def budget_reasons(needs: Sequence[InstanceNeed], prices: Prices, policy: CallPolicy) -> tuple[str, ...]:
    """Why the budget does not allow a call, as sentences without their end; none if it does, as far as prices are
    known.
    """
    return tuple(exceeded.reason for exceeded in exceeded_bounds(needs, prices, policy))


def exceeded_bounds(needs: Sequence[InstanceNeed], prices: Prices, policy: CallPolicy) -> tuple[BoundExceeded, ...]:
    """The bounds that a call exceeds, as far as prices are known."""
    cost = call_cost(needs, prices)
    if policy.max_usd is None:
        if policy.max_usd_hour is not None and cost.all_hourly_usd > policy.max_usd_hour:
            return (BoundExceeded("max_usd_hour", _hourly_text(cost.all_hourly_usd, policy.max_usd_hour)),)
        return ()
    exceeded: list[BoundExceeded] = []
    if policy.max_usd_hour is not None and cost.hourly_usd > policy.max_usd_hour:
        text = f"{_hourly_text(cost.hourly_usd, policy.max_usd_hour)}; nothing ends it by itself"
        exceeded.append(BoundExceeded("max_usd_hour", text))
    hours = policy.hours if policy.max_usd_hour is None else Decimal(0)
    total = cost.total_usd(hours)
    if total > policy.max_usd:
        by_hours = any(need.bound == HOURS or (need.seconds is None and hours) for need in needs)
        text = _total_text(needs, prices, policy.max_usd, total, hours)
        exceeded.append(BoundExceeded("max_usd", text, by_hours))
    return tuple(exceeded)


def _hourly_text(usd: Decimal, most: Decimal) -> str:
    return f"it costs {_usd(usd)} USD an hour, more than {_usd(most)}"


def _total_text(needs: Sequence[InstanceNeed], prices: Prices, max_usd: Decimal, total: Decimal, hours: Decimal) -> str:
    text = f"it may cost {_usd(total)} USD"
    endless = any(need.seconds is None for need in needs) and hours
    if endless:
        text += f" in {_usd(hours)} hours (nothing ends it by itself)"
    text += f", more than {_usd(max_usd)}"
    bounded = [need for need in needs if need.seconds and need.bound]
    if not bounded:
        return text
    longest = longest_runtime(needs, prices, max_usd, hours)
    seconds, bound = bounded[0].seconds or 0, bounded[0].bound
    if bound == HOURS:
        return f"{text}; {_hours_text(seconds, longest)}"
    if longest:
        length = format_duration(timedelta(seconds=seconds))
        return f"{text}; {bound} is {seconds} ({length}), and {longest} would fit"
    return f"{text}; {bound} is {seconds}, and none would fit"


def _hours_text(seconds: int, longest: int | None) -> str:
    """What is behind the cost of declared instances, whose run time only the guard's argument tells."""
    fitting = Decimal((longest or 0) * 100 // 3600) / 100
    would_fit = f"hours={_usd(fitting)} would fit" if fitting else "none would fit"
    return f"that is {_usd(Decimal(seconds) / 3600)} hours (the argument hours), and {would_fit}"


def longest_runtime(needs: Sequence[InstanceNeed], prices: Prices, max_usd: Decimal, hours: Decimal) -> int | None:
    """The largest maximum run time, in seconds, with which the budget would do; 0 if none. None: no run time can be
    set, or several can.
    """
    bounds = {need.bound for need in needs if need.bound}
    if len(bounds) != 1:
        return None
    jobs = [need for need in needs if need.bound]
    others = call_cost([need for need in needs if not need.bound], prices)
    per_hour = sum(
        (max(_usd_per_hour(need, prices) * need.billed_count for need in group) for group in _choices(jobs)), Decimal(0)
    )
    left = max_usd - others.bounded_usd - others.hourly_usd * hours
    return max(0, int(left * 3600 / per_hour)) if per_hour else None


def _usd(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def parse_usd(value: object, name: str) -> Decimal | None:
    """An amount as Python programs give it: a number or text; None stays None.

    Raises:
        UsageError: it is no amount that is at least 0.
    """
    if value is None:
        return None
    try:
        amount = Decimal(str(value))
        if 0 <= amount <= _MAX_USD and not isinstance(value, bool):
            return amount
    except ArithmeticError:
        pass  # said below, as for a negative one
    raise UsageError("bad-amount", f"{name}={value!r} is not a number.", f"Write it like {name}=5 or '2.50'.")


def parse_policy(max_usd: object, max_usd_hour: object, hours: object, on_unknown: str) -> CallPolicy:
    """A guard's bounds, as Python programs give them.

    Raises:
        UsageError: an argument is none.
    """
    length = parse_usd(hours, "hours")
    if not length:
        raise UsageError("bad-hours", f"hours={hours!r} is not a number of hours.", "Write it like hours=8.")
    try:
        choice = OnUnknown(on_unknown)
    except ValueError:
        hint = 'Write on_unknown="refuse" or on_unknown="warn".'
        raise UsageError("bad-choice", f"on_unknown={on_unknown!r} is none of the choices.", hint) from None
    return CallPolicy(parse_usd(max_usd, "max_usd"), parse_usd(max_usd_hour, "max_usd_hour"), length, choice)
