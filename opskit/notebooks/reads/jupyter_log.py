"""When a notebook's Jupyter last wrote a line into its log, for those who may not look into Jupyter itself."""

from __future__ import annotations

from datetime import UTC, datetime

from opskit.aws.client import AwsClient
from opskit.aws.log_tail import read_last_events
from opskit.core.aws_names import NOTEBOOK_LOGS
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error

_NO_STREAM = "ResourceNotFoundException"


def read_last_line_time(client: AwsClient, name: str) -> datetime | Unknown:
    """The time of the last line in a notebook's ``jupyter.log``, in UTC; ``Unknown``, with the reason, where there is
    no log, no line in it, or it cannot be read.
    """
    try:
        events = read_last_events(client, NOTEBOOK_LOGS, f"{name}/jupyter.log", 1)
    except AwsError as failure:
        if failure.aws_code == _NO_STREAM:
            return Unknown(f"there is no log {NOTEBOOK_LOGS}/{name}/jupyter.log in CloudWatch Logs")
        return unknown_from_error(failure)
    return _parse_millis(events[-1].timestamp) if events else Unknown("its log has no lines in CloudWatch Logs")


def read_script_line(client: AwsClient, name: str) -> tuple[str, str | Unknown]:
    """The log stream of a notebook's lifecycle script and the last line in it. The script that runs at every start is
    looked for first: the one of the creation comes before it, and where that failed the other has no stream.
    """
    for stream in (f"{name}/LifecycleConfigOnStart", f"{name}/LifecycleConfigOnCreate"):
        try:
            events = read_last_events(client, NOTEBOOK_LOGS, stream, 1)
        except AwsError as failure:
            if failure.aws_code != _NO_STREAM:
                return stream, unknown_from_error(failure)
        else:
            return stream, events[-1].message.strip() if events else Unknown("it has no lines")
    return f"{name}/LifecycleConfigOnStart", Unknown("it is not there")


def _parse_millis(milliseconds: object) -> datetime | Unknown:
    try:
        return datetime.fromtimestamp(float(str(milliseconds)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return Unknown("the last line of its log has no time")
