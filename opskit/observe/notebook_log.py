"""When a notebook's Jupyter last wrote a line into its log, for those who may not look into Jupyter itself."""

from __future__ import annotations

from datetime import UTC, datetime

from opskit.aws import Door
from opskit.errors import AwsFailure
from opskit.model import Unread
from opskit.observe.quotas import unread

_GROUP = "/aws/sagemaker/NotebookInstances"
_MOST_PAGES = 20
"""CloudWatch hands out empty pages on its way back to the last line; a log with more of them has lost its lines."""


def last_line(door: Door, name: str) -> datetime | Unread:
    """The time of the last line in a notebook's ``jupyter.log``; ``Unread`` where there is none."""
    try:
        return _last_line(door, f"{name}/jupyter.log")
    except AwsFailure as failure:
        if failure.aws_code == "ResourceNotFoundException":
            return Unread(f"there is no log {_GROUP}/{name}/jupyter.log in CloudWatch Logs")
        return unread(failure)


def _last_line(door: Door, stream: str) -> datetime | Unread:
    place: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        asked = {"logGroupName": _GROUP, "logStreamName": stream, "limit": 1, "startFromHead": False, **place}
        page = door.read("logs", "get_log_events", **asked)
        events, token = page["events"], page["nextBackwardToken"]
        if events:
            return _moment(events[-1].get("timestamp"))
        if token == place.get("nextToken"):
            break
        place = {"nextToken": token}
    return Unread("its log has no lines in CloudWatch Logs")


def _moment(milliseconds: object) -> datetime | Unread:
    try:
        return datetime.fromtimestamp(float(str(milliseconds)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return Unread("the last line of its log has no time")
