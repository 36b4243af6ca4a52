"""What is around a command's body: what another feature puts there, and what the command ends with whatever happens in
it. An error, an interrupt or a bug becomes a result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opskit.core.exceptions import ExitCode, OpskitError, Problem
from opskit.core.redaction import redact_secrets

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@dataclass(frozen=True)
class CommandWrapper:
    """Extra flags of some commands, and the function that handles them around the command's body. It gets the context,
    the command's path, the body, and the flags by name. With --dry-run they are only checked, as the run would.
    """

    flags: Mapping[str, Any]
    run: Callable[..., CommandResult]
    check: Callable[..., object]


_POSIX_MODULES = {"fcntl", "grp", "pwd", "resource", "termios", "tty"}  # locks, users, terminals: not on Windows
_WSL_HINT = "On Windows, run opskit in WSL (Windows Subsystem for Linux)."


def run_safely(work: Callable[[], CommandResult], *, verbose: bool) -> CommandResult:
    """The result of ``work``, or the error that it raised as a result.

    Raises:
        BrokenPipeError: the reader has closed the pipe.
    """
    from opskit.output.result import error_result

    try:
        return work()
    except OpskitError as error:
        return error_result(error)
    except KeyboardInterrupt:
        return interrupted_result()
    except BrokenPipeError:
        raise
    except Exception as error:  # a bug: one line for the user instead of a traceback
        return bug_result(error, verbose=verbose)


def interrupted_result() -> CommandResult:
    """The result of a command that was interrupted."""
    from opskit.output.result import CommandResult

    return CommandResult({}, ExitCode.INTERRUPTED, (Problem("interrupted", "Interrupted."),))


def bug_result(error: BaseException, *, verbose: bool) -> CommandResult:
    """The result of a command that ended with an error nobody foresaw; what this system or a half-done installation
    lacks is told as that.
    """
    from opskit.core.package_files import find_mixed_files
    from opskit.output.printing import print_traceback
    from opskit.output.result import CommandResult

    if verbose:
        print_traceback()
    if isinstance(error, ImportError) and error.name in _POSIX_MODULES:
        text = "This command needs Linux or macOS: it uses what Windows does not have."
        return CommandResult({}, ExitCode.USAGE, (Problem("no-posix", text, _WSL_HINT),))
    if isinstance(error, ImportError) and (mixed := find_mixed_files()):
        return CommandResult({}, ExitCode.USAGE, (Problem("mixed-install", f"{mixed.detail}.", mixed.hint),))
    text = redact_secrets(f"This is a bug in opskit: {type(error).__name__}: {error}")
    return CommandResult(
        {}, ExitCode.BUG, (Problem("bug", text, "Run it again with --verbose and report what it prints."),)
    )
