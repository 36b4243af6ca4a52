"""What of an endpoint's scaling is put back, and whether it is there: AWS may keep it while the endpoint is gone, or
not, so both are looked at and only what is missing or different is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opskit.core.tags import parse_timestamp
from opskit.endpoints.rules.model import JsonObject, ScalingSettings

_TARGET = ("ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity", "SuspendedState")
_POLICY = (
    "PolicyName",
    "ResourceId",
    "ScalableDimension",
    "PolicyType",
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
    "PredictiveScalingPolicyConfiguration",
)
_SCHEDULE = (
    "ScheduledActionName",
    "ResourceId",
    "ScalableDimension",
    "Schedule",
    "Timezone",
    "StartTime",
    "EndTime",
    "ScalableTargetAction",
)
_ONCE = re.compile(r"at\((.*)\)")


@dataclass(frozen=True)
class MissingScaling:
    """What is to be written: each is what AWS's call takes, without the namespace."""

    targets: tuple[dict[str, Any], ...]
    policies: tuple[dict[str, Any], ...]
    schedules: tuple[dict[str, Any], ...]

    @property
    def is_empty(self) -> bool:
        """Whether everything is there."""
        return not (self.targets or self.policies or self.schedules)


def essential_scaling(scaling: ScalingSettings) -> ScalingSettings:
    """What has to be written to have the same again: without ARNs, times of creation and the like."""
    return ScalingSettings(
        tuple(_only(each, _TARGET) for each in scaling.targets),
        tuple(_only(each, _POLICY) for each in scaling.policies),
        tuple(_only(each, _SCHEDULE) for each in scaling.schedules),
    )


def missing_scaling(wanted: ScalingSettings, there: ScalingSettings, now: datetime) -> MissingScaling:
    """What is wanted and is not there, or is there with other values. What was to happen once, before now, is over."""
    schedules = [each for each in wanted.schedules if not _is_over(each, now)]
    return MissingScaling(
        _missing(wanted.targets, there.targets, _TARGET, _target_key),
        _missing(wanted.policies, there.policies, _POLICY, _policy_key),
        _missing(schedules, there.schedules, _SCHEDULE, _schedule_key),
    )


def _missing(wanted: Iterable[JsonObject], there: Iterable[JsonObject], keep: tuple[str, ...], key: Any) -> Any:
    found = {key(each): _only(each, keep) for each in there}
    return tuple(_only(each, keep) for each in wanted if found.get(key(each)) != _only(each, keep))


def _only(each: JsonObject, keep: tuple[str, ...]) -> dict[str, Any]:
    return {member: plain_json(each[member]) for member in keep if each.get(member) is not None}


def plain_json(value: Any) -> Any:
    """A structure of boto3's as JSON reads it back, so that what was written compares equal with what is read."""
    match value:
        case Mapping():
            return {str(key): plain_json(value[key]) for key in value}
        case list() | tuple():
            return [plain_json(item) for item in value]
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds")
        case _:
            return value


def _target_key(each: JsonObject) -> tuple[object, ...]:
    return each.get("ResourceId"), each.get("ScalableDimension")


def _policy_key(each: JsonObject) -> tuple[object, ...]:
    return (*_target_key(each), each.get("PolicyName"))


def _schedule_key(each: JsonObject) -> tuple[object, ...]:
    return (*_target_key(each), each.get("ScheduledActionName"))


def _is_over(schedule: JsonObject, now: datetime) -> bool:
    end = parse_timestamp(schedule.get("EndTime"))
    if end is not None and end <= now:
        return True
    once = _ONCE.fullmatch(str(schedule.get("Schedule", "")))
    # Without a zone of its own, AWS's at() is in UTC; a zone shifts it by less than a day.
    at = parse_timestamp(f"{once[1]}+00:00") if once else None
    return at is not None and at <= now


def step_policies_with_alarms(scaling: ScalingSettings) -> tuple[Mapping[str, Any], ...]:
    """Step scaling policies that alarms of the user's start: these name the policy by an ARN that is new each time."""
    return tuple(each for each in scaling.policies if each.get("PolicyType") == "StepScaling" and each.get("Alarms"))
