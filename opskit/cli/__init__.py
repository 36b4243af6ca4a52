"""The front door: Typer commands by noun. A command's body settles settings, runs a flow, and returns an answer."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Any, NoReturn


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run opskit as a command line program."""
    from typer import Abort, BadParameter

    from opskit.cli.tree import tree_for

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character gets its answer all the same
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    usage_error: Any = BadParameter.__mro__[1]  # Typer's own Click is private; its UsageError is BadParameter's parent
    try:
        code = tree_for(arguments)(arguments, standalone_mode=False, prog_name="opskit")
    except usage_error as error:
        code = _misused(error, arguments)
    except (Abort, KeyboardInterrupt):
        print("opskit: Interrupted.", file=sys.stderr)
        code = 130
    sys.exit(code or 0)


def _misused(error: BaseException, arguments: Sequence[str]) -> int:
    """Say what was mistyped, as one JSON object where JSON was asked for."""
    from opskit.errors import ExitCode, Problem
    from opskit.show.answer import Answer
    from opskit.show.render import Output, Screen

    if type(error).__name__ == "NoArgsIsHelpError":  # a bare `opskit quotas` asks what there is
        print(error, file=sys.stderr)
        return int(ExitCode.USAGE)
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "opskit"
    message = getattr(error, "format_message", lambda: str(error))()
    problem = Problem("usage", message or f"'{path}' needs a command.", f"Try '{path} --help'.")
    asked = [word.split("=")[-1] for word in arguments]
    wants_json = any(word == "json" and _names_output(arguments, at) for at, word in enumerate(asked))
    screen = Screen(Output.JSON if wants_json else Output.TABLE)
    screen.show(tuple(path.split()[1:]), Answer({}, ExitCode.USAGE, (problem,)))
    return int(ExitCode.USAGE)


def _names_output(arguments: Sequence[str], at: int) -> bool:
    """Whether the argument ``at`` is the value of ``--output`` or ``-o``."""
    return arguments[at].startswith(("--output=", "-o=")) or (at > 0 and arguments[at - 1] in ("-o", "--output"))
