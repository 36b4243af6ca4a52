"""What every command shares: the common flags, the settings, errors as exit codes, the form of the answer."""

from __future__ import annotations

import inspect
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, get_type_hints

import typer

from opskit.errors import ConsentMissing, ExitCode, OpskitError, Problem, UsageProblem
from opskit.redaction import without_secrets
from opskit.settings import OUTPUTS, Settings, settle

if TYPE_CHECKING:
    from opskit.aws import Connection, Door
    from opskit.left_running import Running
    from opskit.show.answer import Answer
    from opskit.show.render import Screen

COMMON: dict[str, Any] = {
    "region": Annotated[
        list[str] | None,
        typer.Option("--region", metavar="REGION", help="Region to look at; repeatable, or 'all'."),
    ],
    "profile": Annotated[str | None, typer.Option("--profile", metavar="NAME", help="AWS profile to use.")],
    "role_arn": Annotated[str | None, typer.Option("--role-arn", metavar="ARN", help="Role to assume first.")],
    "output": Annotated[str | None, typer.Option("--output", "-o", metavar="FORM", help=", ".join(OUTPUTS) + ".")],
    "config": Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings file to read.")],
    "quiet": Annotated[bool, typer.Option("--quiet", "-q", help="Only the answer, no talk.")],
    "verbose": Annotated[bool, typer.Option("--verbose", "-v", help="Tell every call on standard error.")],
    "no_color": Annotated[bool, typer.Option("--no-color", help="No colour.")],
}
_FLAGS = {"quiet", "verbose", "no_color"}


