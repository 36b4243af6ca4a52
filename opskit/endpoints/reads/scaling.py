"""What scales an endpoint: scalable targets, policies and scheduled actions of Application Auto Scaling."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.endpoints.rules.model import JsonObject, ScalingSettings

_SERVICE = "application-autoscaling"
_NAMESPACE = "sagemaker"


def read_scaling(client: AwsClient, endpoint: str, variants: Sequence[str]) -> ScalingSettings | Unknown:
    """All that scales an endpoint's variants, or why it is not known."""
    resources = [f"endpoint/{endpoint}/variant/{variant}" for variant in variants]
    if not resources:
        return ScalingSettings()
    try:
        targets, *others = gather_all(
            [
                partial(_list, client, "describe_scalable_targets", "ScalableTargets", ResourceIds=resources),
                *(
                    partial(_list, client, "describe_scaling_policies", "ScalingPolicies", ResourceId=each)
                    for each in resources
                ),
                *(
                    partial(_list, client, "describe_scheduled_actions", "ScheduledActions", ResourceId=each)
                    for each in resources
                ),
            ]
        )
    except AwsError as failure:
        return unknown_from_error(failure)
    policies = [each for part in others[: len(resources)] for each in part]
    schedules = [each for part in others[len(resources) :] for each in part]
    return ScalingSettings(tuple(targets), tuple(policies), tuple(schedules))


def _list(client: AwsClient, operation: str, member: str, **asked: Any) -> list[JsonObject]:
    pages = client.paginate(_SERVICE, operation, ServiceNamespace=_NAMESPACE, **asked)
    return [each for page in pages for each in page[member]]
