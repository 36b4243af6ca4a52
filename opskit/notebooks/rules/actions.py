"""What the journal calls what is done to a notebook; ``history`` measures from one to the other."""

from __future__ import annotations

from enum import StrEnum


class NotebookAction(StrEnum):
    """A change of a notebook, or of the role for one, as the journal has it."""

    CREATE = "create notebook"
    STOP = "stop notebook"
    START = "start notebook"
    TAG = "tag notebook"
    UNTAG = "untag notebook"
    CREATE_ROLE = "create role"
    PUT_ROLE_POLICY = "put role policy"
