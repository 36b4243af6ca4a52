"""Reads how far this machine's clock is from AWS's, by the Date header of a response."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime

from opskit.aws.client import AwsClient


def read_clock_skew(client: AwsClient, now: Callable[[], datetime]) -> float | None:
    """By how many seconds AWS's clock is ahead of this machine's, to about a second; None if the response has no valid
    Date.

    Raises:
        AwsError: AWS refused the call, or gave no response.
    """
    response = client.read("sts", "get_caller_identity")
    headers = (response.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
    try:
        return (parsedate_to_datetime(headers.get("date", "")) - now()).total_seconds()
    except (TypeError, ValueError):
        return None
