"""The words that stand on the command line and in the journal: where activity is looked for, the orders in which
notebooks can be listed, and what is done to a notebook, from which ``history`` measures. Quick to import.
"""

from __future__ import annotations

from enum import StrEnum


class EvidenceSource(StrEnum):
    """Where activity is looked for: in Jupyter itself, or in its log, which is only a hint."""

    JUPYTER = "jupyter"
    LOGS = "logs"

    @property
    def enters_jupyter(self) -> bool:
        """Whether Jupyter itself is asked, and so can be looked inside from."""
        match self:
            case EvidenceSource.JUPYTER:
                return True
            case EvidenceSource.LOGS:
                return False

    @property
    def described(self) -> str:
        """What it is, for the help of ``--evidence``."""
        match self:
            case EvidenceSource.JUPYTER:
                return "Jupyter"
            case EvidenceSource.LOGS:
                return "its log in CloudWatch, which alone stops nothing"

    @property
    def is_log(self) -> bool:
        """Whether the log is read."""
        match self:
            case EvidenceSource.JUPYTER:
                return False
            case EvidenceSource.LOGS:
                return True


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


class NotebookAction(StrEnum):
    """A change of a notebook, or of the role for one, as the journal has it."""

    CREATE = "create notebook"
    STOP = "stop notebook"
    START = "start notebook"
    TAG = "tag notebook"
    UNTAG = "untag notebook"
    CREATE_ROLE = "create role"
    PUT_ROLE_POLICY = "put role policy"
