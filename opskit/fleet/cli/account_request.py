"""One command in one account: a request that says all of it as values, and the one function that answers it. It is
called by threads and processes for each account of a run over many, and by AWS Lambda for one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opskit.aws.session import AwsSession
from opskit.cli.account_options import AccountUse, ParsedCommand, PlannedChanges
from opskit.cli.command import CommandContext
from opskit.core.exceptions import ConfirmationRequired
from opskit.core.setting_values import OutputFormat
from opskit.core.settings import Settings
from opskit.fleet.flows.account_commands import RoleOptions, run_in_account
from opskit.fleet.rules.accounts import FleetAccount
from opskit.fleet.rules.plans import plan_of_rows
from opskit.fleet.rules.reports import AccountReport
from opskit.fleet.rules.views import VIEWS
from opskit.output.result import CommandResult
from opskit.output.screen import Screen, printed_envelope


@dataclass(frozen=True)
class AccountRequest:
    """What to run where. ``account`` has the role to assume, if any, and its own Regions, else ``regions`` count.
    ``plan`` is what of a dry run may be changed, pairs of Region and name (None: as the command's flags say).
    """

    account: FleetAccount
    regions: tuple[str, ...]
    command: ParsedCommand
    settings: Settings
    roles: RoleOptions
    plan: frozenset[tuple[str, str]] | None


def answer_request(request: AccountRequest, base: AwsSession) -> dict[str, Any]:
    """Run the command in the account, whose role is assumed from ``base``, and return the envelope that ``-o json``
    prints, as plain JSON values, with the account, its name and the Regions. Whatever fails is in it. Safe across
    threads; the state and whoever listens to problems are those of the process.
    """
    ctx = CommandContext(request.settings, Screen(OutputFormat.JSON, color=False, quiet=True), _session=base)

    def work(session: AwsSession, regions: tuple[str, ...]) -> CommandResult:
        def run_body(planned: PlannedChanges | None, **changed: bool) -> CommandResult:
            arguments = {**request.command.arguments, **changed}
            return request.command.body(ctx.for_account(session, regions, planned), **arguments)

        return _run_as_allowed(run_body, request)

    report = run_in_account(base, request.account, request.regions, request.roles, work)
    return report_envelope(request.command.path, report)


def report_envelope(path: tuple[str, ...], report: AccountReport) -> dict[str, Any]:
    """What a command answered in an account, as ``-o json`` prints it."""
    result = CommandResult(report.data, report.exit, report.problems)
    where = {"account": report.account.account, "name": report.account.name, "regions": list(report.regions)}
    return {**printed_envelope(path, result), **where}


def _run_as_allowed(run_body: Callable[..., CommandResult], request: AccountRequest) -> CommandResult:
    """Run a command's body, and what changes something as it is in several accounts: by a plan, looked at again.

    Raises:
        ConfirmationRequired: it changes something, and nobody has agreed.
    """
    command = request.command
    match command.use:
        case AccountUse.READS | None:
            return run_body(None)
        case AccountUse.CHANGES:
            if command.arguments["dry_run"]:
                return run_body(None, yes=False)
            plan = request.plan
            if plan is None and not command.arguments["yes"]:
                text = "This changes the account."
                raise ConfirmationRequired(
                    "consent-missing", text, "Send 'plan', the rows of a --dry-run, or add --yes."
                )
            if plan is None:
                planned = run_body(None, dry_run=True, yes=False)
                rows = planned.data[VIEWS[" ".join(command.path)].records]
                account = request.account.account
                plan = plan_of_rows([{**row, "account": account} for row in rows]).get(account, frozenset())
            if not plan:
                return run_body(None, dry_run=True, yes=False)
            return run_body(PlannedChanges(plan), dry_run=False, yes=False)
