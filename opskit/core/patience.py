"""For how long something may be idle: a time, or for as long as it costs an amount (``--patience-usd``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from opskit.core.durations import format_duration

LONGEST_PATIENCE = timedelta(days=3650)
"""What costs next to nothing may be idle for so long: beyond it, time cannot be reckoned with."""


@dataclass(frozen=True)
class Patience:
    """After how long something is idle. ``because`` says how its price makes it that; empty: a time was asked for."""

    span: timedelta
    because: str = ""

    def __str__(self) -> str:
        said = format_duration(self.span)
        return f"{said} ({self.because})" if self.because else said


def price_patience(
    usd: Decimal | None, usd_per_hour: Decimal | None, ordinary: timedelta, shortest: timedelta
) -> Patience:
    """For how long something may be idle that costs ``usd_per_hour``, both in USD: for as long as it costs ``usd``, and
    never for less than the time ``shortest``. ``usd`` None: nobody asked for that; ``usd_per_hour`` None: nobody knows
    the price. The time ``ordinary`` counts then.
    """
    if usd is None:
        return Patience(ordinary)
    if usd_per_hour is None:
        return Patience(ordinary, f"its price is not known, so it is not the time that {usd:f} USD last")
    if usd_per_hour <= 0:
        return Patience(LONGEST_PATIENCE, "it costs nothing")
    told = f"{usd:f} USD at {usd_per_hour:f} USD per hour"
    hours = usd / usd_per_hour
    if hours < Decimal(shortest.total_seconds()) / 3600:
        return Patience(shortest, f"the shortest; {told} last less")
    if hours > Decimal(LONGEST_PATIENCE.total_seconds()) / 3600:
        return Patience(LONGEST_PATIENCE, told)
    return Patience(timedelta(seconds=int(hours * 3600)), told)


def patience_record(patience: Patience | None) -> dict[str, int | str | None]:
    """A patience, for JSON; None: nothing is idle or not there."""
    return {
        "patience_seconds": None if patience is None else int(patience.span.total_seconds()),
        "patience_because": (patience and patience.because) or None,
    }
