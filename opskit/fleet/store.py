"""Remembers the reports of a run over many accounts as they come, so that one that was killed can be resumed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from opskit.fleet.rules.accounts import FleetAccount
from opskit.fleet.rules.reports import AccountReport, parse_account_report
from opskit.state.paths import state_dir

MAX_REPORT_AGE = timedelta(hours=1)
"""A report that is older is not taken for what is so now."""


@dataclass(frozen=True)
class FinishedReports:
    """A file with a line for each report. ``key`` tells the run: command, options and accounts."""

    key: str

    @property
    def path(self) -> Path:
        """Where the reports are."""
        return state_dir() / f"fleet-{self.key}.jsonl"

    def add_report(self, report: AccountReport, now: datetime) -> None:
        """Add one; a state folder that cannot be written costs the resuming only."""
        line = json.dumps({"at": now.isoformat(), **_to_record(report)})
        with suppress(OSError):
            # One line in one write, appended: what a kill cuts off is the last line alone. Read by nobody else (0600).
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "a", encoding="utf-8") as file:
                file.write(line + "\n")

    def load_reports(self, now: datetime) -> list[AccountReport]:
        """Those that went well and are young enough."""
        found = []
        with suppress(FileNotFoundError):
            for line in self.path.read_text(encoding="utf-8").splitlines():
                # A line that was cut off by a kill is left out, and its account is asked again.
                with suppress(ValueError, KeyError, TypeError):
                    told = json.loads(line)
                    if timedelta(0) <= now - datetime.fromisoformat(told["at"]) <= MAX_REPORT_AGE:
                        found.append(_from_record(told))
        return [report for report in found if report.exit.is_ok or report.exit.is_refusal]

    def forget_reports(self) -> None:
        """Remove the file: the run is whole."""
        with suppress(OSError):
            self.path.unlink()


def _to_record(report: AccountReport) -> dict[str, Any]:
    return {
        "account": asdict(report.account),
        "exit": int(report.exit),
        "data": dict(report.data),
        "errors": [asdict(problem) for problem in report.problems],
        "regions": report.regions,
    }


def _from_record(told: Mapping[str, Any]) -> AccountReport:
    account = FleetAccount(**{**told["account"], "regions": tuple(told["account"]["regions"])})
    return parse_account_report(account, told)
