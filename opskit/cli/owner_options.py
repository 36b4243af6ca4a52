"""The flags that say whose the things are that a command makes or removes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext
from opskit.core.exceptions import UsageError

if TYPE_CHECKING:
    from opskit.core.owners import Owner

OwnerOption = Annotated[
    str | None,
    typer.Option("--owner", metavar="NAME", help="Owner, the value of the tag opskit:owner (default: your ARN)."),
]
NoOwnerOption = Annotated[
    bool, typer.Option("--no-owner", help="Write no opskit:owner tag; resources without one count as yours.")
]


def settle_owner(ctx: CommandContext, typed: str | None, *, untagged: bool) -> Owner:
    """The owner by flag, setting, or the caller's identity.

    Raises:
        UsageError: both flags were given, or the name cannot be a tag's value.
        AwsError: STS does not say who the caller is.
    """
    from opskit.aws.caller_owner import read_owner

    if typed is not None and untagged:
        raise UsageError("owner-or-none", "--owner and --no-owner exclude each other.", "Leave one of them out.")
    return read_owner(ctx.session(), ctx.settings.resolve("owner", typed), untagged=untagged)
