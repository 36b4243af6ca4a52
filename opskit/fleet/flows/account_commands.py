"""One command in one account: what runs for each account of many, here in a thread, elsewhere perhaps in a function.

It gets what to do as a function of a session and its Regions, and returns what that answers; it opens no file, and
needs no home.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opskit.aws.regions import enabled_regions
from opskit.aws.session import AwsSession
from opskit.core.exceptions import ExitCode, OpskitError, Problem, UsageError
from opskit.core.redaction import redact_secrets
from opskit.fleet.rules.accounts import FleetAccount
from opskit.fleet.rules.reports import AccountReport
from opskit.output.result import CommandResult

AccountWork = Callable[[FleetAccount, AwsSession, tuple[str, ...]], CommandResult]
"""What a command does in one account: with a session there, in these Regions."""


def run_in_account(
    session: AwsSession, account: FleetAccount, regions: Sequence[str], work: AccountWork
) -> AccountReport:
    """Run a command in an account. What fails is in the report: one account never hides the others, and neither does a
    bug that shows in one of them.
    """
    try:
        _check_identity(session, account)
        names = tuple(account.regions or regions or (session.default_region,))
        if "all" in names:
            names = tuple(enabled_regions(session.client()))
        names = tuple(dict.fromkeys(names))
        result = work(account, session, names)
    except OpskitError as error:
        return AccountReport(account, error.exit, problems=(error.problem,))
    except Exception as error:
        text = redact_secrets(f"This is a bug in opskit: {type(error).__name__}: {error}")
        problem = Problem("bug", text, "Run it in this account alone, with --verbose, and report what it prints.")
        return AccountReport(account, ExitCode.BUG, problems=(problem,))
    finally:
        session.close_idle_connections()
    return AccountReport(account, result.exit, result.data, result.problems, len(names))


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
