"""``opskit notebook list``: every notebook, what it does, and what it costs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.account_options import AccountUse
from opskit.cli.command import CommandContext, register_command
from opskit.notebooks.cli.app import (
    AfterOption,
    BackgroundOption,
    EvidenceOption,
    MatchOption,
    OwnerOption,
    PatienceOption,
    TabAgeOption,
    TagOption,
    TerminalsOption,
    TrustOption,
    notebook_app,
)
from opskit.notebooks.rules.enums import EvidenceSource, ListOrder

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(notebook_app, "notebook", "list", accounts=AccountUse.READS)
def list_notebooks_command(
    ctx: CommandContext,
    after: AfterOption = None,
    patience_usd: PatienceOption = None,
    tab_age: TabAgeOption = None,
    ignore_terminals: TerminalsOption = False,
    evidence: EvidenceOption = EvidenceSource.JUPYTER,
    inside: Annotated[
        bool,
        typer.Option(
            "--inside", help="Also look for background processes in each idle instance, through a Jupyter terminal."
        ),
    ] = False,
    ignore_background: BackgroundOption = False,
    trust_jupyter: TrustOption = False,
    match: MatchOption = "*",
    tag: TagOption = None,
    owner: OwnerOption = None,
    who: Annotated[
        bool,
        typer.Option("--who", help="Where no tag names an owner, ask CloudTrail who started or created the notebook."),
    ] = False,
    sort: Annotated[
        ListOrder, typer.Option("--sort", help="Sort by name, price per hour, cost so far, idle time or owner.")
    ] = ListOrder.NAME,
) -> CommandResult:
    """List notebook instances, whether they are idle, and what they cost."""
    from opskit.core.setting_values import parse_tag_filter
    from opskit.notebooks.flows.inside import inspect_inside_selected
    from opskit.notebooks.flows.inspect import inspect_all
    from opskit.notebooks.flows.owners import find_owners
    from opskit.notebooks.flows.wait import explain_failures
    from opskit.notebooks.render.list import notebook_list_result
    from opskit.notebooks.rules.idleness import IdlePolicy
    from opskit.notebooks.rules.notebook_filter import NotebookFilter

    span, usd = ctx.settings.resolve_patience("notebook", after, patience_usd)
    tabs = ctx.settings.resolve("notebook.tab-age", tab_age)
    policy = IdlePolicy(
        span,
        ignore_terminals,
        evidence=evidence,
        tab_age=tabs,
        inside=True if inside else None,
        ignore_background=ignore_background,
        trust_jupyter=trust_jupyter,
        patience_usd=usd,
    )
    # A tag counts before what CloudTrail says, also of one that does not run.
    shows_tags = sort.needs_tags or who
    now, meant = datetime.now(UTC), NotebookFilter((), match, parse_tag_filter(tag), owner, shows_tags)
    inspection = explain_failures(inspect_all(ctx.clients(), policy, now, meant))
    inspection = inspect_inside_selected(inspection, policy, now, lambda seen: seen.assessment.verdict.is_idle)
    return notebook_list_result(find_owners(inspection, now) if who else inspection, now, sort)
