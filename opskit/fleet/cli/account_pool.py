"""Answers requests for many accounts, on threads and, where wanted, in several processes of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from opskit.aws.gather import gather_all
from opskit.aws.session import AwsSession, find_profile_mfa
from opskit.cli.command import CommandContext
from opskit.cli.safe_run import choose_state, prepare_reports, print_calls
from opskit.core import run_problems
from opskit.core.exceptions import ExitCode, OpskitError, Problem, UsageError
from opskit.core.run_problems import begin_run_problems, report_run_problem
from opskit.core.setting_values import OutputFormat
from opskit.fleet.cli.account_request import AccountRequest, answer_request, report_envelope
from opskit.fleet.flows.worker_processes import Send, run_in_processes
from opskit.fleet.rules.reports import AccountReport, parse_account_report
from opskit.output.screen import Screen
from opskit.state.paths import state_use


@dataclass(frozen=True)
class AccountAnswer:
    """What a process sends of an account: the envelope, and whether the process has used its state."""

    account: str
    envelope: dict[str, Any]
    is_state_used: bool


@dataclass(frozen=True)
class AccountPool:
    """So many accounts at a time, in so many processes (1: in this one). ``base`` has the caller's credentials;
    ``verbose``: each call of AWS is told.
    """

    base: AwsSession
    concurrency: int
    processes: int = 1
    verbose: bool = False

    def answer_requests(self, requests: Sequence[AccountRequest], note_report: Callable[[AccountReport], None]) -> None:
        """Answer each request; ``note_report`` is told of the reports as they come, one at a time.

        Raises:
            UsageError: several processes are wanted, and the credentials need somebody's code.
        """
        accounts = {request.account.account: request.account for request in requests}
        lock = threading.Lock()

        def note_answer(account: str, envelope: dict[str, Any]) -> None:
            with lock:
                note_report(parse_account_report(accounts.pop(account), envelope))

        # A share for each is fixed from the start: a queue that all of them take from could be left locked by one that
        # is killed.
        count = min(self.processes, len(requests))
        if count < 2:
            _answer_on_threads(requests, self.base, self.concurrency, note_answer)
            return
        self._check_credentials()
        shares = [requests[at::count] for at in range(count)]
        concurrency = -(-self.concurrency // count)
        works = [partial(answer_share, share, concurrency, self.verbose) for share in shares]
        codes = run_in_processes(works, partial(_note_message, note_answer))
        for share, code in zip(shares, codes, strict=True):
            for request in share:
                if request.account.account in accounts:
                    report = AccountReport(request.account, ExitCode.INTERRUPTED, problems=(_ended_problem(code),))
                    note_answer(request.account.account, report_envelope(request.command.path, report))

    def _check_credentials(self) -> None:
        if serial := find_profile_mfa(self.base.profile):
            text = f"The profile asks for a code of {serial}, which each process would need."
            raise UsageError("processes-need-mfa", text, "Leave out --processes.")


def answer_share(requests: Sequence[AccountRequest], concurrency: int, verbose: bool, send: Send) -> None:
    """Answer a share of the requests in a process of its own, and send each answer. What goes wrong beside them, and
    what reads have to say, is sent too: the process that began this tells it once for all.
    """
    prepare_reports()
    begin_run_problems(send)
    if verbose:
        print_calls()

    def note_answer(account: str, envelope: dict[str, Any]) -> None:
        send(AccountAnswer(account, envelope, state_use.is_set()))

    settings = requests[0].settings
    ctx = CommandContext(settings, Screen(OutputFormat.JSON, color=False, quiet=True))
    try:
        choose_state(settings, ctx.session)
        base = ctx.session()
    except OpskitError as error:
        for request in requests:
            report = AccountReport(request.account, error.exit, problems=(error.problem,))
            note_answer(request.account.account, report_envelope(request.command.path, report))
        return
    run_problems.notice_hook = send  # after the session was opened, which lets the screen hear them
    _answer_on_threads(requests, base, concurrency, note_answer)


def _answer_on_threads(
    requests: Sequence[AccountRequest],
    base: AwsSession,
    concurrency: int,
    note_answer: Callable[[str, dict[str, Any]], None],
) -> None:
    def answer(request: AccountRequest) -> None:
        note_answer(request.account.account, answer_request(request, base))

    gather_all([partial(answer, request) for request in requests], max_workers=concurrency)


def _note_message(note_answer: Callable[[str, dict[str, Any]], None], message: AccountAnswer | Problem | str) -> None:
    """Note what a process has sent: an answer, a problem of the whole run, or a notice."""
    if isinstance(message, AccountAnswer):
        if message.is_state_used:
            state_use.set()
        note_answer(message.account, message.envelope)
    elif isinstance(message, Problem):
        report_run_problem(message)
    else:
        run_problems.send_notice(message)


def _ended_problem(code: int | None) -> Problem:
    how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with {code}"
    return Problem(
        "process-ended",
        f"The process that ran it {how} before it answered.",
        "Run the command again, a look with --resume; `opskit history` tells what was changed.",
    )
