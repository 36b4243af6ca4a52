"""The flags that commands share, and the settings that come of them: flags over variables over files, a word on a file
that is not trusted, and whose the things are that a command makes.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opskit.core.exceptions import SETTINGS_NOT_TRUSTED, Problem, UsageError
from opskit.core.setting_values import OutputFormat
from opskit.core.settings import Settings, load_settings

if TYPE_CHECKING:
    from opskit.cli.command import CommandContext
    from opskit.core.owners import Owner


COMMON_OPTIONS: dict[str, Any] = {
    "region": Annotated[
        list[str] | None,
        typer.Option("--region", metavar="REGION", help="AWS Region; repeatable, or 'all' for every enabled one."),
    ],
    "profile": Annotated[str | None, typer.Option("--profile", metavar="NAME", help="AWS profile to use.")],
    "role_arn": Annotated[
        list[str] | None,
        typer.Option("--role-arn", metavar="ARN", help="IAM role to assume; repeatable with `opskit fleet`."),
    ],
    "output": Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FORMAT", help="Output format: " + ", ".join(OutputFormat) + "."),
    ],
    "state": Annotated[
        str | None,
        typer.Option(
            "--state", metavar="PLACE", help="Where state is kept: local, or dynamodb://TABLE[?region=REGION]."
        ),
    ],
    "config": Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings file to read.")],
    "quiet": Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only the result; suppress progress and messages.")
    ],
    "verbose": Annotated[bool, typer.Option("--verbose", "-v", help="Log every AWS API call to stderr.")],
    "no_color": Annotated[bool, typer.Option("--no-color", help="Disable colored output.")],
}


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
        hint = f"These run in several accounts: {', '.join(_commands_over_accounts())}."
        raise UsageError("one-role", "This command runs in one account, with one --role-arn.", hint)
    return (), named[0] if named else None


def _commands_over_accounts() -> list[str]:
    """The commands that can run in several accounts."""
    from opskit.cli.command import ACCOUNT_USES
    from opskit.cli.command_tree import load_all

    load_all()
    return sorted(ACCOUNT_USES)


def left_out_problem(settings: Settings) -> Problem | None:
    """What is to be said of the keys of the folder's file that do not count; None: all count."""
    if not settings.left_out or settings.folder_file is None:
        return None
    file = settings.folder_file.absolute()
    text = f"{file} is not trusted, so its {', '.join(settings.left_out)} does not count."
    hint = f"If it is as you want it: opskit settings trust {shlex.quote(str(file.parent))}"
    return Problem(SETTINGS_NOT_TRUSTED, text, hint)


def _is_trusted(path: Path, content: bytes) -> bool:
    from opskit.state.store import is_trusted_file

    return is_trusted_file(path, content)


OwnerOption = Annotated[
    str | None,
    typer.Option("--owner", metavar="NAME", help="Owner, the value of the tag opskit:owner (default: your ARN)."),
]
NoOwnerOption = Annotated[
    bool, typer.Option("--no-owner", help="Write no opskit:owner tag; resources without one count as yours.")
]


def resolve_owner(ctx: CommandContext, typed: str | None, *, untagged: bool) -> Owner:
    """The owner by flag, setting, or the caller's identity.

    Raises:
        UsageError: both flags were given, or the name cannot be a tag's value.
        AwsError: STS does not say who the caller is.
    """
    from opskit.aws.tagged_create import read_owner

    if typed is not None and untagged:
        raise UsageError("owner-or-none", "--owner and --no-owner exclude each other.", "Leave one of them out.")
    return read_owner(ctx.session(), ctx.settings.resolve("owner", typed), untagged=untagged)
