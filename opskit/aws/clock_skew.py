"""Reads AWS's clock, by the Date header of a response, and how far this machine's is from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from opskit.aws.client import AwsClient
from opskit.core.http_date import parse_http_date


def response_time(response: Mapping[str, Any]) -> datetime | None:
    """When AWS gave a response, by its own clock and to about a second; None if the response has no valid Date."""
    headers = (response.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
    return parse_http_date(headers.get("date"))


def read_clock_skew(client: AwsClient, now: Callable[[], datetime]) -> float | None:
    """By how many seconds AWS's clock is ahead of this machine's, to about a second; None if the response has no valid
    Date.

    Raises:
        AwsError: AWS refused the call, or gave no response.
    """
    given = response_time(client.read("sts", "get_caller_identity"))
    return None if given is None else (given - now()).total_seconds()
