"""What bills, with price and owner; the sums; and the budget of a month. All amounts are in USD."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from opskit.core.model import Unknown
from opskit.endpoints.rules.model import EndpointVerdict
from opskit.inventory.rules.resource_owner import NO_OWNER, ResourceOwner
from opskit.inventory.rules.running_resource import BilledVerdict, RunningResource

HOURS_IN_30_DAYS = 720
UNKNOWN_OWNER = "(no owner known)"


@dataclass(frozen=True)
class BilledItem:
    """A resource that bills. ``usd_per_hour`` may be why there is no price, ``usd_so_far`` why it is not known, as
    where AWS does not say since when. ``share_usd_per_hour`` is an inference component's share of its endpoint's
    price, which is in no sum, or why it is not known; None: it is no inference component.
    """

    resource: RunningResource
    usd_per_hour: Decimal | Unknown
    usd_so_far: Decimal | Unknown
    owner: ResourceOwner
    verdict: BilledVerdict
    reason: str
    share_usd_per_hour: Decimal | Unknown | None = None

    @property
    def known_usd_per_hour(self) -> Decimal | None:
        """The price an hour; None: not known."""
        return None if isinstance(self.usd_per_hour, Unknown) else self.usd_per_hour

    @property
    def is_undated(self) -> bool:
        """Whether it has a price, and it is not known since when it bills."""
        return not isinstance(self.usd_per_hour, Unknown) and isinstance(self.usd_so_far, Unknown)


def billed_item(
    resource: RunningResource,
    usd_per_hour: Decimal | Unknown,
    now: datetime,
    *,
    owner: ResourceOwner = NO_OWNER,
    kept_because: str | None = None,
) -> BilledItem:
    """A resource with its price. ``kept_because`` is the sentence about the tag that keeps it."""
    verdict = BilledVerdict.PROTECTED if kept_because is not None else _verdict_by_tags(resource)
    untold = "its tags could not be read, and one may keep it" if verdict is not resource.verdict else ""
    reason = "; ".join(filter(None, (untold, resource.reason, resource.free)))
    if isinstance(usd_per_hour, Unknown):
        reason = f"{reason}; no price: {usd_per_hour.reason}" if reason else f"no price: {usd_per_hour.reason}"
    reason = reason if kept_because is None else kept_because
    return BilledItem(resource, usd_per_hour, _cost_so_far(resource, usd_per_hour, now), owner, verdict, reason)


def _verdict_by_tags(resource: RunningResource) -> BilledVerdict:
    """The verdict over what no tag keeps: not known, where its tags could not be read and nobody uses it for sure."""
    if not isinstance(resource.tags, Unknown):
        return resource.verdict
    match resource.verdict:
        case BilledVerdict.RUNNING | BilledVerdict.IDLE | BilledVerdict.UNKNOWN:
            return BilledVerdict.UNKNOWN
        case BilledVerdict.BUSY | BilledVerdict.PROTECTED:
            return resource.verdict


def _cost_so_far(resource: RunningResource, usd_per_hour: Decimal | Unknown, now: datetime) -> Decimal | Unknown:
    """What it has cost since it began, at its present price and size."""
    if isinstance(usd_per_hour, Unknown):
        return usd_per_hour
    if resource.not_begun or not usd_per_hour:
        return Decimal(0)
    # What lies in the future by AWS's clock is taken as now: clocks differ by seconds.
    return _NO_START if resource.since is None else usd_per_hour * _hours_between(resource.since, now)


_NO_START = Unknown("AWS does not say since when it bills")


def _hours_between(begin: datetime, end: datetime) -> Decimal:
    return max(Decimal((end - begin).total_seconds()), Decimal(0)) / 3600


@dataclass(frozen=True)
class BilledSums:
    """Sums over some items. ``unpriced`` of them have no price and are in none of the sums, which are then a
    minimum. ``undated`` have a price, but it is not known since when they bill: ``usd_so_far`` leaves them out too.
    """

    items: int
    unpriced: int
    undated: int
    usd_per_hour: Decimal
    usd_so_far: Decimal

    @property
    def usd_per_30_days(self) -> Decimal:
        """What it costs if nothing is ended."""
        return self.usd_per_hour * HOURS_IN_30_DAYS


def sum_items(items: Iterable[BilledItem]) -> BilledSums:
    """The sums over items."""
    listed = list(items)
    prices = [item.known_usd_per_hour for item in listed]
    return BilledSums(
        items=len(listed),
        unpriced=sum(price is None for price in prices),
        undated=sum(item.is_undated for item in listed),
        usd_per_hour=sum((price or Decimal(0) for price in prices), Decimal(0)),
        usd_so_far=sum((item.usd_so_far for item in listed if not isinstance(item.usd_so_far, Unknown)), Decimal(0)),
    )


def most_expensive_first(items: Iterable[BilledItem]) -> tuple[BilledItem, ...]:
    """Items by price, those without one first: they may cost anything."""

    def order(item: BilledItem) -> tuple[bool, Decimal, str, str, str]:
        price, resource = item.known_usd_per_hour, item.resource
        return price is not None, -(price or Decimal(0)), resource.region, resource.kind.value, resource.name

    return tuple(sorted(items, key=order))


class GroupKey(StrEnum):
    """What items are grouped by, other than a tag."""

    OWNER = "owner"
    KIND = "kind"
    REGION = "region"
    ACCOUNT = "account"


@dataclass(frozen=True)
class Grouping:
    """What items are grouped by: ``key``; None: by a ``tag``, which is its key."""

    key: GroupKey | None
    tag: str = ""

    @property
    def label(self) -> str:
        """As the user typed it."""
        return self.key.value if self.key else f"tag:{self.tag}"

    def group_of(self, item: BilledItem) -> str:
        """The group that an item belongs to."""
        match self.key:
            case GroupKey.OWNER:
                return item.owner.name or UNKNOWN_OWNER
            case GroupKey.KIND:
                return item.resource.kind.value
            case GroupKey.REGION:
                return item.resource.region
            case GroupKey.ACCOUNT:
                return item.resource.account or "(no account known)"
            case None:
                return _tag_group(item.resource.tags, self.tag)


def _tag_group(tags: Mapping[str, str] | Unknown | None, key: str) -> str:
    if tags is None or isinstance(tags, Unknown):
        return "(tags could not be read)"
    return tags.get(key) or f"(no tag {key})"


def parse_grouping(text: str) -> Grouping | None:
    """``owner``, ``kind``, ``region``, ``account`` or ``tag:KEY``; None: none of them."""
    word, _, tag = text.partition(":")
    if word == "tag" and tag:
        return Grouping(None, tag)
    return next((Grouping(key) for key in GroupKey if key.value == text), None)


def group_items(items: Iterable[BilledItem], grouping: Grouping) -> dict[str, BilledSums]:
    """The sums of each group, the dearest first."""
    groups: dict[str, list[BilledItem]] = {}
    for item in items:
        groups.setdefault(grouping.group_of(item), []).append(item)
    sums = {name: sum_items(members) for name, members in groups.items()}
    return dict(sorted(sums.items(), key=lambda each: (-each[1].usd_per_hour, each[0])))


@dataclass(frozen=True)
class MonthEstimate:
    """The present month, by what runs now alone: what has ended since its begin is in no sum. ``since_begin`` is what
    these have cost in it, ``at_end`` what they will have cost at its end if nothing is ended; both without what undated
    items have cost so far, which is ``undated_at_most``.
    """

    since_begin: Decimal
    at_end: Decimal
    undated_at_most: Decimal
    ends: datetime


def estimate_month(items: Sequence[BilledItem], now: datetime) -> MonthEstimate:
    """The present month (UTC, as AWS bills) by what runs now."""
    begin = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    # 32 days from the first of a month are in the next one, whichever month it is.
    ends = (begin + timedelta(days=32)).replace(day=1)
    spent = sum((_cost_since(item, begin, now) for item in items), Decimal(0))
    sums = sum_items(items)
    undated = sum_items(item for item in items if item.is_undated)
    return MonthEstimate(
        spent,
        spent + sums.usd_per_hour * _hours_between(now, ends),
        undated.usd_per_hour * _hours_between(begin, now),
        ends,
    )


def _cost_since(item: BilledItem, begin: datetime, now: datetime) -> Decimal:
    """What an item has cost since ``begin``, as far as that is known."""
    price, since = item.known_usd_per_hour, item.resource.since
    if price is None or since is None or item.resource.not_begun:
        return Decimal(0)
    return price * _hours_between(max(since, begin), now)


class BudgetState(StrEnum):
    """How a month's estimate stands to a budget, where it will not be passed later in the month."""

    KEPT = "kept"
    PASSED = "passed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class WillBePassed:
    """A budget is kept now, and passed at a moment before the month's end if nothing is ended."""

    at: datetime
    value: ClassVar[str] = "will-be-passed"


