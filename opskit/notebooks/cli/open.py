"""``opskit notebook open``: into a notebook's Jupyter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.core.exceptions import UsageError
from opskit.notebooks.cli.app import NameArgument, notebook_app

if TYPE_CHECKING:
    from webbrowser import BaseBrowser

    from opskit.output.result import CommandResult


@register_command(notebook_app, "notebook", "open")
def open_notebook_command(
    ctx: CommandContext,
    name: NameArgument,
    print_it: Annotated[bool, typer.Option("--print", help="Print the URL instead of opening a browser.")] = False,
) -> CommandResult:
    """Open a notebook's Jupyter in the browser.

    With --print, in a pipe, and with -o json, csv or markdown the presigned URL is written to stdout instead. Anyone
    who has the URL can open Jupyter with it, without a password, for five minutes.
    """
    from opskit.notebooks.flows.open import create_presigned_url
    from opskit.notebooks.render.open import address_result, opened_result

    ctx.treat_sigterm_as_interrupt()
    prints = print_it or not ctx.screen.format.is_table or not ctx.screen.stdout_stream.isatty()
    browser, client = None if prints else _require_browser(ctx, name), ctx.client()
    url = create_presigned_url(client, name)
    if browser is None:
        return address_result(name, client.region, url)
    from opskit.output.browser import open_secret_url

    if not open_secret_url(browser, url):
        raise _no_browser_error(ctx, name, "The browser could not be started.")
    return opened_result(name, client.region, _print_command(ctx, name))


def _require_browser(ctx: CommandContext, name: str) -> BaseBrowser:
    from opskit.output.browser import find_browser

    browser = find_browser()
    if browser is None:
        raise _no_browser_error(ctx, name, "No browser can be opened here: there is no desktop.")
    return browser


def _no_browser_error(ctx: CommandContext, name: str, text: str) -> UsageError:
    return UsageError(
        "no-browser", text, f"This prints the address, for a browser elsewhere: {_print_command(ctx, name)}"
    )


def _print_command(ctx: CommandContext, name: str) -> str:
    """The command that prints the address instead, of the same notebook."""
    flags = (("--region", (ctx.settings.get("regions") or (None,))[0]), ("--profile", ctx.settings.get("profile")))
    return " ".join(["opskit notebook open", name, "--print", *(f"{flag} {value}" for flag, value in flags if value)])
