"""``opskit doctor``: what is well, what is not, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opskit.cli.account_options import AccountUse
from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import app

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(app, "doctor", accounts=AccountUse.READS)
def doctor_command(ctx: CommandContext) -> CommandResult:
    """Check credentials, permissions and this machine's set-up.

    Looks at Region, permissions, Support plan and this machine: tries harmless reads, asks IAM's simulator about the
    rest, and changes nothing.
    """
    from opskit.access.flows.doctor import run_checks
    from opskit.access.render.doctor import doctor_result
    from opskit.core.clock import Clock

    with ctx.screen.spinner("looking"):
        return doctor_result(run_checks(ctx.settings, ctx.session, Clock()))
