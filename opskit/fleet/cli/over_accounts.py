"""Runs any command that knows how to in several accounts, and gives one answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opskit.cli.account_options import AccountChoice, AccountUse, ParsedCommand
from opskit.cli.command import CommandContext
from opskit.core.exceptions import ConfirmationRequired, ExitCode, UsageError
from opskit.core.file_errors import read_named_text
from opskit.core.setting_values import parse_tag
from opskit.fleet.cli.account_pool import AccountPool
from opskit.fleet.cli.account_request import AccountRequest
from opskit.fleet.flows.account_commands import RoleOptions
from opskit.fleet.flows.choose_accounts import choose_accounts, run_key
from opskit.fleet.render import fleet_result, progress_text, refused_fleet_result
from opskit.fleet.rules.plans import AccountPlan, over_limit_problem, parse_plan, plan_of_rows
from opskit.fleet.rules.reports import AccountReport
from opskit.fleet.rules.views import VIEWS, AccountView
from opskit.fleet.store import FinishedReports

if TYPE_CHECKING:
    from opskit.fleet.rules.accounts import FleetAccount
    from opskit.output.result import CommandResult

_CONSENT_HINT = "Look at the plan with --dry-run -o json, then give its file with --plan, or add --yes."


@dataclass(frozen=True)
class SeveralAccounts:
    """A command line over accounts, and the context of the whole."""

    ctx: CommandContext
    command: ParsedCommand
    accounts: tuple[FleetAccount, ...]
    roles: RoleOptions

    @property
    def view(self) -> AccountView:
        """What its answer is made of."""
        return VIEWS[" ".join(self.command.path)]

    def read_accounts(self, *, resume: bool) -> list[AccountReport]:
        """Run it in every account."""
        command, regions = self.command, self.ctx.settings.get("regions") or ()
        key = run_key(self.ctx.session(), command.path, command.arguments, self.accounts, regions)
        store = FinishedReports(key)
        now = datetime.now(UTC)
        finished = store.load_reports(now) if resume else []
        if not resume:
            store.forget_reports()
        keep_report = partial(store.add_report, now=now)
        reports = self._run(self.accounts, finished, command.arguments, None, keep_report)
        if not any(report.exit.is_unforeseen for report in reports):
            store.forget_reports()
        return reports

    def plan_changes(self) -> list[AccountReport]:
        """What it would change in every account, as a dry run with nobody to ask tells."""
        arguments = {**self.command.arguments, "dry_run": True, "yes": False}
        return self._run(self.accounts, (), arguments, None, lambda report: None)

    def apply_plan(self, plan: AccountPlan) -> list[AccountReport]:
        """Look again at what is planned, and change that and nothing else. An account without a plan is left alone."""
        accounts = [each for each in self.accounts if each.account in plan]
        arguments = {**self.command.arguments, "dry_run": False, "yes": False}
        return self._run(accounts, (), arguments, plan, lambda report: None)

    def _run(
        self,
        accounts: Sequence[FleetAccount],
        finished: Sequence[AccountReport],
        arguments: Mapping[str, Any],
        plan: AccountPlan | None,
        keep_report: Callable[[AccountReport], object],
    ) -> list[AccountReport]:
        """The reports of all accounts, in their order; those that are ``finished`` are not run again."""
        choice, done = self.command.choice, {report.account.account: report for report in finished}
        command, regions = replace(self.command, arguments=arguments), tuple(self.ctx.settings.get("regions") or ())
        requests = [
            AccountRequest(each, regions, command, self.ctx.settings, self.roles, plan[each.account] if plan else None)
            for each in accounts
            if each.account not in done
        ]

        def note_report(report: AccountReport) -> None:
            done[report.account.account] = report
            keep_report(report)
            self.ctx.screen.info(progress_text(report, len(done), len(accounts)))

        pool = AccountPool(self.ctx.session(), choice.concurrency, choice.processes, self.ctx.verbose)
        pool.answer_requests(requests, note_report)
        return [done[each.account] for each in accounts]


def run_over_accounts(ctx: CommandContext, command: ParsedCommand) -> CommandResult:
    """The answer of a command over accounts.

    Raises:
        UsageError: no accounts were named, or in two ways, or the plan is none.
        ConfirmationRequired: it changes something, and nobody has agreed.
        AwsError: the organization could not be read.
    """
    roles = RoleOptions(command.choice.external_id, tuple(map(parse_tag, command.choice.session_tag or ())))
    plan: AccountPlan | None = None
    match command.use:
        case AccountUse.READS | None:
            pass
        case AccountUse.CHANGES:
            _check_change(command)
            plan = _read_plan(command)
    several = SeveralAccounts(ctx, command, _choose_accounts(ctx, command.choice, plan), roles)
    match command.use:
        case AccountUse.READS | None:
            return fleet_result(several.view, several.read_accounts(resume=command.choice.resume))
        case AccountUse.CHANGES:
            return _change_accounts(several, plan)


def _check_change(command: ParsedCommand) -> None:
    """See, before anything is read, that a change may be meant.

    Raises:
        UsageError: it has a flag that is for reading.
        ConfirmationRequired: nobody has agreed.
    """
    if command.choice.resume:
        raise UsageError(
            "no-resume", "--resume is for looks.", "Run the same command again; it reads everything again."
        )
    if not (command.arguments["dry_run"] or command.arguments["yes"] or command.choice.plan):
        raise ConfirmationRequired("consent-missing", "This changes several accounts.", _CONSENT_HINT)


def _read_plan(command: ParsedCommand) -> AccountPlan | None:
    """The plan that was given; None: none was, or it is not needed.

    Raises:
        UsageError: it cannot be read, or is no plan of this command.
    """
    choice = command.choice
    if choice.plan is None or command.arguments["dry_run"]:
        return None
    records = VIEWS[" ".join(command.path)].records
    return parse_plan(read_named_text(choice.plan, "bad-plan"), str(choice.plan), command.path, records)


def _check_planned_accounts(plan: AccountPlan | None, source: Path | None, accounts: Sequence[FleetAccount]) -> None:
    """Hold the plan that was given against the accounts that were named.

    Raises:
        UsageError: it plans changes elsewhere.
    """
    unknown = sorted((plan or {}).keys() - {each.account for each in accounts})
    if unknown:
        text = f"{source} plans changes in the account {unknown[0]}, which was not named."
        raise UsageError("bad-plan", text, "Name the accounts as in the dry run.")


def _change_accounts(several: SeveralAccounts, plan: AccountPlan | None) -> CommandResult:
    """Plan, or take the plan that was given, and carry it out if it keeps the limit."""
    command, choice, view = several.command, several.command.choice, several.view
    dry_run = bool(command.arguments["dry_run"])
    planned: list[AccountReport] = []
    if plan is None:
        planned = several.plan_changes()
        _check_names(several, planned)
        plan = plan_of_rows([row for report in planned for row in report.rows(view.records)])
    if refusal := over_limit_problem(plan, choice.limit_all):
        return refused_fleet_result(view, planned, refusal, dry_run=dry_run)
    if dry_run:
        return fleet_result(view, planned, dry_run=True)
    done = {report.account.account: report for report in several.apply_plan(plan)}
    unseen = planned or [AccountReport(each, ExitCode.OK) for each in several.accounts]
    return fleet_result(view, [done.get(report.account.account, report) for report in unseen], dry_run=False)


def _check_names(several: SeveralAccounts, planned: Sequence[AccountReport]) -> None:
    """See that each name that was typed is somewhere, unless an account could not be looked at.

    Raises:
        UsageError: one is nowhere.
    """
    command, view = several.command, several.view
    found = {row["name"] for report in planned for row in report.rows(view.records)}
    missing = [name for name in command.arguments.get("names") or () if name not in found]
    if missing and all(report.was_read for report in planned):
        text = f"There is no {view.noun} '{missing[0]}' in any of the accounts."
        raise UsageError(f"no-{view.noun}", text, f"`opskit {command.path[0]} list` with the same accounts shows them.")


def _choose_accounts(ctx: CommandContext, choice: AccountChoice, plan: AccountPlan | None) -> tuple[FleetAccount, ...]:
    units = tuple(choice.ou or ())
    return choose_accounts(
        ctx.session,
        choice.accounts,
        org=choice.org or bool(units),
        units=units,
        role_arns=ctx.role_arns,
        role_name=choice.role_name,
        check=partial(_check_planned_accounts, plan, choice.plan),
    )
