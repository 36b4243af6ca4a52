"""``opskit notebook open``: into a notebook's Jupyter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.core.exceptions import UsageError
from opskit.notebooks.cli.app import notebook_app

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(notebook_app, "notebook", "open")
def open_notebook_command(
    ctx: CommandContext,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    print_it: Annotated[bool, typer.Option("--print", help="Print the address instead.")] = False,
) -> CommandResult:
    """Open a notebook's Jupyter in the browser.

    With --print, in a pipe and with -o json, csv or markdown the address goes to standard output instead. Whoever
    has it is in: it opens without a password, for five minutes.
    """
    from opskit.notebooks.flows.open import create_presigned_url
    from opskit.notebooks.render.open import address_result, opened_result

    client = ctx.client()
    url = create_presigned_url(client, name)
    if print_it or not ctx.screen.format.is_table or not ctx.screen.stdout_stream.isatty():
        return address_result(name, client.region, url)
    _open_browser(url)
    return opened_result(name, client.region)


def _open_browser(url: str) -> None:
    import webbrowser

    if not webbrowser.open(url):
        raise UsageError("no-browser", "No browser could be opened here.", "Add --print for the address itself.")
