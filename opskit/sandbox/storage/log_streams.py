"""Carrying what a container says to CloudWatch Logs, line by line, while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from opskit.sandbox.state import AccountRegion, SandboxState

# Below CloudWatch's limits of 256 KB an event and 10,000 events a call.
_MAX_LINE_LENGTH = 250_000
_MAX_EVENTS_PER_CALL = 5_000


class LogStream:
    """One stream of a log group; both are made with the first line."""

    def __init__(self, state: SandboxState, account_region: AccountRegion, group: str, stream: str) -> None:
        self._state = state
        self._place = account_region
        self._name = {"logGroupName": group, "logStreamName": stream}
        self._made = False

    def write_lines(self, lines: Sequence[str], ago: timedelta = timedelta()) -> None:
        """Append lines, each an event of now, or of some time ``ago`` for what is said to be older than the sandbox.

        Empty ones are left out, as CloudWatch takes none.
        """
        events = self._log_events(lines, ago)
        for start in range(0, len(events), _MAX_EVENTS_PER_CALL):
            self._logs_client().put_log_events(**self._name, logEvents=events[start : start + _MAX_EVENTS_PER_CALL])

    def _log_events(self, lines: Sequence[str], ago: timedelta) -> list[dict[str, Any]]:
        timestamp = int((self._state.now() - ago).timestamp() * 1000)
        return [{"timestamp": timestamp, "message": line[:_MAX_LINE_LENGTH]} for line in lines if line.strip()]

    def _logs_client(self) -> Any:
        client = self._state.client("logs", self._place)
        if not self._made:
            group = {"logGroupName": self._name["logGroupName"]}
            _create_if_missing(client.create_log_group, group)
            _create_if_missing(client.create_log_stream, self._name)
            self._made = True
        return client


def _create_if_missing(create: Any, name: dict[str, str]) -> None:
    try:
        create(**name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise


class LogTail:
    """The lines of a file that another process is still writing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._rest = b""

    def new_lines(self, *, last: bool = False) -> list[str]:
        """The whole lines since the previous call; with ``last`` also the line that was never ended.

        There are none once the file is gone, as it is when its job was cleared away meanwhile.
        """
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        self._read += len(new)
        *complete, self._rest = (self._rest + new).split(b"\n")
        if last and self._rest:
            complete.append(self._rest)
            self._rest = b""
        return [line.decode("utf-8", "replace") for line in complete]
