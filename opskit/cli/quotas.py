"""``opskit quotas``: is there room, what is there in all, and what to ask for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import Here, command
from opskit.cli.tree import branch
from opskit.errors import UsageProblem

if TYPE_CHECKING:
    from opskit.decide.quota_list import UseFrom
    from opskit.show.answer import Answer

quotas_app = branch("quotas")

For = Annotated[
    list[str] | None,
    typer.Option(
        "--for",
        metavar="USAGE",
        help="What for; repeatable. One of: training, spot-training, transform, endpoint, notebook, processing, "
        "warm-pool, studio-jupyterlab, studio-codeeditor, studio-kernelgateway, cluster.",
    ),
]


@command(quotas_app, "quotas", "check", unattended=True)
def check(
    here: Here,
    types: Annotated[
        list[str] | None, typer.Argument(metavar="[INSTANCE_TYPE]...", help="Such as ml.m4.xlarge.")
    ] = None,
    usages: For = None,
    need: Annotated[int, typer.Option("--need", min=1, metavar="N", help="Instances needed of each.")] = 1,
    every: Annotated[bool, typer.Option("--all", help="Look at every usage of the types.")] = False,
) -> Answer:
    """Look whether there is room: the quota, what is in use now, and what would help.

    Without a type: the watch list of the settings, else what the Boston workflow and the course need. A type
    without --for: what a run of it needs.
    """
    from opskit.decide.demands import checked_demands
    from opskit.flows.check_quotas import check_each
    from opskit.flows.watch_list import watched
    from opskit.show.quotas import answer_of

    demands = checked_demands(types or (), usages or (), need, every_usage=every)
    if (types, usages, need, every) == (None, None, 1, False) and here.settings.get("watch"):
        wanted = watched(here.settings, here.doors)
    else:
        wanted = [(door, demands) for door in here.doors()]
    check = check_each(wanted, datetime.now(UTC), suggest=True)
    return answer_of(check, None if here.settings.get("regions") else here.connection().home)


@command(quotas_app, "quotas", "list")
def list_(
    here: Here,
    match: Annotated[
        str,
        typer.Option("--match", metavar="TEXT", help="Only names or codes with this in them; * and ? stand for more."),
    ] = "",
    usages: For = None,
    used: Annotated[bool, typer.Option("--used", help="Only those with something in use.")] = False,
    short: Annotated[bool, typer.Option("--short", help="Only those without room for one more.")] = False,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Show AWS's default beside each value, however narrow the terminal.")
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Count what is in use now, instead of AWS's metrics of the last day.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Take the use from AWS's own quota utilisation report, where it has one.")
    ] = False,
) -> Answer:
    """List every SageMaker quota: value, default, use and open request; what hurts most stands on top.

    The use is what AWS last published in CloudWatch, with the time of it; what AWS did not publish is not known.
    """
    from opskit.decide.demands import parse_usage
    from opskit.decide.quota_list import Choice
    from opskit.flows.clock import system_clock
    from opskit.flows.list_quotas import list_quotas
    from opskit.show.quota_list import answer_of

    use_from = _use_from(live=live, report=report)
    choice = Choice(match, tuple(map(parse_usage, usages or ())), used, short)
    doors = here.doors()
    with here.screen.waiting("Reading every quota"):
        listing = list_quotas(doors, choice, use_from, system_clock())
    return answer_of(listing, with_defaults=defaults)


def _use_from(*, live: bool, report: bool) -> UseFrom:
    from opskit.decide.quota_list import UseFrom

    if live and report:
        raise UsageProblem("one-source", "--live and --report are two sources of the same number.", "Give one of them.")
    return UseFrom.LIVE if live else UseFrom.REPORT if report else UseFrom.METRICS
