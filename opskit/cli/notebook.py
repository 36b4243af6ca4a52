"""``opskit notebook``: who left what on, and off with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.app import app, group
from opskit.cli.command import Here, command
from opskit.errors import UsageProblem
from opskit.settings import duration

if TYPE_CHECKING:
    from opskit.aws import Door
    from opskit.model import Notebook
    from opskit.show.answer import Answer

notebook_app = group("Notebook instances: who left what on, and off with it.")
app.add_typer(notebook_app, name="notebook")

After = Annotated[
    str | None, typer.Option("--after", metavar="TIME", help="Idle means: no activity for so long; 1h unless set.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it is in service.")]
Terminals = Annotated[bool, typer.Option("--ignore-terminals", help="A silent terminal keeps nothing alive.")]


@command(notebook_app, "notebook", "list")
def listed(here: Here, after: After = None, ignore_terminals: Terminals = False) -> Answer:
    """Show every notebook, what it does and costs."""
    from opskit.decide.idleness import IdlePolicy
    from opskit.flows.look_at_notebooks import look_at_all
    from opskit.show.notebooks import listing

    policy = IdlePolicy(here.settings.chosen("notebook.after", after), ignore_terminals)
    return listing(look_at_all(here.doors(), policy, datetime.now(UTC)))


@command(notebook_app, "notebook", "start")
def start(here: Here, names: Annotated[list[str], typer.Argument(metavar="NAME...")]) -> Answer:
    """Start notebooks."""
    from opskit.act.notebooks import start as begin
    from opskit.show.answer import Answer

    door = here.door()
    for name in names:
        begin(door, _one(door, name).name)
    return Answer({"notebooks": [{"region": door.region, "name": name, "action": "start"} for name in names]})


@command(notebook_app, "notebook", "keep")
def keep(
    here: Here,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    span: Annotated[str | None, typer.Option("--for", metavar="TIME", help="How long, such as 36h.")] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")] = "",
) -> Answer:
    """Let nobody stop a notebook for a while."""
    from opskit.act.notebooks import tag
    from opskit.decide.idleness import KEEP, KEEP_REASON, KEEP_UNTIL
    from opskit.show.answer import Answer

    door = here.door()
    until = datetime.now(UTC) + duration(span) if span else None
    tags = {KEEP_UNTIL: until.isoformat(timespec="seconds")} if until else {KEEP: reason or "kept"}
    if until and reason:
        tags[KEEP_REASON] = reason
    tag(door, _one(door, name), tags)
    text = f"{name} is kept" + (f" until {until:%Y-%m-%d %H:%M} UTC." if until else " until `opskit notebook unkeep`.")
    return Answer({"name": name, "tags": tags}, notes=(text,))


@command(notebook_app, "notebook", "unkeep")
def unkeep(here: Here, name: Annotated[str, typer.Argument(metavar="NAME")]) -> Answer:
    """Let an idle notebook be stopped again."""
    from opskit.act.notebooks import untag
    from opskit.decide.idleness import KEEP, KEEP_REASON, KEEP_UNTIL
    from opskit.show.answer import Answer

    door = here.door()
    untag(door, _one(door, name), [KEEP, KEEP_UNTIL, KEEP_REASON])
    return Answer({"name": name}, notes=(f"{name} is no longer kept.",))


def _one(door: Door, name: str) -> Notebook:
    from opskit.observe.notebooks import notebook

    found = notebook(door, name)
    if found is None:
        text = f"There is no notebook instance '{name}' in {door.region}."
        raise UsageProblem("no-notebook", text, "`opskit notebook list` shows them.")
    return found
