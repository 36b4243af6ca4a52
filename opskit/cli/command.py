"""What all commands share: common flags, settings, errors as exit codes, and the output format."""

from __future__ import annotations

import inspect
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, get_type_hints

import typer

from opskit.cli.command_examples import examples_text
from opskit.cli.command_wrapper import CommandWrapper
from opskit.cli.common_settings import load_common_settings, split_role_arns
from opskit.core.exceptions import ConfirmationRequired, ExitCode, OpskitError, Problem, UsageError
from opskit.core.redaction import redact_secrets
from opskit.core.setting_values import OutputFormat
from opskit.core.settings import Settings

if TYPE_CHECKING:
    from opskit.aws.client import AwsClient
    from opskit.aws.session import AwsSession
    from opskit.core.live_resources import LiveResource
    from opskit.output.result import CommandResult
    from opskit.output.screen import Screen

_POSIX_MODULES = {"fcntl", "grp", "pwd", "resource", "termios", "tty"}  # locks, users, terminals: not on Windows
_WSL_HINT = "On Windows, run opskit in WSL (Windows Subsystem for Linux)."

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
    "config": Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings file to read.")],
    "quiet": Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only the result; suppress progress and messages.")
    ],
    "verbose": Annotated[bool, typer.Option("--verbose", "-v", help="Log every AWS API call to stderr.")],
    "no_color": Annotated[bool, typer.Option("--no-color", help="Disable colored output.")],
}
_FLAGS = {"quiet", "verbose", "no_color"}


