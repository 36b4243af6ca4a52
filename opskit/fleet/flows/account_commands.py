"""One command in one account: what runs for each account of many, here in a thread, elsewhere perhaps in a function.

It takes clients and options, and returns what the command answers; it opens no file, and needs no home.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from opskit.aws.client import AwsClient
from opskit.aws.regions import enabled_regions
from opskit.aws.session import AwsSession
from opskit.bills.flows.costs import read_current_costs
from opskit.bills.render.costs import costs_result
from opskit.core.exceptions import OpskitError, UsageError
from opskit.core.model import Requirement
from opskit.endpoints.rules.idleness import EndpointPolicy
from opskit.fleet.rules.accounts import FleetAccount
from opskit.fleet.rules.reports import AccountReport, FleetCommand
from opskit.notebooks.flows.inspect import inspect_all
from opskit.notebooks.render.list import notebook_list_result
from opskit.notebooks.rules.idleness import IdlePolicy
from opskit.output.result import CommandResult
from opskit.quotas.flows.check import check_quotas
from opskit.quotas.render.check import check_result


@dataclass(frozen=True)
class CommandOptions:
    """What a command is run with in every account. ``requirements`` are for a check, ``idle_after`` and
    ``patience_usd`` for notebooks, ``trail``: whether costs ask CloudTrail for owners; ``production``: the tags that
    call an endpoint that.
    """

    requirements: tuple[Requirement, ...] = ()
    idle_after: timedelta = timedelta(hours=1)
    patience_usd: Decimal | None = None
    trail: bool = False
    production: tuple[str, ...] = ()


AccountCommand = Callable[[Sequence[AwsClient], CommandOptions, datetime], CommandResult]


def run_in_account(
    session: AwsSession,
    account: FleetAccount,
    regions: Sequence[str],
    command: FleetCommand,
    options: CommandOptions,
    now: datetime,
) -> AccountReport:
    """Run a command in an account. What fails is in the report: one account never hides the others."""
    try:
        _check_identity(session, account)
        names = account.regions or regions or (session.default_region,)
        if "all" in names:
            names = enabled_regions(session.client())
        clients = [session.client(name) for name in dict.fromkeys(names)]
        result = ACCOUNT_COMMANDS[command](clients, options, now)
    except OpskitError as error:
        return AccountReport(account, error.exit, problems=(error.problem,))
    finally:
        session.close_idle_connections()
    return AccountReport(account, result.exit, result.data, result.problems, len(clients))


def _check_identity(session: AwsSession, account: FleetAccount) -> None:
    """Assume the role, and see that it leads where it was said to: what is read is told under the account's ID.

    Raises:
        AwsError: the role cannot be assumed.
        UsageError: it leads elsewhere.
    """
    found = session.identity().account
    if found != account.account:
        text = f"The credentials for {account.account} are those of the account {found}."
        raise UsageError("other-account", text, "Correct the role's ARN.")


def _check_account(clients: Sequence[AwsClient], options: CommandOptions, now: datetime) -> CommandResult:
    return check_result(check_quotas(clients, options.requirements, now), None)


def _look_for_idle(clients: Sequence[AwsClient], options: CommandOptions, now: datetime) -> CommandResult:
    policy = IdlePolicy(options.idle_after, patience_usd=options.patience_usd)
    return notebook_list_result(inspect_all(clients, policy, now), now)


def _read_costs(clients: Sequence[AwsClient], options: CommandOptions, now: datetime) -> CommandResult:
    policy = EndpointPolicy(production=options.production)
    return costs_result(read_current_costs(clients, now, policy, trail=options.trail), now, None, None)


ACCOUNT_COMMANDS: Mapping[FleetCommand, AccountCommand] = {
    FleetCommand.CHECK: _check_account,
    FleetCommand.IDLE: _look_for_idle,
    FleetCommand.COSTS: _read_costs,
}
