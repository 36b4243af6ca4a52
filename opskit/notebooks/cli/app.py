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


InsideOption = Annotated[
    bool | None,
    typer.Option(
        "--inside/--no-inside", show_default=False, help="Look for jobs beside Jupyter, from a terminal of it."
    ),
]
BackgroundOption = Annotated[
    bool, typer.Option("--ignore-background", help="Jobs beside Jupyter that only wait keep nothing alive.")
]
TrustOption = Annotated[
    bool,
    typer.Option("--trust-jupyter", help="Where nobody can look inside, a lifecycle script has left no job."),
]
EvidenceOption = Annotated[
    EvidenceSource,
    typer.Option("--evidence", help="Ask Jupyter itself, or read its log, which only reports."),
]
MatchOption = Annotated[str, typer.Option("--match", metavar="GLOB", help="Only names like this.")]
