"""An entry of a listing, or a description, that leaves out what it is read for is no entry less and no bug."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.small_aws import SmallAws
from opskit.aws import Door, connect
from opskit.errors import AwsFailure
from opskit.observe import jobs, regions, requests, roles, support
from opskit.observe.training_log import TrainingLog
from tests.unit.blunt_server import blunt_server

pytestmark = pytest.mark.usefixtures("impatient")

THEN = 1.7e9
SOURCE = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in.csv"}}}
REQUEST = {"Id": "r", "QuotaCode": "L-1", "DesiredValue": 4.0, "Status": "PENDING", "Created": THEN}
CASE = {"caseId": "c", "subject": "a quota", "status": "opened"}
TRANSFORM = {"TransformJobName": "t", "TransformJobStatus": "Completed", "TransformInput": SOURCE}

Read = Callable[[Door], Any]
LISTINGS: dict[str, tuple[str, dict[str, Any], tuple[str, ...], Read]] = {
    "ListTrainingJobs": (
        "TrainingJobSummaries",
        {"TrainingJobName": "b-1", "TrainingJobArn": "arn:b-1", "TrainingJobStatus": "InProgress"},
        ("TrainingJobName", "TrainingJobArn", "TrainingJobStatus"),
        lambda door: jobs.training_jobs(door, "b"),
    ),
    "ListTransformJobs": (
        "TransformJobSummaries",
        {"TransformJobName": "b-1", "TransformJobArn": "arn:b-1", "TransformJobStatus": "InProgress"},
        ("TransformJobName", "TransformJobArn", "TransformJobStatus"),
        lambda door: jobs.transform_jobs(door, "b"),
    ),
    "ListEndpoints": (
        "Endpoints",
        {"EndpointName": "b-1", "EndpointArn": "arn:b-1", "EndpointStatus": "InService"},
        ("EndpointName", "EndpointArn", "EndpointStatus"),
        lambda door: jobs.endpoints(door, "b"),
    ),
    "ListEndpointConfigs": (
        "EndpointConfigs",
        {"EndpointConfigName": "b-1", "EndpointConfigArn": "arn:b-1"},
        ("EndpointConfigName", "EndpointConfigArn"),
        lambda door: jobs.list_named(door, jobs.Listing.CONFIG, "b"),
    ),
    "ListModels": (
        "Models",
        {"ModelName": "b-1", "ModelArn": "arn:b-1"},
        ("ModelName", "ModelArn"),
        lambda door: jobs.models(door, "b"),
    ),
    "ListRequestedServiceQuotaChangeHistoryByQuota": (
        "RequestedQuotas",
        REQUEST,
        tuple(REQUEST),
        lambda door: requests.requests_of(door, "L-1"),
    ),
    "DescribeCases": ("cases", CASE, ("caseId", "subject"), support.open_cases),
    "DescribeServices": ("services", {"code": "s", "name": "S"}, ("code",), support.support_services),
    "DescribeLogStreams": (
        "logStreams",
        {"logStreamName": "b-1/algo"},
        ("logStreamName",),
        lambda door: list(TrainingLog("b-1").new_lines(door)),
    ),
}
ENTRIES = [(operation, member) for operation, (_, _, members, _) in LISTINGS.items() for member in members]


def here() -> Door:
    return connect().door("us-east-1")


@pytest.mark.parametrize(("operation", "member"), ENTRIES)
def test_an_entry_without_what_it_is_read_for_is_a_failure(small_aws: SmallAws, operation: str, member: str) -> None:
    key, entry, _, read = LISTINGS[operation]
    small_aws.running["GetLogEvents"] = lambda _: {"events": [], "nextForwardToken": "f", "nextBackwardToken": "b"}
    small_aws.running[operation] = lambda _: {key: [entry]}
    read(here())
    small_aws.running[operation] = lambda _: {key: [entry, {one: entry[one] for one in entry if one != member}]}
    with pytest.raises(AwsFailure) as failed:
        read(here())
    assert failed.value.problem.code == "bad-answer"


@pytest.mark.parametrize(
    ("operation", "told", "read"),
    [
        ("DescribeTransformJob", TRANSFORM, lambda door: jobs.transform_job(door, "t")),
        ("DescribeTrainingJob", {"TrainingJobName": "b"}, lambda door: jobs.training_job(door, "b")),
        ("DescribeEndpoint", {"EndpointName": "e", "EndpointStatus": ""}, lambda door: jobs.endpoint(door, "e")),
        ("DescribeEndpointConfig", {"ProductionVariants": []}, lambda door: jobs.endpoint_fleet(door, "c")),
        ("DescribeModel", {"ModelName": "m"}, lambda door: jobs.model_exists(door, "m")),
    ],
)
def test_a_description_without_what_it_is_read_for_is_a_failure(
    small_aws: SmallAws, operation: str, told: dict[str, Any], read: Read
) -> None:
    small_aws.running[operation] = lambda _: told
    with pytest.raises(AwsFailure) as failed:
        read(here())
    assert failed.value.problem.code == "bad-answer"
    assert operation in failed.value.problem.message


def test_a_region_without_a_name_is_not_a_region_less(small_aws: SmallAws) -> None:
    small_aws.enabled = ("us-east-1", "")
    with pytest.raises(AwsFailure):
        regions.enabled_regions(here())


@pytest.mark.parametrize("lost", ["Arn", "RoleName", "AssumeRolePolicyDocument"])
def test_a_role_of_which_half_is_told_is_not_left_out_of_the_choice(
    lost: str, small_aws: SmallAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = '{"Statement": {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}}'
    told = {"Arn": "arn:aws:iam::123456789012:role/a", "RoleName": "a", "AssumeRolePolicyDocument": trust}
    other = {**told, "Arn": f"{told['Arn']}b", "RoleName": "ab"}
    with blunt_server() as blunt:
        monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", blunt.url)
        blunt.answer = (200, listed_roles(told, {name: value for name, value in other.items() if name != lost}))
        with pytest.raises(AwsFailure) as failed:
            roles.execution_role(here())
    assert failed.value.problem.code == "bad-answer"
    assert lost in failed.value.problem.message


def listed_roles(*told: dict[str, str]) -> bytes:
    """ListRoles' answer in the query protocol."""
    members = "".join(
        f"<member>{''.join(f'<{name}>{value}</{name}>' for name, value in role.items())}</member>" for role in told
    )
    result = f"<ListRolesResult><IsTruncated>false</IsTruncated><Roles>{members}</Roles></ListRolesResult>"
    return f"<ListRolesResponse>{result}</ListRolesResponse>".encode()
