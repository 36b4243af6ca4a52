"""Reads what a workflow has in SageMaker: training and transform jobs, models, endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from opskit.aws import Door
from opskit.aws_errors import is_gone
from opskit.errors import AwsFailure
from opskit.model import Endpoint, Fleet, JobStatus, TrainingJob, TransformJob
from opskit.observe.bad_answers import understood

_PAGE = 100


class Listing(Enum):
    """What can be listed by its name: the operation, its member, and how SageMaker calls the things there."""

    ENDPOINT = ("list_endpoints", "Endpoints", "Endpoint")
    CONFIG = ("list_endpoint_configs", "EndpointConfigs", "EndpointConfig")
    MODEL = ("list_models", "Models", "Model")
    TRAINING_JOB = ("list_training_jobs", "TrainingJobSummaries", "TrainingJob")
    TRANSFORM_JOB = ("list_transform_jobs", "TransformJobSummaries", "TransformJob")


@dataclass(frozen=True)
class Listed:
    """One thing of a listing; ``status`` is SageMaker's word, and empty where the kind has none."""

    name: str
    arn: str
    status: str = ""


def list_named(door: Door, what: Listing, contains: str) -> list[Listed]:
    """Every thing of a kind with this in its name, the newest first.

    Raises:
        AwsFailure: they could not be listed.
    """
    operation, member, kind = what.value
    order = {"SortBy": "CreationTime", "SortOrder": "Descending"}
    pages = door.pages("sagemaker", operation, NameContains=contains, MaxResults=_PAGE, **order)
    found = [item for page in pages for item in page[member]]
    has_status = what not in (Listing.CONFIG, Listing.MODEL)
    with understood(door, f"sagemaker:{''.join(word.capitalize() for word in operation.split('_'))}"):
        return [
            Listed(each[f"{kind}Name"], each[f"{kind}Arn"], each[f"{kind}Status"] if has_status else "")
            for each in found
        ]


def training_jobs(door: Door, contains: str) -> dict[str, JobStatus]:
    """The status of every training job with this in its name, the newest first.

    Raises:
        AwsFailure: they could not be listed.
    """
    return {each.name: JobStatus(each.status) for each in list_named(door, Listing.TRAINING_JOB, contains)}


def transform_jobs(door: Door, contains: str) -> dict[str, JobStatus]:
    """The status of every transform job with this in its name, the newest first.

    Raises:
        AwsFailure: they could not be listed.
    """
    return {each.name: JobStatus(each.status) for each in list_named(door, Listing.TRANSFORM_JOB, contains)}


def endpoints(door: Door, contains: str) -> dict[str, str]:
    """The status of every endpoint with this in its name, the newest first.

    Raises:
        AwsFailure: they could not be listed.
    """
    return {each.name: each.status for each in list_named(door, Listing.ENDPOINT, contains)}


def models(door: Door, contains: str) -> list[str]:
    """The names of models with this in them, the newest first.

    Raises:
        AwsFailure: they could not be listed.
    """
    return [each.name for each in list_named(door, Listing.MODEL, contains)]


def training_job(door: Door, name: str) -> TrainingJob | None:
    """A training job, None where there is none of this name.

    Raises:
        AwsFailure: it could not be read.
    """
    told = _described(door, "describe_training_job", TrainingJobName=name)
    if told is None:
        return None
    with understood(door, "sagemaker:DescribeTrainingJob"):
        return TrainingJob(
            name=name,
            status=JobStatus(told["TrainingJobStatus"]),
            secondary=told.get("SecondaryStatus", ""),
            failure=told.get("FailureReason") or None,
            model_uri=told.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
            billable_seconds=told.get("BillableTimeInSeconds"),
            output_uri=told.get("OutputDataConfig", {}).get("S3OutputPath"),
        )


def transform_job(door: Door, name: str) -> TransformJob | None:
    """A transform job, None where there is none of this name.

    Raises:
        AwsFailure: it could not be read.
    """
    told = _described(door, "describe_transform_job", TransformJobName=name)
    if told is None:
        return None
    with understood(door, "sagemaker:DescribeTransformJob"):
        return TransformJob(
            name=name,
            status=JobStatus(told["TransformJobStatus"]),
            failure=told.get("FailureReason") or None,
            input_uri=told["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"],
            output_uri=told["TransformOutput"]["S3OutputPath"],
        )


def endpoint(door: Door, name: str) -> Endpoint | None:
    """An endpoint, None where there is none of this name.

    Raises:
        AwsFailure: it could not be read.
    """
    told = _described(door, "describe_endpoint", EndpointName=name)
    if told is None:
        return None
    with understood(door, "sagemaker:DescribeEndpoint"):
        return Endpoint(name, told["EndpointStatus"], told.get("FailureReason") or None, told["EndpointConfigName"])


def endpoint_fleet(door: Door, config: str) -> Fleet | None:
    """The instances that an endpoint configuration asks for, None where there is none of this name.

    Raises:
        AwsFailure: it could not be read.
    """
    told = _described(door, "describe_endpoint_config", EndpointConfigName=config)
    if told is None:
        return None
    with understood(door, "sagemaker:DescribeEndpointConfig"):
        variant = told["ProductionVariants"][0]
        return Fleet(variant.get("InstanceType", ""), int(variant.get("InitialInstanceCount", 0)))


def models_of_config(door: Door, name: str) -> tuple[str, ...]:
    """The models that an endpoint configuration names; none where there is no such configuration.

    Raises:
        AwsFailure: it could not be read.
    """
    told = _described(door, "describe_endpoint_config", EndpointConfigName=name)
    if told is None:
        return ()
    with understood(door, "sagemaker:DescribeEndpointConfig"):
        variants = [*told["ProductionVariants"], *told.get("ShadowProductionVariants", ())]
    return tuple(variant["ModelName"] for variant in variants if "ModelName" in variant)


def model_data(door: Door, name: str) -> tuple[str, ...]:
    """Where the data of a model lies, as S3 URIs; nowhere where there is no such model.

    Raises:
        AwsFailure: it could not be read.
    """
    told = _described(door, "describe_model", ModelName=name) or {}
    containers = [told.get("PrimaryContainer") or {}, *(told.get("Containers") or ())]
    sources = [each.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri") for each in containers]
    return tuple(uri for uri in (*(each.get("ModelDataUrl") for each in containers), *sources) if uri)


def model_exists(door: Door, name: str) -> bool:
    """Whether there is a model of this name.

    Raises:
        AwsFailure: it could not be read.
    """
    return _described(door, "describe_model", ModelName=name) is not None


def _described(door: Door, operation: str, **which: str) -> Mapping[str, Any] | None:
    try:
        return door.read("sagemaker", operation, **which)
    except AwsFailure as failure:
        if is_gone(failure):
            return None
        raise
