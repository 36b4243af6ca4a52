"""``opskit notebook start`` and ``open``: on with a notebook, quota first, and into its Jupyter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import Here, command
from opskit.cli.notebook import Wait, notebook_app
from opskit.errors import UsageProblem

if TYPE_CHECKING:
    from opskit.show.answer import Answer


@command(notebook_app, "notebook", "start")
def start(
    here: Here,
    names: Annotated[list[str], typer.Argument(metavar="NAME...")],
    no_guard: Annotated[bool, typer.Option("--no-guard", help="Do not look at the quotas first.")] = False,
    wait: Wait = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")] = False,
) -> Answer:
    """Start notebooks, quota first."""
    from opskit.flows.clock import system_clock
    from opskit.flows.start_notebooks import all_awaited, plan_starts, start_notebooks
    from opskit.show.notebook_starting import starting
    from opskit.show.progress import watching

    here.heed_end_from_outside()
    clock, door = system_clock(), here.door()
    starts = plan_starts(door, names, clock, guard=not no_guard)
    if not dry_run:
        starts = start_notebooks(door, starts, clock)
    if wait and not dry_run:
        with watching(here.screen) as tell:
            starts = all_awaited(door, starts, clock, tell)
    return starting(starts, door.region)


@command(notebook_app, "notebook", "open")
def open_it(
    here: Here,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    print_it: Annotated[bool, typer.Option("--print", help="Print the address instead.")] = False,
) -> Answer:
    """Open a notebook's Jupyter in the browser.

    With --print, in a pipe and with -o json, csv or markdown the address goes to standard output instead. Whoever
    has it is in: it opens without a password, for five minutes.
    """
    from opskit.flows.open_notebook import address_of
    from opskit.show.notebook_starting import address, opened
    from opskit.show.render import Output

    door = here.door()
    url = address_of(door, name)
    if print_it or here.screen.output is not Output.TABLE or not here.screen.out.isatty():
        return address(name, door.region, url)
    _browse(url)
    return opened(name, door.region)


def _browse(url: str) -> None:
    import webbrowser

    if not webbrowser.open(url):
        raise UsageProblem("no-browser", "No browser could be opened here.", "Add --print for the address itself.")
