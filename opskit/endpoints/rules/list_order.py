"""The orders in which endpoints can be listed."""

from __future__ import annotations

from enum import StrEnum


class EndpointOrder(StrEnum):
    """What rows are sorted by. Numbers come largest first, what is not known last; those that were stopped follow."""

    NAME = "name"
    """By Region, then by name."""
    PRICE = "price"
    IDLE = "idle"
    OWNER = "owner"
