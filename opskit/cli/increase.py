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
    from opskit.decide.increase import Ask, Wish
    from opskit.flows.plan_increases import ShortTotal
    from opskit.show.answer import Answer


class Way(StrEnum):
    """How to ask."""

    AUTO = "auto"
    SERVICE_QUOTAS = "service-quotas"
    SUPPORT = "support"
    CONSOLE = "console"


To = Annotated[int | None, typer.Option("--to", min=1, metavar="N", help="The value the quota should have.")]
Type = Annotated[str | None, typer.Argument(metavar="[INSTANCE_TYPE]", help="Such as ml.m4.xlarge, or total.")]


@command(quotas_app, "quotas", "increase", unattended=True)
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
    from opskit.show.requests import increases

    if resume:
        if instance_type or usages or to or via is not Way.AUTO or why:
            hint = "Leave out type, --for, --to, --via and --why."
            raise UsageProblem("resume-alone", "--resume files what is remembered, as it was asked for.", hint)
        resumed = _resumed(here, dry_run=dry_run)
        if not resumed and here.screen.out.isatty():  # cron mails whatever it hears
            here.screen.say("Nothing is waiting.")
        return increases(resumed)
    wishes = _wishes(instance_type, usages, to)
    return increases(*_asked(here, wishes, via, why, dry_run=dry_run, yes=yes), why=why)


def _resumed(here: Here, *, dry_run: bool) -> list[Ask]:
    """File what waits for its turn. Whoever queued it agreed to that, so nobody is asked again."""
    from opskit.flows.clock import system_clock
    from opskit.flows.increase import file_increases
    from opskit.flows.plan_increases import waiting_asks

    found = waiting_asks(here.doors(), datetime.now(UTC), everywhere=not here.settings.get("regions"))
    if dry_run:
        return [ask for _, ask, _ in found]
    return [
        done for door, ask, why in found for done in file_increases([door], [ask], why, system_clock(), here.screen.say)
    ]


def _asked(
    here: Here, wishes: list[Wish], via: Way, why: str, *, dry_run: bool, yes: bool
) -> tuple[tuple[Ask, ...], tuple[ShortTotal, ...]]:
    """Plan, ask for consent where something would be sent, and send it."""
    from opskit.decide.increase import Via
    from opskit.flows.clock import system_clock
    from opskit.flows.increase import file_increases
    from opskit.flows.plan_increases import plan_with_totals, planned_only
    from opskit.show.requests import plan_text

    now, doors = datetime.now(UTC), here.doors()
    asks, totals = plan_with_totals(doors, wishes, Via(via.value), now)
    if dry_run:
        return asks, totals
    planned = planned_only(asks)
    if planned:
        here.consent(plan_text(planned), yes=yes)
    return file_increases(doors, asks, why, system_clock(), here.screen.say), totals


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
    from opskit.flows.clock import system_clock
    from opskit.flows.wait import wait_for
    from opskit.show.requests import waited

    wishes, longest, begun = _wishes(instance_type, usages, to), duration(timeout), time.monotonic()
    doors = here.doors()
    with here.screen.progress() as tell:
        results = wait_for(doors, wishes, longest, tell, system_clock())
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
