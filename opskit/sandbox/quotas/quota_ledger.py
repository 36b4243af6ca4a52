"""The sandbox's quotas: the values of each account and Region, and the error when a request would exceed one."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from opskit.sandbox.errors import ApiError
from opskit.sandbox.quotas.increase_requests import QuotaRequestStore
from opskit.sandbox.quotas.quota_catalogue import (
    RESOURCE_QUOTAS,
    RegionalQuota,
    instance_metric,
    instance_quota_name,
    scenario_quotas,
    total_metric,
)
from opskit.sandbox.scenarios import Scenario
from opskit.sandbox.state import AccountRegion, InstanceUsage, SandboxState, UsageResource

_log = logging.getLogger(__name__)

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
        self, state: SandboxState, scenario: Scenario, approve_after_seconds: float = 30.0, min_quotas: int = 0
    ) -> None:
        self._state = state
        self._min_quotas = min_quotas
        self._scenario = scenario
        self.requests = QuotaRequestStore(scenario, approve_after_seconds)

    def regional_quotas(self, account_region: AccountRegion) -> dict[str, RegionalQuota]:
        """The quotas that exist here, by code, with the values the account started with."""
        return scenario_quotas(self._scenario.name, account_region.region, self._min_quotas)

    def applied_value(self, account_region: AccountRegion, code: str) -> float | None:
        """The applied value with granted increases in it; None where AWS has none. Raises KeyError."""
        # A quota may have no applied value at first and get one when an increase is granted.
        initial = self.regional_quotas(account_region)[code].applied
        granted = list(self.requests.granted_values(account_region, code, self._state.now()))
        return max(granted, default=None) if initial is None else max([initial, *granted])

    def effective_value(self, account_region: AccountRegion, name: str) -> float | None:
        """What counts for the quota of this exact name: applied, else default; None where it does not exist here."""
        for code, regional in self.regional_quotas(account_region).items():
            if regional.quota.name == name:
                applied = self.applied_value(account_region, code)
                return regional.default if applied is None else applied
        return None

    def usage_by_metric(self, account_region: AccountRegion) -> Mapping[str, int]:
        """What is in use here by usage metric: ``training-job/ml.m4.xlarge``, and the totals."""
        counts: Counter[str] = Counter()
        for usage in self._state.instances_in_use(account_region):
            counts[instance_metric(usage.resource, usage.instance_type)] += usage.count
            counts[total_metric(usage.resource)] += usage.count
        return counts

    def check_capacity(
        self, account_region: AccountRegion, operation: str, *requested: InstanceUsage, times: int = 1
    ) -> None:
        """Raise AWS's ResourceLimitExceeded when ``requested`` does not fit beside what is in use.

        Call it under ``state.lock(account_region)`` and make the resource before the lock is released. Several variants
        of one endpoint are checked together. ``times`` is how many such resources run side by side.
        """
        for check in self._capacity_checks(account_region, requested, times):
            if check.is_exceeded:
                error = check.limit_error()
                _log.info("%s refused in %s: %s", operation, account_region.region, error.message)
                raise error

    def check_amount(
        self, account_region: AccountRegion, name: str, amount: int, unit: str, *, in_use: int = 0
    ) -> None:
        """Raise AWS's ResourceLimitExceeded when one resource asks for more of something, such as Seconds to run,
        than the quota of this name has beside what is ``in_use`` of it.
        """
        value = self.effective_value(account_region, name)
        if value is not None and (check := _QuotaCheck(name, value, in_use, amount, unit)).is_exceeded:
            raise check.limit_error()

    def _capacity_checks(
        self, account_region: AccountRegion, requested: Iterable[InstanceUsage], times: int
    ) -> Iterator[_QuotaCheck]:
        """The checks of a request against the quotas."""
        in_use = self.usage_by_metric(account_region)
        by_type: Counter[tuple[UsageResource, str]] = Counter()
        totals: Counter[UsageResource] = Counter()
        for usage in requested:
            by_type[usage.resource, usage.instance_type] += usage.count
            totals[usage.resource] += usage.count
        # Instance types first, totals after them: the first check that fails is the one that the error names.
        for (resource, instance_type), count in by_type.items():
            metric = instance_metric(resource, instance_type)
            name = instance_quota_name(resource, instance_type)
            value = self.effective_value(account_region, name)
            if value is None:
                raise ApiError(
                    "ResourceLimitExceeded", f"The requested resource {metric} is not available in this region"
                )
            yield _QuotaCheck(name, value, in_use.get(metric, 0), count * times)
        for resource, count in totals.items():
            yield from self._total_checks(account_region, resource, count, times, in_use)

    def _total_checks(
        self, account_region: AccountRegion, resource: UsageResource, count: int, times: int, in_use: Mapping[str, int]
    ) -> Iterator[_QuotaCheck]:
        quotas = RESOURCE_QUOTAS[resource]
        if quotas.per_resource is not None:
            maximum = self.effective_value(account_region, quotas.per_resource)
            if maximum is not None:
                yield _QuotaCheck(quotas.per_resource, maximum, 0, count)
        total = self.effective_value(account_region, quotas.total)
        if total is not None:
            used = in_use.get(total_metric(resource), 0)
            yield _QuotaCheck(quotas.total, total, used, count * times, quotas.unit)
