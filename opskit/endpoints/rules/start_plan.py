"""What is due to bring a stopped endpoint back, by what is there now."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from math import isclose
from typing import Any

from opskit.endpoints.rules.model import HostedEndpoint, VariantState
from opskit.endpoints.rules.restore_record import RestoreRecord


class StartOutcome(StrEnum):
    """What became of an endpoint that was to be brought back."""

    PLANNED = "planned"
    DONE = "done"
    ALREADY = "already"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def is_back(self) -> bool:
        """Whether it runs."""
        match self:
            case StartOutcome.DONE | StartOutcome.ALREADY:
                return True
            case StartOutcome.PLANNED | StartOutcome.REFUSED | StartOutcome.UNKNOWN:
                return False


class StartStep(StrEnum):
    """What is there when an endpoint is to be brought back."""

    CREATE = "create"
    """Nothing: it is made."""
    RECREATE = "recreate"
    """It was made and failed: AWS makes it anew only once that is deleted."""
    RESUME = "resume"
    """It was made again, and may lack the rest."""
    FORGET = "forget"
    """The one that was never deleted: only its record is left over."""
    CONFLICT = "conflict"
    """Another one that has taken its name."""

    @property
    def is_conflict(self) -> bool:
        """Whether it cannot be brought back as things are."""
        match self:
            case StartStep.CONFLICT:
                return True
            case StartStep.CREATE | StartStep.RECREATE | StartStep.RESUME | StartStep.FORGET:
                return False

    @property
    def runs_already(self) -> bool:
        """Whether nothing but its record is left to deal with."""
        match self:
            case StartStep.FORGET:
                return True
            case StartStep.CREATE | StartStep.RECREATE | StartStep.RESUME | StartStep.CONFLICT:
                return False

    @property
    def deletes_failed(self) -> bool:
        """Whether one that failed to start is deleted first."""
        match self:
            case StartStep.RECREATE:
                return True
            case StartStep.CREATE | StartStep.RESUME | StartStep.FORGET | StartStep.CONFLICT:
                return False

    @property
    def makes_endpoint(self) -> bool:
        """Whether instances are started by it."""
        match self:
            case StartStep.CREATE | StartStep.RECREATE:
                return True
            case StartStep.RESUME | StartStep.FORGET | StartStep.CONFLICT:
                return False


def plan_start(record: RestoreRecord, there: HostedEndpoint | None) -> StartStep:
    """What is due, where nothing is being deleted any more."""
    if there is None:
        return StartStep.CREATE
    if there.created.replace(microsecond=0) == record.created:
        return StartStep.FORGET
    if there.config != record.config:
        return StartStep.CONFLICT
    return StartStep.RECREATE if there.traits.has_failed else StartStep.RESUME


def wanted_capacities(record: RestoreRecord, there: HostedEndpoint) -> list[dict[str, Any]]:
    """What UpdateEndpointWeightsAndCapacities is to set; empty: counts and weights are as they were. Those of a variant
    that AWS does not name are not.
    """
    now = {variant.name: variant for variant in there.variants if not variant.is_shadow}
    changes: list[dict[str, Any]] = []
    for wanted in record.variants:
        variant = now.get(wanted.name)
        change: dict[str, Any] = {}
        if wanted.weight is not None and (variant is None or not _is_weight(variant, wanted.weight)):
            change["DesiredWeight"] = wanted.weight
        if wanted.count is not None and (variant is None or wanted.count != variant.count):
            change["DesiredInstanceCount"] = wanted.count
        if change:
            changes.append({"VariantName": wanted.name, **change})
    return changes


def _is_weight(variant: VariantState, wanted: float) -> bool:
    # AWS keeps weights with the precision of a 32-bit float.
    return variant.weight is not None and isclose(variant.weight, wanted, rel_tol=1e-6, abs_tol=1e-9)


def missing_tags(wanted: Mapping[str, str], there: Mapping[str, str]) -> dict[str, str]:
    """The tags that an endpoint had and has not, or with another value."""
    return {key: value for key, value in wanted.items() if there.get(key) != value}
