"""Endpoints and their configurations, as AWS describes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.aws.errors import is_not_found
from opskit.core.aws_statuses import EndpointStatus
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.endpoints.rules.model import HostedEndpoint, JsonObject, VariantState
from opskit.inventory.reads.endpoints import running_endpoint
from opskit.quotas.reads.usage_listings import EndpointConfigs

_PAGE = 100
_DESCRIBE = "sagemaker:DescribeEndpoint"


def list_endpoint_names(client: AwsClient) -> list[str]:
    """The name of every endpoint of a Region, in order.

    Raises:
        AwsError: a page could not be read.
    """
    pages = list(client.paginate("sagemaker", "list_endpoints", MaxResults=_PAGE, SortBy="Name", SortOrder="Ascending"))
    with parse_errors_as_aws(client, "sagemaker:ListEndpoints"):
        return [summary["EndpointName"] for page in pages for summary in page["Endpoints"]]


def list_endpoint_creation_times(client: AwsClient) -> dict[str, datetime]:
    """When each endpoint of a Region was made, by name, without those that are being deleted.

    Raises:
        AwsError: a page could not be read.
    """
    pages = list(client.paginate("sagemaker", "list_endpoints", MaxResults=_PAGE))
    with parse_errors_as_aws(client, "sagemaker:ListEndpoints"):
        listed = [summary for page in pages for summary in page["Endpoints"]]
        return {
            each["EndpointName"]: each["CreationTime"].astimezone(UTC)
            for each in listed
            if not EndpointStatus(each["EndpointStatus"]).traits.is_going
        }


def read_hosted_endpoint(client: AwsClient, name: str, configs: EndpointConfigs | None = None) -> HostedEndpoint | None:
    """One endpoint with the types of its instances, which only its configuration tells; None where the Region has none
    of this name. ``configs`` remember configurations that were read before; None: it is read anew.

    Raises:
        AwsError: it could not be read.
    """
    said = describe_endpoint(client, name)
    if said is None:
        return None
    found, gap = (configs or EndpointConfigs(client)).read_config(said)
    with parse_errors_as_aws(client, _DESCRIBE):
        return parse_endpoint(client.region, said, found[0] if found else None, gap)


def describe_endpoint(client: AwsClient, name: str) -> JsonObject | None:
    """AWS's description of an endpoint; None where the Region has none of this name.

    Raises:
        AwsError: it could not be read.
    """
    try:
        return client.read("sagemaker", "describe_endpoint", EndpointName=name)
    except AwsError as failure:
        if is_not_found(failure):
            return None
        raise


def read_endpoint_config(client: AwsClient, name: str) -> JsonObject | None:
    """AWS's description of a configuration; None where the Region has none of this name.

    Raises:
        AwsError: it could not be read.
    """
    try:
        said = client.read("sagemaker", "describe_endpoint_config", EndpointConfigName=name)
    except AwsError as failure:
        if is_not_found(failure):
            return None
        raise
    with parse_errors_as_aws(client, "sagemaker:DescribeEndpointConfig"):
        return {**said, "EndpointConfigArn": said["EndpointConfigArn"]}


def list_config_arns(client: AwsClient) -> Iterator[tuple[str, str]]:
    """The name and ARN of every endpoint configuration of a Region, newest first.

    Raises:
        AwsError: a page could not be read.
    """
    for page in client.paginate("sagemaker", "list_endpoint_configs", MaxResults=_PAGE):
        with parse_errors_as_aws(client, "sagemaker:ListEndpointConfigs"):
            found = [(each["EndpointConfigName"], each["EndpointConfigArn"]) for each in page["EndpointConfigs"]]
        yield from found


def parse_endpoint(
    region: str, said: Mapping[str, Any], config: JsonObject | None, gap: Unknown | None = None
) -> HostedEndpoint:
    """An endpoint from AWS's description of it and of its configuration (None: it has none; ``gap``: why it is not
    known).
    """
    settings = _settings_by_name(config)
    variants = [
        *(_parse_variant(each, settings, is_shadow=False) for each in said.get("ProductionVariants") or ()),
        *(_parse_variant(each, settings, is_shadow=True) for each in said.get("ShadowProductionVariants") or ()),
    ]
    if not variants:  # while it is created AWS names none; it will have those of its configuration
        variants = [_configured_variant(each) for each in (config or {}).get("ProductionVariants") or ()]
        if EndpointStatus(said["EndpointStatus"]).traits.is_in_service:  # it may have scaled since it began
            variants = [replace(each, count=None, weight=None) for each in variants]
    return HostedEndpoint(
        region=region,
        name=said["EndpointName"],
        arn=said["EndpointArn"],
        status=said["EndpointStatus"],
        created=said["CreationTime"].astimezone(UTC),
        modified=(said.get("LastModifiedTime") or said["CreationTime"]).astimezone(UTC),
        config=said.get("EndpointConfigName") or "",
        variants=tuple(variants),
        has_config=gap if gap is not None else config is not None,
        is_async=bool(said.get("AsyncInferenceConfig") or (config or {}).get("AsyncInferenceConfig")),
        is_deploying=bool(said.get("PendingDeploymentSummary")),
        deployment=said.get("LastDeploymentConfig") or None,
        capture=said.get("DataCaptureConfig") or None,
        failure=said.get("FailureReason") or None,
        billed=running_endpoint(region, said, config, gap),
    )


def _settings_by_name(config: JsonObject | None) -> dict[str, JsonObject]:
    found: Sequence[JsonObject] = [
        *((config or {}).get("ProductionVariants") or ()),
        *((config or {}).get("ShadowProductionVariants") or ()),
    ]
    return {str(each.get("VariantName")): each for each in found}


def _parse_variant(said: JsonObject, settings: Mapping[str, JsonObject], *, is_shadow: bool) -> VariantState:
    name = str(said["VariantName"])
    own = settings.get(name, {})
    serverless = (
        said.get("DesiredServerlessConfig") or said.get("CurrentServerlessConfig") or own.get("ServerlessConfig") or {}
    )
    count = said.get("DesiredInstanceCount", said.get("CurrentInstanceCount"))
    return VariantState(
        name=name,
        instance_type=own.get("InstanceType"),
        count=None if serverless else count,
        weight=said.get("DesiredWeight", said.get("CurrentWeight")),
        is_serverless=bool(serverless),
        provisioned=int(serverless.get("ProvisionedConcurrency") or 0),
        is_shadow=is_shadow,
    )


def _configured_variant(own: JsonObject) -> VariantState:
    serverless = own.get("ServerlessConfig") or {}
    return VariantState(
        name=str(own.get("VariantName")),
        instance_type=own.get("InstanceType"),
        count=None if serverless else own.get("InitialInstanceCount"),
        weight=own.get("InitialVariantWeight"),
        is_serverless=bool(serverless),
        provisioned=int(serverless.get("ProvisionedConcurrency") or 0),
    )
