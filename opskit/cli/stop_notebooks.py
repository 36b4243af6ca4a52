"""``opskit notebook stop``: off with what nobody uses, or with what is named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import Here, command
from opskit.cli.notebook import After, Terminals, notebook_app
from opskit.errors import Refused, UsageProblem

if TYPE_CHECKING:
    from opskit.show.answer import Answer

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")]


@command(notebook_app, "notebook", "stop", unattended=True)
def stop(
    here: Here,
    names: Names = None,
    idle: Annotated[bool, typer.Option("--idle", help="Stop what nobody uses.")] = False,
    after: After = None,
    ignore_terminals: Terminals = False,
    match: Annotated[str, typer.Option("--match", metavar="GLOB", help="Only names like this.")] = "*",
    tag: Annotated[str | None, typer.Option("--tag", metavar="K=V", help="Only what has this tag.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Refuse to stop more at once; 10 unless set.")
    ] = None,
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
    policy = IdlePolicy(here.settings.chosen("notebook.after", after), ignore_terminals)
    look = look_at_all(here.doors(), policy, datetime.now(UTC), names=names or ())
    plan = plan_idle(look, match, _pair(tag)) if idle else plan_named(look)
    missing = [name for name in names or () if all(each.seen.notebook.name != name for each in plan)]
    kept = [each.seen.notebook.name for each in plan if each.stop and each.seen.judgement.verdict is Idleness.PROTECTED]
    if kept and not yes and not dry_run:
        raise Refused("kept", f"Somebody asked to keep {', '.join(kept)}.", "Add --yes, or `opskit notebook unkeep`.")
    many = sum(each.stop for each in plan)
    most = here.settings.chosen("notebook.limit", limit)
    if many > most and not yes and not dry_run:
        raise Refused("over-limit", f"{many} notebooks would be stopped, more than {most}.", "Add --yes, or --limit.")
    done = plan if dry_run else carry_out(plan, policy, system_clock(), by_name=not idle)
    return stopping(done, look.problems, missing)


def _pair(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageProblem("bad-tag", f"'{text}' is not a tag.", "Write it like team=blue.")
    return key, value
