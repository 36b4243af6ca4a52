"""What rows of a list are sorted by: numbers largest first, owners by their letters; what is not known comes last."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal


def largest_first(value: Decimal | timedelta | None) -> tuple[bool, float]:
    """The sort key of a number or a time."""
    if value is None:
        return (True, 0)
    return (False, -(value.total_seconds() if isinstance(value, timedelta) else float(value)))


def owner_order(owner: str | None) -> tuple[bool, str]:
    """The sort key of an owner, whose case does not matter."""
    return (owner is None, (owner or "").lower())
