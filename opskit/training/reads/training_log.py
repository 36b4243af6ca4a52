"""Reads a training job's log as it grows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from opskit.aws.client import AwsClient
from opskit.aws.errors import incomplete
from opskit.aws.unusable_responses import parse_errors_as_aws
from opskit.core.exceptions import AwsError
from opskit.core.log_groups import TRAINING_LOGS

_ABSENT = "ResourceNotFoundException"  # the account's first job makes the group, a job's first line its stream


@dataclass
class TrainingLog:
    """The log of one job, and how far each of its streams was read."""

    job: str
    tokens: dict[str, str] = field(default_factory=dict)

    def new_lines(self, client: AwsClient) -> Iterator[str]:
        """The lines that came since the last look, in the order of each stream.

        Raises:
            AwsError: the log could not be read.
        """
        for stream in self._stream_names(client):
            yield from self._stream_lines(client, stream)

    def _stream_names(self, client: AwsClient) -> list[str]:
        try:
            which = {"logGroupName": TRAINING_LOGS, "logStreamNamePrefix": f"{self.job}/"}
            pages = list(client.paginate("logs", "describe_log_streams", **which))
        except AwsError as failure:
            if failure.aws_code == _ABSENT:
                return []
            raise
        with parse_errors_as_aws(client, "logs:DescribeLogStreams"):
            return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]

    def _stream_lines(self, client: AwsClient, stream: str) -> Iterator[str]:
        """A stream's new lines. CloudWatch says that it was read to its end by giving the token again that it was asked
        with; one from before leads back into what was read.
        """
        seen: set[str] = set()
        while True:
            at = self.tokens.get(stream)
            place = {} if at is None else {"nextToken": at}
            page = client.read(
                "logs", "get_log_events", logGroupName=TRAINING_LOGS, logStreamName=stream, startFromHead=True, **place
            )
            with parse_errors_as_aws(client, "logs:GetLogEvents"):
                lines = [event["message"].replace("#011", "\t").rstrip() for event in page["events"]]
            yield from lines
            token = self.tokens[stream] = page["nextForwardToken"]
            if token == at:
                return
            if token in seen:
                raise incomplete("logs:GetLogEvents", client.region, "with a token for what was read already")
            seen.add(token)
