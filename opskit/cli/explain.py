"""``opskit quotas explain``: a pasted error becomes the quota, the numbers and the command that helps."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import Here, command
from opskit.cli.quotas import quotas_app
from opskit.errors import OpskitError, UsageProblem

if TYPE_CHECKING:
    from opskit.decide.complaints import Place
    from opskit.show.answer import Answer

_MOST_BYTES = 4 * 1024 * 1024
"""How much of the beginning and of the end of a text is read; an error is near one of them."""


@command(quotas_app, "quotas", "explain")
def explain(
    here: Here,
    text: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT | -]", help="The error; - or nothing: from standard input.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask AWS which other types have room.")] = False,
) -> Answer:
    """Explain an error of SageMaker's: which quota, the numbers, and what helps.

    Any text around it will do: opskit train boston 2>&1 | opskit quotas explain -

    Needs no credentials; with some, it looks which other types have room where AWS has none of yours. Ends with 2
    when the text holds no error that opskit knows.
    """
    from opskit.flows.explain import explain, with_others
    from opskit.show.explain import explained

    pasted = _piped() if text in (None, [], ["-"]) else " ".join(text or ())
    found = explain(pasted, _said(here), lambda: _set_here(here))
    if not offline:
        now = datetime.now(UTC)
        found = tuple(with_others(each, lambda region: here.connection().door(region), now) for each in found)
    return explained(found)


def _piped() -> str:
    """What comes from standard input, in whatever bytes: of very much only its beginning and its end.

    Raises:
        UsageProblem: it is a terminal, where nobody would know what we wait for.
    """
    if sys.stdin.isatty():
        hint = "Paste it in quotation marks, or pipe it: COMMAND 2>&1 | opskit quotas explain -"
        raise UsageProblem("no-text", "There is no text to explain.", hint)
    begin = sys.stdin.buffer.read(_MOST_BYTES)
    end = b""
    while more := sys.stdin.buffer.read(_MOST_BYTES):
        end = (end + more)[-_MOST_BYTES:]
    return _decoded(begin + end)


def _decoded(content: bytes) -> str:
    """Bytes as text. PowerShell pipes UTF-16."""
    is_utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    return content.decode("utf-16" if is_utf16 else "utf-8", "replace")


def _said(here: Here) -> Place | None:
    """The Region that was named with --region."""
    from opskit.decide.complaints import Place

    setting = here.settings.values["regions"]
    names = [name for name in setting.value or () if name != "all"]
    return Place(names[0], "--region") if names and setting.source.startswith("--") else None


def _set_here(here: Here) -> Place | None:
    """The Region that opskit would look at, and what set it; None when nothing does."""
    from opskit.decide.complaints import Place

    setting = here.settings.values["regions"]
    names = [name for name in setting.value or () if name != "all"]
    if names:
        return Place(names[0], setting.source)
    try:
        home = here.connection().home
    except OpskitError:  # no Region, or no such profile: the text is explained all the same
        return None
    return Place(home, "AWS_DEFAULT_REGION" if os.environ.get("AWS_DEFAULT_REGION") == home else "the AWS profile")
