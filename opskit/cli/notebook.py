"""``opskit notebook``: who left what on, and off with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.app import app, group
from opskit.cli.command import Here, command
from opskit.errors import Refused, UsageProblem
from opskit.settings import duration

if TYPE_CHECKING:
    from opskit.aws import Door
    from opskit.model import Notebook
    from opskit.show.answer import Answer

notebook_app = group("Notebook instances: who left what on, and off with it.")
app.add_typer(notebook_app, name="notebook")

After = Annotated[str, typer.Option("--after", metavar="TIME", help="Idle means: no activity for so long.")]
Terminals = Annotated[bool, typer.Option("--ignore-terminals", help="A silent terminal keeps nothing alive.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")]


@command(notebook_app, "notebook", "list")
def listed(here: Here, after: After = "1h", ignore_terminals: Terminals = False) -> Answer:
    """Show every notebook, what it does and costs."""
    from opskit.decide.idleness import IdlePolicy
    from opskit.flows.look_at_notebooks import look_at_all
    from opskit.show.notebooks import listing

    return listing(look_at_all(here.doors(), IdlePolicy(duration(after), ignore_terminals), datetime.now(UTC)))


@command(notebook_app, "notebook", "stop")
def stop(
    here: Here,
    names: Names = None,
    idle: Annotated[bool, typer.Option("--idle", help="Stop what nobody uses.")] = False,
    after: After = "1h",
    ignore_terminals: Terminals = False,
    match: Annotated[str, typer.Option("--match", metavar="GLOB", help="Only names like this.")] = "*",
    tag: Annotated[str | None, typer.Option("--tag", metavar="K=V", help="Only what has this tag.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="Refuse to stop more at once.")] = 10,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Also more than --limit, and what is kept.")] = False,
) -> Answer:
    """Stop notebooks: by name, or those that are idle."""
    from opskit.decide.idleness import IdlePolicy
    from opskit.flows.clock import system_clock
    from opskit.flows.look_at_notebooks import look_at_all
    from opskit.flows.stop_notebooks import carry_out, plan_idle, plan_named
    from opskit.model import Idleness
    from opskit.show.notebooks import stopping

    if bool(names) == idle:
        raise UsageProblem("what-to-stop", "Name notebooks, or say --idle.", "`opskit notebook list` shows them.")
    policy = IdlePolicy(duration(after), ignore_terminals)
    look = look_at_all(here.doors(), policy, datetime.now(UTC), names=names or ())
    plan = plan_idle(look, match, _pair(tag)) if idle else plan_named(look)
    missing = [name for name in names or () if all(each.seen.notebook.name != name for each in plan)]
    kept = [each.seen.notebook.name for each in plan if each.stop and each.seen.judgement.verdict is Idleness.PROTECTED]
    if kept and not yes and not dry_run:
        raise Refused("kept", f"Somebody asked to keep {', '.join(kept)}.", "Add --yes, or `opskit notebook unkeep`.")
    many = sum(each.stop for each in plan)
    if many > limit and not yes and not dry_run:
        raise Refused("over-limit", f"{many} notebooks would be stopped, more than {limit}.", "Add --yes, or --limit.")
    done = plan if dry_run else carry_out(plan, policy, system_clock(), by_name=not idle)
    return stopping(done, look.problems, missing)


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


def _pair(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageProblem("bad-tag", f"'{text}' is not a tag.", "Write it like team=blue.")
    return key, value
