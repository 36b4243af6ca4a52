"""What became of a change, in the words of the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class ChangeOutcome(StrEnum):
    """What became of a change, as the journal has it. A word of a later opskit's is ``UNKNOWN``."""

    STARTED = "begun"
    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    FAILED = "failed"
    DROPPED = "dropped"
    # Of requests for increases alone:
    FILED = "filed"
    ALREADY_OPEN = "already-open"
    ALREADY_ENOUGH = "already-enough"
    QUEUED = "queued"
    PLANNED = "planned"

    @classmethod
    def _missing_(cls, value: object) -> Self:
        return cls["UNKNOWN"]

    @property
    def meaning(self) -> OutcomeMeaning:
        """What it means."""
        return _MEANINGS[self]


@dataclass(frozen=True, kw_only=True)
class OutcomeMeaning:
    """What an outcome means. ``known`` is how much is known with it: of two homes' words for one change the one that
    knows more is right.
    """

    known: int
    is_done: bool = False
    """It certainly took effect."""
    may_have_happened: bool = True
    """It counts as a change that was made, or may have been."""
    rules_out_effect: bool = False
    """AWS, or that it was not sent, rules out that it took effect. An error of opskit's own does not."""


_MEANINGS: Mapping[ChangeOutcome, OutcomeMeaning] = {
    ChangeOutcome.STARTED: OutcomeMeaning(known=0),
    ChangeOutcome.UNKNOWN: OutcomeMeaning(known=1),
    ChangeOutcome.DONE: OutcomeMeaning(known=3, is_done=True),
    ChangeOutcome.REFUSED: OutcomeMeaning(known=2, may_have_happened=False, rules_out_effect=True),
    ChangeOutcome.FAILED: OutcomeMeaning(known=2, may_have_happened=False),
    ChangeOutcome.DROPPED: OutcomeMeaning(known=2, may_have_happened=False, rules_out_effect=True),
    ChangeOutcome.FILED: OutcomeMeaning(known=2),
    ChangeOutcome.ALREADY_OPEN: OutcomeMeaning(known=2),
    ChangeOutcome.ALREADY_ENOUGH: OutcomeMeaning(known=2),
    ChangeOutcome.QUEUED: OutcomeMeaning(known=2),
    ChangeOutcome.PLANNED: OutcomeMeaning(known=2),
}
