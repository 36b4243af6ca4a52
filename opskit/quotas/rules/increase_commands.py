"""The commands that ask AWS for the quota that is missing, or wait for what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from opskit.quotas.rules.headroom import requestable_value, required_value
from opskit.quotas.rules.model import Headroom, Verdict
from opskit.quotas.rules.requirements import TOTAL


def increase_commands(headrooms: Iterable[Headroom], home: str | None = None) -> Iterator[str]:
    """One command for each Region, type and value that is short. ``home`` is the Region that needs no flag; None: all
    do. A maximum of one job is not among them, since `quotas increase` does not know it.
    """
    return _commands_for(headrooms, Verdict.SHORT, "increase", requestable_value, home)


def wait_commands(headrooms: Iterable[Headroom], home: str | None = None) -> Iterator[str]:
    """The commands that wait for what was asked for already, one for each Region, type and value."""
    return _commands_for(headrooms, Verdict.PENDING, "wait", required_value, home)


def _commands_for(
    headrooms: Iterable[Headroom], verdict: Verdict, word: str, value: Callable[[Headroom], int], home: str | None
) -> Iterator[str]:
    workloads_by_command: dict[tuple[str, str, int], list[str]] = {}
    for headroom in headrooms:
        requirement = headroom.requirement
        if headroom.verdict is verdict and requirement.has_increase_command and not requirement.only_noted:
            key = (headroom.region, headroom.requirement.instance_type or TOTAL, value(headroom))
            workloads_by_command.setdefault(key, []).append(headroom.requirement.workload.value)
    for (region, instance_type, target_value), usages in workloads_by_command.items():
        flag = "" if region == home else f" --region {region}"
        uses = " ".join(f"--for {usage}" for usage in dict.fromkeys(usages))
        yield f"opskit quotas {word} {instance_type} {uses} --to {target_value}{flag}"
