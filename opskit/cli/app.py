"""The root of the command tree. Importing it loads only Typer, so that ``--help`` takes 0.1 s."""

from __future__ import annotations

from typing import Annotated

import typer

from opskit import __version__


def new_group(help_text: str) -> typer.Typer:
    """A Typer app with opskit's defaults: plain help (rich would slow it down) and no formatted tracebacks."""
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def new_root() -> typer.Typer:
    """A command tree without commands."""
    root = new_group("Check SageMaker quotas before you run, run guarded, and stop what sits idle.")
    root.callback(invoke_without_command=False)(_root_options)
    return root


def _print_version(wanted: bool) -> None:
    if wanted:
        from opskit.output.printing import print_text, standard_output

        print_text(f"opskit {__version__}", standard_output())
        raise typer.Exit


def _root_options(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


app = new_root()
