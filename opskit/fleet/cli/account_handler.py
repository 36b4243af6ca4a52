"""One command in one account, as a function of what JSON can say: what AWS Lambda calls for each account, and what a
program can call for one of many.

It needs nothing of the machine but credentials and, for what only lasts as long as the call, a temporary folder: no
home, no settings file, no terminal. Settings come with the request, over OPSKIT_* variables; so that state outlives the
call, they name a table (``{"state": "dynamodb://opskit"}``).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import Any

from opskit.aws.session import AwsSession, assume_account_role, open_session
from opskit.cli.account_options import AccountChoice, AccountUse, PlannedChanges
from opskit.cli.command import CommandContext
from opskit.cli.parsed_command import ParsedCommand, parse_words
from opskit.cli.run_reports import choose_state, prepare_reports
from opskit.core.ascii_json import ascii_json
from opskit.core.exceptions import ConfirmationRequired, ExitCode, OpskitError, Problem, UsageError
from opskit.core.run_problems import run_problems
from opskit.core.setting_values import OutputFormat, parse_tag
from opskit.core.settings import Settings, read_given_settings
from opskit.fleet.flows.account_commands import run_in_account
from opskit.fleet.rules.accounts import FleetAccount, account_of_role
from opskit.fleet.rules.plans import plan_of_rows
from opskit.fleet.rules.reports import AccountReport
from opskit.fleet.rules.views import VIEWS
from opskit.output.result import CommandResult
from opskit.output.screen import Screen, printed_envelope

_WHERE = "settings of the request"
LARGEST_ANSWER = 6_000_000
"""Characters of an answer: Lambda takes 6 MB (6,291,556 bytes) of a synchronous call, and ours are ASCII."""
_KEYS = ("account", "regions", "command", "settings", "external_id", "session_tags", "plan")
_HINT = 'For example {"account": "123456789012", "command": ["quotas", "check"], "regions": ["us-east-1"]}.'
# Credentials of a function stay the same for as long as its process lives, and the first client takes 0.3 s.
_bases: dict[tuple[Any, ...], AwsSession] = {}


@dataclass(frozen=True)
class AccountRequest:
    """What to run where. ``account`` has the role to assume, if any, and its own Regions; ``settings`` are by their
    names in opskit.toml. ``plan`` are the rows of a dry run that may be changed (None: as the command's flags say).
    """

    account: FleetAccount
    command: tuple[str, ...]
    regions: tuple[str, ...] = ()
    settings: Mapping[str, Any] | None = None
    external_id: str | None = None
    session_tags: tuple[str, ...] = ()
    plan: tuple[Mapping[str, Any], ...] | None = None


def handle_account_request(request: Mapping[str, Any]) -> dict[str, Any]:
    """Run a command in an account, and return the envelope that ``-o json`` prints, as plain JSON values. Whatever
    fails is in it.

    ``request``: ``account`` (an ID, or an object with account, name, role_arn, regions), ``command`` (a list of words),
    and, if wanted, ``regions``, ``settings``, ``external_id``, ``session_tags`` (``KEY=VALUE``), ``plan`` (rows of the
    answer of a dry run).
    """
    prepare_reports()
    path: tuple[str, ...] = ()
    try:
        parsed_request = parse_request(request)
        command = parse_command(parsed_request.command)
        path = command.path
        report = _run_request(parsed_request, command)
        result = CommandResult(report.data, report.exit, (*report.problems, *run_problems()))
        where: dict[str, Any] = {"account": report.account.account, "name": report.account.name}
    except OpskitError as error:
        result, where = CommandResult({}, error.exit, (error.problem,)), {}
    return _plain_envelope(path, result, where)


def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """What AWS Lambda calls; the handler's name there is ``opskit.fleet.cli.account_handler.lambda_handler``. What need
    not be read twice is kept in the temporary folder, which the calls of one process share.
    """
    os.environ.setdefault("XDG_CACHE_HOME", tempfile.gettempdir())
    return handle_account_request(event)


def parse_request(request: Mapping[str, Any]) -> AccountRequest:
    """A request as JSON has it.

    Raises:
        UsageError: it lacks something, or has what is not known.
    """
    if not isinstance(request, Mapping):
        raise _bad_request("it is no JSON object")
    if unknown := sorted(map(str, request.keys() - set(_KEYS))):
        raise _bad_request(f"'{unknown[0]}' is not known in it")
    plan = request.get("plan")
    if plan is not None and not (isinstance(plan, list) and all(isinstance(row, Mapping) for row in plan)):
        raise _bad_request("'plan' is no list of rows")
    settings = request.get("settings") or {}
    if not isinstance(settings, Mapping):
        raise _bad_request("'settings' is no object")
    command = _texts(request, "command")
    if not command:
        raise _bad_request("it has no 'command'")
    return AccountRequest(
        _parse_account(request.get("account")),
        command,
        _texts(request, "regions"),
        settings,
        request.get("external_id") and str(request["external_id"]),
        _texts(request, "session_tags"),
        None if plan is None else tuple(plan),
    )


def parse_command(words: Sequence[str]) -> ParsedCommand:
    """The command that a request names.

    Raises:
        UsageError: it is none that runs in one account of several, or has flags that the request says otherwise.
    """
    command = parse_words(words)
    name = " ".join(command.path)
    if command.use is None:
        raise UsageError("one-account-only", f"`opskit {name}` does not run in an account of several.")
    typed = [flag for flag, value in {**command.common, **command.wrapper}.items() if value]
    no_choice = AccountChoice()
    typed += [
        each.name
        for each in fields_of(command.choice)
        if getattr(command.choice, each.name) not in (getattr(no_choice, each.name), None, False)
    ]
    if typed:
        flag = "--" + typed[0].replace("_", "-")
        hint = "A request has account, regions, settings, external_id, session_tags and plan."
        raise UsageError("flag-in-request", f"{flag} is not a flag of a request's command.", hint)
    return command


def _run_request(request: AccountRequest, command: ParsedCommand) -> AccountReport:
    settings = read_given_settings(request.settings or {}, os.environ, _WHERE)
    base = _open_base(settings, request.regions)
    screen = Screen(OutputFormat.JSON, color=False, quiet=True)
    ctx = CommandContext(settings, screen, _session=base)
    choose_state(settings, ctx.session)

    def work(account: FleetAccount, session: AwsSession, regions: tuple[str, ...]) -> CommandResult:
        def run_body(planned: PlannedChanges | None, **changed: bool) -> CommandResult:
            return command.body(ctx.for_account(session, regions, planned), **{**command.arguments, **changed})

        return _run_body(run_body, request, command)

    session = base
    if request.account.role_arn is not None:
        tags = tuple(map(parse_tag, request.session_tags))
        session = assume_account_role(base, request.account.role_arn, external_id=request.external_id, tags=tags)
    return run_in_account(session, request.account, request.regions or settings.get("regions") or (), work)


def _run_body(run_body: Callable[..., CommandResult], request: AccountRequest, command: ParsedCommand) -> CommandResult:
    """Run a command's body, and what changes something as it is in several accounts: by a plan, looked at again.

    Raises:
        ConfirmationRequired: it would change something, and there is neither a plan nor --yes nor --dry-run.
        UsageError: the plan has rows of something else.
    """
    match command.use:
        case AccountUse.READS | None:
            return run_body(None)
        case AccountUse.CHANGES:
            if command.arguments["dry_run"]:
                return run_body(None, yes=False)
            rows = request.plan
            if rows is None and not command.arguments["yes"]:
                text = "This changes the account."
                raise ConfirmationRequired(
                    "consent-missing", text, "Send 'plan', the rows of a --dry-run, or add --yes."
                )
            if rows is None:
                looked = run_body(None, dry_run=True, yes=False)
                rows = tuple(looked.data[VIEWS[" ".join(command.path)].records])
            planned = _planned_changes(rows, request.account)
            return (
                run_body(planned, dry_run=False, yes=False)
                if planned.found
                else run_body(None, dry_run=True, yes=False)
            )


def _planned_changes(rows: Sequence[Mapping[str, Any]], account: FleetAccount) -> PlannedChanges:
    try:
        plan = plan_of_rows([{**row, "account": account.account} for row in rows])
    except KeyError as error:
        raise _bad_request(f"a row of 'plan' has no {error}") from error
    return PlannedChanges(plan.get(account.account, frozenset()))


def _open_base(settings: Settings, regions: Sequence[str]) -> AwsSession:
    """The session with the credentials of this process."""
    named = [name for name in (*regions, *(settings.get("regions") or ())) if name != "all"]
    how = {
        "profile": settings.get("profile"),
        "role_arn": settings.get("role-arn"),
        "region": named[0] if named else None,
        "read_seconds": settings.get("read-timeout").total_seconds(),
    }
    key = (*how.values(), os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_ENDPOINT_URL"))
    if key not in _bases:
        _bases.clear()
        _bases[key] = open_session(**how)
    return _bases[key]


def _parse_account(told: Any) -> FleetAccount:
    row = told if isinstance(told, Mapping) else {"account": told}
    role_arn, account = row.get("role_arn"), row.get("account")
    of_role = account_of_role(str(role_arn)) if role_arn else None
    number = str(account) if account else of_role.account if of_role else ""
    if not (len(number) == 12 and number.isdecimal()):
        raise _bad_request("'account' is no account ID of 12 digits")
    if of_role and of_role.account != number:
        raise _bad_request(f"the role {role_arn} is not in the account {number}")
    name = row.get("name")
    return FleetAccount(number, None if name is None else str(name), role_arn and str(role_arn), _texts(row, "regions"))


def _texts(told: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = told.get(key) or ()
    if (
        isinstance(value, str)
        or not isinstance(value, list | tuple)
        or not all(isinstance(each, str) for each in value)
    ):
        raise _bad_request(f"'{key}' is no list of texts")
    return tuple(value)


def _bad_request(why: str) -> UsageError:
    return UsageError("bad-request", f"The request cannot be read: {why}.", _HINT)


def _plain_envelope(path: tuple[str, ...], result: CommandResult, where: Mapping[str, Any]) -> dict[str, Any]:
    envelope = {**printed_envelope(path, result), **where}
    size = len(ascii_json(envelope, str))
    if size <= LARGEST_ANSWER:
        return envelope
    text = f"The answer has {size} characters, and AWS Lambda returns {LARGEST_ANSWER}."
    problem = Problem("answer-too-large", text, "Ask for fewer Regions at a time, or for less.")
    return {**printed_envelope(path, CommandResult({}, ExitCode.PARTIAL, (problem,))), **where}
