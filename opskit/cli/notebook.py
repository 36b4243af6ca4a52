"""``opskit notebook``: who left what on, and off with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from opskit.cli.command import Here, command
from opskit.cli.tree import branch
from opskit.settings import duration

if TYPE_CHECKING:
    from opskit.show.answer import Answer

notebook_app = branch("notebook")

After = Annotated[
    str | None, typer.Option("--after", metavar="TIME", help="Idle means: no activity for so long; 1h unless set.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it is in service.")]
TabAge = Annotated[
    str | None,
    typer.Option(
        "--tab-age", metavar="TIME", help="An open tab or saves count so long after other work; 4h unless set."
    ),
]
Terminals = Annotated[bool, typer.Option("--ignore-terminals", help="Terminals keep nothing alive.")]


Source = Annotated[
    Literal["jupyter", "logs"],
    typer.Option("--evidence", help="Ask Jupyter itself, or read its log, which only reports."),
]
Match = Annotated[str, typer.Option("--match", metavar="GLOB", help="Only names like this.")]


@command(notebook_app, "notebook", "list")
def listed(
    here: Here,
    after: After = None,
    tab_age: TabAge = None,
    ignore_terminals: Terminals = False,
    evidence: Source = "jupyter",
    match: Match = "*",
) -> Answer:
    """Show every notebook: what it does, and what it costs."""
    from opskit.decide.idleness import Evidence, IdlePolicy
    from opskit.flows.look_at_notebooks import Meant, look_at_all
    from opskit.show.notebook_list import listing

    span = here.settings.chosen("notebook.after", after)
    tabs = here.settings.chosen("notebook.tab-age", tab_age)
    policy = IdlePolicy(span, ignore_terminals, evidence=Evidence(evidence), tab_age=tabs)
    now = datetime.now(UTC)
    return listing(look_at_all(here.doors(), policy, now, Meant(glob=match)), now)


@command(notebook_app, "notebook", "keep")
def keep(
    here: Here,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    span: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long, such as 36h; for ever unless said.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for whoever wants to stop it.")] = "",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Also where it is then kept for less long than now.")
    ] = False,
) -> Answer:
    """Let nobody stop a notebook for a while."""
    from opskit.decide.keeping import keep_for
    from opskit.flows.clock import system_clock
    from opskit.flows.keep_notebook import keep_notebook, plan_keep
    from opskit.show.notebook_keeping import kept, shortening

    clock, door = system_clock(), here.door()
    plan = plan_keep(door, name, keep_for(None if span is None else duration(span), reason, clock.now()), clock)
    if plan.may_shorten:
        here.consent(shortening(plan), yes=yes, what=f"This may keep {name} for less long than it is kept now,")
    keep_notebook(door, plan, clock)
    return kept(plan)


@command(notebook_app, "notebook", "unkeep")
def unkeep(here: Here, name: Annotated[str, typer.Argument(metavar="NAME")]) -> Answer:
    """Let an idle notebook be stopped again."""
    from opskit.flows.clock import system_clock
    from opskit.flows.keep_notebook import unkeep_notebook
    from opskit.show.notebook_keeping import unkept

    return unkept(*unkeep_notebook(here.door(), name, system_clock()))
