"""What is made and removed, each call as AWS's own model wants it, and sent once."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from opskit.act import endpoints, storage, training
from opskit.act.endpoints import Removable
from opskit.errors import AwsFailure, OutcomeUnknown
from opskit.workflow import find_workflow
from tests.unit.observe.test_jobs import ARN, NOW, described
from tests.unit.stubbed import ACCOUNT, Script, scripted

BOSTON = find_workflow("boston")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/exec"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
TAGS = [{"Key": "opskit:workflow", "Value": "boston"}]


def start(script: Script, door: Any) -> None:
    channels = {"train": "s3://b/train.csv", "validation": "s3://b/validation.csv"}
    training.start_training(door, BOSTON, BOSTON.training, "b-1", IMAGE, ROLE, channels, "s3://b/out")


def expected() -> dict[str, Any]:
    def channel(name: str) -> dict[str, Any]:
        source = {
            "S3DataType": "S3Prefix",
            "S3Uri": f"s3://b/{name}.csv",
            "S3DataDistributionType": "FullyReplicated",
        }
        return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "ContentType": "text/csv"}

    return {
        "TrainingJobName": "b-1",
        "HyperParameters": dict(BOSTON.hyperparameters),
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "InputDataConfig": [channel("train"), channel("validation")],
        "OutputDataConfig": {"S3OutputPath": "s3://b/out"},
        "ResourceConfig": {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "Tags": TAGS,
    }


def test_the_sdk_sends_just_this_job_and_leaves_logging_alone() -> None:
    before = list(logging.getLogger().handlers)
    with scripted() as (door, script):
        script.answers("sagemaker", "create_training_job", {"TrainingJobArn": ARN}, expected())
        script.answers("sagemaker", "describe_training_job", described(), {"TrainingJobName": "b-1"})
        start(script, door)
        script.is_played()
    assert logging.getLogger().handlers == before


def test_a_refusal_is_raised_as_it_is() -> None:
    with scripted() as (door, script):
        script.refuses("sagemaker", "create_training_job", "ResourceLimitExceeded", "The account-level …")
        with pytest.raises(AwsFailure) as caught:
            start(script, door)
    assert caught.value.aws_code == "ResourceLimitExceeded"


def test_a_failure_of_awss_leaves_it_open_and_is_not_sent_again() -> None:
    with scripted() as (door, script):
        script.refuses("sagemaker", "create_training_job", "InternalFailure", "oops", 500)
        with pytest.raises(OutcomeUnknown):
            start(script, door)


def test_a_look_that_fails_after_the_deed_does_not_undo_it() -> None:
    with scripted() as (door, script):
        script.answers("sagemaker", "create_training_job", {"TrainingJobArn": ARN})
        script.refuses("sagemaker", "describe_training_job", "AccessDeniedException", "no")
        start(script, door)


def test_an_answer_the_sdk_does_not_understand_leaves_it_open() -> None:
    class Model:
        """What the SDK does with an answer that its own model of the API refuses, after the deed."""

        @staticmethod
        def create(**_: Any) -> None:
            raise ValueError("1 validation error for Model")

    with scripted() as (door, _), pytest.raises(OutcomeUnknown, match="validation error"):
        training.create(door, "create_model", "b-1", Model)


def test_an_endpoint_and_its_configuration() -> None:
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "b-1",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m4.xlarge",
        "InitialVariantWeight": 1.0,
    }
    config = {"EndpointConfigName": "b-1", "ProductionVariants": [variant], "Tags": TAGS}
    arn = ARN.replace("training-job", "endpoint-config")
    told = {
        "EndpointConfigName": "b-1",
        "EndpointConfigArn": arn,
        "ProductionVariants": [variant],
        "CreationTime": NOW,
    }
    with scripted() as (door, script):
        script.answers("sagemaker", "create_endpoint_config", {"EndpointConfigArn": arn}, config)
        script.answers("sagemaker", "describe_endpoint_config", told)
        endpoints.make_config(door, BOSTON, BOSTON.endpoint, "b-1", "b-1")
        wanted = {"EndpointName": "b-1", "EndpointConfigName": "b-1", "Tags": TAGS}
        script.answers("sagemaker", "create_endpoint", {"EndpointArn": ARN.replace("training-job", "endpoint")}, wanted)
        script.refuses("sagemaker", "describe_endpoint", "ThrottlingException", "Rate exceeded")
        endpoints.make_endpoint(door, BOSTON, "b-1", "b-1")


def test_what_is_gone_is_as_good_as_deleted() -> None:
    with scripted() as (door, script):
        script.refuses(
            "sagemaker", "delete_endpoint_config", "ValidationException", 'Could not find endpoint configuration "b".'
        )
        endpoints.delete(door, Removable.CONFIG, "b")
        script.refuses("sagemaker", "delete_endpoint", "ValidationException", "Cannot update in-progress endpoint")
        with pytest.raises(AwsFailure):
            endpoints.delete(door, Removable.ENDPOINT, "b")


def test_the_same_bytes_may_be_sent_again() -> None:
    with scripted() as (door, script):
        script.refuses("s3", "put_object", "InternalError", "", 500)
        put = {"Bucket": "b", "Key": "a/k", "Body": b"1", "ExpectedBucketOwner": ACCOUNT}
        script.answers("s3", "put_object", {"ETag": '"e"'}, put)
        storage.put(door, ACCOUNT, "s3://b/a/k", b"1")
        script.is_played()


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("us-east-1", {"Bucket": "b"}),
        ("eu-west-1", {"Bucket": "b", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}),
    ],
)
def test_us_east_1_is_not_named(region: str, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.unit.stubbed.REGION", region)
    with scripted() as (door, script):
        script.answers("s3", "create_bucket", {"Location": "/b"}, expected)
        storage.make_bucket(door, "b")


def test_a_bucket_made_at_the_same_moment_is_ours_and_a_strangers_is_not() -> None:
    with scripted() as (door, script):
        script.refuses("s3", "create_bucket", "BucketAlreadyOwnedByYou", "", 409)
        storage.make_bucket(door, "b")
        script.refuses("s3", "create_bucket", "BucketAlreadyExists", "", 409)
        with pytest.raises(AwsFailure, match="another account"):
            storage.make_bucket(door, "b")


def test_objects_that_s3_keeps_are_told() -> None:
    with scripted() as (door, script):
        which = {"Objects": [{"Key": "a"}, {"Key": "c"}], "Quiet": True}
        expected = {"Bucket": "b", "Delete": which, "ExpectedBucketOwner": ACCOUNT}
        refused = {"Errors": [{"Key": "a", "Code": "AccessDenied", "Message": "no"}]}
        script.answers("s3", "delete_objects", refused, expected)
        assert storage.delete_objects(door, ACCOUNT, "b", ["a", "c"]) == ["a: no"]
