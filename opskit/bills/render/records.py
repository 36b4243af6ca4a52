"""What bills now, as JSON has it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from opskit.bills.rules.items import BilledItem, BilledSums, MonthEstimate
from opskit.core.model import Unknown
from opskit.inventory.rules.resource_owner import OwnershipSource

_CENTS = Decimal("0.0001")


def item_record(item: BilledItem) -> dict[str, Any]:
    """An item in JSON."""
    resource = item.resource
    return {
        "account": resource.account,
        "region": resource.region,
        "kind": resource.kind.value,
        "name": resource.name,
        "instance_type": ",".join(resource.instance_types) or None,
        "count": None if isinstance(resource.count, Unknown) else resource.count,
        "status": resource.status,
        "since": resource.since,
        "usd_per_hour": rounded_usd(item.known_usd_per_hour),
        "usd_so_far": rounded_usd(known_usd(item.usd_so_far)),
        "owner": item.owner.name,
        **_owner_sources(item.owner.source),
        "verdict": item.verdict.value,
        "because": item.reason,
        "part_of": resource.part_of,
        "share_usd_per_hour": rounded_usd(known_usd(item.share_usd_per_hour)),
        "share_unknown_because": share.reason if isinstance(share := item.share_usd_per_hour, Unknown) else None,
        "stop_with": resource.stop_with,
    }


def _owner_sources(source: OwnershipSource | None) -> dict[str, str | None]:
    """What tells an owner: ``owner_source`` is a tag or CloudTrail; a Studio user profile is neither."""
    known_by = source and source.value
    match source:
        case OwnershipSource.TAG | OwnershipSource.CLOUDTRAIL:
            return {"owner_source": known_by, "owner_known_by": known_by}
        case OwnershipSource.PROFILE | None:
            return {"owner_source": None, "owner_known_by": known_by}


def known_usd(usd: Decimal | Unknown | None) -> Decimal | None:
    """An amount, as JSON has it: null where it is not known, too."""
    return None if isinstance(usd, Unknown) else usd


def rounded_usd(usd: Decimal | None) -> Decimal | None:
    """An amount to a hundredth of a cent; a smaller one with two digits, so that it is not 0."""
    if usd is None or usd >= _CENTS or not usd:
        return None if usd is None else usd.quantize(_CENTS)
    return Decimal(f"{usd:.1e}")


def sums_record(sums: BilledSums, *, is_whole: bool) -> dict[str, Any]:
    """The sums over what has a price. ``at_least``: there is more, without a price or unread; ``so_far_at_least``: more
    has been spent, also by those of which AWS does not say since when they bill.
    """
    return {
        "items": sums.items,
        "usd_per_hour": rounded_usd(sums.usd_per_hour),
        "usd_per_30_days": rounded_usd(sums.usd_per_30_days),
        "usd_so_far": rounded_usd(sums.usd_so_far),
        "unpriced": sums.unpriced,
        "at_least": bool(sums.unpriced) or not is_whole,
        "undated": sums.undated,
        "so_far_at_least": bool(sums.unpriced or sums.undated) or not is_whole,
    }


def month_record(month: MonthEstimate, sums: BilledSums, *, is_whole: bool) -> dict[str, Any]:
    """The month by what runs now, without the bill. ``forecast_usd`` null: a price, a begin or a read is missing."""
    is_least = bool(sums.unpriced or sums.undated) or not is_whole
    return {
        "billed_usd": None,
        "billed_until": None,
        "since_then_usd": rounded_usd(month.since_begin),
        "at_least": is_least,
        "forecast_usd": None if is_least else rounded_usd(month.at_end),
        "source": "estimate",
    }
