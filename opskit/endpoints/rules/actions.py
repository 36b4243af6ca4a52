"""What the journal calls what is done to an endpoint; ``history`` measures from one to the other."""

from __future__ import annotations

from enum import StrEnum


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
