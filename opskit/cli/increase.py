"""``opskit quotas increase``, ``requests`` and ``wait``: ask for more, and follow it until it is true."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import Here, command
from opskit.cli.quotas import For, quotas_app
from opskit.errors import UsageProblem
from opskit.settings import duration

if TYPE_CHECKING:
    from opskit.decide.increase import Wish
    from opskit.flows.increase import Clock
    from opskit.show.answer import Answer


class Way(StrEnum):
    """How to ask."""

    AUTO = "auto"
    SERVICE_QUOTAS = "service-quotas"
    SUPPORT = "support"
    CONSOLE = "console"


To = Annotated[int | None, typer.Option("--to", min=1, metavar="N", help="The value the quota should have.")]
Type = Annotated[str | None, typer.Argument(metavar="[INSTANCE_TYPE]", help="Such as ml.m4.xlarge, or total.")]


@command(quotas_app, "quotas", "increase")
def increase(
    here: Here,
    instance_type: Type = None,
    usages: For = None,
    to: To = None,
    resume: Annotated[bool, typer.Option("--resume", help="File what waits for its turn.")] = False,
    via: Annotated[Way, typer.Option("--via", help="How to ask.")] = Way.AUTO,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="What it is for.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> Answer:
    """Ask AWS for a higher quota, never twice."""
    from opskit.decide.increase import Via
    from opskit.flows.increase import file_increases, plan_increases, planned_only, waiting_asks
    from opskit.show.requests import increases, plan_text

    now = datetime.now(UTC)
    if resume:
        if instance_type or usages or to:
            raise UsageProblem("resume-alone", "--resume files what is remembered.", "Leave out type, --for and --to.")
        found = waiting_asks(here.connection().door(), now)
        doors, asks = [door for door, _ in found], tuple(ask for _, ask in found)
    else:
        wishes = _wishes(instance_type, usages, to)
        doors = here.doors()
        asks = plan_increases(doors, wishes, Via(via.value), now)
    planned = planned_only(asks)
    if dry_run or not asks:
        return increases(asks, why)
    if planned:
        here.consent(plan_text(planned), yes=yes)
    return increases(file_increases(doors, asks, why, _clock(), here.screen.say), why)


@command(quotas_app, "quotas", "requests")
def requests(
    here: Here, only_open: Annotated[bool, typer.Option("--open", help="Only what AWS still looks at.")] = False
) -> Answer:
    """Show what was asked for, and whether it has come true."""
    from opskit.flows.list_requests import list_requests
    from opskit.show.requests import requests as shown

    return shown(list_requests(here.doors(), datetime.now(UTC), only_open=only_open))


@command(quotas_app, "quotas", "wait")
def wait(
    here: Here,
    instance_type: Type = None,
    usages: For = None,
    to: To = None,
    timeout: Annotated[str, typer.Option("--timeout", metavar="TIME", help="How long to wait, such as 72h.")] = "72h",
) -> Answer:
    """Wait until the applied value suffices."""
    from opskit.flows.wait import wait_for
    from opskit.show.requests import waited

    wishes, longest, begun = _wishes(instance_type, usages, to), duration(timeout), time.monotonic()
    results = wait_for(here.doors(), wishes, longest, here.screen.say, _clock())
    return waited(results, time.monotonic() - begun)


def _wishes(instance_type: str | None, usages: list[str] | None, to: int | None) -> list[Wish]:
    from opskit.decide.demands import parse_usage, type_or_total
    from opskit.decide.increase import Wish

    if not instance_type or not usages or to is None:
        example = "opskit quotas increase ml.m4.xlarge --for training --to 1"
        raise UsageProblem("incomplete", "An instance type, --for and --to are needed.", f"Write it like: {example}")
    wanted = tuple(dict.fromkeys(parse_usage(word) for word in usages))
    kind = type_or_total(instance_type, wanted)
    return [Wish(kind, usage, to) for usage in wanted]


def _clock() -> Clock:
    from opskit.flows.increase import Clock

    return Clock(lambda: datetime.now(UTC), time.sleep)
