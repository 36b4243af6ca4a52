"""What all commands share: common flags, settings, errors as exit codes, and the output format."""

from __future__ import annotations

import inspect
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, get_type_hints

import typer

from opskit.cli.account_options import (
    FLAGS_OF_USE,
    AccountChoice,
    AccountUse,
    ParsedCommand,
    PlannedChanges,
    parsed_commands,
)
from opskit.cli.command_examples import EXAMPLES
from opskit.cli.command_tree import account_runner
from opskit.cli.common_options import COMMON_OPTIONS, load_common_settings, split_role_arns
from opskit.cli.safe_run import (
    CommandWrapper,
    begin_reports,
    bug_result,
    choose_state,
    interrupted_result,
    prepare_reports,
    run_safely,
    with_run_problems,
)
from opskit.core.exceptions import ConfirmationRequired, ExitCode, UsageError
from opskit.core.setting_values import OutputFormat
from opskit.core.settings import Settings

if TYPE_CHECKING:
    from opskit.aws.client import AwsClient
    from opskit.aws.session import AwsSession
    from opskit.core.live_resources import LiveResource
    from opskit.output.result import CommandResult
    from opskit.output.screen import Screen

_SWITCHES = {"quiet", "verbose", "no_color"}


@dataclass
class CommandContext:
    """What a command runs with: its settings, its screen and its AWS session."""

    settings: Settings
    screen: Screen
    verbose: bool = False
    role_arns: tuple[str, ...] = ()
    """Those of several accounts, where the command runs in several."""
    is_one_of_many: bool = False
    """Whether this is one account of several, where nobody can be asked."""
    planned: PlannedChanges | None = None
    """What may be changed in it, where somebody has agreed to a plan over several accounts; None: there is no such
    plan, and the command asks itself.
    """
    _session: AwsSession | None = None

    def session(self) -> AwsSession:
        """The AWS session, opened when first asked for.

        Raises:
            OpskitError: no Region, no such profile, or no valid credentials.
        """
        from opskit.aws import session
        from opskit.core import run_problems
        from opskit.state.home import recall_paces

        if self._session is None:
            run_problems.notice_hook, session.identity_hook = self.screen.info, recall_paces
            named = [name for name in self.settings.get("regions") or () if name != "all"]
            self._session = session.open_session(
                profile=self.settings.get("profile"),
                role_arn=self.settings.get("role-arn"),
                region=named[0] if named else None,
                read_seconds=self.settings.get("read-timeout").total_seconds(),
                owner_keys=self.settings.owner_keys,
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

    def running_resources_left(self, *, unreached: bool = False) -> tuple[LiveResource, ...]:
        """The resources that this command has created or watches and that keep running when it ends."""
        return self._session.live_resources.running_resources(unreached=unreached) if self._session else ()

    def for_account(
        self, session: AwsSession, regions: Sequence[str], planned: PlannedChanges | None
    ) -> CommandContext:
        """The context of the same command in one account of several. It says nothing by itself."""
        screen = replace(self.screen, quiet=True)
        return CommandContext(self.settings.in_regions(regions), screen, self.verbose, (), True, planned, session)

    def run_with_state(self, body: Callable[[CommandContext], CommandResult]) -> CommandResult:
        """Run a command's body with its state where the settings say; what its calls learn of AWS's rates is kept."""
        from opskit.state.home import remember_paces

        choose_state(self.settings, self.session)
        try:
            return body(self)
        finally:
            if self._session is not None:
                remember_paces(self._session)

    def can_prompt(self) -> bool:
        """Whether there is somebody to ask."""
        from opskit.output.printing import can_prompt

        return not self.is_one_of_many and can_prompt()

    def names_to_find(self, names: Sequence[str] | None) -> Sequence[str]:
        """The names that must be found here; of several accounts none has to have them all."""
        return () if self.is_one_of_many else names or ()

    def treat_sigterm_as_interrupt(self) -> None:
        """Treat SIGTERM (of a time limit or a CI job) like Ctrl-C: running resources are then reported too."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)

    def confirm(self, plan: str, *, yes: bool, what: str = "This changes your account") -> None:
        """Show the plan and ask before changing something: a prompt on a terminal; elsewhere an error that says
        ``what`` would happen and names the flag.

        Raises:
            ConfirmationRequired: the user declined, or there is no terminal to ask at.
        """
        if yes or self.planned is not None:
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
        if yes or self.planned is not None or self.can_prompt():
            return None
        return ConfirmationRequired("consent-missing", f"{what} and there is no terminal to confirm it.", "Add --yes.")


CommandBody = Callable[..., "CommandResult"]

ACCOUNT_USES: dict[str, AccountUse] = {}
"""The commands that can run in several accounts, by their words, of those that were loaded."""


def register_command(
    app: typer.Typer,
    *path: str,
    wrapper: CommandWrapper | None = None,
    accounts: AccountUse | None = None,
    **typer_options: Any,
) -> Callable[[CommandBody], CommandBody]:
    """Register ``body`` as the command ``path`` (such as ``quotas``, ``check``) of ``app``.

    The body takes a ``CommandContext`` first, then its own parameters, and returns a ``CommandResult``; the common
    flags are added to its signature, and what it raises becomes an exit code and, with ``-o json``, an envelope.
    ``wrapper`` adds flags of its own, which --dry-run only checks; ``accounts`` those that run it in several accounts.
    """
    wrapper_flags = wrapper.flags if wrapper else {}
    choice_flags = FLAGS_OF_USE[accounts] if accounts else {}
    if accounts is not None:
        ACCOUNT_USES[" ".join(path)] = accounts
    flags = {**wrapper_flags, **COMMON_OPTIONS}

    def register(body: CommandBody) -> CommandBody:
        def run(**arguments: Any) -> None:
            common = {name: arguments.pop(name) for name in COMMON_OPTIONS}
            extras = {name: arguments.pop(name) for name in wrapper_flags}
            choice = AccountChoice(**{name: arguments.pop(name) for name in choice_flags})
            command = ParsedCommand(
                path, body, arguments, common, extras, choice, accounts, wrapper.check if wrapper else None
            )
            if (parsed := parsed_commands.get()) is not None:
                parsed.append(command)
                return

            def run_body(ctx: CommandContext) -> CommandResult:
                if not command.runs_in_several(ctx.role_arns):
                    return body(ctx, **arguments)
                result: CommandResult = account_runner()(ctx, command)
                return result

            def work(ctx: CommandContext) -> CommandResult:
                if wrapper is None or not any(extras.values()):
                    return run_body(ctx)
                if arguments.get("dry_run"):
                    wrapper.check(**extras)
                    return run_body(ctx)
                return wrapper.run(ctx, path, lambda: run_body(ctx), **extras)

            run_command(path, common, work, accounts)

        shared = {name: (annotation, False if name in _SWITCHES else None) for name, annotation in flags.items()}
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default) in {**choice_flags, **shared}.items()
        ]
        run.__signature__ = inspect.Signature(_body_parameters(body) + added)  # type: ignore[attr-defined]
        run.__doc__ = body.__doc__
        # Said anew as the short help, since Click cuts the one it takes from the docstring.
        summary = " ".join((body.__doc__ or "").strip().partition("\n\n")[0].split())
        # \\b keeps the lines as they are, where help would fill them into a paragraph.
        examples = "\n".join(f"  {line}" for line in EXAMPLES.get(" ".join(path), ()))
        epilog = f"\b\nExamples:\n{examples}" if examples else None
        app.command(path[-1], short_help=summary, epilog=epilog, **typer_options)(run)
        return body

    return register


def _body_parameters(body: CommandBody) -> list[inspect.Parameter]:
    """The parameters that a body adds to the common ones, as Typer reads them."""
    parameters = list(inspect.signature(body).parameters.values())[1:]
    # Without the return annotation, so that the body's module need not import what only annotations mention.
    annotated = SimpleNamespace(__annotations__={parameter.name: parameter.annotation for parameter in parameters})
    hints = get_type_hints(annotated, body.__globals__, include_extras=True)
    return [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[parameter.name])
        for parameter in parameters
    ]


def run_command(
    path: tuple[str, ...],
    common: dict[str, Any],
    body: Callable[[CommandContext], CommandResult],
    accounts: AccountUse | None = None,
) -> NoReturn:
    """Run a command's body with its settings, print its result, and exit with its exit code. ``accounts``: it can run
    in several, each with a role.
    """
    from opskit.output.screen import Screen

    prepare_reports()
    color = not common["no_color"] and not os.environ.get("NO_COLOR")
    # In this format an error in the settings is reported, before they are known.
    early = common["output"] or os.environ.get("OPSKIT_OUTPUT")
    screen = Screen(OutputFormat(early if early in list(OutputFormat) else "table"), color=color, quiet=common["quiet"])
    opened: list[CommandContext] = []

    def run_body() -> CommandResult:
        nonlocal screen
        role_arns, common["role_arn"] = split_role_arns(path, common["role_arn"], in_several=accounts is not None)
        settings = load_common_settings(common)
        screen = Screen(OutputFormat(settings.get("output")), color=color, quiet=common["quiet"])
        begin_reports(path, settings, screen, verbose=common["verbose"])
        opened.append(CommandContext(settings, screen, verbose=common["verbose"], role_arns=role_arns))
        return opened[0].run_with_state(body)

    try:
        result = run_safely(run_body, verbose=common["verbose"])
    except (BrokenPipeError, SystemExit) as end:
        if not any(ctx.running_resources_left() for ctx in opened):
            _end_process(end)
        result = (
            interrupted_result() if isinstance(end, BrokenPipeError) else bug_result(end, verbose=common["verbose"])
        )
    result = with_run_problems(_with_running_resources(result, opened), screen)
    try:
        screen.show_result(path, result)
    except BrokenPipeError:
        _exit_quietly(result.exit)
    except (Exception, KeyboardInterrupt) as error:
        result = _with_running_resources(run_safely(partial(_reraise, error), verbose=common["verbose"]), opened)
        screen.show_problems(result.problems)
    raise typer.Exit(int(result.exit))


def _with_running_resources(result: CommandResult, opened: Sequence[CommandContext]) -> CommandResult:
    """The result of a command that ended early, with what it leaves running and how to stop that."""
    if result.exit.is_ok:
        return result
    # After a bug or an interrupt that is everything; after a reported failure only what is not in its requested state.
    unreached = not result.exit.is_unforeseen
    leftovers = [(running, ctx) for ctx in opened for running in ctx.running_resources_left(unreached=unreached)]
    if not leftovers:
        return result
    from opskit.core.live_resources import interrupted_problem, running_records, still_running_problem

    running, profile = [live_resource for live_resource, _ in leftovers], leftovers[0][1].settings.get("profile")
    others = [problem for problem in result.problems if problem.code != "interrupted"]
    if len(others) < len(result.problems):
        problems = [interrupted_problem(running, profile), *others]
    else:
        problems = [*others, still_running_problem(running, profile)]
    return replace(result, data={**result.data, "running": running_records(running)}, problems=tuple(problems))


def _reraise(error: BaseException) -> NoReturn:
    raise error


def _end_process(end: BaseException) -> NoReturn:
    """Exit when the reader has closed the pipe, or with the exit code that the command gave."""
    if isinstance(end, BrokenPipeError):
        _exit_quietly(ExitCode.INTERRUPTED)
    raise end


def _exit_quietly(code: ExitCode) -> NoReturn:
    """Exit without Python's message about the closed pipe."""
    from opskit.output.printing import close_output

    close_output()
    raise typer.Exit(int(code))
