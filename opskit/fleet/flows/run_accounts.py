"""Runs a command in many accounts at once, and hands out each report as it comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from opskit.aws.gather import gather_all
from opskit.aws.session import AwsSession, assume_account_role
from opskit.fleet.flows.account_commands import AccountWork, run_in_account
from opskit.fleet.rules.accounts import FleetAccount
from opskit.fleet.rules.reports import AccountReport


@dataclass(frozen=True)
class RoleOptions:
    """How the roles of the accounts are assumed."""

    external_id: str | None = None
    tags: tuple[tuple[str, str], ...] = ()


@dataclass
class FleetRun:
    """A command over accounts. ``note_report`` is told of each report, one at a time, and how many there are."""

    base: AwsSession
    work: AccountWork
    regions: Sequence[str]
    roles: RoleOptions
    note_report: Callable[[AccountReport, int], None]
    _ended: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run_in_accounts(
        self, accounts: Sequence[FleetAccount], finished: Sequence[AccountReport], concurrency: int
    ) -> list[AccountReport]:
        """The reports of all accounts, in their order; those that are ``finished`` are not run again."""
        done = {report.account.account: report for report in finished}
        self._ended = len(done)
        left = [each for each in accounts if each.account not in done]
        for report in gather_all([partial(self._run_account, each) for each in left], max_workers=concurrency):
            done[report.account.account] = report
        return [done[each.account] for each in accounts]

    def _run_account(self, account: FleetAccount) -> AccountReport:
        session = self.base
        if account.role_arn is not None:
            session = assume_account_role(
                self.base, account.role_arn, external_id=self.roles.external_id, tags=self.roles.tags
            )
        report = run_in_account(session, account, self.regions, self.work)
        with self._lock:
            self._ended += 1
            self.note_report(report, self._ended)
        return report
