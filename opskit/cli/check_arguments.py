"""Runs a command line up to its first contact with AWS, so that whatever it would refuse before that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opskit.cli.account_options import parse_words
from opskit.cli.command import CommandContext
from opskit.cli.command_tree import account_runner
from opskit.cli.common_options import load_common_settings, split_role_arns
from opskit.core.setting_values import OutputFormat, parse_state_place

if TYPE_CHECKING:
    from opskit.aws.session import AwsSession


class _AwsWouldBeAsked(BaseException):
    """Ends the body of a command where it would open its session: no handler in the body takes it for an error."""


@dataclass
class _OfflineContext(CommandContext):
    """The context of a command that gets as far as it can without AWS, and says nothing on the way."""

    def session(self) -> AwsSession:
        raise _AwsWouldBeAsked

    def can_prompt(self) -> bool:
        """Nobody is there to ask when the command runs."""
        return False


def check_command_words(words: Sequence[str]) -> None:
    """See that a command line is accepted: its words, its settings, and what its body checks before it asks AWS.

    Raises:
        OpskitError: what the command would end with.
    """
    from opskit.output.screen import Screen

    command = parse_words(words)
    common, in_several = dict(command.common), command.use is not None
    role_arns, common["role_arn"] = split_role_arns(command.path, common["role_arn"], in_several=in_several)
    settings = load_common_settings(common)
    parse_state_place(settings.get("state"))
    if command.wrapper_check is not None:
        command.wrapper_check(**command.wrapper)
    screen = Screen(OutputFormat.TABLE, color=False, quiet=True)
    ctx = _OfflineContext(settings, screen, role_arns=role_arns)
    try:
        if command.runs_in_several(role_arns):
            account_runner()(ctx, command)
        else:
            command.body(ctx, **command.arguments)
    except _AwsWouldBeAsked:
        return
