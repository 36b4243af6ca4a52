"""The sandbox's quotas: what each place's values are, and the refusal when a request would exceed one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opskit.sandbox.errors import ApiError
from opskit.sandbox.quotas.increase_requests import QuotaRequests
from opskit.sandbox.quotas.quota_catalogue import RegionalQuota, quotas_in, type_quota_name
from opskit.sandbox.scenarios import Scenario
from opskit.sandbox.state import Held, Place, World

_log = logging.getLogger(__name__)

_TOTALS = {
    "training-job": "Number of instances across all training jobs",
    "spot-training-job": "Number of instances across all spot training jobs",
    "processing-job": "Number of instances across all processing jobs",
    "transform-job": "Number of instances across all transform jobs",
    "endpoint": "Number of instances across active endpoints",
    "notebook-instance": "Total number of notebook instances",
}
_AT_ONCE = {
    "training-job": "Maximum number of instances per training job",
    "spot-training-job": "Maximum number of instances per spot training job",
    "processing-job": "Maximum number of instances per processing job",
    "endpoint": "Maximum number of instances per endpoint",
}
_ADVICE = (
    "Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, "
    "contact AWS support to request an increase for this quota"
)


@dataclass(frozen=True)
class _Judgement:
    """One quota held against one request, in the unit AWS counts it in."""

    name: str
    value: float
    in_use: int
    delta: int
    unit: str = "Instances"

    @property
    def exceeded(self) -> bool:
        return self.in_use + self.delta > self.value

    def refusal(self) -> ApiError:
        numbers = (
            f"The account-level service limit '{self.name}' is {self.value:.0f} {self.unit}, with current "
            f"utilization of {self.in_use} {self.unit} and a request delta of {self.delta} {self.unit}. "
        )
        return ApiError("ResourceLimitExceeded", numbers + _ADVICE)


class QuotaBook:
    """Applied and default values per place, and the judgement over what is held there."""

    def __init__(self, world: World, scenario: Scenario, approve_after_seconds: float = 30.0, quotas: int = 0) -> None:
        self._world = world
        self._at_least = quotas
        self._scenario = scenario
        self.requests = QuotaRequests(scenario, approve_after_seconds)

    def quotas(self, place: Place) -> dict[str, RegionalQuota]:
        """The quotas that exist here, by code, with the values the account started with."""
        return quotas_in(self._scenario.name, place.region, self._at_least)

    def applied(self, place: Place, code: str) -> float | None:
        """The applied value with granted increases in it; None where AWS has none. Raises KeyError."""
        start = self.quotas(place)[code].applied
        granted = list(self.requests.granted(place, code, self._world.now()))
        return max(granted, default=start) if start is None else max([start, *granted])

    def value(self, place: Place, name: str) -> float | None:
        """What counts for the quota of this exact name: applied, else default; None where it does not exist here."""
        for code, regional in self.quotas(place).items():
            if regional.quota.name == name:
                applied = self.applied(place, code)
                return regional.default if applied is None else applied
        return None

    def in_use(self, place: Place) -> dict[str, int]:
        """What is held here by usage metric resource: ``training-job/ml.m4.xlarge`` and the totals' own words."""
        counts: dict[str, int] = {}
        for held in self._world.held(place):
            for metric in (f"{held.resource}/{held.instance_type}", _total_metric(held.resource)):
                counts[metric] = counts.get(metric, 0) + held.count
        return counts

    def admit(self, place: Place, operation: str, *wanted: Held, times: int = 1) -> None:
        """Raise AWS's ResourceLimitExceeded when ``wanted`` does not fit beside what is held.

        Call it under ``world.lock(place)`` and make the resource before the lock is released. Several variants
        of one endpoint are judged together. ``times`` is how many resources of this kind run side by side.
        """
        for judgement in self._judgements(place, wanted, times):
            if judgement.exceeded:
                refusal = judgement.refusal()
                _log.info("%s refused in %s: %s", operation, place.region, refusal.message)
                raise refusal

    def admit_amount(self, place: Place, name: str, amount: int, unit: str) -> None:
        """Raise AWS's ResourceLimitExceeded when one resource asks for more of something, such as Seconds to run,
        than the quota of this name has.
        """
        value = self.value(place, name)
        if value is not None and (judgement := _Judgement(name, value, 0, amount, unit)).exceeded:
            raise judgement.refusal()

    def _judgements(self, place: Place, wanted: Iterable[Held], times: int) -> Iterator[_Judgement]:
        in_use = self.in_use(place)
        by_type = _summed((held.resource, held.instance_type, held.count) for held in wanted)
        for (resource, instance_type), count in by_type.items():
            metric = f"{resource}/{instance_type}"
            name = type_quota_name(resource, instance_type)
            value = self.value(place, name)
            if value is None:
                raise ApiError(
                    "ResourceLimitExceeded", f"The requested resource {metric} is not available in this region"
                )
            yield _Judgement(name, value, in_use.get(metric, 0), count * times)
        totals = _summed((resource, "", count) for (resource, _), count in by_type.items())
        for (resource, _), count in totals.items():
            yield from self._total_judgements(place, resource, count, times, in_use)

    def _total_judgements(
        self, place: Place, resource: str, count: int, times: int, in_use: dict[str, int]
    ) -> Iterator[_Judgement]:
        at_once = self.value(place, _AT_ONCE.get(resource, ""))
        if at_once is not None:
            yield _Judgement(_AT_ONCE[resource], at_once, 0, count)
        total = self.value(place, _TOTALS[resource])
        if total is not None:
            unit = "NotebookInstances" if resource == "notebook-instance" else "Instances"
            yield _Judgement(_TOTALS[resource], total, in_use.get(_total_metric(resource), 0), count * times, unit)


def _total_metric(resource: str) -> str:
    return f"{resource}/total_count" if resource == "notebook-instance" else f"{resource}/total_instance_count"


def _summed(counted: Iterable[tuple[str, str, int]]) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = {}
    for resource, instance_type, count in counted:
        sums[resource, instance_type] = sums.get((resource, instance_type), 0) + count
    return sums
