"""What can go wrong, in the user's words, and the exit codes scripts rely on."""

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
        """Whether all is well: 0, as for every command."""
        return self.value == 0

    @property
    def is_refusal(self) -> bool:
        """Whether opskit looked and says no, which no later look in the same run heals."""
        match self:
            case ExitCode.REFUSED:
                return True
            case ExitCode.OK | ExitCode.BUG | ExitCode.USAGE | ExitCode.AWS_ERROR | ExitCode.PARTIAL:
                return False
            case ExitCode.NOT_RUNNABLE | ExitCode.NOT_FOUND | ExitCode.INTERRUPTED:
                return False

    @property
    def is_unforeseen(self) -> bool:
        """Whether the command was cut short wherever it was, and not by a failure of which it tells."""
        match self:
            case ExitCode.BUG | ExitCode.INTERRUPTED:
                return True
            case ExitCode.OK | ExitCode.USAGE | ExitCode.REFUSED | ExitCode.AWS_ERROR | ExitCode.PARTIAL:
                return False
            case ExitCode.NOT_RUNNABLE | ExitCode.NOT_FOUND:
                return False


EXIT_DESCRIPTIONS: Mapping[ExitCode, str] = {
    ExitCode.OK: "done, or there is room",
    ExitCode.BUG: "a bug, or the unforeseen",
    ExitCode.USAGE: "what was typed or set cannot be used, or consent was not given",
    ExitCode.REFUSED: "opskit looked and says no: a quota is short, a budget exceeded, too many at once",
    ExitCode.AWS_ERROR: "AWS said no or could not be reached, or there are no credentials",
    ExitCode.PARTIAL: "partly done, or something could not be read",
    ExitCode.NOT_RUNNABLE: "the command after `--` is there and cannot be run",
    ExitCode.NOT_FOUND: "there is no such command as the one after `--`",
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
"""Which of several wins. A no is a no, whatever else could not be told."""


@dataclass(frozen=True)
class Problem:
    """One thing that went wrong: a stable ``code`` for scripts, a sentence, and the next step."""

    code: str
    message: str
    hint: str = ""
    region: str | None = None


class OpskitError(Exception):
    """Ends a command: a problem and the exit code it deserves."""

    exit = ExitCode.BUG

    def __init__(self, code: str, message: str, hint: str = "", *, region: str | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(code, message, hint, region)


class UsageError(OpskitError):
    """What was typed or set cannot be used as it is."""

    exit = ExitCode.USAGE


class ConfirmationRequired(UsageError):
    """The command would change something and was not told that it may."""


class GuardRefused(OpskitError):
    """opskit looked and says no: a quota is short, a budget exceeded, too many at once."""

    exit = ExitCode.REFUSED


class UnreadableState(OpskitError):
    """Something the decision needs could not be read, and unknown is never a yes."""

    exit = ExitCode.PARTIAL


class NotificationError(OpskitError):
    """What somebody else was to be told did not reach them. What was done stands."""

    exit = ExitCode.PARTIAL


def extra_hint(extra: str) -> str:
    """How to install one of opskit's extras. Only from its clone: on PyPI its name is another project's."""
    return f"In the clone of opskit: pip install '.[{extra}]'"


class MissingExtra(UsageError):
    """A command needs packages that the base install leaves out."""

    def __init__(self, extra: str, what: str) -> None:
        super().__init__(
            "extra-missing",
            f"{what} needs opskit's '{extra}' extra, which is not installed.",
            extra_hint(extra),
        )


class CommandNotRunnable(OpskitError):
    """A command that opskit was to run is not there, or is there and cannot be run; the codes are a shell's."""

    def __init__(self, word: str, why: str, exit: ExitCode) -> None:
        super().__init__("cannot-run", f"Cannot run '{word}': {why}.")
        self.exit = exit


class AwsError(OpskitError):
    """AWS said no, or could not be reached. ``aws_code`` is AWS's own error code where it gave one; ``passing``
    tells that the same call may well succeed in a moment.
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
    """The caller may not do this."""


class Throttled(AwsError):
    """AWS asked to slow down and kept doing so."""


class Unreachable(AwsError):
    """No answer came: no network, no such endpoint, or a read that timed out."""


class CredentialsError(AwsError):
    """There are no credentials, or those there are have expired."""


class ClockSkew(CredentialsError):
    """AWS takes no signature of this machine's, because its clock is wrong."""


CLOCK_SKEW = "clock-skew"
CREDENTIAL_CODES = frozenset(
    {"no-credentials", "no-mfa-code", "credentials-refused", "credentials-expired", CLOCK_SKEW}
)
"""The codes of problems with which AWS lets nobody in: until they are mended every call meets them."""
SET_CLOCK = "Set the clock of this machine, as with `timedatectl set-ntp true`: AWS refuses clocks 5 minutes off."


class OutcomeUnknown(AwsError):
    """A write was sent and its answer never came: it may have taken effect. It is looked up, never repeated."""
