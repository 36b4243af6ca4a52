"""What the looks of ``doctor`` mean: which commands are allowed, what is well, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from opskit.access.rules.grants import Grant, grants_of_commands
from opskit.access.rules.permissions import API_CALLS, commands_that_call
from opskit.core.exceptions import CLOCK_SKEW, SET_CLOCK, ExitCode, Problem
from opskit.core.model import Unknown

MAX_SKEW_SECONDS = 60
"""A clock that is further off than this deserves a word; AWS refuses signatures five minutes off."""


class CheckState(StrEnum):
    """How one thing stands. ``note``: no trouble, but good to know."""

    OK = "well"
    NOTE = "note"
    WRONG = "wrong"
    UNKNOWN = "unknown"

    @property
    def is_problem(self) -> bool:
        """Whether somebody has to look after it."""
        match self:
            case CheckState.WRONG | CheckState.UNKNOWN:
                return True
            case CheckState.OK | CheckState.NOTE:
                return False


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, how it stands, and what to do about it."""

    what: str
    state: CheckState
    detail: str
    hint: str = ""


@dataclass(frozen=True)
class CommandPermissions:
    """Whether a command may do all it may be told to: the actions it lacks, and those of which nobody can tell, with
    a reason.
    """

    command: str
    denied: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    reason: str = ""

    @property
    def allowed(self) -> bool | None:
        """None: not known."""
        if self.denied:
            return False
        return None if self.unknown else True


PermissionAnswer = bool | Unknown
"""Whether AWS allows something, or why that is not known."""


def command_permissions(answers: Mapping[Grant, PermissionAnswer]) -> tuple[CommandPermissions, ...]:
    """How each command that calls AWS stands."""
    needs = {command: grants_of_commands([command]) for command in API_CALLS}
    return tuple(_permissions_of(command, grants, answers) for command, grants in needs.items() if grants)


def _permissions_of(
    command: str, grants: Collection[Grant], answers: Mapping[Grant, PermissionAnswer]
) -> CommandPermissions:
    grant_answers = {grant: answers.get(grant, Unknown("not looked at")) for grant in grants}
    denied = {grant.action for grant, answer in grant_answers.items() if answer is False}
    unknown = {grant.action: answer.reason for grant, answer in grant_answers.items() if isinstance(answer, Unknown)}
    reason = next(iter(sorted(unknown.values())), "")
    return CommandPermissions(command, tuple(sorted(denied)), tuple(sorted(unknown.keys() - denied)), reason)


def permissions_finding(commands: Iterable[CommandPermissions]) -> Finding:
    """All commands' permissions in one line."""
    commands = tuple(commands)
    denied = [command_permissions.command for command_permissions in commands if command_permissions.allowed is False]
    unknown = [command_permissions for command_permissions in commands if command_permissions.unknown]
    if denied:
        hint = f"`opskit iam policy {' '.join(denied)}` prints what to ask for."
        return Finding(
            "permissions", CheckState.WRONG, f"{len(denied)} of {len(commands)} commands are missing permissions", hint
        )
    if unknown:
        text = f"some permissions can only be verified by using them: {unknown[0].reason.rstrip('.')}"
        return Finding("permissions", CheckState.UNKNOWN, text, "`opskit iam policy doctor` prints what lets it tell.")
    return Finding("permissions", CheckState.OK, "every command is allowed")


def cost_finding() -> Finding:
    """What looking costs: the commands that ask for what AWS bills by itself."""
    paid = " and".join(", ".join(f"`{each}`" for each in commands_that_call("cloudwatch:GetMetricData")).rsplit(",", 1))
    text = f"{paid} ask CloudWatch for metrics, at 0.01 USD per 1,000; `quotas list --live` and `quotas check` do not"
    return Finding("cost of looking", CheckState.OK, text)


def clock_finding(seconds: float | Unknown | None) -> Finding:
    """How this machine's clock stands to AWS's, which is ``seconds`` ahead; None: AWS did not tell the time."""
    if isinstance(seconds, Unknown):
        return Finding("clock", CheckState.UNKNOWN, f"AWS's time could not be read: {seconds.reason.rstrip('.')}")
    if seconds is None:
        return Finding("clock", CheckState.UNKNOWN, "AWS did not tell the time")
    if abs(seconds) < MAX_SKEW_SECONDS:
        return Finding("clock", CheckState.OK, "agrees with AWS's")
    direction = "behind" if seconds > 0 else "ahead of"
    text = f"{abs(seconds):.0f} s {direction} AWS's"
    return Finding("clock", CheckState.WRONG, text, SET_CLOCK)


def skew_finding(problem: Problem) -> Finding | None:
    """A clock so far off that AWS refuses what it signed; None where that is not the problem."""
    if problem.code != CLOCK_SKEW:
        return None
    return Finding("clock", CheckState.WRONG, "too far from AWS's for it to believe a signature", SET_CLOCK)


def doctor_exit_code(findings: Iterable[Finding], *, let_in: bool) -> ExitCode:
    """All well, partly so, or AWS did not even let us in."""
    if not let_in:
        return ExitCode.AWS_ERROR
    bad = any(finding.state.is_problem for finding in findings)
    return ExitCode.PARTIAL if bad else ExitCode.OK
