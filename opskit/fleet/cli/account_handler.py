"""One command in one account, as a function of what JSON can say: what AWS Lambda calls for each account, and what a
program can call for one of many.

It needs nothing of the machine but credentials and, for what only lasts as long as the call, a temporary folder: no
home, no settings file, no terminal. Settings come with the request, over OPSKIT_* variables; so that state outlives the
call, they name a table (``{"state": "dynamodb://opskit"}``).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import fields as fields_of
from typing import Any

from opskit.aws.session import AwsSession
from opskit.cli.account_options import AccountChoice, ParsedCommand, parse_words
from opskit.cli.command import CommandContext
from opskit.cli.safe_run import choose_state, prepare_reports
from opskit.core.exceptions import ExitCode, OpskitError, Problem, UsageError
from opskit.core.json_text import ascii_json
from opskit.core.run_problems import run_problems
from opskit.core.setting_values import OutputFormat, parse_tag
from opskit.core.settings import read_given_settings
from opskit.fleet.cli.account_request import AccountRequest, answer_request
from opskit.fleet.flows.account_commands import RoleOptions
from opskit.fleet.rules.accounts import FleetAccount, account_of_role
from opskit.fleet.rules.plans import plan_of_rows
from opskit.output.result import CommandResult, problem_record
from opskit.output.screen import Screen, printed_envelope

_WHERE = "settings of the request"
LARGEST_ANSWER = 6_000_000
"""Characters of an answer: Lambda takes 6 MB (6,291,556 bytes) of a synchronous call, and ours are ASCII."""
_KEYS = ("account", "regions", "command", "settings", "external_id", "session_tags", "plan")
_HINT = 'For example {"account": "123456789012", "command": ["quotas", "check"], "regions": ["us-east-1"]}.'
# Credentials of a function stay the same for as long as its process lives, and the first client takes 0.3 s.
_base_sessions: dict[tuple[Any, ...], AwsSession] = {}


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
        parsed = parse_request(request)
        path = parsed.command.path
        base = _open_base(parsed)
        choose_state(parsed.settings, lambda: base)
        envelope = answer_request(parsed, base)
    except OpskitError as error:
        return printed_envelope(path, CommandResult({}, error.exit, (error.problem,)))
    envelope["errors"] += map(problem_record, run_problems())
    return _within_limit(path, envelope)


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
    given = request.get("settings") or {}
    if not isinstance(given, Mapping):
        raise _bad_request("'settings' is no object")
    words = _texts(request, "command")
    if not words:
        raise _bad_request("it has no 'command'")
    account, external_id = _parse_account(request.get("account")), request.get("external_id")
    tags = tuple(map(parse_tag, _texts(request, "session_tags")))
    plan = _parse_plan(request.get("plan"), account)
    command = parse_command(words)
    settings = read_given_settings(given, os.environ, _WHERE)
    return AccountRequest(
        account,
        _texts(request, "regions") or tuple(settings.get("regions") or ()),
        command,
        settings,
        RoleOptions(str(external_id) if external_id else None, tags),
        plan,
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


def _open_base(request: AccountRequest) -> AwsSession:
    """The session with the credentials of this process."""
    settings = request.settings.in_regions(request.regions)
    names = ("regions", "profile", "role-arn", "read-timeout", "owner-tags")
    variables = map(os.environ.get, ("AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL"))
    key = (*(settings.get(name) for name in names), *variables)
    if key not in _base_sessions:
        _base_sessions.clear()
        _base_sessions[key] = CommandContext(settings, Screen(OutputFormat.JSON, color=False, quiet=True)).session()
    return _base_sessions[key]


def _parse_plan(rows: Any, account: FleetAccount) -> frozenset[tuple[str, str]] | None:
    """What of a plan, the rows of a dry run, is to be changed in the account; None: there is no plan."""
    if rows is None:
        return None
    if not (isinstance(rows, list) and all(isinstance(row, Mapping) for row in rows)):
        raise _bad_request("'plan' is no list of rows")
    try:
        plan = plan_of_rows([{**row, "account": account.account} for row in rows])
    except KeyError as error:
        raise _bad_request(f"a row of 'plan' has no {error}") from error
    return plan.get(account.account, frozenset())


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


def _within_limit(path: tuple[str, ...], envelope: dict[str, Any]) -> dict[str, Any]:
    size = len(ascii_json(envelope, str))
    if size <= LARGEST_ANSWER:
        return envelope
    text = f"The answer has {size} characters, and AWS Lambda returns {LARGEST_ANSWER}."
    problem = Problem("answer-too-large", text, "Ask for fewer Regions at a time, or for less.")
    return {**envelope, **printed_envelope(path, CommandResult({}, ExitCode.PARTIAL, (problem,)))}
