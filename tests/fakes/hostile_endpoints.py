"""Endpoints and a job of somebody who puts a text into whatever can be named: reasons, statuses, types, tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.fake_aws import Fault

Told = Callable[[Mapping[str, Any]], dict[str, Any] | Fault]
_ARN = "arn:aws:sagemaker:us-east-1:123456789012:"
_MADE = 1_700_000_000.0
_STATUSES = {"serves": "InService", "broken": "Failed"}
_LISTED = {"CreationTime": _MADE, "LastModifiedTime": _MADE}


def hostile_endpoints(text: str, tag_text: str, others: Mapping[str, Told]) -> dict[str, Told]:
    """What AWS answers of one that serves, one that has failed, and one of an unknown status, and of a running job.
    ``tag_text`` is for tags, which allow less; ``others`` answer about the tags of anything else.
    """
    tags = [
        {"Key": key, "Value": tag_text} for key in ("opskit:keep", "opskit:owner", "opskit:idle-since", "owner", "team")
    ]
    statuses = {**_STATUSES, "odd": text}

    def summary(name: str) -> dict[str, Any]:
        told = {"EndpointName": name, "EndpointArn": f"{_ARN}endpoint/{name}", "EndpointStatus": statuses[name]}
        return {**told, **_LISTED}

    def describe(asked: Mapping[str, Any]) -> dict[str, Any] | Fault:
        name = asked["EndpointName"]
        if name not in statuses:
            return Fault(400, "ValidationException", f'Could not find endpoint "{name}". {text}')
        variant = {"VariantName": "v", "CurrentInstanceCount": 1, "DesiredInstanceCount": 1, "CurrentWeight": 1.0}
        described = {"EndpointConfigName": "c", "ProductionVariants": [variant], "FailureReason": text}
        return {**summary(name), **described}

    def describe_config(asked: Mapping[str, Any]) -> dict[str, Any]:
        variant = {"VariantName": "v", "ModelName": "m", "InstanceType": text, "InitialInstanceCount": 1}
        told = {"EndpointConfigName": "c", "EndpointConfigArn": f"{_ARN}endpoint-config/c", "CreationTime": _MADE}
        return {**told, "ProductionVariants": [variant]}

    def about_tags(operation: str, answer: dict[str, Any]) -> Told:
        def told(asked: Mapping[str, Any]) -> dict[str, Any] | Fault:
            ours = any(f":{kind}/" in asked["ResourceArn"] for kind in ("endpoint", "endpoint-config", "training-job"))
            return answer if ours else others[operation](asked)

        return told

    job = {
        "TrainingJobName": "trains",
        "TrainingJobArn": f"{_ARN}training-job/trains",
        "TrainingJobStatus": "InProgress",
    }
    resources = {"InstanceType": text, "InstanceCount": 1, "VolumeSizeInGB": 1}
    return {
        "ListEndpoints": lambda asked: {"Endpoints": [summary(name) for name in statuses]},
        "DescribeEndpoint": describe,
        "DescribeEndpointConfig": describe_config,
        "ListEndpointConfigs": lambda asked: {"EndpointConfigs": [{**describe_config(asked)}]},
        "ListTags": about_tags("ListTags", {"Tags": tags}),
        "AddTags": about_tags("AddTags", {"Tags": tags}),
        "DeleteTags": about_tags("DeleteTags", {}),
        "ListTrainingJobs": lambda asked: {"TrainingJobSummaries": [{**job, **_LISTED}]},
        "DescribeTrainingJob": lambda asked: {**job, **_LISTED, "ResourceConfig": resources, "FailureReason": text},
    }
