"""The instances that a program declares, as needs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from opskit.core.exceptions import UsageError
from opskit.core.model import Workload
from opskit.guards.rules.call_budget import HOURS
from opskit.guards.rules.request_model import InstanceNeed, RequestNeeds
from opskit.quotas.rules.requirements import parse_instance_type

Declared = Mapping[Workload, Mapping[str, int]]
"""Numbers of instances by workload and instance type."""


def declared_needs(declared: Declared, hours: Decimal) -> RequestNeeds:
    """The needs, which are held against the budget over ``hours``.

    Raises:
        UsageError: a type or a number is none.
    """
    return RequestNeeds(
        tuple(
            InstanceNeed(
                parse_instance_type(name),
                workload,
                _parse_count(name, count),
                f"{workload}={name}",
                int(hours * 3600),
                bound=HOURS,
            )
            for workload, types in declared.items()
            for name, count in types.items()
        )
    )


def _parse_count(name: str, count: object) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        text = f"{count!r} is not a number of instances."
        raise UsageError("bad-count", text, f"Write it like {{'{name}': 2}}.")
    return count
