"""``opskit state``: where opskit keeps its journal, its queue and what it remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import command_group

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


state_app = command_group("state")


@register_command(state_app, "state", "template")
def state_template_command(
    ctx: CommandContext,
    table: Annotated[str, typer.Option("--table", metavar="NAME", help="The table's name.")] = "opskit",
) -> CommandResult:
    """Print the CloudFormation template of a DynamoDB table for opskit's state.

    With --state dynamodb://NAME, OPSKIT_STATE or the setting state, runs on all machines share the journal, the queue
    of increases, locks, and what saves reading twice. The table is paid by request. No AWS call is made.
    """
    from opskit.kept_state.render import template_result
    from opskit.kept_state.rules import table_template

    return template_result(table_template(table))


@register_command(state_app, "state", "move")
def state_move_command(
    ctx: CommandContext,
    to: Annotated[str, typer.Option("--to", metavar="PLACE", help="Where it goes: local, or dynamodb://TABLE.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")] = False,
) -> CommandResult:
    """Move opskit's state from where it is (--state) to another home.

    Everything is copied. The queue of increases is then removed from where it was, so that only one home submits it;
    the journal stays there too. It can be run again at any time, as after it was interrupted: nothing is written twice.
    """
    from opskit.core.exceptions import UsageError
    from opskit.core.setting_values import LOCAL_STATE, parse_state_place
    from opskit.kept_state.flows import move_state
    from opskit.kept_state.render import move_result
    from opskit.state.home import local_home, state_home
    from opskit.state.table_home import open_table_home

    place = parse_state_place(to)
    source, target = state_home(), open_table_home(place, ctx.session) if place else local_home()
    if (source.name or LOCAL_STATE) == (target.name or LOCAL_STATE):
        text = f"opskit's state is in {to} already."
        raise UsageError("same-state", text, "--state says where it is, --to where it goes.")
    moved = move_state(source, target, dry_run=dry_run)
    return move_result(moved, source.name or LOCAL_STATE, target.name or LOCAL_STATE)
