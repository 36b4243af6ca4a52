"""``opskit notebook``: who left what on, and off with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command_tree import command_group
from opskit.notebooks.rules.evidence_source import EvidenceSource

if TYPE_CHECKING:
    pass

notebook_app = command_group("notebook")

AfterOption = Annotated[
    str | None, typer.Option("--after", metavar="TIME", help="Idle means: no activity for so long; 1h unless set.")
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait until it is in service.")]
TabAge = Annotated[
    str | None,
    typer.Option(
        "--tab-age", metavar="TIME", help="An open tab or saves count so long after other work; 4h unless set."
    ),
]
TerminalsOption = Annotated[bool, typer.Option("--ignore-terminals", help="Terminals keep nothing alive.")]


EvidenceOption = Annotated[
    EvidenceSource,
    typer.Option("--evidence", help="Ask Jupyter itself, or read its log, which only reports."),
]
MatchOption = Annotated[str, typer.Option("--match", metavar="GLOB", help="Only names like this.")]
