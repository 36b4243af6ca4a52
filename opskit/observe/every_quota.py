"""Reads every quota of a Region, with AWS's default beside the applied value.

The two listings go side by side, each page after page, because AWS hands out a page's token with the page before.
Whoever wants to ask more about a quota hears of it as soon as its page is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from sys import intern
from typing import Any

from opskit.aws import Door, side_by_side
from opskit.errors import AwsFailure
from opskit.model import Quota, Unread
from opskit.observe.quotas import listed_quotas, unread, value_told

_ABSENT = "NoSuchResourceException"

Hear = Callable[[str, Mapping[str, Any] | None], None]


@dataclass(frozen=True, slots=True)
class EveryQuota:
    """The quotas of a Region as far as they could be read. ``gaps`` says by code why a value is not known;
    ``missing`` why a listing did not come to its end.
    """

    quotas: tuple[Quota, ...]
    gaps: Mapping[str, Unread]
    missing: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True)
class _Told:
    """A quota in a listing. (Interned, since both listings tell the same names.)"""

    name: str
    code: str
    value: float | None
    adjustable: bool
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class _Listing:
    """What a listing told, by code; with ``missing``, not to its end."""

    told: Mapping[str, _Told]
    missing: Unread | None = None


def read_every_quota(door: Door, hear: Hear) -> EveryQuota:
    """Both listings, joined. ``hear`` is told each quota's code and the metric AWS has for it, at once, perhaps
    twice, and by several threads.
    """
    applied, defaults = side_by_side(
        [
            partial(_listing, door, operation, hear)
            for operation in ("list_service_quotas", "list_aws_default_service_quotas")
        ]
    )
    every = {**defaults.told, **applied.told}
    return EveryQuota(
        tuple(
            _joined(door.region, told, applied.told.get(code), defaults.told.get(code)) for code, told in every.items()
        ),
        dict(_gaps(every, applied, defaults)),
        tuple(dict.fromkeys(each.missing for each in (applied, defaults) if each.missing)),
    )


def _joined(region: str, told: _Told, applied: _Told | None, default: _Told | None) -> Quota:
    return Quota(
        region,
        told.name,
        told.code,
        applied.value if applied else None,
        default.value if default else None,
        told.adjustable,
    )


def _gaps(every: Mapping[str, _Told], applied: _Listing, defaults: _Listing) -> Iterator[tuple[str, Unread]]:
    """The quotas whose value is not known: AWS told none, or where it would stand was not read. A default stands in
    only where it is certain that nothing is applied.
    """
    for code, told in every.items():
        if told.value is None:
            yield code, Unread(f"AWS gives no value. {told.why_not}".strip())
        elif applied.missing and code not in applied.told:
            yield code, applied.missing


def _listing(door: Door, operation: str, hear: Hear) -> _Listing:
    told: dict[str, _Told] = {}
    try:
        for page in listed_quotas(door, operation):
            for quota in page:
                each = _told(quota)
                told.setdefault(each.code, each)
                hear(each.code, quota.get("UsageMetric"))
    except AwsFailure as failure:
        if failure.aws_code != _ABSENT or told:
            return _Listing(told, unread(failure))
    return _Listing(told)


def _told(quota: Mapping[str, Any]) -> _Told:
    name = intern(quota.get("QuotaName", ""))
    return _Told(
        name,
        intern(quota.get("QuotaCode", "")),
        value_told(quota.get("Value")),
        quota.get("Adjustable", True),
        (quota.get("ErrorReason") or {}).get("ErrorMessage", ""),
    )
