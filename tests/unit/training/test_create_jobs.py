"""What is made and removed, each call as AWS's own model wants it, and sent once."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from opskit.core.exceptions import AwsError, OutcomeUnknown
from opskit.core.model import InstanceConfig
from opskit.core.owners import caller_owner
from opskit.training.changes import endpoints, jobs, s3
from opskit.training.reads.resources import read_endpoint_instances
from opskit.training.rules.job_settings import object_key
from opskit.training.rules.model import JobSettings, TrainingFiles
from opskit.training.rules.workflow_resources import DeletableKind
from opskit.training.workflow import find_workflow
from tests.fakes.stubbed_client import ACCOUNT, StubbedCalls, stubbed_client
from tests.unit.training.test_resources import ARN, NOW, job_description

BOSTON = find_workflow("boston")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/exec"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
ME = caller_owner(f"arn:aws:iam::{ACCOUNT}:user/me")
TAGS = [{"Key": "opskit:owner", "Value": ME.name}, {"Key": "opskit:workflow", "Value": "boston"}]


def start_stubbed_training(script: StubbedCalls, client: Any) -> None:
    channels = {"train": "s3://b/train.csv", "validation": "s3://b/validation.csv"}
    files = TrainingFiles(channels, "s3://b/out")
    jobs.start_training(client, BOSTON, ME, BOSTON.training, "b-1", IMAGE, ROLE, files)


def expected_request() -> dict[str, Any]:
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
    with stubbed_client() as (client, script):
        script.add_answer("sagemaker", "create_training_job", {"TrainingJobArn": ARN}, expected_request())
        script.add_answer("sagemaker", "describe_training_job", job_description(), {"TrainingJobName": "b-1"})
        start_stubbed_training(script, client)
        script.assert_done()
    assert logging.getLogger().handlers == before


def test_a_refusal_is_raised_as_it_is() -> None:
    with stubbed_client() as (client, script):
        script.add_refusal("sagemaker", "create_training_job", "ResourceLimitExceeded", "The account-level …")
        with pytest.raises(AwsError) as caught:
            start_stubbed_training(script, client)
    assert caught.value.aws_code == "ResourceLimitExceeded"


def test_a_failure_of_awss_leaves_it_open_and_is_not_sent_again() -> None:
    with stubbed_client() as (client, script):
        script.add_refusal("sagemaker", "create_training_job", "InternalFailure", "oops", 500)
        with pytest.raises(OutcomeUnknown):
            start_stubbed_training(script, client)


def test_a_look_that_fails_after_the_deed_does_not_undo_it() -> None:
    with stubbed_client() as (client, script):
        script.add_answer("sagemaker", "create_training_job", {"TrainingJobArn": ARN})
        script.add_refusal("sagemaker", "describe_training_job", "AccessDeniedException", "no")
        start_stubbed_training(script, client)


def test_an_answer_the_sdk_does_not_understand_leaves_it_open() -> None:
    def send(_: Any) -> None:
        raise ValueError("1 validation error for Model")  # of its own model of the API, after the deed

    with stubbed_client() as (client, _), pytest.raises(OutcomeUnknown, match="validation error"):
        jobs.create_for_workflow(client, BOSTON, ME, "create model", "b-1", send)


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
    with stubbed_client() as (client, script):
        script.add_answer("sagemaker", "create_endpoint_config", {"EndpointConfigArn": arn}, config)
        script.add_answer("sagemaker", "describe_endpoint_config", told)
        endpoints.create_endpoint_config(client, BOSTON, ME, BOSTON.endpoint, "b-1", "b-1")
        wanted = {"EndpointName": "b-1", "EndpointConfigName": "b-1", "Tags": TAGS}
        script.add_answer(
            "sagemaker", "create_endpoint", {"EndpointArn": ARN.replace("training-job", "endpoint")}, wanted
        )
        script.add_refusal("sagemaker", "describe_endpoint", "ThrottlingException", "Rate exceeded")
        endpoints.create_endpoint(client, BOSTON, ME, "b-1", "b-1")


def test_all_that_an_organisation_demands_is_sent() -> None:
    settings = JobSettings(
        subnets=("subnet-1", "subnet-2"),
        security_groups=("sg-1",),
        network_isolation=True,
        volume_kms_key="alias/volumes",
        s3_kms_key="alias/objects",
        environment=(("LEVEL", "debug"),),
        keep_alive_seconds=600,
    )
    mine, vpc = replace(BOSTON, settings=settings), {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
    with stubbed_client() as (client, script):
        request = expected_request()
        request["ResourceConfig"] |= {"VolumeKmsKeyId": "alias/volumes", "KeepAlivePeriodInSeconds": 600}
        request["OutputDataConfig"]["KmsKeyId"] = "alias/objects"
        request |= {"VpcConfig": vpc, "EnableNetworkIsolation": True, "Environment": {"LEVEL": "debug"}}
        script.add_answer("sagemaker", "create_training_job", {"TrainingJobArn": ARN}, request)
        script.add_answer("sagemaker", "describe_training_job", job_description())
        files = TrainingFiles({each: f"s3://b/{each}.csv" for each in ("train", "validation")}, "s3://b/out")
        jobs.start_training(client, mine, ME, BOSTON.training, "b-1", IMAGE, ROLE, files)
        script.add_answer(
            "sagemaker",
            "create_model",
            {"ModelArn": ARN.replace("training-job", "model")},
            {
                "ModelName": "b-1",
                "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": "s3://b/m"},
                "ExecutionRoleArn": ROLE,
                "Tags": TAGS,
                "VpcConfig": vpc,
                "EnableNetworkIsolation": True,
            },
        )
        script.add_refusal("sagemaker", "describe_model", "ThrottlingException", "Rate exceeded")
        jobs.create_model(client, mine, ME, "b-1", IMAGE, ROLE, "s3://b/m")
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/t.csv"}}
        script.add_answer(
            "sagemaker",
            "create_transform_job",
            {"TransformJobArn": ARN.replace("training-job", "transform-job")},
            {
                "TransformJobName": "b-1",
                "ModelName": "b-1",
                "TransformInput": {"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
                "TransformOutput": {
                    "S3OutputPath": "s3://b/o",
                    "Accept": "text/csv",
                    "AssembleWith": "Line",
                    "KmsKeyId": "alias/objects",
                },
                "TransformResources": {
                    "InstanceType": "ml.m4.xlarge",
                    "InstanceCount": 1,
                    "VolumeKmsKeyId": "alias/volumes",
                },
                "Tags": TAGS,
            },
        )
        script.add_refusal("sagemaker", "describe_transform_job", "ThrottlingException", "Rate exceeded")
        jobs.start_transform(client, mine, ME, BOSTON.transform, "b-1", "b-1", "s3://b/t.csv", "s3://b/o")
        script.assert_done()
    assert object_key(mine) == {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/objects"}


def test_a_list_of_types_is_sent_as_aws_wants_it() -> None:
    """InstancePreferences and InstancePools, each without a type beside them."""
    config = replace(BOSTON.training, preferences=("ml.m5.xlarge", "ml.c5.xlarge"))
    request = expected_request()
    request["ResourceConfig"] = {
        "InstancePreferences": [{"InstanceType": "ml.m5.xlarge"}, {"InstanceType": "ml.c5.xlarge"}],
        "InstanceCount": 1,
        "VolumeSizeInGB": 10,
    }
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "b-1",
        "InitialInstanceCount": 1,
        "InstancePools": [
            {"InstanceType": "ml.m5.xlarge", "Priority": 1},
            {"InstanceType": "ml.c5.xlarge", "Priority": 2},
        ],
        "InitialVariantWeight": 1.0,
    }
    arn = ARN.replace("training-job", "endpoint-config")
    with stubbed_client() as (client, script):
        script.add_answer("sagemaker", "create_training_job", {"TrainingJobArn": ARN}, request)
        script.add_answer("sagemaker", "describe_training_job", job_description())
        files = TrainingFiles({each: f"s3://b/{each}.csv" for each in ("train", "validation")}, "s3://b/out")
        jobs.start_training(client, BOSTON, ME, config, "b-1", IMAGE, ROLE, files)
        expected = {"EndpointConfigName": "b-1", "ProductionVariants": [variant], "Tags": TAGS}
        script.add_answer("sagemaker", "create_endpoint_config", {"EndpointConfigArn": arn}, expected)
        script.add_refusal("sagemaker", "describe_endpoint_config", "ThrottlingException", "Rate exceeded")
        endpoints.create_endpoint_config(client, BOSTON, ME, config, "b-1", "b-1")
        told = {
            "EndpointConfigName": "b-1",
            "EndpointConfigArn": arn,
            "ProductionVariants": [variant],
            "CreationTime": NOW,
        }
        script.add_answer("sagemaker", "describe_endpoint_config", told)
        found = read_endpoint_instances(client, "b-1")
        assert isinstance(found, InstanceConfig)
        assert found.preferences == config.preferences
        script.assert_done()


def test_what_is_gone_is_as_good_as_deleted() -> None:
    with stubbed_client() as (client, script):
        script.add_refusal(
            "sagemaker", "delete_endpoint_config", "ValidationException", 'Could not find endpoint configuration "b".'
        )
        endpoints.delete_resource(client, DeletableKind.CONFIG, "b")
        script.add_refusal("sagemaker", "delete_endpoint", "ValidationException", "Cannot update in-progress endpoint")
        with pytest.raises(AwsError):
            endpoints.delete_resource(client, DeletableKind.ENDPOINT, "b")


def test_the_same_bytes_may_be_sent_again() -> None:
    with stubbed_client() as (client, script):
        script.add_refusal("s3", "put_object", "InternalError", "", 500)
        tagging = f"opskit%3Aowner=arn%3Aaws%3Aiam%3A%3A{ACCOUNT}%3Auser%2Fme"
        put = {"Bucket": "b", "Key": "a/k", "Body": b"1", "ExpectedBucketOwner": ACCOUNT, "Tagging": tagging}
        script.add_answer("s3", "put_object", {"ETag": '"e"'}, put)
        s3.upload_object(client, ACCOUNT, ME, "s3://b/a/k", b"1")
        script.assert_done()


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("us-east-1", {"Bucket": "b"}),
        ("eu-west-1", {"Bucket": "b", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}),
    ],
)
def test_us_east_1_is_not_named(region: str, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fakes.stubbed_client.REGION", region)
    with stubbed_client() as (client, script):
        script.add_answer("s3", "create_bucket", {"Location": "/b"}, expected)
        s3.create_bucket(client, "b")


def test_a_bucket_made_at_the_same_moment_is_ours_and_a_strangers_is_not() -> None:
    with stubbed_client() as (client, script):
        script.add_refusal("s3", "create_bucket", "BucketAlreadyOwnedByYou", "", 409)
        s3.create_bucket(client, "b")
        script.add_refusal("s3", "create_bucket", "BucketAlreadyExists", "", 409)
        with pytest.raises(AwsError, match="another account"):
            s3.create_bucket(client, "b")


def test_objects_that_s3_keeps_are_told() -> None:
    with stubbed_client() as (client, script):
        which = {"Objects": [{"Key": "a"}, {"Key": "c"}], "Quiet": True}
        expected = {"Bucket": "b", "Delete": which, "ExpectedBucketOwner": ACCOUNT}
        refused = {"Errors": [{"Key": "a", "Code": "AccessDenied", "Message": "no"}]}
        script.add_answer("s3", "delete_objects", refused, expected)
        assert s3.delete_objects(client, ACCOUNT, "b", ["a", "c"]) == ["a: no"]