@dataclass
class CommandContext:
    """What a command runs with: its settings, its screen and its AWS session."""

    settings: Settings
    screen: Screen
    verbose: bool = False
    role_arns: tuple[str, ...] = ()
    """Those of several accounts, where the command runs in several."""
    _session: AwsSession | None = None

    def session(self) -> AwsSession:
        """The AWS session, opened when first asked for.

        Raises:
            OpskitError: no Region, no such profile, or no valid credentials.
        """
        from opskit.aws import notices
        from opskit.aws.session import open_session

        if self._session is None:
            notices.notice_hook = self.screen.info
            named = [name for name in self.settings.get("regions") or () if name != "all"]
            self._session = open_session(
                profile=self.settings.get("profile"),
                role_arn=self.settings.get("role-arn"),
                region=named[0] if named else None,
                read_seconds=self.settings.get("read-timeout").total_seconds(),
            )
        return self._session

    def known_account(self) -> str | None:
        """The account, if the command has learnt it."""
        identity = self._session.known_identity() if self._session else None
        return identity.account if identity else None

    def clients(self, wanted: Sequence[str] = ()) -> list[AwsClient]:
        """One client per Region: those that are ``wanted``, else those of the settings, else the default Region."""
        from opskit.aws.regions import enabled_regions

        session = self.session()
        names = wanted or self.settings.get("regions") or (session.default_region,)
        if "all" in names:
            names = enabled_regions(session.client())
        return [session.client(name) for name in dict.fromkeys(names)]

    def client(self) -> AwsClient:
        """The client of a command that works in one Region.

        Raises:
            UsageError: several Regions were named.
        """
        names = self.settings.get("regions") or ()
        if len(names) > 1 or "all" in names:
            raise UsageError("one-region", "This command works in one Region.", "Name one with --region.")
        return self.session().client()

    def whatever_runs(self, *, unreached: bool = False) -> tuple[LiveResource, ...]:
        """The resources that this command has created or watches and that keep running when it ends."""
        return self._session.left_running.running_resources(unreached=unreached) if self._session else ()

    def heed_end_from_outside(self) -> None:
        """Treat SIGTERM (of a time limit or a CI job) like Ctrl-C, so that running resources are reported then too."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)

    def confirm(self, plan: str, *, yes: bool, what: str = "This changes your account") -> None:
        """Show the plan and ask before changing something: a prompt on a terminal; elsewhere an error that says
        ``what`` would happen and names the flag.

        Raises:
            ConfirmationRequired: the user declined, or there is no terminal to ask at.
        """
        if yes:
            return
        from opskit.output.printing import ask_yes_or_no

        if missing := self.missing_consent(yes=yes, what=what):
            self.screen.info(plan)
            raise missing
        if not ask_yes_or_no(f"{plan}\nGo on?"):  # with --quiet too: nobody can agree to what was not shown
            raise ConfirmationRequired("consent-missing", "Nothing was changed.")

    def missing_consent(self, *, yes: bool, what: str = "This changes your account") -> ConfirmationRequired | None:
        """The error that ``confirm`` ends with before it asks: there is no ``--yes`` and no terminal. None: it asks or
        goes on. A dry run ends with it too.
        """
        from opskit.output.printing import can_prompt

        if yes or can_prompt():
            return None
        return ConfirmationRequired("consent-missing", f"{what} and there is no terminal to confirm it.", "Add --yes.")


CommandBody = Callable[..., "CommandResult"]


def register_command(
    app: typer.Typer, *path: str, wrapper: CommandWrapper | None = None, **typer_options: Any
) -> Callable[[CommandBody], CommandBody]:
    """Register ``body`` as the command ``path`` (such as ``quotas``, ``check``) of ``app``.

    The body takes a ``CommandContext`` first, then its own parameters, and returns a ``CommandResult``; the common
    flags are added to its signature, and what it raises becomes an exit code and, with ``-o json``, an envelope.
    ``wrapper`` adds flags of its own, which --dry-run only checks.
    """
    wrapper_flags = wrapper.flags if wrapper else {}
    flags = {**wrapper_flags, **COMMON_OPTIONS}

    def register(body: CommandBody) -> CommandBody:
        def run(**arguments: Any) -> None:
            common = {name: arguments.pop(name) for name in COMMON_OPTIONS}
            extras = {name: arguments.pop(name) for name in wrapper_flags}

            def work(ctx: CommandContext) -> CommandResult:
                if wrapper is None or not any(extras.values()):
                    return body(ctx, **arguments)
                if arguments.get("dry_run"):
                    wrapper.check(**extras)
                    return body(ctx, **arguments)
                return wrapper.run(ctx, path, lambda: body(ctx, **arguments), **extras)

            run_command(path, common, work)

        parameters = _body_parameters(body)
        common_parameters = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=False if name in _FLAGS else None, annotation=annotation
            )
            for name, annotation in flags.items()
        ]
        run.__signature__ = inspect.Signature(parameters + common_parameters)  # type: ignore[attr-defined]
        run.__doc__ = body.__doc__
        # Said anew as the short help, since Click cuts the one it takes from the docstring.
        summary = " ".join((body.__doc__ or "").strip().partition("\n\n")[0].split())
        app.command(path[-1], short_help=summary, epilog=examples_text(" ".join(path)), **typer_options)(run)
        return body

    return register


def _body_parameters(body: CommandBody) -> list[inspect.Parameter]:
    """The parameters that a body adds to the common ones, as Typer reads them. Its return annotation is not resolved,
    so that its module need not import what only annotations mention.
    """
    parameters = list(inspect.signature(body).parameters.values())[1:]
    annotated = SimpleNamespace(__annotations__={parameter.name: parameter.annotation for parameter in parameters})
    hints = get_type_hints(annotated, body.__globals__, include_extras=True)
    return [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[parameter.name])
        for parameter in parameters
    ]


def run_command(
    path: tuple[str, ...], common: dict[str, Any], body: Callable[[CommandContext], CommandResult]
) -> NoReturn:
    """Run a command's body with its settings, print its result, and exit with its exit code."""
    from opskit.cli.run_reports import begin_reports, prepare_reports, with_run_problems
    from opskit.output.screen import Screen

    prepare_reports()
    color = not common["no_color"] and not os.environ.get("NO_COLOR")
    screen = Screen(_early_output_format(common["output"]), color=color, quiet=common["quiet"])
    opened: list[CommandContext] = []

    def run_body() -> CommandResult:
        nonlocal screen
        role_arns, common["role_arn"] = split_role_arns(path, common["role_arn"])
        settings = load_common_settings(common)
        screen = Screen(OutputFormat(settings.get("output")), color=color, quiet=common["quiet"])
        begin_reports(path, settings, screen, _print_calls if common["verbose"] else None)
        opened.append(CommandContext(settings, screen, verbose=common["verbose"], role_arns=role_arns))
        return body(opened[0])

    try:
        result = run_safely(run_body, verbose=common["verbose"])
    except (BrokenPipeError, SystemExit) as end:
        if not any(ctx.whatever_runs() for ctx in opened):
            _end_process(end)
        result = (
            _interrupted_result() if isinstance(end, BrokenPipeError) else _bug_result(end, verbose=common["verbose"])
        )
    result = with_run_problems(_with_what_runs(result, opened), screen)
    try:
        screen.show_result(path, result)
    except BrokenPipeError:
        _exit_quietly(result.exit)
    except (Exception, KeyboardInterrupt) as error:
        result = _with_what_runs(run_safely(partial(_reraise, error), verbose=common["verbose"]), opened)
        screen.show_problems(result.problems)
    raise typer.Exit(int(result.exit))


