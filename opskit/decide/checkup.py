"""What the looks of ``doctor`` mean: which commands are allowed, what is well, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from opskit.decide.permissions import CALLS
from opskit.decide.policy import Grant, grants_of_commands
from opskit.errors import CLOCK_SKEW, SET_CLOCK, ExitCode, Problem
from opskit.model import Unread

SLOW_SECONDS = 60
"""A clock that is further off than this deserves a word; AWS refuses signatures five minutes off."""


class State(StrEnum):
    """How one thing stands. ``note``: no trouble, but good to know."""

    WELL = "well"
    NOTE = "note"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, how it stands, and what to do about it."""

    what: str
    state: State
    says: str
    hint: str = ""


@dataclass(frozen=True)
class Permitted:
    """Whether a command may do all it may be told to: the actions it lacks, and those of which nobody can tell, with
    a reason.
    """

    command: str
    denied: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    because: str = ""

    @property
    def allowed(self) -> bool | None:
        """None: not known."""
        if self.denied:
            return False
        return None if self.unknown else True


Answer = bool | Unread
"""Whether AWS allows something, or why that is not known."""


def permitted(answers: Mapping[Grant, Answer]) -> tuple[Permitted, ...]:
    """How each command that calls AWS stands."""
    needs = {command: grants_of_commands([command]) for command in CALLS}
    return tuple(_permitted(command, grants, answers) for command, grants in needs.items() if grants)


def _permitted(command: str, grants: Collection[Grant], answers: Mapping[Grant, Answer]) -> Permitted:
    told = {grant: answers.get(grant, Unread("not looked at")) for grant in grants}
    denied = {grant.action for grant, answer in told.items() if answer is False}
    unknown = {grant.action: answer.because for grant, answer in told.items() if isinstance(answer, Unread)}
    because = next(iter(sorted(unknown.values())), "")
    return Permitted(command, tuple(sorted(denied)), tuple(sorted(unknown.keys() - denied)), because)


def permissions_finding(commands: Iterable[Permitted]) -> Finding:
    """All commands' permissions in one line."""
    commands = tuple(commands)
    denied = [each.command for each in commands if each.allowed is False]
    unknown = [each for each in commands if each.unknown]
    if denied:
        hint = f"`opskit iam policy {' '.join(denied)}` prints what to ask for."
        return Finding("permissions", State.WRONG, f"{len(denied)} of {len(commands)} commands lack some", hint)
    if unknown:
        text = f"not all can be told without doing it: {unknown[0].because}"
        return Finding("permissions", State.UNKNOWN, text, "`opskit iam policy doctor` prints what lets it tell.")
    return Finding("permissions", State.WELL, "every command is allowed")


def clock_finding(seconds: float | None) -> Finding:
    """How this machine's clock stands to AWS's, which is ``seconds`` ahead; None: AWS did not tell the time."""
    if seconds is None:
        return Finding("clock", State.UNKNOWN, "AWS did not tell the time")
    if abs(seconds) < SLOW_SECONDS:
        return Finding("clock", State.WELL, "agrees with AWS's")
    way = "behind" if seconds > 0 else "ahead of"
    text = f"{abs(seconds):.0f} s {way} AWS's"
    return Finding("clock", State.WRONG, text, SET_CLOCK)


def skew_finding(problem: Problem) -> Finding | None:
    """A clock so far off that AWS refuses what it signed; None where that is not the problem."""
    if problem.code != CLOCK_SKEW:
        return None
    return Finding("clock", State.WRONG, "too far from AWS's for it to believe a signature", SET_CLOCK)


def exit_of(findings: Iterable[Finding], *, let_in: bool) -> ExitCode:
    """All well, partly so, or AWS did not even let us in."""
    if not let_in:
        return ExitCode.AWS
    bad = any(finding.state in (State.WRONG, State.UNKNOWN) for finding in findings)
    return ExitCode.PARTLY if bad else ExitCode.DONE
