"""The flags that several commands of ``opskit notebook`` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command_tree import command_group
from opskit.notebooks.rules.enums import EvidenceSource

if TYPE_CHECKING:
    pass

notebook_app = command_group("notebook")


def complete_notebook_name(incomplete: str) -> list[str]:
    """The notebooks that opskit saw last, for completion in a shell. It asks nobody."""
    from opskit.notebooks.store import known_notebook_names

    return [name for name in known_notebook_names() if name.startswith(incomplete)]


NameArgument = Annotated[str, typer.Argument(metavar="NAME", autocompletion=complete_notebook_name)]

NamesArgument = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", autocompletion=complete_notebook_name)]

AfterOption = Annotated[
    str | None,
    typer.Option("--after", metavar="TIME", help="Consider a notebook idle after TIME without activity (default 1h)."),
]
PatienceOption = Annotated[
    str | None,
    typer.Option(
        "--patience-usd",
        metavar="USD",
        help="Consider a notebook idle after the time that USD pay for at its price, at least 10m; --after then "
        "counts where the price is not known.",
    ),
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait until the notebook is InService.")]
TabAgeOption = Annotated[
    str | None,
    typer.Option(
        "--tab-age",
        metavar="TIME",
        help="How long activity of the Jupyter server alone, as an open browser tab causes it, counts as use "
        "(default 4h).",
    ),
]
TerminalsOption = Annotated[bool, typer.Option("--ignore-terminals", help="Do not count open terminals as use.")]


InsideOption = Annotated[
    bool | None,
    typer.Option(
        "--inside/--no-inside",
        show_default=False,
        help="Also look for background processes in the instance, through a Jupyter terminal.",
    ),
]
BackgroundOption = Annotated[
    bool, typer.Option("--ignore-background", help="Do not count background processes that only sleep as use.")
]
TrustOption = Annotated[
    bool,
    typer.Option(
        "--trust-jupyter",
        help="Rely on Jupyter alone where the instance cannot be inspected, although a lifecycle script ran in it.",
    ),
]
EvidenceOption = Annotated[
    EvidenceSource,
    typer.Option(
        "--evidence",
        help=f"Where activity is read: from {', or from '.join(source.described for source in EvidenceSource)}.",
    ),
]
TagOption = Annotated[str | None, typer.Option("--tag", metavar="K=V", help="Only notebooks that have this tag.")]
OwnerOption = Annotated[
    str | None,
    typer.Option("--owner", metavar="NAME", help="Only notebooks of this owner: in full, or the end of an ARN."),
]
MatchOption = Annotated[str, typer.Option("--match", metavar="GLOB", help="Only notebooks whose name matches GLOB.")]
