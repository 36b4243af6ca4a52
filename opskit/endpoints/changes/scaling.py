"""Puts back what scales an endpoint. Each call sets what it names to what it holds, so that it may be sent again."""

from __future__ import annotations

from opskit.aws.client import AwsClient
from opskit.aws.writer import AwsWriter
from opskit.endpoints.rules.actions import EndpointAction
from opskit.endpoints.rules.scaling import MissingScaling
from opskit.state.journal import journal_action

_NAMESPACE = "sagemaker"


def put_scaling(client: AwsClient, endpoint: str, missing: MissingScaling) -> None:
    """Register targets first: policies and scheduled actions need them.

    Raises:
        AwsError: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    for target in missing.targets:
        with journal_action(client, EndpointAction.AUTOSCALE, endpoint, f"target {target['ResourceId']}"):
            AwsWriter(client).call(
                "application-autoscaling", "register_scalable_target", ServiceNamespace=_NAMESPACE, **target
            )
    for policy in missing.policies:
        with journal_action(client, EndpointAction.AUTOSCALE, endpoint, f"policy {policy['PolicyName']}"):
            AwsWriter(client).call(
                "application-autoscaling", "put_scaling_policy", ServiceNamespace=_NAMESPACE, **policy
            )
    for schedule in missing.schedules:
        with journal_action(client, EndpointAction.AUTOSCALE, endpoint, f"schedule {schedule['ScheduledActionName']}"):
            AwsWriter(client).call(
                "application-autoscaling", "put_scheduled_action", ServiceNamespace=_NAMESPACE, **schedule
            )