@dataclass
class Here:
    """A command's surroundings, settled: its settings, its screen, and the way to AWS."""

    settings: Settings
    screen: Screen
    verbose: bool = False
    _connection: Connection | None = None

    def connection(self) -> Connection:
        """The connection to AWS, opened when first asked for.

        Raises:
            OpskitError: no Region, no such profile, or AWS does not let us in.
        """
        from opskit.aws import connect

        if self._connection is None:
            named = [name for name in self.settings.get("regions") or () if name != "all"]
            self._connection = connect(
                profile=self.settings.get("profile"),
                role_arn=self.settings.get("role-arn"),
                region=named[0] if named else None,
                read_seconds=self.settings.get("read-timeout").total_seconds(),
            )
        return self._connection

    def doors(self, wanted: Sequence[str] = ()) -> list[Door]:
        """One door a Region, in the order they were ``wanted``, else set; the home Region when none was."""
        from opskit.observe.regions import enabled_regions

        connection = self.connection()
        names = wanted or self.settings.get("regions") or (connection.home,)
        if "all" in names:
            names = enabled_regions(connection.door())
        return [connection.door(name) for name in dict.fromkeys(names)]

    def door(self) -> Door:
        """The door of a command that works in one Region.

        Raises:
            UsageProblem: several Regions were named.
        """
        names = self.settings.get("regions") or ()
        if len(names) > 1 or "all" in names:
            raise UsageProblem("one-region", "This command works in one Region.", "Name one with --region.")
        return self.connection().door()

    def whatever_runs(self, *, unreached: bool = False) -> tuple[Running, ...]:
        """What this command has made or watches and that goes on when it ends."""
        return self._connection.left_running.whatever_runs(unreached=unreached) if self._connection else ()

    def heed_end_from_outside(self) -> None:
        """Take a SIGTERM (a time limit's, a CI's) for a Ctrl-C: what goes on at AWS is named then, too."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)

    def consent(self, plan: str, *, yes: bool, what: str = "This changes your account") -> None:
        """Tell the plan and ask before changing something: a prompt on a terminal, elsewhere a refusal that says
        ``what`` it is about and names the flag.

        Raises:
            ConsentMissing: the user said no, or nobody could be asked.
        """
        if yes:
            return
        from opskit.show.printing import ask_yes_or_no, somebody_can_be_asked

        if not somebody_can_be_asked():
            self.screen.say(plan)
            raise ConsentMissing("consent-missing", f"{what} and nobody can be asked.", "Add --yes.")
        if not ask_yes_or_no(f"{plan}\nGo on?"):  # with --quiet too: nobody agrees to what they have not seen
            raise ConsentMissing("consent-missing", "Nothing was changed.")


Body = Callable[..., "Answer"]

_NEWS: dict[str, Any] = {
    "heartbeat": Annotated[
        str | None,
        typer.Option("--heartbeat", metavar="FILE|URL", help="When all went well, write the file or fetch the URL."),
    ],
    "notify": Annotated[
        str | None,
        typer.Option(
            "--notify",
            metavar="WHERE",
            help="Tell what was done or failed: an SNS topic's ARN, a webhook's URL, or a file that holds one.",
        ),
    ],
}
"""The flags of a command that runs while nobody looks."""


def command(app: typer.Typer, *path: str, unattended: bool = False, **typer_options: Any) -> Callable[[Body], Body]:
    """Register ``body`` as the command ``path`` (such as ``quotas``, ``check``) of ``app``.

    The body takes a ``Here`` first, then its own parameters, and returns an answer; the common flags are added
    to its signature, and whatever it raises becomes an exit code and, with ``-o json``, an envelope. A command that
    may run ``unattended`` gets --heartbeat and --notify as well; with --dry-run nobody is told.
    """
    flags = _NEWS | COMMON if unattended else COMMON

    def register(body: Body) -> Body:
        def run(**given: Any) -> None:
            common = {name: given.pop(name) for name in flags}
            news = {name: common.pop(name) for name in flags if name in _NEWS}

            def work(here: Here) -> Answer:
                if not any(news.values()) or given.get("dry_run"):
                    return body(here, **given)
                from opskit.cli.news import with_news

                return with_news(here, path, lambda: body(here, **given), **news)

            _run(path, common, work)

        own = _own_parameters(body)
        added = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=False if name in _FLAGS else None,
                annotation=kind,
            )
            for name, kind in flags.items()
        ]
        run.__signature__ = inspect.Signature(own + added)  # type: ignore[attr-defined]
        run.__doc__ = body.__doc__
        app.command(path[-1], **typer_options)(run)
        return body

    return register


def _own_parameters(body: Body) -> list[inspect.Parameter]:
    """The parameters that a body adds to the common ones, as Typer reads them. What it returns is left alone, so
    that its module need not load what only types speak of.
    """
    own = list(inspect.signature(body).parameters.values())[1:]
    told = SimpleNamespace(__annotations__={each.name: each.annotation for each in own})
    kinds = get_type_hints(told, body.__globals__, include_extras=True)
    return [each.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=kinds[each.name]) for each in own]


def _run(path: tuple[str, ...], common: dict[str, Any], body: Callable[[Here], Answer]) -> NoReturn:
    from opskit.show.printing import take_over_warnings
    from opskit.show.render import Output, Screen

    take_over_warnings()
    color = not common["no_color"] and not os.environ.get("NO_COLOR")
    screen = Screen(_early_output(common["output"], Output), color=color, quiet=common["quiet"])
    opened: list[Here] = []

    def work() -> Answer:
        nonlocal screen
        settings = _settled(common)
        screen = Screen(Output(settings.get("output")), color=color, quiet=common["quiet"])
        if common["verbose"]:
            _tell_calls()
        opened.append(Here(settings, screen, verbose=common["verbose"]))
        return body(opened[0])

    try:
        answer = answered(work, verbose=common["verbose"])
    except (BrokenPipeError, SystemExit) as end:
        if not any(here.whatever_runs() for here in opened):
            _leave(end)
        answer = _interrupted() if isinstance(end, BrokenPipeError) else _bug(end, verbose=common["verbose"])
    answer = _with_what_runs(answer, opened)
    try:
        screen.show(path, answer)
    except BrokenPipeError:
        _close_quietly(answer.exit)
    except (Exception, KeyboardInterrupt) as error:
        answer = _with_what_runs(answered(partial(_raised, error), verbose=common["verbose"]), opened)
        screen.show_problems(answer.problems)
    raise typer.Exit(int(answer.exit))


def _with_what_runs(answer: Answer, opened: Sequence[Here]) -> Answer:
    """The answer of a command that ended early, with what it leaves running and how to stop that. After the
    unforeseen and an interruption that is all; after a failure that was told it is what is not as it was asked for.
    """
    if answer.exit is ExitCode.DONE:
        return answer
    unreached = answer.exit not in (ExitCode.BUG, ExitCode.INTERRUPTED)
    left = [(running, here) for here in opened for running in here.whatever_runs(unreached=unreached)]
    if not left:
        return answer
    from dataclasses import replace

    from opskit.decide.running import interrupted, running_records, still_running

    running, profile = [each for each, _ in left], left[0][1].settings.get("profile")
    if answer.exit is ExitCode.INTERRUPTED:
        others = [each for each in answer.problems if each.code != "interrupted"]
        problems = [interrupted(running, profile), *others]
    else:
        problems = [*answer.problems, still_running(running, profile)]
    return replace(answer, data={**answer.data, "running": running_records(running)}, problems=tuple(problems))


def answered(work: Callable[[], Answer], *, verbose: bool) -> Answer:
    """What ``work`` answers, or what it raised as an answer.

    Raises:
        BrokenPipeError: nobody reads any more.
    """
    from opskit.show.answer import failure

    try:
        return work()
    except OpskitError as error:
        return failure(error)
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        raise
    except Exception as error:  # the last line of defence: a bug is one line and a place to report it
        return _bug(error, verbose=verbose)


def _early_output(named: str | None, output: Any) -> Any:
    """The form to report a settings error in, before the settings are known."""
    wanted = named or os.environ.get("OPSKIT_OUTPUT")
    return output(wanted) if wanted in OUTPUTS else output.TABLE


def _settled(common: dict[str, Any]) -> Settings:
    flags = {
        "regions": tuple(common["region"] or ()),
        "profile": common["profile"],
        "role-arn": common["role_arn"],
        "output": common["output"],
    }
    return settle(flags, common["config"])


def _raised(error: BaseException) -> NoReturn:
    raise error


def _leave(end: BaseException) -> NoReturn:
    """End where nobody reads any more, or where the command said with which code."""
    if isinstance(end, BrokenPipeError):
        _close_quietly(ExitCode.INTERRUPTED)
    raise end


def _interrupted() -> Answer:
    from opskit.show.answer import Answer

    return Answer({}, ExitCode.INTERRUPTED, (Problem("interrupted", "Interrupted."),))


def _bug(error: BaseException, *, verbose: bool) -> Answer:
    from opskit.observe.package_files import find_mixed_files
    from opskit.show.answer import Answer
    from opskit.show.printing import print_traceback

    if verbose:
        print_traceback()
    if isinstance(error, ImportError) and (mixed := find_mixed_files()):
        return Answer({}, ExitCode.USAGE, (Problem("mixed-install", f"{mixed.says}.", mixed.hint),))
    text = without_secrets(f"This is a bug in opskit: {type(error).__name__}: {error}")
    return Answer({}, ExitCode.BUG, (Problem("bug", text, "Run it again with --verbose and report what it prints."),))


def _close_quietly(code: ExitCode) -> NoReturn:
    """End without Python's own complaint when the reader of the pipe has gone."""
    from opskit.show.printing import close_output

    close_output()
    raise typer.Exit(int(code))


def _tell_calls() -> None:
    """Name every AWS call on standard error. Only its name: parameters and answers can hold secrets."""
    from opskit import aws
    from opskit.show.printing import print_text, standard_error

    aws.on_call = lambda name, region: print_text(f"  {name} {region}", standard_error())
