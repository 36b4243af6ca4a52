"""``opskit notebook stop``: stop notebooks by name, or all that are idle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.account_options import AccountUse
from opskit.cli.command import CommandContext, register_command
from opskit.core.exceptions import Problem, UsageError
from opskit.core.setting_values import parse_duration, parse_tag_filter
from opskit.notebooks.cli.app import (
    AfterOption,
    BackgroundOption,
    EvidenceOption,
    InsideOption,
    MatchOption,
    NamesArgument,
    OwnerOption,
    PatienceOption,
    TabAgeOption,
    TagOption,
    TerminalsOption,
    TrustOption,
    notebook_app,
)
from opskit.notebooks.rules.enums import EvidenceSource
from opskit.notifications.cli import UNATTENDED

if TYPE_CHECKING:
    from opskit.aws.client import AwsClient
    from opskit.notebooks.flows.inspect import Inspection
    from opskit.notebooks.flows.stop_plan import StopAction
    from opskit.notebooks.rules.notebook_filter import NotebookFilter
    from opskit.output.result import CommandResult


@register_command(notebook_app, "notebook", "stop", wrapper=UNATTENDED, accounts=AccountUse.CHANGES)
def stop_notebooks_command(
    ctx: CommandContext,
    names: NamesArgument = None,
    idle: Annotated[bool, typer.Option("--idle", help="Stop all idle notebooks.")] = False,
    after: AfterOption = None,
    patience_usd: PatienceOption = None,
    grace: Annotated[
        str | None,
        typer.Option(
            "--grace", metavar="TIME", help="Tag idle notebooks first; stop them on a later run, once TIME has passed."
        ),
    ] = None,
    max_age: Annotated[
        str | None,
        typer.Option(
            "--max-age",
            metavar="TIME",
            help="Also stop notebooks kept alive for TIME only by an open terminal, a stuck kernel or an open "
            "browser tab.",
        ),
    ] = None,
    tab_age: TabAgeOption = None,
    ignore_terminals: TerminalsOption = False,
    evidence: EvidenceOption = EvidenceSource.JUPYTER,
    inside: InsideOption = None,
    ignore_background: BackgroundOption = False,
    trust_jupyter: TrustOption = False,
    trust_logs: Annotated[
        bool, typer.Option("--trust-logs", help="Allow stopping based on an inactive Jupyter log alone.")
    ] = False,
    match: MatchOption = "*",
    tag: TagOption = None,
    owner: OwnerOption = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", min=1, metavar="N", help="Refuse to stop more than N notebooks in one run (default 10)."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")] = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Stop more than --limit, and named notebooks that are busy or protected."),
    ] = False,
) -> CommandResult:
    """Stop notebooks by name or choice, or all that are idle."""
    from opskit.core.clock import Clock
    from opskit.notebooks.flows.inside import inspect_inside_selected
    from opskit.notebooks.flows.inspect import inspect_all
    from opskit.notebooks.flows.stop import execute_stops, mark_refused, plan_idle_stops
    from opskit.notebooks.flows.stop_plan import StopPolicy, confirm_graces, plan_named_stops, refuse_open_questions
    from opskit.notebooks.render.stop import stop_refused_result, stop_result
    from opskit.notebooks.rules.idleness import IdlePolicy

    meant = _select_stops(names, match, tag, owner, idle=idle)
    meant = meant if ctx.planned is None else replace(meant, names=ctx.planned.names)
    _check_options(idle=idle, inside=inside, trust_logs=trust_logs, evidence=evidence)
    span, usd = ctx.settings.resolve_patience("notebook", after, patience_usd)
    policy = IdlePolicy(
        span,
        patience_usd=usd,
        ignore_terminals=ignore_terminals,
        max_age=parse_duration(max_age) if max_age else None,
        evidence=evidence,
        trust_logs=trust_logs,
        tab_age=ctx.settings.resolve("notebook.tab-age", tab_age),
        inside=_inspects_inside(ctx, inside) if idle else inside,
        ignore_background=ignore_background,
        trust_jupyter=trust_jupyter,
    )
    terms, clock = StopPolicy(policy, (parse_duration(grace) if grace else None) or None), Clock()
    inspection = _only_planned(ctx, inspect_all(clients := ctx.clients(), policy, now := clock.now(), meant))
    plan = plan_idle_stops(inspection, terms, now) if idle else plan_named_stops(inspection, policy)
    if dry_run or not idle:  # a run of --idle looks inside at each one's turn; who is asked is to hear what was seen
        due = {id(action.inspected) for action in plan if action.needs_inside_inspection and not action.question}
        inspection = inspect_inside_selected(inspection, policy, now, lambda seen: id(seen) in due)
        plan = plan_idle_stops(inspection, terms, now) if idle else plan_named_stops(inspection, policy)
    if not yes and not ctx.can_prompt():  # before the limit, which counts what would be stopped
        plan = refuse_open_questions(plan)
    by_choice = idle or meant.is_narrow
    most = ctx.settings.resolve("notebook.limit", limit) if by_choice or limit else len(plan)
    if not yes and (refusal := _limit_refusal(plan, most)) is not None:
        return stop_refused_result(mark_refused(plan), inspection.problems, refusal)
    plan = _ask_confirmations(ctx, plan, yes=yes, dry_run=dry_run)
    missing = _names_not_found(ctx.names_to_find(names), plan, clients)
    if dry_run:
        return stop_result(plan, inspection, missing)
    done = execute_stops(plan, terms, clock, by_name=not idle)
    return stop_result(confirm_graces(done, terms, clock) if terms.grace else done, inspection, missing)


def _select_stops(
    names: list[str] | None, match: str, tag: str | None, owner: str | None, *, idle: bool
) -> NotebookFilter:
    """The notebooks that were chosen, or those among which idle ones are looked for.

    Raises:
        UsageError: none was chosen in any way, or in two that contradict each other.
    """
    from opskit.notebooks.rules.notebook_filter import NotebookFilter

    meant = NotebookFilter(names or (), match, parse_tag_filter(tag), owner)
    if meant.names and idle:
        text = "--idle looks at all notebooks, and names were given too."
        raise UsageError("what-to-stop", text, "Leave out one of the two; --match narrows --idle.")
    if not (meant.names or meant.is_narrow or idle):
        text = "Give notebook names, or --match, --tag or --owner, or --idle."
        raise UsageError("what-to-stop", text, "`opskit notebook list` shows them.")
    return meant


def _check_options(*, idle: bool, inside: bool | None, trust_logs: bool, evidence: EvidenceSource) -> None:
    """Refuse what contradicts itself.

    Raises:
        UsageError: it does.
    """
    if trust_logs and not evidence.is_log:
        raise UsageError("no-logs", "--trust-logs requires --evidence logs.", "Add --evidence logs.")
    if not idle and inside and not evidence.enters_jupyter:
        text = f"--inside inspects the instance through Jupyter, and --evidence {evidence} does not enter Jupyter."
        raise UsageError("no-way-inside", text, "Leave out one of the two.")


def _only_planned(ctx: CommandContext, inspection: Inspection) -> Inspection:
    """What was seen of the notebooks that a plan over several accounts names; of all, where there is none."""
    if (planned := ctx.planned) is None:
        return inspection
    seen = (each for each in inspection.notebooks if (each.notebook.region, each.notebook.name) in planned.found)
    return replace(inspection, notebooks=tuple(seen))


def _ask_confirmations(
    ctx: CommandContext, plan: tuple[StopAction, ...], *, yes: bool, dry_run: bool
) -> tuple[StopAction, ...]:
    """The plan once somebody has agreed to what needs it; where nobody can be asked, without that.

    Raises:
        ConfirmationRequired: the user said no.
    """
    from opskit.notebooks.flows.stop_plan import agree_to_questions, agree_to_stops

    questions = [action.question.message for action in plan if action.outcome_is_planned and action.question]
    if yes or not questions or not ctx.can_prompt():
        return agree_to_stops(plan) if yes else plan
    if dry_run:
        ctx.screen.info("\n".join([*questions, "Without --yes the command asks about that first."]))
        return plan
    ctx.confirm("\n".join([*questions, "Stop it anyway."]), yes=False)
    return agree_to_questions(plan)


def _inspects_inside(ctx: CommandContext, typed: bool | None) -> bool:
    """As it was typed, else as it is set, else where somebody is there to see it."""
    is_set = ctx.settings.get("notebook.inside")
    if typed and is_set is False:
        hint = "A crontab line contains --inside until it is installed anew (`opskit cron install stop-idle`)."
        ctx.screen.info(f"--inside takes precedence over the setting notebook.inside = false. {hint}")
    said = is_set if typed is None else typed
    return ctx.can_prompt() if said is None else bool(said)


def _names_not_found(names: Sequence[str], plan: Sequence[StopAction], clients: Sequence[AwsClient]) -> dict[str, str]:
    """The names that no notebook has, each with the beginning of a hint that says which may have been meant."""
    from opskit.notebooks.store import suggest_notebook_name

    found = {stop_action.inspected.notebook.name for stop_action in plan}
    missing = [name for name in names if name not in found]
    return {
        name: next(filter(None, (suggest_notebook_name(client, name) for client in clients)), "") for name in missing
    }


def _limit_refusal(plan: Sequence[StopAction], most: int) -> Problem | None:
    """Why a plan is not carried out without --yes; None where it may be."""
    stops = [stop_action for stop_action in plan if stop_action.outcome_is_planned]
    if len(stops) > most:
        text = f"{len(stops)} notebooks would be stopped, more than {most}."
        return Problem("over-limit", text, "Add --yes, or --limit.")
    return None
