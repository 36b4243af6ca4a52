"""``opskit notebook list``: every notebook, what it does, and what it costs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from opskit.cli.command import CommandContext, register_command
from opskit.notebooks.cli.app import AfterOption, EvidenceOption, MatchOption, TabAge, TerminalsOption, notebook_app
from opskit.notebooks.rules.evidence_source import EvidenceSource

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(notebook_app, "notebook", "list")
def list_notebooks_command(
    ctx: CommandContext,
    after: AfterOption = None,
    tab_age: TabAge = None,
    ignore_terminals: TerminalsOption = False,
    evidence: EvidenceOption = EvidenceSource.JUPYTER,
    match: MatchOption = "*",
) -> CommandResult:
    """Show every notebook: what it does, and what it costs."""
    from opskit.notebooks.flows.failure import explain_failures
    from opskit.notebooks.flows.inspect import NotebookFilter, inspect_all
    from opskit.notebooks.render.list import notebook_list_result
    from opskit.notebooks.rules.idleness import IdlePolicy

    span = ctx.settings.resolve("notebook.after", after)
    tabs = ctx.settings.resolve("notebook.tab-age", tab_age)
    policy = IdlePolicy(span, ignore_terminals, evidence=evidence, tab_age=tabs)
    now = datetime.now(UTC)
    look = explain_failures(inspect_all(ctx.clients(), policy, now, NotebookFilter(glob=match)))
    return notebook_list_result(look, now)
