"""Reads what a workflow has in SageMaker: training and transform jobs, models, endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opskit.aws import Door, is_gone
from opskit.errors import AwsFailure
from opskit.model import Endpoint, Fleet, JobStatus, TrainingJob, TransformJob
from opskit.observe.bad_answers import understood

_PAGE = 100


def training_jobs(door: Door, contains: str) -> dict[str, JobStatus]:
    """The status of every training job with this in its name, the newest first.

    Raises:
        AwsFailure: they could not be listed.
    """
    found = _listed(door, "list_training_jobs", "TrainingJobSummaries", contains)
    with understood(door, "sagemaker:ListTrainingJobs"):
        return {job["TrainingJobName"]: JobStatus(job["TrainingJobStatus"]) for job in found}


def transform_jobs(door: Door, contains: str) -> dict[str, JobStatus]:
    """The status of every transform job with this in its name, the newest first.

    Raises:
        AwsFailure: they could not be listed.
    """
    found = _listed(door, "list_transform_jobs", "TransformJobSummaries", contains)
    with understood(door, "sagemaker:ListTransformJobs"):
        return {job["TransformJobName"]: JobStatus(job["TransformJobStatus"]) for job in found}


def endpoints(door: Door, contains: str) -> dict[str, str]:
    """The status of every endpoint with this in its name, the newest first.

    Raises:
        AwsFailure: they could not be listed.
    """
    found = _listed(door, "list_endpoints", "Endpoints", contains)
    with understood(door, "sagemaker:ListEndpoints"):
        return {endpoint["EndpointName"]: endpoint["EndpointStatus"] for endpoint in found}


def endpoint_configs(door: Door, contains: str) -> list[str]:
    """The names of endpoint configurations with this in them, the newest first.

    Raises:
        AwsFailure: they could not be listed.
    """
    found = _listed(door, "list_endpoint_configs", "EndpointConfigs", contains)
    with understood(door, "sagemaker:ListEndpointConfigs"):
        return [each["EndpointConfigName"] for each in found]


def models(door: Door, contains: str) -> list[str]:
    """The names of models with this in them, the newest first.

    Raises:
        AwsFailure: they could not be listed.
    """
    found = _listed(door, "list_models", "Models", contains)
    with understood(door, "sagemaker:ListModels"):
        return [each["ModelName"] for each in found]


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
    return Endpoint(name, told["EndpointStatus"], told.get("FailureReason") or None, told.get("EndpointConfigName", ""))


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


def model_exists(door: Door, name: str) -> bool:
    """Whether there is a model of this name.

    Raises:
        AwsFailure: it could not be read.
    """
    return _described(door, "describe_model", ModelName=name) is not None


def _listed(door: Door, operation: str, key: str, contains: str) -> list[Mapping[str, Any]]:
    order = {"SortBy": "CreationTime", "SortOrder": "Descending"}
    pages = door.pages("sagemaker", operation, NameContains=contains, MaxResults=_PAGE, **order)
    return [item for page in pages for item in page[key]]


def _described(door: Door, operation: str, **which: str) -> Mapping[str, Any] | None:
    try:
        return door.read("sagemaker", operation, **which)
    except AwsFailure as failure:
        if is_gone(failure):
            return None
        raise
