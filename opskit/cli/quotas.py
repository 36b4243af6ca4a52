"""``opskit quotas``: is there room, and what to ask for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.app import group
from opskit.cli.command import Here, command

if TYPE_CHECKING:
    from opskit.show.answer import Answer

quotas_app = group("SageMaker quotas: is there room, what to ask for, and when it is true.")

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
    check = check_each(wanted, datetime.now(UTC))
    return answer_of(check, None if here.settings.get("regions") else here.connection().home)
