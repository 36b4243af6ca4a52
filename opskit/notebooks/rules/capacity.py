"""Is there room for one more notebook?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from opskit.core.exceptions import OpskitError
from opskit.guards.rules.capacity_error import capacity_error
from opskit.quotas.rules.headroom import QuotaCheck


def allocate_capacity(check: QuotaCheck, instance_types: Sequence[str], region: str) -> list[OpskitError | None]:
    """For each of several notebooks, by their types and in this order: why there is no room for it beside those
    before it; None where there is. ``check`` is the look at the room for all of them.
    """
    left = {headroom.quota_name: headroom.free or 0 for headroom in check.headrooms}
    errors: list[OpskitError | None] = []
    for instance_type in instance_types:
        above = [
            headroom for headroom in check.headrooms if headroom.requirement.instance_type in (instance_type, None)
        ]
        full = [headroom for headroom in above if left[headroom.quota_name] < 1]
        errors.append(capacity_error(replace(check, headrooms=tuple(full)), region) if full else None)
        for headroom in above if not full else ():
            left[headroom.quota_name] -= 1
    return errors
