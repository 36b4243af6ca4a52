"""The flags that several commands of ``opskit endpoint`` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command_tree import command_group

if TYPE_CHECKING:
    from opskit.core.settings import Settings
    from opskit.endpoints.rules.idleness import EndpointPolicy

endpoint_app = command_group("endpoint")

EndpointAfterOption = Annotated[
    str | None,
    typer.Option(
        "--after", metavar="TIME", help="Consider an endpoint idle after TIME without a request (default 14d)."
    ),
]
EndpointPatienceOption = Annotated[
    str | None,
    typer.Option(
        "--patience-usd",
        metavar="USD",
        help="Consider an endpoint idle after the time that USD pay for at its price, at least 1h; --after then counts "
        "where the price is not known.",
    ),
]
EndpointMatchOption = Annotated[
    str, typer.Option("--match", metavar="GLOB", help="Only endpoints whose name matches GLOB.")
]
EndpointOwnerOption = Annotated[
    str | None,
    typer.Option("--owner", metavar="NAME", help="Only endpoints of this owner: in full, or the end of an ARN."),
]
EndpointTagOption = Annotated[
    str | None, typer.Option("--tag", metavar="K=V", help="Only endpoints that have this tag.")
]


def read_endpoint_policy(
    settings: Settings, after: str | None = None, patience_usd: str | None = None
) -> EndpointPolicy:
    """What is idle, as it was typed, else as it is set.

    Raises:
        UsageError: what was typed makes no sense.
    """
    from opskit.endpoints.rules.idleness import EndpointPolicy

    span, usd = settings.resolve_patience("endpoint", after, patience_usd)
    return EndpointPolicy(span, settings.get("endpoint.production"), usd)
