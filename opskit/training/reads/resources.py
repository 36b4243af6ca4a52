"""Reads a workflow's resources in SageMaker: training and transform jobs, models, endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.aws.errors import is_not_found
from opskit.core.aws_statuses import EndpointStatus
from opskit.core.described_resources import Endpoint, TrainingJob, TransformJob
from opskit.core.exceptions import AwsError
from opskit.core.job_statuses import JobStatus
from opskit.core.live_resources import ResourceKind
from opskit.core.model import InstanceConfig, Unknown
from opskit.endpoints.reads.models import data_locations, is_packaged, model_containers

_PAGE = 100  # AWS's maximum; the default of 10 would take ten times the calls


class ListableKind(Enum):
    """Resources that can be listed by name: the operation, its member, and the prefix of the entries' members."""

    ENDPOINT = ("list_endpoints", "Endpoints", "Endpoint")
    CONFIG = ("list_endpoint_configs", "EndpointConfigs", "EndpointConfig")
    MODEL = ("list_models", "Models", "Model")
    TRAINING_JOB = ("list_training_jobs", "TrainingJobSummaries", "TrainingJob")
    TRANSFORM_JOB = ("list_transform_jobs", "TransformJobSummaries", "TransformJob")

    @property
    def is_job(self) -> bool:
        """Whether it ends without a further call."""
        match self:
            case ListableKind.TRAINING_JOB | ListableKind.TRANSFORM_JOB:
                return True
            case ListableKind.ENDPOINT | ListableKind.CONFIG | ListableKind.MODEL:
                return False

    @property
    def may_use_models(self) -> bool:
        """Whether one of these may use a model, which then stays."""
        match self:
            case ListableKind.ENDPOINT | ListableKind.CONFIG | ListableKind.TRANSFORM_JOB | ListableKind.TRAINING_JOB:
                return True
            case ListableKind.MODEL:
                return False

    @property
    def kind_of_job(self) -> ResourceKind | None:
        """The job that costs money until it has ended; None: it is no job."""
        match self:
            case ListableKind.TRAINING_JOB:
                return ResourceKind.TRAINING_JOB
            case ListableKind.TRANSFORM_JOB:
                return ResourceKind.TRANSFORM_JOB
            case ListableKind.ENDPOINT | ListableKind.CONFIG | ListableKind.MODEL:
                return None

    @property
    def has_status(self) -> bool:
        """Whether its listing contains a status."""
        match self:
            case ListableKind.ENDPOINT | ListableKind.TRAINING_JOB | ListableKind.TRANSFORM_JOB:
                return True
            case ListableKind.CONFIG | ListableKind.MODEL:
                return False


@dataclass(frozen=True)
class ListedResource:
    """An entry of a listing; ``status`` is SageMaker's word, and empty for kinds without one."""

    name: str
    arn: str
    status: str = ""


def list_named(client: AwsClient, kind: ListableKind, contains: str) -> list[ListedResource]:
    """Every resource of a kind with this text in its name, newest first.

    Raises:
        AwsError: the listing could not be read.
    """
    operation, member, prefix = kind.value
    pages = client.paginate("sagemaker", operation, NameContains=contains, MaxResults=_PAGE)
    items = [item for page in pages for item in page[member]]
    with parse_errors_as_aws(client, f"sagemaker:{''.join(word.capitalize() for word in operation.split('_'))}"):
        return [
            ListedResource(
                each[f"{prefix}Name"],
                each[f"{prefix}Arn"],
                each[f"{prefix}Status"] if kind.has_status else "",
            )
            for each in items
        ]


def list_training_jobs(client: AwsClient, contains: str) -> dict[str, JobStatus]:
    """The status of every training job with this text in its name, newest first.

    Raises:
        AwsError: the listing could not be read.
    """
    return {
        listed_resource.name: JobStatus(listed_resource.status)
        for listed_resource in list_named(client, ListableKind.TRAINING_JOB, contains)
    }


def list_transform_jobs(client: AwsClient, contains: str) -> dict[str, JobStatus]:
    """The status of every transform job with this text in its name, newest first.

    Raises:
        AwsError: the listing could not be read.
    """
    return {
        listed_resource.name: JobStatus(listed_resource.status)
        for listed_resource in list_named(client, ListableKind.TRANSFORM_JOB, contains)
    }


def list_endpoints(client: AwsClient, contains: str) -> dict[str, EndpointStatus]:
    """The status of every endpoint with this text in its name, newest first.

    Raises:
        AwsError: the listing could not be read.
    """
    return {
        listed_resource.name: EndpointStatus(listed_resource.status)
        for listed_resource in list_named(client, ListableKind.ENDPOINT, contains)
    }


def list_models(client: AwsClient, contains: str) -> list[str]:
    """The names of models with this text in them, newest first.

    Raises:
        AwsError: the listing could not be read.
    """
    return [listed_resource.name for listed_resource in list_named(client, ListableKind.MODEL, contains)]


