"""What the settings' watch list asks of each Region."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opskit.aws.client import AwsClient
from opskit.core.exceptions import UsageError
from opskit.core.model import Requirement
from opskit.core.settings import Settings, WatchEntry
from opskit.quotas.rules.requirements import merge_by_quota, parse_requirements


def resolve_watch_list(
    settings: Settings, clients: Callable[[Sequence[str]], list[AwsClient]]
) -> list[tuple[AwsClient, tuple[Requirement, ...]]]:
    """Each Region of the watch list with what is watched there. ``clients`` opens those of named Regions, or the usual
    ones; a ``--region`` that was typed stands above the list's own.

    Raises:
        UsageError: the list speaks of a type or a use that cannot be one.
    """
    typed = settings.values["regions"].source == "--region"
    wanted: dict[str, tuple[AwsClient, list[Requirement]]] = {}
    for watch in settings.get("watch"):
        requirements = watch_requirements(watch, settings.values["watch"].source)
        for client in clients(() if typed else watch.regions):
            wanted.setdefault(client.region, (client, []))[1].extend(requirements)
    return [(client, merge_by_quota(requirements)) for client, requirements in wanted.values()]


def watch_requirements(entry: WatchEntry, source: str) -> tuple[Requirement, ...]:
    """What one entry of the watch list asks of a Region. ``source`` is the file it stands in.

    Raises:
        UsageError: it speaks of a type or a use that cannot be one.
    """
    try:
        return parse_requirements(entry.instance_types, entry.workloads, entry.count, share=entry.alert_share)
    except UsageError as error:
        told = error.problem
        raise UsageError(told.code, f"{source}: watch: {told.message}", told.hint) from error
