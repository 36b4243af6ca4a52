"""Resolves the watch list of the settings to requirements per Region."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opskit.aws.client import AwsClient
from opskit.core.exceptions import UsageError
from opskit.core.model import Requirement
from opskit.core.setting_specs import WatchEntry
from opskit.core.settings import Settings
from opskit.quotas.rules.requirements import merge_by_quota, parse_requirements


def resolve_watch_list(
    settings: Settings, clients: Callable[[Sequence[str]], list[AwsClient]]
) -> list[tuple[AwsClient, tuple[Requirement, ...]]]:
    """Each Region of the watch list with its requirements. ``clients`` opens the named Regions, or the default ones; a
    ``--region`` flag overrides the list's own Regions.

    Raises:
        UsageError: an entry names an invalid type or workload.
    """
    typed = settings.values["regions"].source == "--region"
    per_region: dict[str, tuple[AwsClient, list[Requirement]]] = {}
    for watch in settings.get("watch"):
        requirements = watch_requirements(watch, settings.values["watch"].source)
        for client in clients(() if typed else watch.regions):
            per_region.setdefault(client.region, (client, []))[1].extend(requirements)
    return [(client, merge_by_quota(requirements)) for client, requirements in per_region.values()]


def watch_requirements(entry: WatchEntry, source: str) -> tuple[Requirement, ...]:
    """The requirements of one entry of the watch list. ``source`` is the file that contains it.

    Raises:
        UsageError: the entry names an invalid type or workload.
    """
    try:
        return parse_requirements(entry.instance_types, entry.workloads, entry.count, share=entry.alert_share)
    except UsageError as error:
        problem = error.problem
        raise UsageError(problem.code, f"{source}: watch: {problem.message}", problem.hint) from error
