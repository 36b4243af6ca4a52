"""Reads a command line without running it: for whoever runs the command's body in another way than a shell does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opskit.cli.account_options import AccountChoice, AccountUse
from opskit.core.exceptions import UsageError

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@dataclass(frozen=True)
class ParsedCommand:
    """A command line as Typer has read it: the command's words, its body with what it was given, the flags that all
    commands share, what is around the body, and over which accounts it was to run (``use`` None: it knows of none).
    """

    path: tuple[str, ...]
    body: Callable[..., CommandResult]
    arguments: Mapping[str, Any]
    common: Mapping[str, Any]
    wrapper: Mapping[str, Any]
    choice: AccountChoice
    use: AccountUse | None


_parsed: ContextVar[list[ParsedCommand] | None] = ContextVar("parsed command", default=None)


def is_only_parsed(command: ParsedCommand) -> bool:
    """Whether the command line was to be read only; whoever asked for that then has it."""
    wanted = _parsed.get()
    if wanted is None:
        return False
    wanted.append(command)
    return True


def parse_words(words: Sequence[str]) -> ParsedCommand:
    """Read a command line, such as ``("quotas", "check", "ml.m5.large")``.

    Raises:
        UsageError: it is none of opskit's.
    """
    from typer import Abort, BadParameter

    from opskit.cli.command_tree import load_for

    found: list[ParsedCommand] = []
    token = _parsed.set(found)
    usage_error: Any = BadParameter.__mro__[1]  # Typer's own Click is private
    try:
        load_for(words)(list(words), standalone_mode=False, prog_name="opskit")
    except usage_error as error:
        told = getattr(error, "format_message", None)
        text = told() if told else str(error)
        raise UsageError("usage", text or f"opskit {' '.join(words)} needs a command.", _HINT) from error
    except Abort as error:
        raise UsageError("usage", f"opskit {' '.join(words)} was given up.", _HINT) from error
    finally:
        _parsed.reset(token)
    if not found:
        raise UsageError("usage", f"'{' '.join(words)}' is no command that answers.", _HINT)
    return found[0]


_HINT = "`opskit --help` lists the commands, and `opskit COMMAND --help` what each takes."
