"""``opskit iam``: what opskit must be allowed to do, as a policy to hand to whoever grants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import Here, command
from opskit.cli.tree import branch

if TYPE_CHECKING:
    from opskit.show.answer import Answer

iam_app = branch("iam")


@command(iam_app, "iam", "policy", context_settings={"ignore_unknown_options": True})
def policy(
    here: Here,
    words: Annotated[list[str] | None, typer.Argument(metavar="[COMMAND]...", show_default=False)] = None,
) -> Answer:
    """Print the least IAM policy for commands, such as `opskit iam policy quotas check notebook stop`.

    Without a command: for all of them; a noun such as notebook is all of its commands. Reads and changes stand in
    statements of their own. --region, and the settings bucket and execution-role, narrow it. AWS is not asked.
    """
    from opskit.decide.permissions import commands_named
    from opskit.decide.policy import Scope
    from opskit.decide.policy import policy as least
    from opskit.show.iam import answer_of

    settings = here.settings
    scope = Scope(
        settings.get("regions") or (), settings.get("bucket") or "sagemaker-*", settings.get("execution-role")
    )
    commands = commands_named(words or ())
    return answer_of(commands, least(commands, scope))
