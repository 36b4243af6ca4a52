"""Runs a function in one account of several: with a session there, in its Regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opskit.aws.regions import enabled_regions
from opskit.aws.session import AwsSession, assume_account_role
from opskit.core.exceptions import ExitCode, OpskitError, Problem, UsageError
from opskit.core.redaction import redact_secrets
from opskit.fleet.rules.accounts import FleetAccount
from opskit.fleet.rules.reports import AccountReport
from opskit.output.result import CommandResult
from opskit.state.home import remember_paces

AccountWork = Callable[[AwsSession, tuple[str, ...]], CommandResult]
"""What a command does in one account: with a session there, in these Regions."""


@dataclass(frozen=True)
class RoleOptions:
    """How the roles of the accounts are assumed. ``external_id`` None: none is sent."""

    external_id: str | None = None
    tags: tuple[tuple[str, str], ...] = ()


def run_in_account(
    base: AwsSession, account: FleetAccount, regions: Sequence[str], roles: RoleOptions, work: AccountWork
) -> AccountReport:
    """Run a command in an account, whose role is assumed from ``base``. What fails is in the report: one account never
    hides the others, and neither does a bug that shows in one of them.
    """
    session = base
    try:
        if account.role_arn is not None:
            session = assume_account_role(base, account.role_arn, external_id=roles.external_id, tags=roles.tags)
        _check_identity(session, account)
        names = tuple(account.regions or regions or (session.default_region,))
        if "all" in names:
            names = tuple(enabled_regions(session.client()))
        names = tuple(dict.fromkeys(names))
        result = work(session, names)
    except OpskitError as error:
        return AccountReport(account, error.exit, problems=(error.problem,))
    except Exception as error:
        return AccountReport(account, ExitCode.BUG, problems=(bug_problem(error),))
    finally:
        remember_paces(session)
        session.close_idle_connections()
    return AccountReport(account, result.exit, result.data, result.problems, names)


def bug_problem(error: Exception) -> Problem:
    """What is told of an error that nobody foresaw."""
    text = redact_secrets(f"This is a bug in opskit: {type(error).__name__}: {error}")
    return Problem("bug", text, "Run it in this account alone, with --verbose, and report what it prints.")


def _check_identity(session: AwsSession, account: FleetAccount) -> None:
    """Assume the role, and see that it leads where it was said to."""
    found = session.identity().account
    # What is read is told, and what is stopped is stopped, under the account's ID: a wrong ARN must not lead elsewhere.
    if found != account.account:
        text = f"The credentials for {account.account} are those of the account {found}."
        raise UsageError("other-account", text, "Correct the role's ARN.")
