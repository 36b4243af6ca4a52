"""Every error that can end a command, the exit codes that scripts rely on, and the codes of what goes wrong beside a
command without ending it (``opskit.core.run_problems``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended. The numbers are a promise to scripts."""

    OK = 0
    BUG = 1
    USAGE = 2
    REFUSED = 3
    AWS_ERROR = 4
    PARTIAL = 5
    NOT_RUNNABLE = 126
    NOT_FOUND = 127
    INTERRUPTED = 130

    @property
    def is_ok(self) -> bool:
        """Whether the command succeeded."""
        return self.value == 0

    @property
    def is_refusal(self) -> bool:
        """Whether opskit checked and refused. No later check in the same run changes that."""
        match self:
            case ExitCode.REFUSED:
                return True
            case ExitCode.OK | ExitCode.BUG | ExitCode.USAGE | ExitCode.AWS_ERROR | ExitCode.PARTIAL:
                return False
            case ExitCode.NOT_RUNNABLE | ExitCode.NOT_FOUND | ExitCode.INTERRUPTED:
                return False

    @property
    def is_unforeseen(self) -> bool:
        """Whether the command was cut short by a bug or a signal, rather than by an error that it reported."""
        match self:
            case ExitCode.BUG | ExitCode.INTERRUPTED:
                return True
            case ExitCode.OK | ExitCode.USAGE | ExitCode.REFUSED | ExitCode.AWS_ERROR | ExitCode.PARTIAL:
                return False
            case ExitCode.NOT_RUNNABLE | ExitCode.NOT_FOUND:
                return False


EXIT_DESCRIPTIONS: Mapping[ExitCode, str] = {
    ExitCode.OK: "done, or there is enough quota",
    ExitCode.BUG: "internal error, or stdout could not be written",
    ExitCode.USAGE: "invalid arguments or settings, or no confirmation was given",
    ExitCode.REFUSED: "opskit checked and refused: insufficient quota, budget exceeded, or too many resources at once",
    ExitCode.AWS_ERROR: "AWS refused or could not be reached, or there are no valid credentials",
    ExitCode.PARTIAL: "partly done, or something could not be read",
    ExitCode.NOT_RUNNABLE: "the command after `--` exists but cannot be run",
    ExitCode.NOT_FOUND: "the command after `--` was not found",
    ExitCode.INTERRUPTED: "interrupted",
}

EXIT_SEVERITY: Mapping[ExitCode, int] = {
    ExitCode.OK: 0,
    ExitCode.BUG: 1,
    ExitCode.PARTIAL: 2,
    ExitCode.AWS_ERROR: 3,
    ExitCode.NOT_FOUND: 4,
    ExitCode.NOT_RUNNABLE: 5,
    ExitCode.USAGE: 6,
    ExitCode.REFUSED: 7,
    ExitCode.INTERRUPTED: 8,
}
"""Which exit code wins if several apply: a refusal outranks whatever could not be read."""


@dataclass(frozen=True)
class Problem:
    """One thing that went wrong: a stable ``code`` for scripts, a sentence, and the next step. ``region`` None: it is
    of no Region alone.
    """

    code: str
    message: str
    hint: str = ""
    region: str | None = None


class OpskitError(Exception):
    """An error that ends a command: a problem and its exit code."""

    exit = ExitCode.BUG

    def __init__(self, code: str, message: str, hint: str = "", *, region: str | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(code, message, hint, region)


class UsageError(OpskitError):
    """Arguments or settings are invalid."""

    exit = ExitCode.USAGE


class ConfirmationRequired(UsageError):
    """The command would change something and was not confirmed."""


class GuardRefused(OpskitError):
    """opskit checked and refused: insufficient quota, budget exceeded, or too many resources at once."""

    exit = ExitCode.REFUSED


class UnreadableState(OpskitError):
    """Something that the decision depends on could not be read. Unknown never counts as "yes"."""

    exit = ExitCode.PARTIAL


class NotificationError(OpskitError):
    """A notification was not delivered. The actions that it was about stay done."""

    exit = ExitCode.PARTIAL


class OutputNotWritten(Exception):
    """stdout takes nothing: its disk is full, or it was closed before opskit began. No ``OpskitError``, which a flow
    may take for a failure of what it was doing.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.problem = Problem(
            "output-not-written",
            f"stdout could not be written: {reason}.",
            "What the command has changed stays changed: `opskit history` lists it.",
        )


def extra_hint(extra: str) -> str:
    """How to install one of opskit's extras. Only from a clone: the name ``opskit`` on PyPI belongs to another
    project.
    """
    return f"In the clone of opskit: pip install '.[{extra}]'"


class MissingExtra(UsageError):
    """A command needs packages that the base install does not contain."""

    def __init__(self, extra: str, what: str) -> None:
        super().__init__(
            "extra-missing",
            f"{what} needs opskit's '{extra}' extra, which is not installed.",
            extra_hint(extra),
        )


class CommandNotRunnable(OpskitError):
    """A command that opskit was asked to run does not exist or cannot be run. The exit codes are a shell's."""

    def __init__(self, word: str, why: str, exit: ExitCode) -> None:
        super().__init__("cannot-run", f"Cannot run '{word}': {why}.")
        self.exit = exit


class AwsError(OpskitError):
    """AWS refused a call, or could not be reached.

    ``aws_code`` and ``aws_message`` are AWS's own where it gave them; ``operation`` is like ``sagemaker:ListApps``;
    ``transient`` tells that the same call may succeed in a moment.
    """

    exit = ExitCode.AWS_ERROR

    def __init__(
        self,
        code: str,
        message: str,
        hint: str = "",
        *,
        region: str | None = None,
        aws_code: str | None = None,
        aws_message: str = "",
        operation: str = "",
        transient: bool = False,
    ) -> None:
        super().__init__(code, message, hint, region=region)
        self.aws_code = aws_code
        self.aws_message = aws_message or message
        self.operation = operation
        self.transient = transient


class AccessDenied(AwsError):
    """The caller lacks a permission."""


class Throttled(AwsError):
    """AWS throttled the call, and kept doing so."""


class Unreachable(AwsError):
    """No response: no network, no such endpoint, or a timeout."""


class CredentialsError(AwsError):
    """There are no credentials, or they are invalid or expired."""


class ClockSkew(CredentialsError):
    """AWS accepts no signature from this machine, because its clock is wrong."""


CLOCK_SKEW = "clock-skew"
CREDENTIAL_CODES = frozenset(
    {"no-credentials", "no-mfa-code", "credentials-refused", "credentials-expired", "role-not-assumed", CLOCK_SKEW}
)
"""Codes of problems that every further call would meet too, until the user has signed in again."""
SET_CLOCK = "Set the clock of this machine, as with `timedatectl set-ntp true`: AWS refuses clocks 5 minutes off."


class OutcomeUnknown(AwsError):
    """A write was sent and its response was lost: it may have taken effect. It is looked up, never repeated."""


SETTINGS_NOT_TRUSTED = "settings-not-trusted"
STATE_NOT_KEPT = "state-not-kept"
JOURNAL_UNWRITTEN = "journal-unwritten"
JOURNAL_UNREADABLE = "journal-partly-unreadable"
RUN_PROBLEM_CODES = frozenset({SETTINGS_NOT_TRUSTED, STATE_NOT_KEPT, JOURNAL_UNWRITTEN, JOURNAL_UNREADABLE})
"""All of them; whoever runs a command as a process finds them in its ``errors``."""
