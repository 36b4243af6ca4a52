"""The flags by which a command runs in several accounts, and a command line that was read without running it, for
whoever runs the command's body in another way than a shell does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opskit.core.exceptions import UsageError
from opskit.core.text import misuse_text

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


class AccountUse(Enum):
    """What a command does in several accounts: it reads, or it changes something there."""

    READS = "reads"
    CHANGES = "changes"


RoleNameOption = Annotated[str, typer.Option("--role-name", metavar="NAME", help="The role to assume in each account.")]
ExternalIdOption = Annotated[
    str | None,
    typer.Option("--external-id", metavar="ID", help="The external ID that the roles' trust asks for."),
]

ACCOUNT_FLAGS: Mapping[str, tuple[Any, Any]] = {
    "accounts": (
        Annotated[
            Path | None,
            typer.Option(
                "--accounts",
                metavar="FILE",
                help="Run in the accounts of FILE: CSV (account,name,role_arn,regions), or JSON as AWS lists accounts.",
            ),
        ],
        None,
    ),
    "org": (Annotated[bool, typer.Option("--org", help="Run in all active accounts of the organization.")], False),
    "ou": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--ou", metavar="OU", help="Run in the accounts of this organizational unit, by ID or name; repeatable."
            ),
        ],
        None,
    ),
    "role_name": (RoleNameOption, "opskit"),
    "external_id": (ExternalIdOption, None),
    "session_tag": (
        Annotated[
            list[str] | None,
            typer.Option("--session-tag", metavar="K=V", help="A tag of the assumed session; repeatable."),
        ],
        None,
    ),
    "concurrency": (
        Annotated[
            int,
            typer.Option(
                "--concurrency", min=1, max=64, metavar="N", help="Number of accounts to read at the same time."
            ),
        ],
        8,
    ),
    "processes": (
        Annotated[
            int,
            typer.Option("--processes", min=1, max=64, metavar="N", help="Spread the accounts over N processes."),
        ],
        1,
    ),
    "resume": (
        Annotated[
            bool,
            typer.Option("--resume", help="Skip accounts that the last, interrupted run has already read."),
        ],
        False,
    ),
}
"""The flags of a command that runs in several accounts: how Typer reads each, and its default."""

CHANGE_FLAGS: Mapping[str, tuple[Any, Any]] = {
    "plan": (
        Annotated[
            Path | None,
            typer.Option(
                "--plan",
                metavar="FILE",
                help="In several accounts, do what FILE plans: the answer of --dry-run -o json, looked at again.",
            ),
        ],
        None,
    ),
    "limit_all": (
        Annotated[
            int,
            typer.Option(
                "--limit-all", min=1, metavar="N", help="Refuse to change more than N in all accounts together."
            ),
        ],
        50,
    ),
}
"""The further flags of one that changes something there."""


FLAGS_OF_USE: Mapping[AccountUse, Mapping[str, tuple[Any, Any]]] = {
    AccountUse.READS: ACCOUNT_FLAGS,
    AccountUse.CHANGES: {**ACCOUNT_FLAGS, **CHANGE_FLAGS},
}


@dataclass(frozen=True)
class AccountChoice:
    """What was typed: which accounts, and how to run in them. ``plan`` and ``limit_all`` are for changes. None: that
    flag was not typed.
    """

    accounts: Path | None = None
    org: bool = False
    ou: list[str] | None = None
    role_name: str = "opskit"
    external_id: str | None = None
    session_tag: list[str] | None = None
    concurrency: int = 8
    processes: int = 1
    resume: bool = False
    plan: Path | None = None
    limit_all: int = 50

    def is_several(self, role_arns: tuple[str, ...]) -> bool:
        """Whether several accounts were named.

        Raises:
            UsageError: none was, but something that only several need.
        """
        if self.accounts is not None or self.org or self.ou or role_arns:
            return True
        only_for_several = {
            "--plan": self.plan is not None,
            "--resume": self.resume,
            "--external-id": self.external_id is not None,
            "--session-tag": bool(self.session_tag),
        }
        if lone := next((flag for flag, typed in only_for_several.items() if typed), None):
            raise UsageError(
                "which-accounts", f"{lone} is for several accounts.", "Add --org, --ou or --accounts FILE."
            )
        return False


@dataclass(frozen=True)
class PlannedChanges:
    """What may be changed in an account that is one of several: what the plan, which somebody has agreed to, names.
    ``found`` are pairs of Region and name.
    """

    found: frozenset[tuple[str, str]]

    @property
    def names(self) -> tuple[str, ...]:
        """The names, whatever their Regions."""
        return tuple(sorted({name for _, name in self.found}))


@dataclass(frozen=True)
class ParsedCommand:
    """A command line as Typer has read it: the command's words, its body with what it was given, the flags that all
    commands share, what is around the body, and over which accounts it was to run (``use`` None: it knows of none).
    ``wrapper_check`` checks what is around the body; None: nothing does.
    """

    path: tuple[str, ...]
    body: Callable[..., CommandResult]
    arguments: Mapping[str, Any]
    common: Mapping[str, Any]
    wrapper: Mapping[str, Any]
    choice: AccountChoice
    use: AccountUse | None
    wrapper_check: Callable[..., object] | None = None

    def runs_in_several(self, role_arns: tuple[str, ...]) -> bool:
        """Whether it runs once in each of several accounts, with these roles among what chooses them."""
        return self.use is not None and (self.choice.is_several(role_arns) or self.path[0] == "fleet")


parsed_commands: ContextVar[list[ParsedCommand] | None] = ContextVar("only parsed", default=None)
"""Takes the command lines that are read without running them; None: they run."""


def parse_words(words: Sequence[str]) -> ParsedCommand:
    """Read a command line, such as ``("quotas", "check", "ml.m5.large")``.

    Raises:
        UsageError: it is none of opskit's.
    """
    from typer import Abort, BadParameter

    from opskit.cli.command_tree import load_for

    found: list[ParsedCommand] = []
    token = parsed_commands.set(found)
    usage_error: Any = BadParameter.__mro__[1]  # Typer's own Click is private
    try:
        load_for(words)(list(words), standalone_mode=False, prog_name="opskit")
    except usage_error as error:
        raise UsageError("usage", misuse_text(error) or f"opskit {' '.join(words)} needs a command.", _HINT) from error
    except Abort as error:
        raise UsageError("usage", f"opskit {' '.join(words)} was given up.", _HINT) from error
    finally:
        parsed_commands.reset(token)
    if not found:
        raise UsageError("usage", f"'{' '.join(words)}' is no command that answers.", _HINT)
    return found[0]


_HINT = "`opskit --help` lists the commands, and `opskit COMMAND --help` what each takes."
