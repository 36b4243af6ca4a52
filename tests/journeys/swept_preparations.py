"""Puts an account back to where a swept command has all to do, by AWS's own API."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from tests.waiting import wait_until

MakeClient = Callable[[str], Any]
"""A boto3 client of an administrator, by the service's name."""
_IDLE_SINCE = "opskit:idle-since"


def delete_notebook(name: str, client: MakeClient) -> None:
    sagemaker = client("sagemaker")
    deletable = ("Stopped", "Failed")

    def status() -> str:
        try:
            told: str = sagemaker.describe_notebook_instance(NotebookInstanceName=name)["NotebookInstanceStatus"]
        except ClientError as error:
            return "gone" if "RecordNotFound" in str(error) else "unknown"
        if told == "InService":
            with suppress(ClientError):
                sagemaker.stop_notebook_instance(NotebookInstanceName=name)
        if told in deletable:
            with suppress(ClientError):
                sagemaker.delete_notebook_instance(NotebookInstanceName=name)
        return told

    wait_until(status, lambda told: told == "gone")


def stop_notebook(name: str, client: MakeClient) -> None:
    sagemaker = client("sagemaker")

    def status() -> str:
        told: str = sagemaker.describe_notebook_instance(NotebookInstanceName=name)["NotebookInstanceStatus"]
        if told == "InService":
            with suppress(ClientError):
                sagemaker.stop_notebook_instance(NotebookInstanceName=name)
        return told

    # What is still Stopping is refused a start before anything is read.
    wait_until(status, lambda told: told == "Stopped")


def delete_role(client: MakeClient) -> None:
    iam = client("iam")
    with suppress(ClientError):
        for policy in iam.list_role_policies(RoleName="opskit-notebook")["PolicyNames"]:
            iam.delete_role_policy(RoleName="opskit-notebook", PolicyName=policy)
        iam.delete_role(RoleName="opskit-notebook")


def notebook_arn(client: MakeClient, name: str) -> str:
    told = wait_until(lambda: client("sagemaker").describe_notebook_instance(NotebookInstanceName=name))
    return str(told["NotebookInstanceArn"])


def remove_idle_since(name: str, client: MakeClient) -> None:
    client("sagemaker").delete_tags(ResourceArn=notebook_arn(client, name), TagKeys=[_IDLE_SINCE])


def add_idle_since(name: str, client: MakeClient) -> None:
    tags = [{"Key": _IDLE_SINCE, "Value": "2020-01-01T00:00:00+00:00"}]
    client("sagemaker").add_tags(ResourceArn=notebook_arn(client, name), Tags=tags)


def delete_bucket(client: MakeClient) -> None:
    s3 = client("s3")
    name = "sagemaker-us-east-1-123456789012"
    with suppress(ClientError):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
            for each in page.get("Contents", ()):
                s3.delete_object(Bucket=name, Key=each["Key"])
        s3.delete_bucket(Bucket=name)


def wait_for_decisions(client: MakeClient) -> None:
    """Wait until AWS has decided on what was asked for: a quota has one open request at a time."""
    quotas = client("service-quotas")
    wait_until(
        lambda: [
            each["Status"]
            for each in quotas.list_requested_service_quota_change_history(ServiceCode="sagemaker")["RequestedQuotas"]
        ],
        lambda statuses: not {"PENDING", "CASE_OPENED"} & set(statuses),
    )


def wait_for_deletions(client: MakeClient) -> None:
    """Wait until what was stopped is gone."""
    sagemaker = client("sagemaker")
    wait_until(
        lambda: [each["EndpointStatus"] for each in sagemaker.list_endpoints()["Endpoints"]],
        lambda statuses: "Deleting" not in statuses,
    )


def remove_scaling(name: str, client: MakeClient) -> None:
    """Let AWS have forgotten what scaled an endpoint, as it may once that is gone."""
    scaling = client("application-autoscaling")
    for each in scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]:
        if not each["ResourceId"].startswith(f"endpoint/{name}/"):
            continue
        target = {key: each[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
        # In AWS these go with their target; in the sandbox they stay.
        for policy in scaling.describe_scaling_policies(**target)["ScalingPolicies"]:
            scaling.delete_scaling_policy(**target, PolicyName=policy["PolicyName"])
        for action in scaling.describe_scheduled_actions(**target)["ScheduledActions"]:
            scaling.delete_scheduled_action(**target, ScheduledActionName=action["ScheduledActionName"])
        scaling.deregister_scalable_target(**target)
