"""Read back what opskit changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from opskit.state import journal
from opskit.state.folder import usable_state


def history(since: timedelta, now: datetime) -> tuple[journal.Entry, ...]:
    """What was begun in the time before ``now``, oldest first.

    Raises:
        UsageProblem: the journal cannot be read.
    """
    try:
        begin = now - since
    except OverflowError:
        begin = datetime.min.replace(tzinfo=now.tzinfo)
    with usable_state():
        return journal.entries(begin)
