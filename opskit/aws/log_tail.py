"""The last lines of a CloudWatch log, in which AWS leaves the reason why a job, an endpoint or a script failed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.aws.polling import read_after_pauses
from opskit.core.aws_names import LogTail
from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError
from opskit.core.redaction import redact_secrets
from opskit.core.result_or_error import unknown_from_error

LAST_LINES = 10
"""As many lines as are shown of a log."""
_ABSENT = "ResourceNotFoundException"  # the first line makes the group and the stream
# Each instance writes a stream or two; the reason stands in each of them.
_MAX_STREAMS = 4
_LATE_READS = 4
_LATE_READ_SECONDS = 1.0
# CloudWatch hands out empty pages on its way back to the last lines.
_MAX_PAGES = 20


@dataclass(frozen=True)
class LogEvent:
    """A line of a log, with its time as AWS gave it: milliseconds since 1970, as a rule."""

    timestamp: object
    message: str


def read_log_tail(client: AwsClient, group: str, prefix: str, clock: Clock) -> LogTail:
    """The last lines of the log of something that has just failed, without secrets; the last ones may appear seconds
    late. What could not be read is in the result: a log is read to explain a failure, and must not hide it.
    """
    pauses = (0.0, *[_LATE_READ_SECONDS] * (_LATE_READS - 1))
    for tail in read_after_pauses(partial(_read_tail, client, group, prefix), clock, pauses):
        if tail.lines:
            break
    return tail


def _read_tail(client: AwsClient, group: str, prefix: str) -> LogTail:
    try:
        streams = _list_streams(client, group, prefix)
        events = [event for stream in streams for event in read_last_events(client, group, stream)]
    except AwsError as failure:
        if failure.aws_code == _ABSENT:
            return LogTail(group, prefix)
        return LogTail(group, prefix, unknown_from_error(failure))
    # Sorting is stable: lines of one stream and one millisecond stay in their order.
    last = sorted(events, key=_time_of)[-LAST_LINES:]
    # A tab arrives as #011, its code in octal.
    return LogTail(group, prefix, tuple(redact_secrets(each.message.replace("#011", "\t").rstrip()) for each in last))


def _time_of(event: LogEvent) -> float:
    return float(event.timestamp) if isinstance(event.timestamp, int | float) else 0.0


def _list_streams(client: AwsClient, group: str, prefix: str) -> list[str]:
    """The streams, those that were begun last."""
    narrowed = {"logStreamNamePrefix": prefix} if prefix else {}
    pages = list(client.paginate("logs", "describe_log_streams", logGroupName=group, **narrowed))
    with parse_errors_as_aws(client, "logs:DescribeLogStreams"):
        found = [stream for page in pages for stream in page["logStreams"]]
        newest = sorted(found, key=lambda stream: stream.get("creationTime") or 0)[-_MAX_STREAMS:]
        return [str(stream["logStreamName"]) for stream in newest]


def read_last_events(client: AwsClient, group: str, stream: str, count: int = LAST_LINES) -> list[LogEvent]:
    """The last events of a log stream, at most so many, the oldest first.

    Raises:
        AwsError: they could not be read, or there is no such stream.
    """
    asked = {"logGroupName": group, "logStreamName": stream, "limit": count, "startFromHead": False}
    place: dict[str, str] = {}
    for _ in range(_MAX_PAGES):
        page = client.read("logs", "get_log_events", **asked, **place)
        with parse_errors_as_aws(client, "logs:GetLogEvents"):
            events, token = page["events"], page["nextBackwardToken"]
            if events:
                return [LogEvent(each.get("timestamp"), str(each.get("message", ""))) for each in events[-count:]]
        if token == place.get("nextToken"):
            break
        place = {"nextToken": token}
    return []
