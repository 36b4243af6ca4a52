"""Jobs, models and endpoints as AWS describes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from opskit.core.exceptions import AwsError
from opskit.core.job_statuses import JobStatus
from opskit.core.model import InstanceConfig
from opskit.training.reads import resources
from opskit.training.reads.training_log import TrainingLog
from tests.fakes.stubbed_client import stubbed_client

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-job/b-1"


def job_description(**more: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": "b-1",
        "TrainingJobArn": ARN,
        "ModelArtifacts": {"S3ModelArtifacts": "s3://b/model.tar.gz"},
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "ResourceConfig": {"VolumeSizeInGB": 10},
        "StoppingCondition": {},
        "CreationTime": NOW,
        **more,
    }


def test_read_training_job_of_a_completed_job() -> None:
    with stubbed_client() as (client, script):
        script.add_answer("sagemaker", "describe_training_job", job_description(BillableTimeInSeconds=61))
        job = resources.read_training_job(client, "b-1")
    assert job
    assert (job.status, job.model_uri, job.billable_seconds, job.failure) == (
        JobStatus.COMPLETED,
        "s3://b/model.tar.gz",
        61,
        None,
    )


def test_a_status_that_is_new_is_work_in_progress() -> None:
    with stubbed_client() as (client, script):
        script.add_answer("sagemaker", "describe_training_job", job_description(TrainingJobStatus="Rehearsing"))
        job = resources.read_training_job(client, "b-1")
    assert job
    assert not job.status.is_finished


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ValidationException", "Requested resource not found."),
        ("ValidationException", "Could not find requested job with name: b-1"),
        ("ResourceNotFound", ""),
    ],
)
def test_what_is_not_there_is_none(code: str, message: str) -> None:
    with stubbed_client() as (client, script):
        script.add_refusal("sagemaker", "describe_training_job", code, message)
        assert resources.read_training_job(client, "b-1") is None


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDeniedException", "no"),
        ("ValidationException", "RecordNotFound"),
        ("ValidationException", 'Could not find endpoint "arn".'),
        ("ValidationException", "The role arn:aws:iam::123456789012:role/x does not exist"),
    ],
)
def test_any_other_failure_is_no_absence(code: str, message: str) -> None:
    with stubbed_client() as (client, script):
        script.add_refusal("sagemaker", "describe_training_job", code, message)
        with pytest.raises(AwsError):
            resources.read_training_job(client, "b-1")


def test_all_pages_are_listed() -> None:
    def page(name: str, **more: str) -> dict[str, Any]:
        summary = {"TrainingJobName": name, "TrainingJobArn": ARN, "CreationTime": NOW, "TrainingJobStatus": "Failed"}
        return {"TrainingJobSummaries": [summary], **more}

    asked = {"NameContains": "b-", "MaxResults": 100, "SortBy": "CreationTime", "SortOrder": "Descending"}
    with stubbed_client() as (client, script):
        script.add_answer("sagemaker", "list_training_jobs", page("b-2", NextToken="t"), asked)
        script.add_answer("sagemaker", "list_training_jobs", page("b-1"), {**asked, "NextToken": "t"})
        assert resources.list_training_jobs(client, "b-") == {"b-2": JobStatus.FAILED, "b-1": JobStatus.FAILED}


def test_a_transform_says_where_its_predictions_are() -> None:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in/test.csv"}}
    told = {
        "TransformJobName": "b-1",
        "TransformJobArn": ARN.replace("training", "transform"),
        "TransformJobStatus": "Completed",
        "ModelName": "b-1",
        "TransformInput": {"DataSource": source},
        "TransformOutput": {"S3OutputPath": "s3://b/out/"},
        "TransformResources": {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1},
        "CreationTime": NOW,
        "FailureReason": "",
    }
    with stubbed_client() as (client, script):
        script.add_answer("sagemaker", "describe_transform_job", told)
        job = resources.read_transform_job(client, "b-1")
    assert job
    assert job.predictions_uri == "s3://b/out/test.csv.out"
    assert job.failure is None


def test_the_instances_of_an_endpoint() -> None:
    variant = {"VariantName": "v", "ModelName": "b-1", "InstanceType": "ml.m4.xlarge", "InitialInstanceCount": 1}
    told = {
        "EndpointConfigName": "b-1",
        "EndpointConfigArn": ARN.replace("training-job", "endpoint-config"),
        "ProductionVariants": [variant],
        "CreationTime": NOW,
    }
    with stubbed_client() as (client, script):
        script.add_answer("sagemaker", "describe_endpoint_config", told)
        assert resources.read_endpoint_instances(client, "b-1") == InstanceConfig("ml.m4.xlarge", 1)


def test_a_log_is_read_on_from_where_it_was_left() -> None:
    group = "/aws/sagemaker/TrainingJobs"
    back = {"nextBackwardToken": "b"}
    streams = {"logStreams": [{"logStreamName": "b-1/algo-1-1"}]}
    stream = {"logGroupName": group, "logStreamName": "b-1/algo-1-1", "startFromHead": True}
    with stubbed_client() as (client, script):
        log = TrainingLog("b-1")
        script.add_refusal("logs", "describe_log_streams", "ResourceNotFoundException", "no group yet")
        assert list(log.new_lines(client)) == []
        script.add_answer(
            "logs", "describe_log_streams", streams, {"logGroupName": group, "logStreamNamePrefix": "b-1/"}
        )
        event = {"message": "[0]#011train-rmse:1\n"}
        script.add_answer("logs", "get_log_events", {"events": [event], "nextForwardToken": "1", **back}, stream)
        script.add_answer(
            "logs", "get_log_events", {"events": [], "nextForwardToken": "1", **back}, {**stream, "nextToken": "1"}
        )
        assert list(log.new_lines(client)) == ["[0]\ttrain-rmse:1"]
        script.add_answer("logs", "describe_log_streams", streams)
        more = {"events": [{"message": "end"}], "nextForwardToken": "2", **back}
        script.add_answer("logs", "get_log_events", more, {**stream, "nextToken": "1"})
        script.add_answer(
            "logs", "get_log_events", {"events": [], "nextForwardToken": "2", **back}, {**stream, "nextToken": "2"}
        )
        assert list(log.new_lines(client)) == ["end"]
