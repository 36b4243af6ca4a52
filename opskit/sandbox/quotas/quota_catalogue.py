"""Which SageMaker quotas there are, and what each is worth in a scenario's Regions before anyone asked for more.

The names, codes and usage metrics are AWS's own; the values are the scenarios' (``data/values.csv``: the last
row that fits a scenario, a Region and a name counts; ``none`` is a quota without an applied value, ``absent``
one that the Region does not have).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from hashlib import sha256
from importlib.resources import files

from opskit.sandbox.state import UsageResource


@dataclass(frozen=True)
class KnownQuota:
    """A quota as AWS names it everywhere; ``metric`` is its usage metric's Resource, empty where it has none."""

    name: str
    code: str
    metric: str
    period: tuple[str, int] | None
    """The unit and number of the quota's period, such as ("HOUR", 1); None: AWS names none."""

    @property
    def adjustable(self) -> bool:
        """AWS grants no increase of its own API rates here."""
        return not self.name.startswith("Rate of ")


@dataclass(frozen=True)
class RegionalQuota:
    """A quota in one Region: its default, and its ``applied`` value; None: AWS has none."""

    quota: KnownQuota
    default: float
    applied: float | None


@dataclass(frozen=True)
class _ValueRule:
    scenario: str
    region: str
    name: str
    default: str
    applied: str


def read_table_rows(package: str, name: str) -> list[dict[str, str]]:
    """The rows of a table that lies in the folder ``data`` of a package of the sandbox."""
    text = (files(package) / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def known_quotas() -> tuple[KnownQuota, ...]:
    """Every SageMaker quota the sandbox knows, in AWS's order: by name."""
    quotas = [_parse_quota_row(row) for row in read_table_rows(__package__, "sagemaker_quotas.csv")]
    return tuple(sorted(quotas, key=lambda quota: quota.name))


def _parse_quota_row(row: dict[str, str]) -> KnownQuota:
    name = row["quota_name"]
    unit, _, number = row["usage_period"].partition(" ")
    return KnownQuota(
        name=name,
        code=row["quota_code"] or _derive_quota_code(name),
        metric=row["usage_metric_resource"] or _metric_from_name(name),
        period=(unit, int(number)) if unit else None,
    )


def _derive_quota_code(name: str) -> str:
    """A code for a quota whose real one nobody published: steady, and of the real ones' form."""
    return "L-" + sha256(name.encode()).hexdigest()[:8].upper()


@dataclass(frozen=True)
class ResourceQuotas:
    """How AWS names the quotas that count the instances of one kind of resource.

    ``words`` is its part of a quota's name for one instance type, ``total_metric`` of the total's usage metric;
    ``per_resource`` is None where AWS has no maximum for a single one.
    """

    words: str
    total: str
    per_resource: str | None
    total_metric: str = "total_instance_count"
    unit: str = "Instances"


RESOURCE_QUOTAS: Mapping[UsageResource, ResourceQuotas] = {
    UsageResource.TRAINING_JOB: ResourceQuotas(
        "training job",
        "Number of instances across all training jobs",
        "Maximum number of instances per training job",
    ),
    UsageResource.SPOT_TRAINING_JOB: ResourceQuotas(
        "spot training job",
        "Number of instances across all spot training jobs",
        "Maximum number of instances per spot training job",
    ),
    UsageResource.PROCESSING_JOB: ResourceQuotas(
        "processing job",
        "Number of instances across all processing jobs",
        "Maximum number of instances per processing job",
    ),
    UsageResource.TRANSFORM_JOB: ResourceQuotas("transform job", "Number of instances across all transform jobs", None),
    UsageResource.ENDPOINT: ResourceQuotas(
        "endpoint", "Number of instances across active endpoints", "Maximum number of instances per endpoint"
    ),
    UsageResource.NOTEBOOK_INSTANCE: ResourceQuotas(
        "notebook instance",
        "Total number of notebook instances",
        None,
        total_metric="total_count",
        unit="NotebookInstances",
    ),
}


def _metric_from_name(name: str) -> str:
    parsed = re.fullmatch(r"(ml\.\S+) for (.+) usage", name)
    if not parsed:
        return ""
    instance_type, words = parsed.groups()
    resources = [resource for resource, quotas in RESOURCE_QUOTAS.items() if quotas.words == words]
    return instance_metric(resources[0], instance_type) if resources else ""


def instance_quota_name(resource: UsageResource, instance_type: str) -> str:
    """The quota of one instance type, such as ``ml.m4.xlarge for training job usage``."""
    return f"{instance_type} for {RESOURCE_QUOTAS[resource].words} usage"


def instance_metric(resource: UsageResource, instance_type: str) -> str:
    """The usage metric of one instance type, such as ``training-job/ml.m4.xlarge``."""
    return f"{resource}/{instance_type}"


def total_metric(resource: UsageResource) -> str:
    """The usage metric of all instances together, such as ``training-job/total_instance_count``."""
    return f"{resource}/{RESOURCE_QUOTAS[resource].total_metric}"


@cache
def scenario_quotas(scenario: str, region: str, at_least: int = 0) -> dict[str, RegionalQuota]:
    """The quotas that exist in a Region of a scenario, by code; ``at_least`` so many, the rest being made up."""
    rules = [rule for rule in _load_value_rules() if rule.scenario in ("*", scenario) and rule.region in ("*", region)]
    existing = [regional for quota in known_quotas() if (regional := _apply_value_rule(quota, rules))]
    fillers = [_filler_quota(number) for number in range(at_least - len(existing))]
    return {
        regional.quota.code: regional
        for regional in sorted(existing + fillers, key=lambda regional: regional.quota.name)
    }


def _filler_quota(number: int) -> RegionalQuota:
    """A quota as a grown account has it beside those that are known: a type that nobody here asks for."""
    name = f"ml.x{number}.xlarge for cluster usage"
    return RegionalQuota(KnownQuota(name, _derive_quota_code(name), "", None), 0.0, 0.0)


@cache
def _load_value_rules() -> tuple[_ValueRule, ...]:
    return tuple(
        _ValueRule(row["scenario"], row["region"], row["quota_name"], row["default"], row["applied"])
        for row in read_table_rows(__package__, "values.csv")
    )


def _apply_value_rule(quota: KnownQuota, rules: list[_ValueRule]) -> RegionalQuota | None:
    # The last rule that fits counts, so exceptions stand below the general case.
    rule = next((rule for rule in reversed(rules) if fnmatchcase(quota.name, rule.name)), None)
    if rule is None:
        raise LookupError(f"data/values.csv says nothing of {quota.name!r}")
    if rule.default == "absent":
        return None
    return RegionalQuota(quota, float(rule.default), None if rule.applied == "none" else float(rule.applied))
