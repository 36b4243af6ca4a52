"""Reads what a workflow has in SageMaker: training and transform jobs, models, endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.errors import is_not_found
from opskit.aws.unusable_responses import parse_errors_as_aws
from opskit.core.aws_statuses import EndpointStatus, JobStatus
from opskit.core.exceptions import AwsError
from opskit.core.model import Endpoint, InstanceConfig, TrainingJob, TransformJob

_PAGE = 100


class ListableKind(Enum):
    """What can be listed by its name: the operation, its member, and how SageMaker calls the things there."""

    ENDPOINT = ("list_endpoints", "Endpoints", "Endpoint")
    CONFIG = ("list_endpoint_configs", "EndpointConfigs", "EndpointConfig")
    MODEL = ("list_models", "Models", "Model")
    TRAINING_JOB = ("list_training_jobs", "TrainingJobSummaries", "TrainingJob")
    TRANSFORM_JOB = ("list_transform_jobs", "TransformJobSummaries", "TransformJob")

    @property
    def is_job(self) -> bool:
        """Whether it ends by itself."""
        match self:
            case ListableKind.TRAINING_JOB | ListableKind.TRANSFORM_JOB:
                return True
            case ListableKind.ENDPOINT | ListableKind.CONFIG | ListableKind.MODEL:
                return False

    @property
    def has_status(self) -> bool:
        """Whether SageMaker tells how it is."""
        match self:
            case ListableKind.ENDPOINT | ListableKind.TRAINING_JOB | ListableKind.TRANSFORM_JOB:
                return True
            case ListableKind.CONFIG | ListableKind.MODEL:
                return False


@dataclass(frozen=True)
class ListedResource:
    """One thing of a listing; ``status`` is SageMaker's word, and empty where the kind has none."""

    name: str
    arn: str
    status: str = ""


def list_named(client: AwsClient, what: ListableKind, contains: str) -> list[ListedResource]:
    """Every thing of a kind with this in its name, the newest first.

    Raises:
        AwsError: they could not be listed.
    """
    operation, member, instance_type = what.value
    order = {"SortBy": "CreationTime", "SortOrder": "Descending"}
    pages = client.paginate("sagemaker", operation, NameContains=contains, MaxResults=_PAGE, **order)
    found = [item for page in pages for item in page[member]]
    with parse_errors_as_aws(client, f"sagemaker:{''.join(word.capitalize() for word in operation.split('_'))}"):
        return [
            ListedResource(
                each[f"{instance_type}Name"],
                each[f"{instance_type}Arn"],
                each[f"{instance_type}Status"] if what.has_status else "",
            )
            for each in found
        ]


def list_training_jobs(client: AwsClient, contains: str) -> dict[str, JobStatus]:
    """The status of every training job with this in its name, the newest first.

    Raises:
        AwsError: they could not be listed.
    """
    return {
        listed_resource.name: JobStatus(listed_resource.status)
        for listed_resource in list_named(client, ListableKind.TRAINING_JOB, contains)
    }


def list_transform_jobs(client: AwsClient, contains: str) -> dict[str, JobStatus]:
    """The status of every transform job with this in its name, the newest first.

    Raises:
        AwsError: they could not be listed.
    """
    return {
        listed_resource.name: JobStatus(listed_resource.status)
        for listed_resource in list_named(client, ListableKind.TRANSFORM_JOB, contains)
    }


def list_endpoints(client: AwsClient, contains: str) -> dict[str, EndpointStatus]:
    """The status of every endpoint with this in its name, the newest first.

    Raises:
        AwsError: they could not be listed.
    """
    return {
        listed_resource.name: EndpointStatus(listed_resource.status)
        for listed_resource in list_named(client, ListableKind.ENDPOINT, contains)
    }


def list_models(client: AwsClient, contains: str) -> list[str]:
    """The names of models with this in them, the newest first.

    Raises:
        AwsError: they could not be listed.
    """
    return [listed_resource.name for listed_resource in list_named(client, ListableKind.MODEL, contains)]


