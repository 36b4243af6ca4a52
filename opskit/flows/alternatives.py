"""Looks for other types that have room, in few calls and side by side; it names what it finds and never fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from opskit.aws import Door, side_by_side
from opskit.decide.alternatives import MOST, Prices, alternatives, worth_asking
from opskit.decide.demands import quota_name, with_totals
from opskit.model import Alternative, Demand, Price, QuotaAnswer, Unread
from opskit.observe.known_codes import Memory, memory_of
from opskit.observe.prices import COMPONENTS, read_price
from opskit.observe.quotas import glance, read_quotas
from opskit.observe.usage import count_in_use

_WITHOUT_A_WAIT = 12
"""So many quotas can be asked for at once at AWS's rates, those of the check itself among them."""
_JUST_LISTED = 9
"""So many others are looked at where a look through the listings has just told them all."""


@dataclass(frozen=True)
class Others:
    """Quotas and prices of other types, as far as they could be had."""

    quotas: dict[str, QuotaAnswer] = field(default_factory=dict)
    prices: Prices = field(default_factory=dict)


def look_for_others(door: Door, lacking: Sequence[Demand], memory: Memory, asked: int) -> Others:
    """The types most like what is lacking. One round of calls, none where nothing is lacking or nothing is likely;
    ``asked`` is how many quotas were asked for just before.
    """
    most = _JUST_LISTED if memory.listed == memory.now else max(MOST, _WITHOUT_A_WAIT - asked)
    wanted = worth_asking(lacking, memory.hint, most)
    if not wanted:
        return Others()
    priced = [demand for demand in wanted if demand.usage in COMPONENTS]
    quotas, *prices = side_by_side(
        [
            partial(glance, door, [quota_name(demand) for demand in wanted], memory),
            *(partial(_price, door, demand) for demand in priced),
        ]
    )
    return Others(
        quotas, {(str(demand.instance_type), demand.usage): each for demand, each in zip(priced, prices, strict=True)}
    )


def others_with_room(door: Door, demand: Demand, now: datetime) -> tuple[Alternative, ...]:
    """The types that have room now instead of one that AWS does not give, whatever its own quota says.

    Raises:
        NoCredentials: there are none to ask with.
    """
    memory = memory_of(door, now)

    def quotas() -> Others:
        above = [quota_name(each) for each in with_totals([demand]) if each.instance_type is None]
        totals = read_quotas(door, above, memory)
        others = look_for_others(door, [demand], memory, len(above))
        return Others({**totals, **others.quotas}, others.prices)

    found, in_use = side_by_side([quotas, partial(count_in_use, door, {demand.usage})])
    return alternatives(door.region, demand, found.quotas, in_use[demand.usage], found.prices)


def _price(door: Door, demand: Demand) -> Price | Unread:
    return read_price(door, str(demand.instance_type), COMPONENTS[demand.usage])
