"""Runs a command in this process, as a person's shell would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from opskit.cli import main


@dataclass(frozen=True)
class CliResult:
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

    @property
    def quotas(self) -> list[dict[str, Any]]:
        """The quotas of an answer that has some."""
        rows: list[dict[str, Any]] = self.data["quotas"]
        return rows

    def row(self, name: str, region: str = "us-east-1") -> dict[str, Any]:
        """The quota of this name in a Region."""
        return next(row for row in self.quotas if row["quota_name"] == name and row["region"] == region)


def run_opskit(capsys: pytest.CaptureFixture[str], *words: str) -> CliResult:
    """Run opskit with these words; whatever comes, it is no traceback."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(words)
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    return CliResult(int(ended.value.code or 0), told.out, told.err)
