"""What opskit may do to an endpoint: delete it once its record stands, make it again, set its counts, weights and tags,
and put back what scales it. Configurations get and lose the tags of a record; they and models are never deleted. Each
call that scales sets what it names to what it holds, so that it may be sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.writer import AwsWriter
from opskit.core.live_resources import ResourceKind
from opskit.endpoints.rules.enums import EndpointAction
from opskit.endpoints.rules.model import HostedEndpoint
from opskit.endpoints.rules.restore_record import RestoreRecord
from opskit.endpoints.rules.scaling import MissingScaling
from opskit.state.journal import PendingChange, StopDetails, journal_action, prepare_change


def write_record(client: AwsClient, record: RestoreRecord, config_arn: str, tags: Mapping[str, str]) -> None:
    """Write what brings an endpoint back onto its configuration, in one call, and into the journal.

    Raises:
        AwsError: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    why = f"what brings it back, on the configuration {record.config}"
    with journal_action(client, EndpointAction.RECORD, record.endpoint, why, restore=dict(tags)):
        AwsWriter(client).call("sagemaker", "add_tags", ResourceArn=config_arn, Tags=_tag_list(tags))


def forget_record(client: AwsClient, endpoint: str, config_arn: str, keys: Sequence[str], reason: str) -> None:
    """Take the tags of a record off a configuration.

    Raises:
        AwsError: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    with journal_action(client, EndpointAction.FORGET, endpoint, reason):
        AwsWriter(client).call("sagemaker", "delete_tags", ResourceArn=config_arn, TagKeys=list(keys))


def prepare_delete(
    client: AwsClient, endpoint: HostedEndpoint, reason: str, usd_per_hour: Decimal | None
) -> AbstractContextManager[PendingChange[[]]]:
    """The intent to delete an endpoint whose record stands. Its price, in USD, is written down with it for ``history``;
    None: nobody knows it.
    """
    stop = StopDetails(usd_per_hour, endpoint.created)

    def send() -> object:
        return AwsWriter(client).call_once("sagemaker", "delete_endpoint", EndpointName=endpoint.name)

    return prepare_change(journal_action(client, EndpointAction.STOP, endpoint.name, reason, stop=stop), send)


def delete_failed_endpoint(client: AwsClient, name: str) -> None:
    """Delete an endpoint that never came into service, and whose name is needed to make it again.

    Raises:
        AwsError: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    with journal_action(client, EndpointAction.DELETE_FAILED, name, "it failed to start, and is created again"):
        AwsWriter(client).call("sagemaker", "delete_endpoint", EndpointName=name)


def create_endpoint_again(client: AwsClient, record: RestoreRecord, tags: Mapping[str, str]) -> None:
    """Make a stopped endpoint again, from the same configuration. It costs money until it is stopped.

    Raises:
        AwsError: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    more: dict[str, Any] = {"Tags": _tag_list(tags)} if tags else {}
    if record.deployment:
        more["DeploymentConfig"] = record.deployment
    with journal_action(client, EndpointAction.START, record.endpoint, "asked for", starts=ResourceKind.ENDPOINT):
        AwsWriter(client).call(
            "sagemaker", "create_endpoint", EndpointName=record.endpoint, EndpointConfigName=record.config, **more
        )


def set_weights_and_counts(client: AwsClient, endpoint: str, wanted: Sequence[Mapping[str, Any]]) -> None:
    """Set variants to the counts and weights that they had.

    Raises:
        AwsError: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    with journal_action(client, EndpointAction.SCALE, endpoint, "as it was when it was stopped"):
        AwsWriter(client).call(
            "sagemaker",
            "update_endpoint_weights_and_capacities",
            EndpointName=endpoint,
            DesiredWeightsAndCapacities=[dict(each) for each in wanted],
        )


def add_endpoint_tags(client: AwsClient, endpoint: str, arn: str, tags: Mapping[str, str]) -> None:
    """Add the tags that an endpoint had.

    Raises:
        AwsError: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    with journal_action(client, EndpointAction.TAG, endpoint, ", ".join(tags)):
        AwsWriter(client).call("sagemaker", "add_tags", ResourceArn=arn, Tags=_tag_list(tags))


def prepare_endpoint_tagging(
    client: AwsClient, endpoint: HostedEndpoint, keys: Iterable[str]
) -> AbstractContextManager[PendingChange[[Mapping[str, str]]]]:
    """The intent to add tags of these keys; they are sent with their values."""

    def send(tags: Mapping[str, str]) -> object:
        return AwsWriter(client).call_once("sagemaker", "add_tags", ResourceArn=endpoint.arn, Tags=_tag_list(tags))

    return prepare_change(journal_action(client, EndpointAction.TAG, endpoint.name, ", ".join(keys)), send)


def prepare_endpoint_untagging(
    client: AwsClient, endpoint: HostedEndpoint, keys: Sequence[str]
) -> AbstractContextManager[PendingChange[[]]]:
    """The intent to remove tags; those that are not there are no trouble."""

    def send() -> object:
        return AwsWriter(client).call_once("sagemaker", "delete_tags", ResourceArn=endpoint.arn, TagKeys=list(keys))

    return prepare_change(journal_action(client, EndpointAction.UNTAG, endpoint.name, ", ".join(keys)), send)


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


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
