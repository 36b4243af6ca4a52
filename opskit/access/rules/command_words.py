"""The commands and flags that words name, in the ways people write them for `opskit iam policy`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from itertools import takewhile

from opskit.access.rules.permissions import API_CALLS, FLAG_VALUES, FLAGS
from opskit.core.exceptions import UsageError
from opskit.notebooks.rules.create_request import parse_boundary
from opskit.schedule.rules.jobs import JOBS

_VALUED_FLAGS = frozenset(
    {"--accounts", "--evidence", "--from", "--notify", "--ou", "--role", "--role-boundary", "--via"}
)
_ROLE = re.compile(r"(arn:aws[\w-]*:iam::(\d{12}|\*):role/)?[\w+=,.@/*?-]+")


def expand_cron_jobs(words: Sequence[str]) -> tuple[str, ...]:
    """Words in which `cron run JOB` is the command that the job runs, so that a policy for one job has no more."""
    left = [part for text in words for part in text.split()]
    jobs = {job.name: tuple(takewhile(lambda word: word[0] != "-", job.arguments)) for job in JOBS}
    expanded: list[str] = []
    while left:
        is_job = left[:2] == ["cron", "run"] and len(left) > 2 and left[2] in jobs
        expanded += jobs[left[2]] if is_job else left[:1]
        left = left[3 if is_job else 1 :]
    return tuple(expanded)


def split_flags(words: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Words without flags and their values, and the flags that change a policy, each with its value (or an empty
    text).
    """
    left: list[str] = []
    flags: dict[str, str] = {}
    pending = ""
    for word in (part for text in words for part in text.split()):
        flag, equals, value = word.partition("=")
        if pending:
            flags[pending], pending = word, ""
        elif flag in FLAGS:
            flags[flag] = value
            pending = flag if flag in _VALUED_FLAGS and not equals else ""
        else:
            left.append(word)
    return tuple(left), flags


def check_flag_values(flags: Mapping[str, str]) -> None:
    """Check the values of flags that were given one.

    Raises:
        UsageError: the commands would refuse one, or no policy can name it.
    """
    for flag, allowed in FLAG_VALUES.items():
        if flags.get(flag) and flags[flag] not in allowed:
            hint = f"{flag} takes one of: {', '.join(sorted(allowed))}."
            raise UsageError("usage", f"Invalid value for '{flag}': '{flags[flag]}'.", hint)
    if flags.get("--role-boundary"):
        parse_boundary(flags["--role-boundary"])
    if flags.get("--role") and not _ROLE.fullmatch(flags["--role"]):
        hint = "Name the role, or give its ARN: arn:aws:iam::123456789012:role/NAME."
        raise UsageError("bad-role", f"'{flags['--role']}' is not an IAM role.", hint)


def parse_commands(words: Sequence[str]) -> tuple[str, ...]:
    """The commands that words name, in any of the ways people write them: ``quotas check notebook stop``, one quoted,
    with commas, with ``opskit`` before it or flags behind it; a noun alone is all of its commands, nothing is all.

    Raises:
        UsageError: a word begins no command.
    """
    left = [word for word in re.split(r"[\s,]+", " ".join(words)) if word and word != "opskit" and word[0] != "-"]
    named: list[str] = [] if left else list(API_CALLS)
    while left:
        command = command_at(left)
        named += [command] if command else _commands_under(left[0])
        left = left[len(command.split()) if command else 1 :]
    return tuple(dict.fromkeys(named))


def command_at(words: Sequence[str]) -> str | None:
    """The command that words begin with."""
    return next((name for count in (2, 1) if (name := " ".join(words[:count])) in API_CALLS), None)


def _commands_under(word: str) -> list[str]:
    commands = [command for command in API_CALLS if command.split()[0] == word]
    if not commands:
        known = {part for command in API_CALLS for part in (command, *command.split())}
        close = difflib.get_close_matches(word, sorted(known), n=1)
        suggestion = next((each for each in API_CALLS if close and close[0] in (each, *each.split())), None)
        hint = f"Did you mean '{suggestion}'?" if suggestion else f"One of: {', '.join(API_CALLS)}."
        raise UsageError("no-command", f"opskit has no command '{word}'.", hint)
    return commands
