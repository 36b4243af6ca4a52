"""``opskit notebook stop``: off with what nobody uses, or with what is named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import Here, command
from opskit.cli.notebook import After, Match, Source, TabAge, Terminals, notebook_app
from opskit.errors import Problem, UsageProblem
from opskit.settings import duration

if TYPE_CHECKING:
    from opskit.flows.stop_notebooks import Handled
    from opskit.show.answer import Answer

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")]


@command(notebook_app, "notebook", "stop", unattended=True)
def stop(
    here: Here,
    names: Names = None,
    idle: Annotated[bool, typer.Option("--idle", help="Stop what nobody uses.")] = False,
    after: After = None,
    grace: Annotated[
        str | None, typer.Option("--grace", metavar="TIME", help="Tag an idle one first; a run after so long stops it.")
    ] = None,
    max_age: Annotated[
        str | None,
        typer.Option("--max-age", metavar="TIME", help="Stop also what only a stuck thing has kept on for so long."),
    ] = None,
    tab_age: TabAge = None,
    ignore_terminals: Terminals = False,
    evidence: Source = "jupyter",
    trust_logs: Annotated[bool, typer.Option("--trust-logs", help="Stop on the word of a silent log.")] = False,
    match: Match = "*",
    tag: Annotated[str | None, typer.Option("--tag", metavar="K=V", help="Only what has this tag.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Refuse to stop more at once; 10 unless set.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Also more than --limit, and what is kept.")] = False,
) -> Answer:
    """Stop notebooks: by name, or those that are idle."""
    from opskit.decide.idleness import Evidence, IdlePolicy
    from opskit.flows.clock import system_clock
    from opskit.flows.look_at_notebooks import Meant, look_at_all
    from opskit.flows.stop_notebooks import Terms, carry_out, plan_idle, plan_named, refuse
    from opskit.show.notebooks import not_stopping, stopping

    if bool(names) == idle:
        raise UsageProblem("what-to-stop", "Name notebooks, or say --idle.", "`opskit notebook list` shows them.")
    if trust_logs and evidence != "logs":
        raise UsageProblem("no-logs", "--trust-logs is about logs, and none are read.", "Add --evidence logs.")
    policy = IdlePolicy(
        here.settings.chosen("notebook.after", after),
        ignore_terminals,
        _span(max_age),
        Evidence(evidence),
        trust_logs,
        here.settings.chosen("notebook.tab-age", tab_age),
    )
    terms, clock = Terms(policy, _span(grace) or None), system_clock()
    look = look_at_all(here.doors(), policy, now := clock.now(), Meant(names or (), match, _pair(tag)))
    plan = plan_idle(look, terms, now) if idle else plan_named(look)
    if dry_run:
        return stopping(plan, look, _missing(names, plan))
    most = here.settings.chosen("notebook.limit", limit) if idle else len(plan)
    if not yes and (refusal := _refusal(plan, most)) is not None:
        return not_stopping(refuse(plan), look.problems, refusal)
    return stopping(carry_out(plan, terms, clock, by_name=not idle), look, _missing(names, plan))


def _missing(names: list[str] | None, plan: Sequence[Handled]) -> list[str]:
    """The names that no notebook has."""
    found = {each.seen.notebook.name for each in plan}
    return [name for name in names or () if name not in found]


def _refusal(plan: Sequence[Handled], most: int) -> Problem | None:
    """Why a plan is not carried out without --yes; None where it may be."""
    from opskit.model import Idleness

    stops = [each for each in plan if each.stop]
    kept = [each.seen.notebook.name for each in stops if each.seen.judgement.verdict is Idleness.PROTECTED]
    if kept:
        text = f"Somebody asked to keep {', '.join(kept)}."
        return Problem("kept", text, "Add --yes, or `opskit notebook unkeep`.")
    if len(stops) > most:
        text = f"{len(stops)} notebooks would be stopped, more than {most}."
        return Problem("over-limit", text, "Add --yes, or --limit.")
    return None


def _span(text: str | None) -> timedelta | None:
    return duration(text) if text else None


def _pair(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageProblem("bad-tag", f"'{text}' is not a tag.", "Write it like team=blue.")
    return key, value
