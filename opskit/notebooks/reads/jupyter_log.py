"""When a notebook's Jupyter last wrote a line into its log, for those who may not look into Jupyter itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.unusable_responses import parse_errors_as_aws
from opskit.core.exceptions import AwsError
from opskit.core.log_groups import NOTEBOOK_LOGS
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error

_NO_STREAM = "ResourceNotFoundException"
# CloudWatch hands out empty pages on its way back to the last line; a log with more of them has lost its lines.
_MAX_PAGES = 20


def read_last_line_time(client: AwsClient, name: str) -> datetime | Unknown:
    """The time of the last line in a notebook's ``jupyter.log``; ``Unknown`` where there is none."""
    try:
        event = read_last_event(client, f"{name}/jupyter.log")
    except AwsError as failure:
        if failure.aws_code == _NO_STREAM:
            return Unknown(f"there is no log {NOTEBOOK_LOGS}/{name}/jupyter.log in CloudWatch Logs")
        return unknown_from_error(failure)
    return Unknown("its log has no lines in CloudWatch Logs") if event is None else _parse_millis(event["timestamp"])


def read_script_line(client: AwsClient, name: str) -> tuple[str, str | Unknown]:
    """The log stream of a notebook's lifecycle script and the last line in it. The script that runs at every start is
    looked for first: the one of the creation comes before it, and where that failed the other has no stream.
    """
    for stream in (f"{name}/LifecycleConfigOnStart", f"{name}/LifecycleConfigOnCreate"):
        try:
            event = read_last_event(client, stream)
        except AwsError as failure:
            if failure.aws_code != _NO_STREAM:
                return stream, unknown_from_error(failure)
        else:
            return stream, Unknown("it has no lines") if event is None else str(event["message"]).strip()
    return f"{name}/LifecycleConfigOnStart", Unknown("it is not there")


def read_last_event(client: AwsClient, stream: str) -> dict[str, Any] | None:
    """The last event of a log stream of notebook instances; None: it has none.

    Raises:
        AwsError: it could not be read.
    """
    place: dict[str, str] = {}
    for _ in range(_MAX_PAGES):
        asked = {"logGroupName": NOTEBOOK_LOGS, "logStreamName": stream, "limit": 1, "startFromHead": False, **place}
        page = client.read("logs", "get_log_events", **asked)
        events, token = page["events"], page["nextBackwardToken"]
        if events:
            with parse_errors_as_aws(client, "logs:GetLogEvents"):
                return {"message": events[-1].get("message", ""), "timestamp": events[-1].get("timestamp")}
        if token == place.get("nextToken"):
            break
        place = {"nextToken": token}
    return None


def _parse_millis(milliseconds: object) -> datetime | Unknown:
    try:
        return datetime.fromtimestamp(float(str(milliseconds)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return Unknown("the last line of its log has no time")
