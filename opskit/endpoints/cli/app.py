"""The flags that several commands of ``opskit endpoint`` share."""

from __future__ import annotations

from typing import Annotated

import typer

from opskit.cli.command_tree import command_group

endpoint_app = command_group("endpoint")

EndpointAfter = Annotated[
    str | None,
    typer.Option(
        "--after", metavar="TIME", help="Consider an endpoint idle after TIME without a request (default 14d)."
    ),
]
EndpointMatch = Annotated[str, typer.Option("--match", metavar="GLOB", help="Only endpoints whose name matches GLOB.")]
EndpointTag = Annotated[str | None, typer.Option("--tag", metavar="K=V", help="Only endpoints that have this tag.")]
