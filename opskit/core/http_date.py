"""Reads the Date header of a response: a server's clock, to the second."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime


def parse_http_date(text: str | None) -> datetime | None:
    """The time that a Date header tells; None: it tells none, or not of which zone."""
    try:
        said = parsedate_to_datetime(text or "")
    # A server may write anything: numbers without a month, years that no date holds.
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return said if said.tzinfo else None
