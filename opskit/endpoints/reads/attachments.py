"""What hangs on an endpoint and would be lost, or fail, without it: its policy, monitoring schedules, inference
components and inference experiments; and what scales it: scalable targets, policies and scheduled actions of
Application Auto Scaling.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.aws.gather import gather_all
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.endpoints.rules.model import JsonObject, ScalingSettings
from opskit.endpoints.rules.stop_refusals import Attachments
from opskit.inventory.reads.inference_components import list_components

_PAGE = 100
_ENDED = ("Completed", "Cancelled")
# What AWS answers where an operation is not there yet: then nothing of its kind is there either.
_NO_OPERATION = ("UnknownOperationException", "InvalidAction")


def read_attachments(client: AwsClient, endpoint: str) -> Attachments:
    """All that hangs on an endpoint, and the first reason why something could not be read."""
    reads = (_policy, _monitoring_schedules, _inference_components, _inference_experiments)
    parts = gather_all([partial(_read_part, client, endpoint, read) for read in reads])
    return Attachments(
        tuple(said for part in parts for said in part.found), next((part.unread for part in parts if part.unread), None)
    )


def _read_part(client: AwsClient, endpoint: str, read: Callable[[AwsClient, str], list[str]]) -> Attachments:
    try:
        return Attachments(tuple(read(client, endpoint)))
    except AwsError as failure:
        return Attachments(unread=unknown_from_error(failure))


def _policy(client: AwsClient, endpoint: str) -> list[str]:
    try:
        client.read("sagemaker", "get_endpoint_policy", EndpointName=endpoint)
    except AwsError as failure:
        # "If the endpoint doesn't have a policy, you get a ValidationException" (API reference).
        if failure.aws_code in ("ValidationException", *_NO_OPERATION):
            return []
        raise
    return ["it has an endpoint policy, which ends with it"]


def _monitoring_schedules(client: AwsClient, endpoint: str) -> list[str]:
    pages = list(client.paginate("sagemaker", "list_monitoring_schedules", EndpointName=endpoint, MaxResults=_PAGE))
    with parse_errors_as_aws(client, "sagemaker:ListMonitoringSchedules"):
        names = [each["MonitoringScheduleName"] for page in pages for each in page["MonitoringScheduleSummaries"]]
    return [f"the monitoring schedule {name} watches it" for name in names]


def _inference_components(client: AwsClient, endpoint: str) -> list[str]:
    return [
        f"the inference component {name} runs on it"
        for name in list_component_names(client, endpoint).get(endpoint, ())
    ]


def list_component_names(client: AwsClient, endpoint: str | None = None) -> dict[str, list[str]]:
    """The names of inference components by their endpoint: of one endpoint, or of all of the Region.

    Raises:
        AwsError: they could not be read.
    """
    found: dict[str, list[str]] = {}
    for each in list_components(client, endpoint):
        found.setdefault(each["EndpointName"], []).append(each["InferenceComponentName"])
    return found


def _inference_experiments(client: AwsClient, endpoint: str) -> list[str]:
    pages = list(client.paginate("sagemaker", "list_inference_experiments", MaxResults=_PAGE))
    with parse_errors_as_aws(client, "sagemaker:ListInferenceExperiments"):
        names = [
            each["Name"] for page in pages for each in page["InferenceExperiments"] if each.get("Status") not in _ENDED
        ]
    targets = gather_all([partial(_experiment_endpoint, client, name) for name in names])
    return [
        f"the inference experiment {name} uses it"
        for name, used in zip(names, targets, strict=True)
        if used == endpoint
    ]


def _experiment_endpoint(client: AwsClient, name: str) -> str:
    said = client.read("sagemaker", "describe_inference_experiment", Name=name)
    with parse_errors_as_aws(client, "sagemaker:DescribeInferenceExperiment"):
        return str(said["EndpointMetadata"]["EndpointName"])


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
