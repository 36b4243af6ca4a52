"""The command tree. Importing it loads typer and nothing heavier, so that help is instant."""

from __future__ import annotations

from typing import Annotated

import typer

from opskit import __version__


def new_group(what: str) -> typer.Typer:
    """A Typer app in the house style: plain help (rich would slow it), no pretty tracebacks."""
    return typer.Typer(
        help=what,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
    )


def new_root() -> typer.Typer:
    """A tree without branches."""
    made = new_group("Look before you leap into SageMaker: quotas first, then the run, then the lights off.")
    made.callback(invoke_without_command=False)(_root_options)
    return made


def _print_version(wanted: bool) -> None:
    if wanted:
        from opskit.output.printing import print_text, standard_output

        print_text(f"opskit {__version__}", standard_output())
        raise typer.Exit


def _root_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


app = new_root()
