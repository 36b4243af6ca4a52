"""The words that stand on the command line and in the journal: the orders in which endpoints can be listed, and what is
done to an endpoint, from which ``history`` measures. Quick to import.
"""

from __future__ import annotations

from enum import StrEnum


class EndpointOrder(StrEnum):
    """What rows are sorted by. Numbers come largest first, what is not known last; those that were stopped follow."""

    NAME = "name"
    """By Region, then by name."""
    PRICE = "price"
    IDLE = "idle"
    OWNER = "owner"


class EndpointAction(StrEnum):
    """A change of an endpoint, or of what brings it back, as the journal has it."""

    CREATE = "create endpoint"
    """By ``deploy`` and ``train --deploy``."""
    STOP = "stop endpoint"
    START = "start endpoint"
    DELETE_FAILED = "delete failed endpoint"
    RECORD = "record endpoint"
    FORGET = "forget endpoint record"
    TAG = "tag endpoint"
    UNTAG = "untag endpoint"
    SCALE = "scale endpoint"
    AUTOSCALE = "set endpoint scaling"
