"""Asks at a terminal which of several execution roles to use, and keeps the answer in the user's own settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from opskit.core.settings import search_paths
from opskit.core.settings_file import add_setting

if TYPE_CHECKING:
    from opskit.cli.command import CommandContext
    from opskit.training.flows.train import TrainingRun

_SETTING = "execution-role"


def choose_role(ctx: CommandContext, run: TrainingRun) -> str | None:
    """The role to run with instead, if nothing but the choice among several stood in the way; None if there is no such
    choice, nobody can be asked, or none was chosen.

    Raises:
        UsageError: the settings file cannot be written.
    """
    from opskit.aws.roles import SeveralRoles
    from opskit.output.printing import ask_for_number, can_prompt

    blockers = run.plan.blockers if run.plan else ()
    several = next((blocker for blocker in blockers if isinstance(blocker, SeveralRoles)), None)
    if several is None or not can_prompt():
        return None
    lines = [several.problem.message]
    lines += [f"  {number}. {role}" for number, role in enumerate(several.candidates, 1)]
    number = ask_for_number("\n".join([*lines, "Which one shall SageMaker use?"]), len(several.candidates))
    if number is None:
        return None
    role, path = several.candidates[number - 1], search_paths(os.environ)[1]
    add_setting(path, _SETTING, role)
    ctx.screen.info(f"{_SETTING} is kept in {path}.")
    return role