def read_training_job(client: AwsClient, name: str) -> TrainingJob | None:
    """A training job; None if there is none of this name.

    Raises:
        AwsError: it could not be read.
    """
    job = _describe_or_none(client, "describe_training_job", TrainingJobName=name)
    if job is None:
        return None
    with parse_errors_as_aws(client, "sagemaker:DescribeTrainingJob"):
        return TrainingJob(
            name=name,
            status=JobStatus(job["TrainingJobStatus"]),
            secondary_status=job.get("SecondaryStatus", ""),
            failure=job.get("FailureReason") or None,
            model_uri=job.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
            billable_seconds=job.get("BillableTimeInSeconds"),
            output_uri=job.get("OutputDataConfig", {}).get("S3OutputPath"),
            selected_type=job.get("ResourceConfig", {}).get("SelectedInstanceType"),
        )


def read_transform_job(client: AwsClient, name: str) -> TransformJob | None:
    """A transform job; None if there is none of this name.

    Raises:
        AwsError: it could not be read.
    """
    job = _describe_or_none(client, "describe_transform_job", TransformJobName=name)
    if job is None:
        return None
    with parse_errors_as_aws(client, "sagemaker:DescribeTransformJob"):
        return TransformJob(
            name=name,
            status=JobStatus(job["TransformJobStatus"]),
            failure=job.get("FailureReason") or None,
            input_uri=job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"],
            output_uri=job["TransformOutput"]["S3OutputPath"],
        )


def read_endpoint(client: AwsClient, name: str) -> Endpoint | None:
    """An endpoint; None if there is none of this name.

    Raises:
        AwsError: it could not be read.
    """
    endpoint = _describe_or_none(client, "describe_endpoint", EndpointName=name)
    if endpoint is None:
        return None
    with parse_errors_as_aws(client, "sagemaker:DescribeEndpoint"):
        return Endpoint(
            name, endpoint["EndpointStatus"], endpoint.get("FailureReason") or None, endpoint["EndpointConfigName"]
        )


def read_endpoint_instances(client: AwsClient, config: str) -> InstanceConfig | Unknown | None:
    """The instances of an endpoint configuration, or why they are not known; None if there is none of this name.

    Raises:
        AwsError: it could not be read.
    """
    response = _describe_or_none(client, "describe_endpoint_config", EndpointConfigName=config)
    if response is None:
        return None
    with parse_errors_as_aws(client, "sagemaker:DescribeEndpointConfig"):
        variant = response["ProductionVariants"][0]
        # Pools come in any order; the lowest priority is tried first.
        pools = sorted(variant.get("InstancePools") or (), key=lambda pool: int(pool["Priority"]))
        preferences = tuple(str(pool["InstanceType"]) for pool in pools)
        named = variant.get("InstanceType") or (preferences[0] if preferences else None)
        if named is None or "InitialInstanceCount" not in variant:
            return Unknown(f"the endpoint configuration {config} does not tell type and number of instances")
        return InstanceConfig(named, int(variant["InitialInstanceCount"]), preferences=preferences)


def models_of_config(client: AwsClient, name: str) -> tuple[str, ...]:
    """The models of an endpoint configuration; none if there is no such configuration.

    Raises:
        AwsError: it could not be read, or does not name them all, as where inference components do.
    """
    response = _describe_or_none(client, "describe_endpoint_config", EndpointConfigName=name)
    if response is None:
        return ()
    with parse_errors_as_aws(client, "sagemaker:DescribeEndpointConfig"):
        # Shadow variants use a model too: deleting it would break an endpoint that looks unrelated.
        variants = [*response["ProductionVariants"], *response.get("ShadowProductionVariants", ())]
    if not all(variant.get("ModelName") for variant in variants):
        raise _not_told(client, f"the endpoint configuration {name} does not name the model of each variant")
    return tuple(variant["ModelName"] for variant in variants)


def model_data(client: AwsClient, name: str) -> tuple[str, ...]:
    """The S3 URIs of a model's data; none if there is no such model.

    Raises:
        AwsError: it could not be read, or does not tell them all, as where a model package has them.
    """
    response = _describe_or_none(client, "describe_model", ModelName=name)
    if response is None:
        return ()
    if any(map(is_packaged, model_containers(response))):
        raise _not_told(client, f"the model {name} is of a model package, which alone tells its data")
    return tuple(uri for uri, _ in data_locations(response))


def _not_told(client: AwsClient, what: str) -> AwsError:
    return AwsError("bad-answer", f"{what[0].upper()}{what[1:]}.", region=client.region)


def model_exists(client: AwsClient, name: str) -> bool:
    """Whether there is a model of this name.

    Raises:
        AwsError: it could not be read.
    """
    return _describe_or_none(client, "describe_model", ModelName=name) is not None


def _describe_or_none(client: AwsClient, operation: str, **key: str) -> Mapping[str, Any] | None:
    try:
        return client.read("sagemaker", operation, **key)
    except AwsError as failure:
        if is_not_found(failure):
            return None
        raise
