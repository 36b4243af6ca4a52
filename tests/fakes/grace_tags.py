"""Grace tags as opskit writes them, with the time that a test needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from opskit.core.grace import GraceTag, format_grace_tag


def grace_tag(arn: str, ago: timedelta, length: timedelta = timedelta(minutes=30), now: datetime | None = None) -> str:
    """The tag of a grace that began so long ago on the notebook of this ARN."""
    began = (now or datetime.now(UTC)) - ago
    return format_grace_tag(GraceTag(began, began + length, "0123abcd"), arn)
