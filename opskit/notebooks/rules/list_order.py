"""The orders in which notebooks can be listed."""

from __future__ import annotations

from enum import StrEnum


class ListOrder(StrEnum):
    """What rows are sorted by. Numbers come largest first, what is not known last."""

    NAME = "name"
    """By Region, then by name."""
    PRICE = "price"
    COST = "cost"
    IDLE = "idle"
    OWNER = "owner"

    @property
    def needs_tags(self) -> bool:
        """Whether the tags of all have to be read for it."""
        match self:
            case ListOrder.OWNER:
                return True
            case ListOrder.NAME | ListOrder.PRICE | ListOrder.COST | ListOrder.IDLE:
                return False
