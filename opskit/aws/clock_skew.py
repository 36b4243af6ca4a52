"""Reads who AWS takes us for, and what time it is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime

from opskit.aws.client import AwsClient


def read_clock_skew(client: AwsClient, now: Callable[[], datetime]) -> float | None:
    """By how many seconds AWS's clock is ahead of this machine's, to a second or so; None where AWS does not tell.

    Raises:
        AwsError: AWS does not let us in, or does not answer.
    """
    answer = client.read("sts", "get_caller_identity")
    headers = (answer.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
    try:
        return (parsedate_to_datetime(headers.get("date", "")) - now()).total_seconds()
    except (TypeError, ValueError):
        return None
