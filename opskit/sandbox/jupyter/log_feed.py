"""Jupyter's log lines on their way into CloudWatch Logs, where AWS puts them too."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from opskit.sandbox.world import Place, World

GROUP = "/aws/sagemaker/NotebookInstances"
_BATCH = 1000


class LogFeed:
    """Sends what was added to one log file since it last looked. One feed per life of a notebook."""

    def __init__(self, world: World, place: Place, notebook: str, file: Path) -> None:
        self._world = world
        self._logs = world.client("logs", place)
        self._stream = f"{notebook}/jupyter.log"
        self._file = file
        self._read = 0
        self._rest = b""
        self._there = False

    def send_new(self, ago: timedelta = timedelta()) -> None:
        """Send the whole lines that are new; ``ago`` dates them back (a scenario's notebook has a past)."""
        lines = self._new_lines()
        if not lines:
            return
        self._make_stream()
        stamp = int((self._world.now() - ago).timestamp() * 1000)
        for start in range(0, len(lines), _BATCH):
            events = [{"timestamp": stamp, "message": line} for line in lines[start : start + _BATCH]]
            self._logs.put_log_events(logGroupName=GROUP, logStreamName=self._stream, logEvents=events)

    def _new_lines(self) -> list[str]:
        with self._file.open("rb") as file:
            file.seek(self._read)
            added = file.read()
        self._read += len(added)
        *whole, self._rest = (self._rest + added).split(b"\n")
        return [line.decode(errors="replace") for line in whole if line.strip()]

    def _make_stream(self) -> None:
        if self._there:
            return
        names: dict[str, Any] = {"logGroupName": GROUP}
        for make, more in ((self._logs.create_log_group, {}), (self._logs.create_log_stream, self._names())):
            try:
                make(**names, **more)
            except self._logs.exceptions.ResourceAlreadyExistsException:
                continue
        self._there = True

    def _names(self) -> dict[str, str]:
        return {"logStreamName": self._stream}
