"""What is around a command's body: what another feature puts there, where the state of the command is kept, and what
the command ends with whatever happens in it. An error, an interrupt or a bug becomes a result; what goes wrong beside
the command is told on its screen, at once for people, in ``errors`` for programs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from opskit.cli.common_options import left_out_problem
from opskit.core.exceptions import ExitCode, OpskitError, OutputNotWritten, Problem
from opskit.core.redaction import redact_secrets
from opskit.core.run_problems import begin_run_problems, report_run_problem, run_problems
from opskit.core.settings import Settings

if TYPE_CHECKING:
    from opskit.aws.session import AwsSession
    from opskit.output.result import CommandResult
    from opskit.output.screen import Screen


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
    from opskit.output.result import CommandResult, error_result

    try:
        return work()
    except OpskitError as error:
        return error_result(error)
    except KeyboardInterrupt:
        return interrupted_result()
    except OutputNotWritten as error:
        return CommandResult({}, ExitCode.BUG, (error.problem,))
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


def prepare_reports() -> None:
    """Print what libraries log like everything else, and forget what an earlier command of this process reported."""
    from opskit.output.printing import redirect_warnings
    from opskit.state.paths import state_use

    redirect_warnings()
    state_use.clear()
    begin_run_problems(lambda problem: None)


def begin_reports(path: tuple[str, ...], settings: Settings, screen: Screen, *, verbose: bool) -> None:
    """Let it be told on the command's screen, first of all which settings do not count, and, if ``verbose``, each call
    of AWS.
    """
    if verbose:
        print_calls()
    begin_run_problems(screen.show_run_problem)
    if path != ("settings",) and (problem := left_out_problem(settings)):  # `settings` tells that itself
        report_run_problem(problem)


def print_calls() -> None:
    """Print the name of every AWS call on stderr. Only the name: parameters and responses can hold secrets."""
    from opskit.aws import api_call
    from opskit.output.printing import print_text, standard_error

    api_call.call_hook = lambda name, region: print_text(f"  {name} {region}", standard_error())


def choose_state(settings: Settings, connect: Callable[[], AwsSession]) -> None:
    """Keep the state of this command where the settings say. ``connect`` is called when that is first needed.

    Raises:
        UsageError: the setting names no place.
    """
    from opskit.core.setting_values import parse_state_place
    from opskit.state.home import choose_state_home

    place = parse_state_place(settings.get("state"))
    if place is None:
        choose_state_home(None)
        return
    from opskit.state.table_home import open_table_home

    choose_state_home(open_table_home(place, connect))


def with_run_problems(result: CommandResult, screen: Screen) -> CommandResult:
    """The result with it, where it was not printed at once, and for programs with where the command's state is kept."""
    if not screen.format.contains_problems:
        return result
    return replace(result, problems=(*result.problems, *run_problems()), more_data=_state_fields())


def _state_fields() -> Mapping[str, str | None]:
    """``kept_in`` of a command that has used its state: the folder or table, or null where it is not kept."""
    from opskit.state.paths import state_use

    if not state_use.is_set():
        return {}
    from opskit.state.home import home_kept_in

    try:
        return {"kept_in": home_kept_in()}
    except OSError:  # something else stands in its place: the command has told that
        return {"kept_in": None}
