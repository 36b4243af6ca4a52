"""The applied values with which everything that a check found short would fit."""

from __future__ import annotations

from opskit.increases.rules.increase import IncreaseTarget
from opskit.quotas.rules.headroom import QuotaCheck, requestable_value, required_value
from opskit.quotas.rules.model import Verdict


def increase_targets(check: QuotaCheck) -> list[IncreaseTarget]:
    """The values to request so that what is short fits. The maximum per job is not requested: using fewer instances is
    faster.
    """
    short = [
        headroom
        for headroom in check.headrooms
        if headroom.verdict is Verdict.SHORT and headroom.requirement.has_increase_command
    ]
    return [
        IncreaseTarget(headroom.requirement.instance_type, headroom.requirement.workload, requestable_value(headroom))
        for headroom in short
    ]


def wait_targets(check: QuotaCheck) -> list[IncreaseTarget]:
    """The applied values with which what is short would fit."""
    short = [headroom for headroom in check.headrooms if headroom.verdict.is_too_little]
    return [
        IncreaseTarget(headroom.requirement.instance_type, headroom.requirement.workload, required_value(headroom))
        for headroom in short
        if headroom.requirement.has_increase_command
    ]
