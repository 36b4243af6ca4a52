"""Times that cannot be: of two clocks, one is wrong, and no idle time can be told by them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from opskit.core.tags import MAX_CLOCK_SKEW, SAGEMAKER_BEGAN
from opskit.core.text import format_duration


def skew_fault(skew: timedelta) -> str | None:
    """What is said where Jupyter's clock and this machine's are too far apart; None: they are not."""
    return (
        f"its clock and this machine's differ by {format_duration(abs(skew))}" if abs(skew) > MAX_CLOCK_SKEW else None
    )


def time_fault(signs: Sequence[tuple[datetime, str]], now: datetime) -> str | None:
    """What is said of a sign of life at a time when there can have been none; None: of none."""
    latest, what = max(signs)
    # It would keep a notebook busy until that time, and hide a wrong clock.
    if latest > now + MAX_CLOCK_SKEW:
        return f"{what} is said to be in the future ({latest:%Y-%m-%d %H:%M} UTC)"
    earliest, what = min(signs)
    return f"{what} is said to be in {earliest.year}" if earliest < SAGEMAKER_BEGAN else None
