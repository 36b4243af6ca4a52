"""Whether the quota will be there when a stopped endpoint is brought back: what it holds now becomes free, and whoever
comes first may take it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from opskit.core.model import Unknown
from opskit.endpoints.rules.model import HostedEndpoint
from opskit.quotas.rules.model import Headroom


def needed_instances(endpoint: HostedEndpoint) -> dict[str, int]:
    """The instances that an endpoint needs at its return, by type."""
    counts: Counter[str] = Counter()
    for variant in endpoint.variants:
        if variant.instance_type and variant.count:
            counts[variant.instance_type] += variant.count
    return dict(counts)


def return_room(headrooms: Iterable[Headroom], own: Mapping[str, int]) -> str | Unknown | None:
    """What stands in the way of a return, as the quotas are used now: a sentence, ``Unknown`` where that cannot be
    told, None where nothing does. ``own`` are the instances that the endpoint itself holds, by type.
    """
    parts = [_one_room(headroom, own) for headroom in headrooms]
    short = next((part for part in parts if isinstance(part, str)), None)
    return short or next((part for part in parts if isinstance(part, Unknown)), None)


def _one_room(headroom: Headroom, own: Mapping[str, int]) -> str | Unknown | None:
    requirement = headroom.requirement
    held = own.get(requirement.instance_type, 0) if requirement.instance_type else sum(own.values())
    if requirement.per_job or not held:
        return None
    limit = headroom.applied if headroom.applied is not None else headroom.default
    if limit is None:
        return Unknown(f"{headroom.quota_name}: {headroom.reason}")
    most = headroom.in_use if headroom.in_use is not None else headroom.in_use_max
    used = max(headroom.in_use_min, most or 0)
    # It needs as many as it holds now, so there is room for it again if all that is in use fits.
    if used > limit:
        return f"{headroom.quota_name}: the quota is {limit:g}, and {used} are in use, {held} of them by it"
    return Unknown(f"{headroom.quota_name}: {headroom.reason}") if most is None else None
