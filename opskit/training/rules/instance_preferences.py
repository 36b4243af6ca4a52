"""Which of several instance types a run may name: those with room, since AWS refuses a list with one that is short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from opskit.core.exceptions import UsageError
from opskit.core.model import InstanceConfig, Workload
from opskit.quotas.rules.headroom import QuotaCheck, is_refusal
from opskit.quotas.rules.model import Headroom
from opskit.quotas.rules.requirements import parse_instance_type

MAX_PREFERENCES = 5
"""AWS's maximum, for InstancePreferences and for InstancePools."""


@dataclass(frozen=True)
class LeftOutType:
    """A type that was named and is not sent, and why."""

    workload: Workload
    instance_type: str
    reason: str


@dataclass(frozen=True)
class TypeChoice:
    """The types to send for one workload, in the order of preference, and those left out. ``headrooms`` are those of
    the types to send. With no room for any, ``types`` is the first one alone, whose check then refuses the run.
    """

    types: tuple[str, ...]
    left_out: tuple[LeftOutType, ...]
    headrooms: tuple[Headroom, ...]

    def apply_to(self, config: InstanceConfig) -> InstanceConfig:
        """The instances with these types; one alone is not a list of preferences."""
        preferences = self.types if len(self.types) > 1 else ()
        return replace(config, instance_type=self.types[0], preferences=preferences)

    def without_alternatives(self) -> TypeChoice:
        """The choice for a workload that takes one type: the first with room."""
        return replace(self, types=self.types[:1], headrooms=self.headrooms[:1])


def parse_any_of(text: str | None) -> tuple[str, ...]:
    """The types in the argument of ``--any-of``, each once.

    Raises:
        UsageError: it names none, or something that is not an instance type.
    """
    if text is None:
        return ()
    types = tuple(dict.fromkeys(parse_instance_type(word.strip()) for word in text.split(",") if word.strip()))
    if not types:
        raise UsageError("bad-type", "--any-of names no instance type.", "Write it like ml.m5.xlarge,ml.c5.xlarge.")
    return types


def choose_types(candidates: Sequence[str], workload: Workload, check: QuotaCheck) -> TypeChoice:
    """The candidates for which there is room by their own quotas. What could not be read has none."""
    of_type = {
        headroom.requirement.instance_type: headroom
        for headroom in check.headrooms
        if headroom.requirement.workload is workload and headroom.requirement.instance_type
    }
    fits: list[str] = []
    left_out: list[LeftOutType] = []
    for name in candidates:
        headroom = of_type.get(name)
        if headroom is None or headroom.verdict.is_unknown or is_refusal(headroom):
            reason = headroom.reason if headroom else "its quota could not be read"
            left_out.append(LeftOutType(workload, name, reason.rstrip(".")))
        elif len(fits) == MAX_PREFERENCES:
            left_out.append(LeftOutType(workload, name, f"AWS takes at most {MAX_PREFERENCES} types"))
        else:
            fits.append(name)
    if not fits:
        return TypeChoice((candidates[0],), tuple(left_out), ())
    return TypeChoice(tuple(fits), tuple(left_out), tuple(of_type[name] for name in fits))


def unchecked_choice(candidates: Sequence[str], workload: Workload) -> TypeChoice:
    """The candidates as they were named, for a run whose quotas are not to be checked."""
    beyond = [
        LeftOutType(workload, name, f"AWS takes at most {MAX_PREFERENCES} types")
        for name in candidates[MAX_PREFERENCES:]
    ]
    return TypeChoice(tuple(candidates[:MAX_PREFERENCES]), tuple(beyond), ())
