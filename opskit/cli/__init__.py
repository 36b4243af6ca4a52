"""The front door: Typer commands by noun. A command's body settles settings, runs a flow, and returns an answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from typer import Typer


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run opskit as a command line program."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run_arguments(arguments)
    except ImportError as error:
        code = _report_load_failure(error, arguments)
    sys.exit(code or 0)


def _run_arguments(arguments: Sequence[str]) -> int | None:
    """Run what was typed.

    Raises:
        ImportError: a file of the package is missing, or another project's.
    """
    from typer import Abort, BadParameter

    from opskit.output.printing import prepare_streams, print_text, restored_terminal, standard_error

    prepare_streams()
    usage_error: Any = BadParameter.__mro__[1]  # Typer's own Click is private; its UsageError is BadParameter's parent
    with restored_terminal():
        try:
            code: int | None = _load_tree(arguments)(arguments, standalone_mode=False, prog_name="opskit")
        except usage_error as error:
            code = _report_misuse(error, arguments)
        except (Abort, KeyboardInterrupt):
            print_text("opskit: Interrupted.", standard_error())
            code = 130
    return code


def _load_tree(arguments: Sequence[str]) -> Typer:
    """As much of the tree as a command line needs.

    Raises:
        ImportError: a file of the package is missing, or another project's.
    """
    import opskit
    from opskit.cli.command_tree import load_for

    if not hasattr(opskit, "DISTRIBUTION"):  # all but nothing, and tells another project's __init__.py from ours
        raise ImportError(f"{opskit.__path__[0]}: its __init__.py is missing, or another project's.")
    return load_for(arguments)


def _report_load_failure(error: ImportError, arguments: Sequence[str]) -> int:
    """Say why opskit cannot be loaded, where that is known. Else it is a bug, and raised again."""
    from opskit.core.package_files import find_mixed_files

    mixed = find_mixed_files()
    if mixed is None:
        raise error
    try:
        return _report_refusal((), "mixed-install", f"{mixed.detail}.", mixed.hint, arguments)
    except ImportError:  # what would print it, and make it harmless, is among the files that are another's
        told = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in f"{mixed.detail}. {mixed.hint}")
        print(f"opskit: {told}", file=sys.stderr)
        return 2


def _report_misuse(error: BaseException, arguments: Sequence[str]) -> int:
    """Say what was mistyped."""
    from opskit.core.exceptions import ExitCode
    from opskit.output.printing import print_text, standard_error

    if type(error).__name__ == "NoArgsIsHelpError":  # a bare `opskit quotas` asks what there is
        print_text(str(error), standard_error())
        return int(ExitCode.USAGE)
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "opskit"
    message = getattr(error, "format_message", lambda: str(error))()
    return _report_refusal(
        tuple(path.split()[1:]), "usage", message or f"'{path}' needs a command.", f"Try '{path} --help'.", arguments
    )


def _report_refusal(command: tuple[str, ...], code: str, message: str, hint: str, arguments: Sequence[str]) -> int:
    """Tell what kept a command from being run, as one JSON object where JSON was asked for."""
    from opskit.core.exceptions import ExitCode, Problem
    from opskit.core.setting_values import OutputFormat
    from opskit.output.result import CommandResult
    from opskit.output.screen import Screen

    asked = [word.split("=")[-1] for word in arguments]
    wants_json = any(word == "json" and _names_output(arguments, at) for at, word in enumerate(asked))
    screen = Screen(OutputFormat.JSON if wants_json else OutputFormat.TABLE)
    screen.show_result(command, CommandResult({}, ExitCode.USAGE, (Problem(code, message, hint),)))
    return int(ExitCode.USAGE)


def _names_output(arguments: Sequence[str], at: int) -> bool:
    """Whether the argument ``at`` is the value of ``--output`` or ``-o``."""
    return arguments[at].startswith(("--output=", "-o=")) or (at > 0 and arguments[at - 1] in ("-o", "--output"))
