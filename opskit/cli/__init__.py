"""The command line: Typer commands by noun. A command resolves its settings, runs a flow and returns a result."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from opskit.core.exceptions import ExitCode, Problem

# Python looks for reference cycles after every 700 new objects, and looks at all old ones again when they have grown by
# a quarter. boto3's models are some 300,000 objects that stay to the end: that is a fifth of a command's CPU time. The
# old ones are looked at no less often than that: the clients of each of many accounts are such cycles.
_COLLECTION_THRESHOLDS = (50_000, 1, 2)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run opskit as a command line program."""
    gc.set_threshold(*_COLLECTION_THRESHOLDS)
    # Python collects several times while it ends. What is frozen it does not look at, and the memory goes anyway.
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run_arguments(arguments)
    except ImportError as error:
        code = _report_load_failure(error, arguments)
    except KeyboardInterrupt:  # so early, or for the second time, that the command does not tell of it
        code = _report_interrupt(arguments)
    sys.exit(code or 0)


def _run_arguments(arguments: Sequence[str]) -> int | None:
    """Run the command that was typed.

    Raises:
        ImportError: a file of the package is missing, or belongs to another project.
    """
    from typer import Abort, BadParameter

    import opskit
    from opskit.cli.command_tree import load_for
    from opskit.core.exceptions import ExitCode, OutputNotWritten
    from opskit.core.file_errors import file_error_text
    from opskit.output.printing import close_output, prepare_streams, restored_terminal

    prepare_streams()
    if not hasattr(opskit, "DISTRIBUTION"):  # costs nothing, and detects another project's __init__.py
        raise ImportError(f"{opskit.__path__[0]}: its __init__.py is missing, or another project's.")
    usage_error: Any = BadParameter.__mro__[1]  # Typer's own Click is private; its UsageError is BadParameter's parent
    with restored_terminal():
        try:
            code: int | None = load_for(arguments)(arguments, standalone_mode=False, prog_name="opskit")
        except usage_error as error:
            code = _report_misuse(error, arguments)
        except Abort:
            code = _report_interrupt(arguments)
        except BrokenPipeError:  # the reader of help has seen enough; a command tells of it by itself
            close_output()
            code = int(ExitCode.INTERRUPTED)
        except OSError as error:  # help that stdout does not take
            if error.filename is not None:
                raise
            close_output()
            lost = OutputNotWritten(file_error_text(error)).problem
            code = _report_end((), lost, ExitCode.BUG, arguments)
    return code


def _report_interrupt(arguments: Sequence[str]) -> int:
    """Report that Ctrl-C ended opskit: 128 + SIGINT, as a shell tells of it."""
    from opskit.core.exceptions import ExitCode, Problem

    return _report_end((), Problem("interrupted", "Interrupted."), ExitCode.INTERRUPTED, arguments)


def _report_load_failure(error: ImportError, arguments: Sequence[str]) -> int:
    """Report why opskit cannot be loaded, if that is known. Otherwise it is a bug, and is raised again."""
    from opskit.core.package_files import find_mixed_files

    mixed = find_mixed_files()
    if mixed is None:
        raise error
    try:
        from opskit.core.exceptions import ExitCode, Problem

        problem = Problem("mixed-install", f"{mixed.detail}.", mixed.hint)
        return _report_end((), problem, ExitCode.USAGE, arguments)
    except ImportError:  # the printing modules themselves are missing or belong to another project
        text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in f"{mixed.detail}. {mixed.hint}")
        print(f"opskit: {text}", file=sys.stderr)
        return 2


def _report_misuse(error: BaseException, arguments: Sequence[str]) -> int:
    """Report a usage error that Typer found."""
    from opskit.core.exceptions import ExitCode, Problem
    from opskit.core.text import misuse_text
    from opskit.output.printing import print_text, standard_error

    if type(error).__name__ == "NoArgsIsHelpError":  # a bare `opskit quotas` prints its help
        print_text(str(error), standard_error())
        return int(ExitCode.USAGE)
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "opskit"
    message = misuse_text(error)
    hint = f"Try '{path} --help'."
    flag = getattr(error, "option_name", None)
    if path == "opskit" and flag and flag in _common_flags():  # as the AWS CLI and kubectl take them
        message, hint = f"{flag} comes after the command.", f"Write it like: opskit quotas check {flag} …"
    problem = Problem("usage", message or f"'{path}' needs a command.", hint)
    return _report_end(tuple(path.split()[1:]), problem, ExitCode.USAGE, arguments)


def _common_flags() -> set[str]:
    """The flags that every command takes behind its words."""
    from typing import get_args

    from opskit.cli.common_options import COMMON_OPTIONS

    options = [get_args(annotation)[1] for annotation in COMMON_OPTIONS.values()]
    # Typer keeps the first flag of an annotated option where its default would be.
    return {flag for option in options for flag in (option.default, *option.param_decls)}


def _report_end(command: tuple[str, ...], problem: Problem, code: ExitCode, arguments: Sequence[str]) -> int:
    """Report why a command was not run or did not end as it should, as one JSON object if JSON was requested."""
    from opskit.core.exceptions import OutputNotWritten
    from opskit.core.setting_values import OutputFormat
    from opskit.output.result import CommandResult
    from opskit.output.screen import Screen

    # Nothing has parsed the command line, so the format is looked for in the raw arguments.
    wants_json = any(_asks_for_json(word, before) for word, before in zip(arguments, ["", *arguments], strict=False))
    screen = Screen(OutputFormat.JSON if wants_json else OutputFormat.TABLE)
    try:
        screen.show_result(command, CommandResult({}, code, (problem,)))
    except OutputNotWritten as error:
        screen.show_problems((problem, error.problem))
    return int(code)


def _asks_for_json(word: str, before: str) -> bool:
    return word in ("--output=json", "-o=json", "-ojson") or (word == "json" and before in ("-o", "--output"))
