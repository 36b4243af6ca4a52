"""The flags of every command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from opskit.core.setting_values import OutputFormat

COMMON_OPTIONS: dict[str, Any] = {
    "region": Annotated[
        list[str] | None,
        typer.Option("--region", metavar="REGION", help="AWS Region; repeatable, or 'all' for every enabled one."),
    ],
    "profile": Annotated[str | None, typer.Option("--profile", metavar="NAME", help="AWS profile to use.")],
    "role_arn": Annotated[
        list[str] | None,
        typer.Option("--role-arn", metavar="ARN", help="IAM role to assume; repeatable with `opskit fleet`."),
    ],
    "output": Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FORMAT", help="Output format: " + ", ".join(OutputFormat) + "."),
    ],
    "state": Annotated[
        str | None,
        typer.Option(
            "--state", metavar="PLACE", help="Where state is kept: local, or dynamodb://TABLE[?region=REGION]."
        ),
    ],
    "config": Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings file to read.")],
    "quiet": Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only the result; suppress progress and messages.")
    ],
    "verbose": Annotated[bool, typer.Option("--verbose", "-v", help="Log every AWS API call to stderr.")],
    "no_color": Annotated[bool, typer.Option("--no-color", help="Disable colored output.")],
}
