"""When a notebook's Jupyter last wrote a line into its log, for those who may not look into Jupyter itself."""

from __future__ import annotations

from datetime import UTC, datetime

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError
from opskit.core.log_groups import NOTEBOOK_LOGS
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error

_MAX_PAGES = 20
"""CloudWatch hands out empty pages on its way back to the last line; a log with more of them has lost its lines."""


def read_last_line_time(client: AwsClient, name: str) -> datetime | Unknown:
    """The time of the last line in a notebook's ``jupyter.log``; ``Unknown`` where there is none."""
    try:
        return _read_stream_time(client, f"{name}/jupyter.log")
    except AwsError as failure:
        if failure.aws_code == "ResourceNotFoundException":
            return Unknown(f"there is no log {NOTEBOOK_LOGS}/{name}/jupyter.log in CloudWatch Logs")
        return unknown_from_error(failure)


def _read_stream_time(client: AwsClient, stream: str) -> datetime | Unknown:
    place: dict[str, str] = {}
    for _ in range(_MAX_PAGES):
        asked = {"logGroupName": NOTEBOOK_LOGS, "logStreamName": stream, "limit": 1, "startFromHead": False, **place}
        page = client.read("logs", "get_log_events", **asked)
        events, token = page["events"], page["nextBackwardToken"]
        if events:
            return _parse_millis(events[-1].get("timestamp"))
        if token == place.get("nextToken"):
            break
        place = {"nextToken": token}
    return Unknown("its log has no lines in CloudWatch Logs")


def _parse_millis(milliseconds: object) -> datetime | Unknown:
    try:
        return datetime.fromtimestamp(float(str(milliseconds)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return Unknown("the last line of its log has no time")
