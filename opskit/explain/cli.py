"""``opskit quotas explain``: a pasted error becomes the quota, the numbers and the command that helps."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.core.exceptions import OpskitError, UsageError
from opskit.quotas.cli import quotas_app

if TYPE_CHECKING:
    from opskit.explain.rules.error_match import RegionHint
    from opskit.output.result import CommandResult

# How much of the beginning and of the end of a text is read; an error is near one of them.
_MAX_BYTES = 4 * 1024 * 1024


@register_command(quotas_app, "quotas", "explain")
def explain_command(
    ctx: CommandContext,
    text: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT | -]", help="The error text, or - for stdin (default).")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not call AWS to find other instance types with quota.")
    ] = False,
) -> CommandResult:
    """Explain a SageMaker error: the quota, the numbers, and the command that helps.

    The error may stand in any other text, such as a log.

    Needs no credentials. With credentials it also finds other instance types with quota where AWS has no capacity
    of yours. Exits with 2 if the text contains no error.
    """
    from opskit.explain.flows import explain_text, with_suggestions
    from opskit.explain.render import explain_result

    pasted = _read_piped() if text in (None, [], ["-"]) else " ".join(text or ())
    found = explain_text(pasted, _flag_region(ctx), lambda: _configured_region(ctx))
    if not offline:
        now = datetime.now(UTC)
        found = tuple(
            with_suggestions(explanation, lambda region: ctx.session().client(region), now) for explanation in found
        )
    return explain_result(found)


def _read_piped() -> str:
    """What comes from standard input, in whatever bytes: of very much only its beginning and its end.

    Raises:
        UsageError: it is a terminal, where nobody would know what we wait for.
    """
    if sys.stdin.isatty():
        hint = "Paste it in quotation marks, or pipe it: COMMAND 2>&1 | opskit quotas explain -"
        raise UsageError("no-text", "No text was given.", hint)
    begin = sys.stdin.buffer.read(_MAX_BYTES)
    end = b""
    while more := sys.stdin.buffer.read(_MAX_BYTES):
        end = (end + more)[-_MAX_BYTES:]
    return _decode_text(begin + end)


def _decode_text(content: bytes) -> str:
    """Bytes as text. PowerShell pipes UTF-16."""
    is_utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    return content.decode("utf-16" if is_utf16 else "utf-8", "replace")


def _flag_region(ctx: CommandContext) -> RegionHint | None:
    """The Region that was named with --region."""
    from opskit.explain.rules.error_match import RegionHint

    setting = ctx.settings.values["regions"]
    names = [name for name in setting.value or () if name != "all"]
    return RegionHint(names[0], "--region") if names and setting.source.startswith("--") else None


def _configured_region(ctx: CommandContext) -> RegionHint | None:
    """The Region that opskit would look at, and what set it; None when nothing does."""
    from opskit.explain.rules.error_match import RegionHint

    setting = ctx.settings.values["regions"]
    names = [name for name in setting.value or () if name != "all"]
    if names:
        return RegionHint(names[0], setting.source)
    try:
        home = ctx.session().default_region
    except OpskitError:  # no Region, or no such profile: the text is explained all the same
        return None
    return RegionHint(home, "AWS_DEFAULT_REGION" if os.environ.get("AWS_DEFAULT_REGION") == home else "the AWS profile")
