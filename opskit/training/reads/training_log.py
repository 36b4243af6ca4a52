"""Reads a training job's log while it grows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.aws.errors import incomplete
from opskit.core.aws_names import TRAINING_LOG_GROUP
from opskit.core.exceptions import AwsError

_ABSENT = "ResourceNotFoundException"  # the account's first job makes the group, a job's first line its stream


@dataclass
class TrainingLog:
    """The log of one job, and how far each of its streams was read."""

    job: str
    tokens: dict[str, str] = field(default_factory=dict)

    def new_lines(self, client: AwsClient) -> Iterator[str]:
        """The lines since the last read, in the order of each stream.

        Raises:
            AwsError: the log could not be read.
        """
        for stream in self._stream_names(client):
            yield from self._stream_lines(client, stream)

    def _stream_names(self, client: AwsClient) -> list[str]:
        try:
            params = {"logGroupName": TRAINING_LOG_GROUP, "logStreamNamePrefix": f"{self.job}/"}
            pages = list(client.paginate("logs", "describe_log_streams", **params))
        except AwsError as failure:
            if failure.aws_code == _ABSENT:
                return []
            raise
        with parse_errors_as_aws(client, "logs:DescribeLogStreams"):
            return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]

    def _stream_lines(self, client: AwsClient, stream: str) -> Iterator[str]:
        """A stream's new lines. CloudWatch returns the request's own token at the end of a stream; an earlier token
        would lead back to lines that were read already.
        """
        used_tokens: set[str] = set()
        while True:
            position = self.tokens.get(stream)
            token_param = {} if position is None else {"nextToken": position}
            page = client.read(
                "logs",
                "get_log_events",
                logGroupName=TRAINING_LOG_GROUP,
                logStreamName=stream,
                startFromHead=True,
                **token_param,
            )
            with parse_errors_as_aws(client, "logs:GetLogEvents"):
                # A tab arrives as #011, its code in octal.
                lines = [event["message"].replace("#011", "\t").rstrip() for event in page["events"]]
            yield from lines
            token = self.tokens[stream] = page["nextForwardToken"]
            if token == position:
                return
            if token in used_tokens:
                raise incomplete("logs:GetLogEvents", client.region, "with a token for what was read already")
            used_tokens.add(token)