BudgetVerdict = BudgetState | WillBePassed


def assess_budget(
    budget: Decimal, month: MonthEstimate, sums: BilledSums, now: datetime, *, is_whole: bool
) -> BudgetVerdict:
    """Whether what runs now keeps a budget of a month. What has no price, could not be read, or may have run all the
    month, may pass it.
    """
    if month.since_begin > budget:
        return BudgetState.PASSED
    if month.at_end > budget:
        hours = (budget - month.since_begin) / sums.usd_per_hour
        return WillBePassed(now + timedelta(hours=float(hours)))
    if sums.unpriced or not is_whole or month.at_end + month.undated_at_most > budget:
        return BudgetState.UNKNOWN
    return BudgetState.KEPT


def billed_verdict(verdict: EndpointVerdict) -> BilledVerdict:
    """The verdict over an endpoint in the words of that list."""
    match verdict:
        case EndpointVerdict.IDLE:
            return BilledVerdict.IDLE
        case EndpointVerdict.BUSY:
            return BilledVerdict.BUSY
        case EndpointVerdict.PROTECTED:
            return BilledVerdict.PROTECTED
        case EndpointVerdict.STARTING:
            return BilledVerdict.RUNNING
        case EndpointVerdict.UNKNOWN | EndpointVerdict.STOPPED | EndpointVerdict.FAILED:
            return BilledVerdict.UNKNOWN


def stop_command(item: BilledItem, profile: str | None, role_arn: str | None) -> str | None:
    """What ends an item in the account that it is in; None: it ends with something else. It asks before it stops what
    somebody may want to keep.
    """
    command = item.resource.stop_with
    if command is None:
        return None
    if item.resource.stop_takes_yes and _ends_unasked(item.verdict):
        command += " --yes"
    if profile is not None:
        command += f" --profile {shlex.quote(profile)}"
    if role_arn is None:
        return command
    if command.startswith("opskit "):
        return f"{command} --role-arn {shlex.quote(role_arn)}"
    # The AWS CLI has no such option: a role is named in a profile there.
    return f"{command} # with the credentials of {shlex.quote(role_arn)}"


def _ends_unasked(verdict: BilledVerdict) -> bool:
    match verdict:
        case BilledVerdict.RUNNING | BilledVerdict.IDLE:
            return True
        case BilledVerdict.BUSY | BilledVerdict.PROTECTED | BilledVerdict.UNKNOWN:
            return False
