"""What goes wrong beside a command, on its screen: at once for people, in ``errors`` for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from opskit.cli.common_options import report_left_out_settings
from opskit.core.run_problems import begin_run_problems, run_problems
from opskit.core.settings import Settings
from opskit.output.printing import redirect_warnings
from opskit.output.result import CommandResult
from opskit.output.screen import Screen
from opskit.state.paths import begin_state_use, is_state_used

if TYPE_CHECKING:
    from opskit.aws.session import AwsSession


def prepare_reports() -> None:
    """Print what libraries log like everything else, and forget what an earlier command of this process reported."""
    redirect_warnings()
    begin_state_use()
    begin_run_problems(lambda problem: None)


def begin_reports(
    path: tuple[str, ...], settings: Settings, screen: Screen, print_calls: Callable[[], None] | None
) -> None:
    """Let it be told on the command's screen, first of all which settings do not count, and, with --verbose, each call
    of AWS.
    """
    if print_calls:
        print_calls()
    begin_run_problems(screen.show_run_problem)
    if path != ("settings",):  # it tells that itself
        report_left_out_settings(settings)


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
    if not screen.format.tells_problems:
        return result
    return replace(result, problems=(*result.problems, *run_problems()), more_data=_state_fields())


def _state_fields() -> Mapping[str, str | None]:
    """``kept_in`` of a command that has used its state: the folder or table, or null where it is not kept."""
    if not is_state_used():
        return {}
    from opskit.state.home import home_kept_in

    try:
        return {"kept_in": home_kept_in()}
    except OSError:  # something else stands in its place: the command has told that
        return {"kept_in": None}