def read_training_job(client: AwsClient, name: str) -> TrainingJob | None:
    """A training job, None where there is none of this name.

    Raises:
        AwsError: it could not be read.
    """
    told = _describe_or_none(client, "describe_training_job", TrainingJobName=name)
    if told is None:
        return None
    with parse_errors_as_aws(client, "sagemaker:DescribeTrainingJob"):
        return TrainingJob(
            name=name,
            status=JobStatus(told["TrainingJobStatus"]),
            secondary_status=told.get("SecondaryStatus", ""),
            failure=told.get("FailureReason") or None,
            model_uri=told.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
            billable_seconds=told.get("BillableTimeInSeconds"),
            output_uri=told.get("OutputDataConfig", {}).get("S3OutputPath"),
        )


def read_transform_job(client: AwsClient, name: str) -> TransformJob | None:
    """A transform job, None where there is none of this name.

    Raises:
        AwsError: it could not be read.
    """
    told = _describe_or_none(client, "describe_transform_job", TransformJobName=name)
    if told is None:
        return None
    with parse_errors_as_aws(client, "sagemaker:DescribeTransformJob"):
        return TransformJob(
            name=name,
            status=JobStatus(told["TransformJobStatus"]),
            failure=told.get("FailureReason") or None,
            input_uri=told["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"],
            output_uri=told["TransformOutput"]["S3OutputPath"],
        )


def read_endpoint(client: AwsClient, name: str) -> Endpoint | None:
    """An endpoint, None where there is none of this name.

    Raises:
        AwsError: it could not be read.
    """
    told = _describe_or_none(client, "describe_endpoint", EndpointName=name)
    if told is None:
        return None
    with parse_errors_as_aws(client, "sagemaker:DescribeEndpoint"):
        return Endpoint(name, told["EndpointStatus"], told.get("FailureReason") or None, told["EndpointConfigName"])


def read_endpoint_instances(client: AwsClient, config: str) -> InstanceConfig | None:
    """The instances that an endpoint configuration asks for, None where there is none of this name.

    Raises:
        AwsError: it could not be read.
    """
    told = _describe_or_none(client, "describe_endpoint_config", EndpointConfigName=config)
    if told is None:
        return None
    with parse_errors_as_aws(client, "sagemaker:DescribeEndpointConfig"):
        variant = told["ProductionVariants"][0]
        return InstanceConfig(variant.get("InstanceType", ""), int(variant.get("InitialInstanceCount", 0)))


def models_of_config(client: AwsClient, name: str) -> tuple[str, ...]:
    """The models that an endpoint configuration names; none where there is no such configuration.

    Raises:
        AwsError: it could not be read.
    """
    told = _describe_or_none(client, "describe_endpoint_config", EndpointConfigName=name)
    if told is None:
        return ()
    with parse_errors_as_aws(client, "sagemaker:DescribeEndpointConfig"):
        variants = [*told["ProductionVariants"], *told.get("ShadowProductionVariants", ())]
    return tuple(variant["ModelName"] for variant in variants if "ModelName" in variant)


def model_data(client: AwsClient, name: str) -> tuple[str, ...]:
    """Where the data of a model lies, as S3 URIs; nowhere where there is no such model.

    Raises:
        AwsError: it could not be read.
    """
    response = _describe_or_none(client, "describe_model", ModelName=name) or {}
    containers = [response.get("PrimaryContainer") or {}, *(response.get("Containers") or ())]
    sources = [each.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri") for each in containers]
    return tuple(uri for uri in (*(each.get("ModelDataUrl") for each in containers), *sources) if uri)


def model_exists(client: AwsClient, name: str) -> bool:
    """Whether there is a model of this name.

    Raises:
        AwsError: it could not be read.
    """
    return _describe_or_none(client, "describe_model", ModelName=name) is not None


def _describe_or_none(client: AwsClient, operation: str, **which: str) -> Mapping[str, Any] | None:
    try:
        return client.read("sagemaker", operation, **which)
    except AwsError as failure:
        if is_not_found(failure):
            return None
        raise
