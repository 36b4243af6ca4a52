"""Runs any command that knows how to in several accounts, and gives one answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opskit.cli.account_options import AccountChoice, AccountUse, PlannedChanges
from opskit.cli.command import CommandContext
from opskit.core.exceptions import ConfirmationRequired, ExitCode, UsageError
from opskit.core.setting_values import parse_tag
from opskit.fleet.flows.choose_accounts import choose_accounts, run_key
from opskit.fleet.flows.run_accounts import FleetRun, RoleOptions
from opskit.fleet.render.accounts import fleet_result, progress_text, refused_fleet_result
from opskit.fleet.rules.plans import AccountPlan, over_limit_problem, parse_plan, plan_of_rows
from opskit.fleet.rules.reports import AccountReport
from opskit.fleet.rules.views import VIEWS
from opskit.fleet.store.finished import FinishedReports

if TYPE_CHECKING:
    from opskit.aws.session import AwsSession
    from opskit.fleet.rules.accounts import FleetAccount
    from opskit.output.result import CommandResult

_CONSENT_HINT = "Look at the plan with --dry-run -o json, then give its file with --plan, or add --yes."


@dataclass(frozen=True)
class SeveralAccounts:
    """A command line over accounts: the context of the whole, the command's words, its body and what it was given."""

    ctx: CommandContext
    path: tuple[str, ...]
    body: Callable[..., CommandResult]
    arguments: Mapping[str, Any]
    choice: AccountChoice
    accounts: tuple[FleetAccount, ...]

    def read_accounts(self, *, resume: bool) -> list[AccountReport]:
        """Run it in every account."""
        regions = self.ctx.settings.get("regions") or ()
        store = FinishedReports(run_key(self.ctx.session(), self.path, self.arguments, self.accounts, regions))
        now = datetime.now(UTC)
        finished = store.load_reports(now) if resume else []
        if not resume:
            store.forget_reports()
        reports = self._run(self.accounts, finished, self.arguments, None, lambda report: store.add_report(report, now))
        store.forget_reports()
        return reports

    def plan_changes(self) -> list[AccountReport]:
        """What it would change in every account, as a dry run with nobody to ask tells."""
        arguments = {**self.arguments, "dry_run": True, "yes": False}
        return self._run(self.accounts, (), arguments, None, lambda report: None)

    def make_changes(self, plan: AccountPlan) -> list[AccountReport]:
        """Look again at what is planned, and change that and nothing else. An account without a plan is left alone."""
        accounts = [each for each in self.accounts if each.account in plan]
        arguments = {**self.arguments, "dry_run": False, "yes": False}
        return self._run(accounts, (), arguments, plan, lambda report: None)

    def _run(
        self,
        accounts: Sequence[FleetAccount],
        finished: Sequence[AccountReport],
        arguments: Mapping[str, Any],
        plan: AccountPlan | None,
        keep_report: Callable[[AccountReport], None],
    ) -> list[AccountReport]:
        def work(account: FleetAccount, session: AwsSession, regions: tuple[str, ...]) -> CommandResult:
            planned = None if plan is None else PlannedChanges(plan[account.account])
            return self.body(self.ctx.for_account(session, regions, planned), **arguments)

        def note_report(report: AccountReport, ended: int) -> None:
            keep_report(report)
            self.ctx.screen.info(progress_text(report, ended, len(accounts)))

        roles = RoleOptions(self.choice.external_id, tuple(map(parse_tag, self.choice.session_tag or ())))
        regions = self.ctx.settings.get("regions") or ()
        run = FleetRun(self.ctx.session(), work, regions, roles, note_report)
        return run.run_in_accounts(accounts, finished, self.choice.concurrency)


def run_over_accounts(
    ctx: CommandContext,
    path: tuple[str, ...],
    use: AccountUse,
    body: Callable[..., CommandResult],
    arguments: Mapping[str, Any],
    choice: AccountChoice,
) -> CommandResult:
    """The answer of a command over accounts.

    Raises:
        UsageError: no accounts were named, or in two ways, or the plan is none.
        ConfirmationRequired: it changes something, and nobody has agreed.
        AwsError: the organization could not be read.
    """
    several = SeveralAccounts(ctx, path, body, arguments, choice, _choose(ctx, choice))
    view = VIEWS[" ".join(path)]
    match use:
        case AccountUse.READS:
            return fleet_result(view, several.read_accounts(resume=choice.resume))
        case AccountUse.CHANGES:
            return _change_accounts(several)


def _change_accounts(several: SeveralAccounts) -> CommandResult:
    """Plan, or take the plan that was given, and carry it out if it keeps the limit and somebody has agreed."""
    choice, view = several.choice, VIEWS[" ".join(several.path)]
    if choice.resume:
        raise UsageError(
            "no-resume", "--resume is for looks.", "Run the same command again; it reads everything again."
        )
    dry_run, yes = bool(several.arguments["dry_run"]), bool(several.arguments["yes"])
    if not (dry_run or yes or choice.plan):
        raise ConfirmationRequired("consent-missing", "This changes several accounts.", _CONSENT_HINT)
    if choice.plan is not None and not dry_run:
        plan = parse_plan(_read_plan(choice.plan), str(choice.plan), several.path, view.records)
        unknown = sorted(plan.keys() - {each.account for each in several.accounts})
        if unknown:
            text = f"{choice.plan} plans changes in the account {unknown[0]}, which was not named."
            raise UsageError("bad-plan", text, "Name the accounts as in the dry run.")
        looked: list[AccountReport] = []
    else:
        looked = several.plan_changes()
        _check_names(several, looked)
        plan = plan_of_rows([row for report in looked for row in report.rows(view.records)])
    if refusal := over_limit_problem(plan, choice.limit_all):
        return refused_fleet_result(view, looked, refusal, dry_run=dry_run)
    if dry_run:
        return fleet_result(view, looked, dry_run=True)
    done = {report.account.account: report for report in several.make_changes(plan)}
    unseen = looked or [AccountReport(each, ExitCode.OK) for each in several.accounts]
    return fleet_result(view, [done.get(report.account.account, report) for report in unseen], dry_run=False)


def _check_names(several: SeveralAccounts, looked: Sequence[AccountReport]) -> None:
    """See that each name that was typed is somewhere, unless an account could not be looked at.

    Raises:
        UsageError: one is nowhere.
    """
    view = VIEWS[" ".join(several.path)]
    found = {row["name"] for report in looked for row in report.rows(view.records)}
    missing = [name for name in several.arguments.get("names") or () if name not in found]
    if missing and all(report.was_read for report in looked):
        text = f"There is no {view.noun} '{missing[0]}' in any of the accounts."
        raise UsageError(f"no-{view.noun}", text, f"`opskit {several.path[0]} list` with the same accounts shows them.")


def _choose(ctx: CommandContext, choice: AccountChoice) -> tuple[FleetAccount, ...]:
    units = tuple(choice.ou or ())
    return choose_accounts(
        ctx.session(),
        choice.accounts,
        org=choice.org or bool(units),
        units=units,
        role_arns=ctx.role_arns,
        role_name=choice.role_name,
    )


def _read_plan(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("bad-plan", f"{file} cannot be read: {error}.") from error
