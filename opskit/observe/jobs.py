"""Reads training and transform jobs, their logs, models and endpoints, and the files they left in S3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opskit.aws import Door, is_gone
from opskit.errors import AwsFailure
from opskit.model import Endpoint, JobStatus, TrainingJob, TransformJob

_PAGE = 100
_LOG_GROUP = "/aws/sagemaker/TrainingJobs"


def training_jobs(door: Door, prefix: str) -> dict[str, JobStatus]:
    """The status of every training job whose name begins so.

    Raises:
        AwsFailure: they could not be listed.
    """
    pages = door.pages("sagemaker", "list_training_jobs", NameContains=prefix, MaxResults=_PAGE)
    jobs = [job for page in pages for job in page["TrainingJobSummaries"]]
    return {job["TrainingJobName"]: JobStatus(job["TrainingJobStatus"]) for job in jobs}


def transform_jobs(door: Door, prefix: str) -> dict[str, JobStatus]:
    """The status of every transform job whose name begins so.

    Raises:
        AwsFailure: they could not be listed.
    """
    pages = door.pages("sagemaker", "list_transform_jobs", NameContains=prefix, MaxResults=_PAGE)
    jobs = [job for page in pages for job in page["TransformJobSummaries"]]
    return {job["TransformJobName"]: JobStatus(job["TransformJobStatus"]) for job in jobs}


def training_job(door: Door, name: str) -> TrainingJob | None:
    """A training job, None where there is none of this name.

    Raises:
        AwsFailure: it could not be read.
    """
    told = described(door, "describe_training_job", TrainingJobName=name)
    if told is None:
        return None
    return TrainingJob(
        name=name,
        status=JobStatus(told["TrainingJobStatus"]),
        secondary=told.get("SecondaryStatus", ""),
        failure=told.get("FailureReason"),
        model_uri=told.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
        billable_seconds=told.get("BillableTimeInSeconds"),
        output_uri=told.get("OutputDataConfig", {}).get("S3OutputPath"),
    )


def transform_job(door: Door, name: str) -> TransformJob | None:
    """A transform job, None where there is none of this name.

    Raises:
        AwsFailure: it could not be read.
    """
    told = described(door, "describe_transform_job", TransformJobName=name)
    if told is None:
        return None
    return TransformJob(
        name=name,
        status=JobStatus(told["TransformJobStatus"]),
        failure=told.get("FailureReason"),
        input_uri=told["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"],
        output_uri=told["TransformOutput"]["S3OutputPath"],
    )


def endpoint(door: Door, name: str) -> Endpoint | None:
    """An endpoint, None where there is none of this name.

    Raises:
        AwsFailure: it could not be read.
    """
    told = described(door, "describe_endpoint", EndpointName=name)
    return None if told is None else Endpoint(name, told["EndpointStatus"], told.get("FailureReason"))


def names_of(door: Door, operation: str, key: str, name: str, prefix: str) -> list[str]:
    """The names in a SageMaker listing that begin so, the newest first.

    Raises:
        AwsFailure: they could not be listed.
    """
    order = {"SortBy": "CreationTime", "SortOrder": "Descending"}
    pages = door.pages("sagemaker", operation, NameContains=prefix, MaxResults=_PAGE, **order)
    return [item[name] for page in pages for item in page[key] if item[name].startswith(prefix)]


def described(door: Door, operation: str, **which: str) -> Mapping[str, Any] | None:
    """A resource as AWS describes it, None where there is none of this name.

    Raises:
        AwsFailure: it could not be read.
    """
    try:
        return door.read("sagemaker", operation, **which)
    except AwsFailure as failure:
        if is_gone(failure):
            return None
        raise


def new_log_lines(door: Door, job: str, places: dict[str, str]) -> Iterator[str]:
    """A job's log lines that were not read before; ``places`` remembers how far each stream was read.

    Logs are for people to watch: where they cannot be read there are none, and the job goes on.
    """
    try:
        streams = door.read("logs", "describe_log_streams", logGroupName=_LOG_GROUP, logStreamNamePrefix=f"{job}/")[
            "logStreams"
        ]
        for stream in streams:
            yield from _stream_lines(door, stream["logStreamName"], places)
    except AwsFailure:
        return


def _stream_lines(door: Door, stream: str, places: dict[str, str]) -> Iterator[str]:
    while True:
        place = {"nextToken": places[stream]} if stream in places else {}
        page = door.read(
            "logs", "get_log_events", logGroupName=_LOG_GROUP, logStreamName=stream, startFromHead=True, **place
        )
        yield from (event["message"].replace("#011", "\t") for event in page["events"])
        if not page["events"] or page["nextForwardToken"] == places.get(stream):
            places[stream] = page["nextForwardToken"]
            return
        places[stream] = page["nextForwardToken"]


def bucket_exists(door: Door, bucket: str) -> bool:
    """Whether we can use a bucket.

    Raises:
        AwsFailure: it exists, but is not ours to use, or S3 does not answer.
    """
    try:
        door.read("s3", "head_bucket", Bucket=bucket)
    except AwsFailure as failure:
        if failure.aws_code in ("404", "NoSuchBucket"):
            return False
        raise
    return True


def object_at(door: Door, uri: str) -> bytes | None:
    """The bytes of an S3 object, None where there is none.

    Raises:
        AwsFailure: it could not be read.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        return bytes(door.read("s3", "get_object", Bucket=bucket, Key=key)["Body"])
    except AwsFailure as failure:
        if failure.aws_code in ("404", "NoSuchKey", "NoSuchBucket"):
            return None
        raise


def object_exists(door: Door, uri: str) -> bool:
    """Whether there is an S3 object.

    Raises:
        AwsFailure: S3 does not say.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        door.read("s3", "head_object", Bucket=bucket, Key=key)
    except AwsFailure as failure:
        if failure.aws_code in ("404", "NoSuchKey", "NoSuchBucket"):
            return False
        raise
    return True


def objects_under(door: Door, bucket: str, prefix: str) -> list[str]:
    """The keys of all objects under a prefix.

    Raises:
        AwsFailure: they could not be listed.
    """
    keys: list[str] = []
    more: dict[str, str] = {}
    while True:
        page = door.read("s3", "list_objects_v2", Bucket=bucket, Prefix=prefix, **more)
        keys += [item["Key"] for item in page.get("Contents", ())]
        if not page.get("IsTruncated"):
            return keys
        more = {"ContinuationToken": page["NextContinuationToken"]}
