"""The settings of a command: its common flags over variables over files, and a word on a file that is not trusted."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from opskit.core.exceptions import Problem, UsageError
from opskit.core.run_problem_codes import SETTINGS_NOT_TRUSTED
from opskit.core.run_problems import report_run_problem
from opskit.core.settings import Settings, load_settings


def load_common_settings(common: Mapping[str, Any]) -> Settings:
    """Resolve the settings of a command from the common flags that were typed.

    Raises:
        UsageError: a file cannot be read, a key is unknown, or a value is invalid.
    """
    flags = {
        "regions": tuple(common["region"] or ()),
        "profile": common["profile"],
        "role-arn": common["role_arn"],
        "state": common["state"],
        "output": common["output"],
    }
    return load_settings(flags, common["config"], is_trusted=_is_trusted)


def split_role_arns(
    path: Sequence[str], typed: Sequence[str] | None, *, in_several: bool = False
) -> tuple[tuple[str, ...], str | None]:
    """The roles of the accounts that a command runs in, and the one role that it assumes first. A single role is the
    first kind for the commands of `opskit fleet`, and the second for others.

    Raises:
        UsageError: several roles for a command that runs in one account.
    """
    named = tuple(dict.fromkeys(typed or ()))
    if path[0] == "fleet" or (in_several and len(named) > 1):
        return named, None
    if len(named) > 1:
        hint = "The quotas, costs, history and doctor commands, and list and stop, run in several accounts."
        raise UsageError("one-role", "This command runs in one account, with one --role-arn.", hint)
    return (), named[0] if named else None


def report_left_out_settings(settings: Settings) -> None:
    """Report the keys of the folder's file that do not count, if there are any."""
    if problem := left_out_problem(settings):
        report_run_problem(problem)


def left_out_problem(settings: Settings) -> Problem | None:
    """What is to be said of the keys of the folder's file that do not count; None: all count."""
    if not settings.left_out or settings.folder_file is None:
        return None
    file = settings.folder_file.absolute()
    text = f"{file} is not trusted, so its {', '.join(settings.left_out)} does not count."
    hint = f"If it is as you want it: opskit settings trust {shlex.quote(str(file.parent))}"
    return Problem(SETTINGS_NOT_TRUSTED, text, hint)


def _is_trusted(path: Path, content: bytes) -> bool:
    from opskit.state.trusted_files import is_trusted_file

    return is_trusted_file(path, content)