def _with_what_runs(result: CommandResult, opened: Sequence[CommandContext]) -> CommandResult:
    """The result of a command that ended early, with what it leaves running and how to stop that. After a bug or an
    interrupt that is everything; after a reported failure only what is not in its requested state.
    """
    if result.exit.is_ok:
        return result
    unreached = not result.exit.is_unforeseen
    leftovers = [(running, ctx) for ctx in opened for running in ctx.whatever_runs(unreached=unreached)]
    if not leftovers:
        return result
    from opskit.core.stop_commands import interrupted_problem, running_records, still_running_problem

    running, profile = [live_resource for live_resource, _ in leftovers], leftovers[0][1].settings.get("profile")
    others = [problem for problem in result.problems if problem.code != "interrupted"]
    if len(others) < len(result.problems):
        problems = [interrupted_problem(running, profile), *others]
    else:
        problems = [*others, still_running_problem(running, profile)]
    return replace(result, data={**result.data, "running": running_records(running)}, problems=tuple(problems))


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
        return _interrupted_result()
    except BrokenPipeError:
        raise
    except Exception as error:  # a bug: one line for the user instead of a traceback
        return _bug_result(error, verbose=verbose)


def _early_output_format(named: str | None) -> OutputFormat:
    """The format in which to report an error in the settings, before the settings are known."""
    wanted = named or os.environ.get("OPSKIT_OUTPUT")
    return OutputFormat(wanted) if wanted in list(OutputFormat) else OutputFormat.TABLE


def _reraise(error: BaseException) -> NoReturn:
    raise error


def _end_process(end: BaseException) -> NoReturn:
    """Exit when the reader has closed the pipe, or with the exit code that the command gave."""
    if isinstance(end, BrokenPipeError):
        _exit_quietly(ExitCode.INTERRUPTED)
    raise end


def _interrupted_result() -> CommandResult:
    from opskit.output.result import CommandResult

    return CommandResult({}, ExitCode.INTERRUPTED, (Problem("interrupted", "Interrupted."),))


def _bug_result(error: BaseException, *, verbose: bool) -> CommandResult:
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


def _exit_quietly(code: ExitCode) -> NoReturn:
    """Exit without Python's message about the closed pipe."""
    from opskit.output.printing import close_output

    close_output()
    raise typer.Exit(int(code))


def _print_calls() -> None:
    """Print the name of every AWS call on stderr. Only the name: parameters and responses can hold secrets."""
    from opskit.aws import api_call
    from opskit.output.printing import print_text, standard_error

    api_call.call_hook = lambda name, region: print_text(f"  {name} {region}", standard_error())
