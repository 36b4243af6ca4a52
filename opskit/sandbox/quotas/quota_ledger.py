"""The sandbox's quotas: the values of each account and Region, and the error when a request would exceed one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opskit.sandbox.errors import ApiError
from opskit.sandbox.quotas.increase_requests import QuotaRequestStore
from opskit.sandbox.quotas.quota_catalogue import RegionalQuota, instance_quota_name, scenario_quotas
from opskit.sandbox.scenarios import Scenario
from opskit.sandbox.state import AccountRegion, InstanceUsage, SandboxState

_log = logging.getLogger(__name__)

_TOTAL_QUOTAS = {
    "training-job": "Number of instances across all training jobs",
    "spot-training-job": "Number of instances across all spot training jobs",
    "processing-job": "Number of instances across all processing jobs",
    "transform-job": "Number of instances across all transform jobs",
    "endpoint": "Number of instances across active endpoints",
    "notebook-instance": "Total number of notebook instances",
}
_PER_JOB_QUOTAS = {
    "training-job": "Maximum number of instances per training job",
    "spot-training-job": "Maximum number of instances per spot training job",
    "processing-job": "Maximum number of instances per processing job",
    "endpoint": "Maximum number of instances per endpoint",
}
_INCREASE_ADVICE = (
    "Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, "
    "contact AWS support to request an increase for this quota"
)


@dataclass(frozen=True)
class _QuotaCheck:
    """One quota held against one request, in the unit AWS counts it in."""

    name: str
    value: float
    in_use: int
    delta: int
    unit: str = "Instances"

    @property
    def is_exceeded(self) -> bool:
        return self.in_use + self.delta > self.value

    def limit_error(self) -> ApiError:
        numbers = (
            f"The account-level service limit '{self.name}' is {self.value:.0f} {self.unit}, with current "
            f"utilization of {self.in_use} {self.unit} and a request delta of {self.delta} {self.unit}. "
        )
        return ApiError("ResourceLimitExceeded", numbers + _INCREASE_ADVICE)


class QuotaLedger:
    """Applied and default values per account and Region, and the checks against what is in use there."""

    def __init__(
        self, state: SandboxState, scenario: Scenario, approve_after_seconds: float = 30.0, quotas: int = 0
    ) -> None:
        self._state = state
        self._at_least = quotas
        self._scenario = scenario
        self.requests = QuotaRequestStore(scenario, approve_after_seconds)

    def regional_quotas(self, account_region: AccountRegion) -> dict[str, RegionalQuota]:
        """The quotas that exist here, by code, with the values the account started with."""
        return scenario_quotas(self._scenario.name, account_region.region, self._at_least)

    def applied_value(self, account_region: AccountRegion, code: str) -> float | None:
        """The applied value with granted increases in it; None where AWS has none. Raises KeyError."""
        start = self.regional_quotas(account_region)[code].applied
        granted = list(self.requests.granted_values(account_region, code, self._state.now()))
        return max(granted, default=start) if start is None else max([start, *granted])

    def effective_value(self, account_region: AccountRegion, name: str) -> float | None:
        """What counts for the quota of this exact name: applied, else default; None where it does not exist here."""
        for code, regional in self.regional_quotas(account_region).items():
            if regional.quota.name == name:
                applied = self.applied_value(account_region, code)
                return regional.default if applied is None else applied
        return None

    def usage_by_metric(self, account_region: AccountRegion) -> dict[str, int]:
        """What is held here by usage metric resource: ``training-job/ml.m4.xlarge`` and the totals' own words."""
        counts: dict[str, int] = {}
        for held in self._state.instances_in_use(account_region):
            for metric in (f"{held.resource}/{held.instance_type}", _total_metric(held.resource)):
                counts[metric] = counts.get(metric, 0) + held.count
        return counts

    def check_capacity(
        self, account_region: AccountRegion, operation: str, *wanted: InstanceUsage, times: int = 1
    ) -> None:
        """Raise AWS's ResourceLimitExceeded when ``wanted`` does not fit beside what is held.

        Call it under ``state.lock(account_region)`` and make the resource before the lock is released. Several variants
        of one endpoint are judged together. ``times`` is how many resources of this kind run side by side.
        """
        for check in self._capacity_checks(account_region, wanted, times):
            if check.is_exceeded:
                refusal = check.limit_error()
                _log.info("%s refused in %s: %s", operation, account_region.region, refusal.message)
                raise refusal

    def check_amount(self, account_region: AccountRegion, name: str, amount: int, unit: str) -> None:
        """Raise AWS's ResourceLimitExceeded when one resource asks for more of something, such as Seconds to run,
        than the quota of this name has.
        """
        value = self.effective_value(account_region, name)
        if value is not None and (check := _QuotaCheck(name, value, 0, amount, unit)).is_exceeded:
            raise check.limit_error()

    def _capacity_checks(
        self, account_region: AccountRegion, wanted: Iterable[InstanceUsage], times: int
    ) -> Iterator[_QuotaCheck]:
        in_use = self.usage_by_metric(account_region)
        by_type = _sum_counts((held.resource, held.instance_type, held.count) for held in wanted)
        for (resource, instance_type), count in by_type.items():
            metric = f"{resource}/{instance_type}"
            name = instance_quota_name(resource, instance_type)
            value = self.effective_value(account_region, name)
            if value is None:
                raise ApiError(
                    "ResourceLimitExceeded", f"The requested resource {metric} is not available in this region"
                )
            yield _QuotaCheck(name, value, in_use.get(metric, 0), count * times)
        totals = _sum_counts((resource, "", count) for (resource, _), count in by_type.items())
        for (resource, _), count in totals.items():
            yield from self._total_checks(account_region, resource, count, times, in_use)

    def _total_checks(
        self, account_region: AccountRegion, resource: str, count: int, times: int, in_use: dict[str, int]
    ) -> Iterator[_QuotaCheck]:
        at_once = self.effective_value(account_region, _PER_JOB_QUOTAS.get(resource, ""))
        if at_once is not None:
            yield _QuotaCheck(_PER_JOB_QUOTAS[resource], at_once, 0, count)
        total = self.effective_value(account_region, _TOTAL_QUOTAS[resource])
        if total is not None:
            unit = "NotebookInstances" if resource == "notebook-instance" else "Instances"
            yield _QuotaCheck(
                _TOTAL_QUOTAS[resource], total, in_use.get(_total_metric(resource), 0), count * times, unit
            )


def _total_metric(resource: str) -> str:
    return f"{resource}/total_count" if resource == "notebook-instance" else f"{resource}/total_instance_count"


def _sum_counts(counted: Iterable[tuple[str, str, int]]) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = {}
    for resource, instance_type, count in counted:
        sums[resource, instance_type] = sums.get((resource, instance_type), 0) + count
    return sums
