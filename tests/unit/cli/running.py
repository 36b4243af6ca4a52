"""Runs a command in this process, as a person's shell would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from opskit.cli import main


@dataclass(frozen=True)
class Ran:
    """What a run printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def data(self) -> dict[str, Any]:
        """The envelope's data."""
        data: dict[str, Any] = self.envelope["data"]
        return data


def run(capsys: pytest.CaptureFixture[str], *words: str) -> Ran:
    """Run opskit with these words; whatever comes, it is no traceback."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(words)
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    return Ran(int(ended.value.code or 0), told.out, told.err)
