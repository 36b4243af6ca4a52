"""Reads a training job's log as it grows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from opskit.aws import Door
from opskit.aws_errors import incomplete
from opskit.errors import AwsFailure
from opskit.observe.bad_answers import understood

_GROUP = "/aws/sagemaker/TrainingJobs"
_ABSENT = "ResourceNotFoundException"  # the account's first job makes the group, a job's first line its stream


@dataclass
class TrainingLog:
    """The log of one job, and how far each of its streams was read."""

    job: str
    places: dict[str, str] = field(default_factory=dict)

    def new_lines(self, door: Door) -> Iterator[str]:
        """The lines that came since the last look, in the order of each stream.

        Raises:
            AwsFailure: the log could not be read.
        """
        for stream in self._streams(door):
            yield from self._lines(door, stream)

    def _streams(self, door: Door) -> list[str]:
        try:
            which = {"logGroupName": _GROUP, "logStreamNamePrefix": f"{self.job}/"}
            pages = list(door.pages("logs", "describe_log_streams", **which))
        except AwsFailure as failure:
            if failure.aws_code == _ABSENT:
                return []
            raise
        with understood(door, "logs:DescribeLogStreams"):
            return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]

    def _lines(self, door: Door, stream: str) -> Iterator[str]:
        """A stream's new lines. CloudWatch says that it was read to its end by giving the token again that it was asked
        with; one from before leads back into what was read.
        """
        seen: set[str] = set()
        while True:
            at = self.places.get(stream)
            place = {} if at is None else {"nextToken": at}
            page = door.read(
                "logs", "get_log_events", logGroupName=_GROUP, logStreamName=stream, startFromHead=True, **place
            )
            with understood(door, "logs:GetLogEvents"):
                lines = [event["message"].replace("#011", "\t").rstrip() for event in page["events"]]
            yield from lines
            token = self.places[stream] = page["nextForwardToken"]
            if token == at:
                return
            if token in seen:
                raise incomplete("logs:GetLogEvents", door.region, "with a token for what was read already")
            seen.add(token)
