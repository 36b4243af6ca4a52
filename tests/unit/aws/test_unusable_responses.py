"""An entry of a listing, or a description, that leaves out what it is read for is no entry less and no bug."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opskit.aws import regions, roles
from opskit.aws.client import AwsClient
from opskit.aws.session import open_session
from opskit.core.exceptions import AwsError
from opskit.increases import reads
from opskit.quotas.reads import service_quotas
from opskit.training.reads import resources
from opskit.training.reads.training_log import TrainingLog
from tests.fakes.fake_aws import FakeAws
from tests.fakes.fixed_answer_server import fixed_answer_server

pytestmark = [pytest.mark.served, pytest.mark.usefixtures("no_backoff")]

THEN = 1.7e9
SOURCE = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in.csv"}}}
REQUEST = {"Id": "r", "QuotaCode": "L-1", "DesiredValue": 4.0, "Status": "PENDING", "Created": THEN}
CASE = {"caseId": "c", "subject": "a quota", "status": "opened"}
TRANSFORM = {"TransformJobName": "t", "TransformJobStatus": "Completed", "TransformInput": SOURCE}

Read = Callable[[AwsClient], Any]
LISTINGS: dict[str, tuple[str, dict[str, Any], tuple[str, ...], Read]] = {
    "ListTrainingJobs": (
        "TrainingJobSummaries",
        {"TrainingJobName": "b-1", "TrainingJobArn": "arn:b-1", "TrainingJobStatus": "InProgress"},
        ("TrainingJobName", "TrainingJobArn", "TrainingJobStatus"),
        lambda client: resources.list_training_jobs(client, "b"),
    ),
    "ListTransformJobs": (
        "TransformJobSummaries",
        {"TransformJobName": "b-1", "TransformJobArn": "arn:b-1", "TransformJobStatus": "InProgress"},
        ("TransformJobName", "TransformJobArn", "TransformJobStatus"),
        lambda client: resources.list_transform_jobs(client, "b"),
    ),
    "ListEndpoints": (
        "Endpoints",
        {"EndpointName": "b-1", "EndpointArn": "arn:b-1", "EndpointStatus": "InService"},
        ("EndpointName", "EndpointArn", "EndpointStatus"),
        lambda client: resources.list_endpoints(client, "b"),
    ),
    "ListEndpointConfigs": (
        "EndpointConfigs",
        {"EndpointConfigName": "b-1", "EndpointConfigArn": "arn:b-1"},
        ("EndpointConfigName", "EndpointConfigArn"),
        lambda client: resources.list_named(client, resources.ListableKind.CONFIG, "b"),
    ),
    "ListModels": (
        "Models",
        {"ModelName": "b-1", "ModelArn": "arn:b-1"},
        ("ModelName", "ModelArn"),
        lambda client: resources.list_models(client, "b"),
    ),
    "ListRequestedServiceQuotaChangeHistoryByQuota": (
        "RequestedQuotas",
        REQUEST,
        tuple(REQUEST),
        lambda client: service_quotas.requests_for_quota(client, "L-1"),
    ),
    "DescribeCases": ("cases", CASE, ("caseId", "subject"), reads.read_open_cases),
    "DescribeServices": ("services", {"code": "s", "name": "S"}, ("code",), reads.read_support_services),
    "DescribeLogStreams": (
        "logStreams",
        {"logStreamName": "b-1/algo"},
        ("logStreamName",),
        lambda client: list(TrainingLog("b-1").new_lines(client)),
    ),
}
ENTRIES = [(operation, member) for operation, (_, _, members, _) in LISTINGS.items() for member in members]


def default_client() -> AwsClient:
    return open_session().client("us-east-1")


@pytest.mark.parametrize(("operation", "member"), ENTRIES)
def test_an_entry_without_what_it_is_read_for_is_a_failure(fake_aws: FakeAws, operation: str, member: str) -> None:
    key, entry, _, read = LISTINGS[operation]
    fake_aws.running["GetLogEvents"] = lambda _: {"events": [], "nextForwardToken": "f", "nextBackwardToken": "b"}
    fake_aws.running[operation] = lambda _: {key: [entry]}
    read(default_client())
    fake_aws.running[operation] = lambda _: {key: [entry, {one: entry[one] for one in entry if one != member}]}
    with pytest.raises(AwsError) as failed:
        read(default_client())
    assert failed.value.problem.code == "bad-answer"


@pytest.mark.parametrize(
    ("operation", "told", "read"),
    [
        ("DescribeTransformJob", TRANSFORM, lambda client: resources.read_transform_job(client, "t")),
        ("DescribeTrainingJob", {"TrainingJobName": "b"}, lambda client: resources.read_training_job(client, "b")),
        (
            "DescribeEndpoint",
            {"EndpointName": "e", "EndpointStatus": ""},
            lambda client: resources.read_endpoint(client, "e"),
        ),
        (
            "DescribeEndpointConfig",
            {"ProductionVariants": []},
            lambda client: resources.read_endpoint_instances(client, "c"),
        ),
        ("DescribeModel", {"ModelName": "m"}, lambda client: resources.model_exists(client, "m")),
    ],
)
def test_a_description_without_what_it_is_read_for_is_a_failure(
    fake_aws: FakeAws, operation: str, told: dict[str, Any], read: Read
) -> None:
    fake_aws.running[operation] = lambda _: told
    with pytest.raises(AwsError) as failed:
        read(default_client())
    assert failed.value.problem.code == "bad-answer"
    assert operation in failed.value.problem.message


def test_a_region_without_a_name_is_not_a_region_less(fake_aws: FakeAws) -> None:
    fake_aws.enabled = ("us-east-1", "")
    with pytest.raises(AwsError):
        regions.enabled_regions(default_client())


@pytest.mark.parametrize("lost", ["Arn", "RoleName", "AssumeRolePolicyDocument"])
def test_a_role_of_which_half_is_told_is_not_left_out_of_the_choice(
    lost: str, fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = '{"Statement": {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}}'
    told = {"Arn": "arn:aws:iam::123456789012:role/a", "RoleName": "a", "AssumeRolePolicyDocument": trust}
    other = {**told, "Arn": f"{told['Arn']}b", "RoleName": "ab"}
    with fixed_answer_server() as blunt:
        monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", blunt.url)
        blunt.answer = (200, listed_roles(told, {name: value for name, value in other.items() if name != lost}))
        with pytest.raises(AwsError) as failed:
            roles.find_execution_role(default_client())
    assert failed.value.problem.code == "bad-answer"
    assert lost in failed.value.problem.message


def listed_roles(*told: dict[str, str]) -> bytes:
    """ListRoles' answer in the query protocol."""
    members = "".join(
        f"<member>{''.join(f'<{name}>{value}</{name}>' for name, value in role.items())}</member>" for role in told
    )
    result = f"<ListRolesResult><IsTruncated>false</IsTruncated><Roles>{members}</Roles></ListRolesResult>"
    return f"<ListRolesResponse>{result}</ListRolesResponse>".encode()
