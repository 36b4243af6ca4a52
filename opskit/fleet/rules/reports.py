"""What a command answered in each account, and what that comes to over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opskit.core.exceptions import ExitCode, Problem
from opskit.fleet.rules.accounts import FleetAccount


@dataclass(frozen=True)
class AccountReport:
    """What a command answered in one account: its exit code, its data as JSON has them, its errors, and the ``regions``
    that it looked at.
    """

    account: FleetAccount
    exit: ExitCode
    data: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    regions: tuple[str, ...] = ()

    @property
    def was_read(self) -> bool:
        """Whether the account was looked at, if only in part."""
        match self.exit:
            case ExitCode.OK | ExitCode.REFUSED | ExitCode.PARTIAL:
                return True
            case ExitCode.BUG | ExitCode.USAGE | ExitCode.AWS_ERROR | ExitCode.INTERRUPTED:
                return False
            case ExitCode.NOT_RUNNABLE | ExitCode.NOT_FOUND:
                return False

    def rows(self, records: str) -> list[dict[str, Any]]:
        """The rows of the answer in its list ``records``, each with its account."""
        return [{**row, "account": self.account.account} for row in self.data.get(records) or ()]


def parse_account_report(account: FleetAccount, envelope: Mapping[str, Any]) -> AccountReport:
    """The report that an envelope of one account is.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    problems = tuple(Problem(**error) for error in envelope["errors"])
    return AccountReport(account, ExitCode(envelope["exit"]), envelope["data"], problems, tuple(envelope["regions"]))


def fleet_exit(reports: Sequence[AccountReport]) -> ExitCode:
    """The exit code over all accounts: a refusal wins; one that could not be looked at makes it partial, all of them
    an error of AWS's.
    """
    if any(report.exit.is_refusal for report in reports):
        return ExitCode.REFUSED
    if all(report.exit.is_ok for report in reports):
        return ExitCode.OK
    if any(report.was_read for report in reports):
        return ExitCode.PARTIAL
    return ExitCode.AWS_ERROR
