"""A plan as the guard judges it, where nothing can be described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opskit.guards.flows.plan_check import read_planned_calls
from opskit.guards.rules.planned_calls import judge_plan
from opskit.guards.rules.request_model import NotDescribed, RequestNeeds

M4, M5 = "ml.m4.xlarge", "ml.m5.xlarge"


def not_described(operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    raise NotDescribed(f"{next(iter(params.values()))} is not there.")


def judged(document: Any, operation: str | None = None, **values: str) -> RequestNeeds:
    return judge_plan(read_planned_calls(document, "us-east-1", operation, values), not_described)


def needs_of(needs: RequestNeeds) -> list[tuple[str, str, str, int]]:
    return [(need.source, need.instance_type, need.workload.value, need.count) for need in needs.needs]


def unknowns_of(needs: RequestNeeds) -> list[tuple[str, str]]:
    return [(each.source, each.reason) for each in needs.unknowns]


def cluster(instance_type: Any = M4, count: Any = 1) -> dict[str, Any]:
    return {"ResourceConfig": {"InstanceType": instance_type, "InstanceCount": count, "VolumeSizeInGB": 1}}
