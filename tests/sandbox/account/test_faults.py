"""Wrong answers on purpose, for the actions that were named and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from opskit.sandbox.server import Sandbox, run_sandbox
from tests.sandbox.tidy import tidy_options
from tests.slow import starts_server

FAULTS = (
    ("empty", "sagemaker:ListTags"),
    ("empty", "iam:ListRoles"),
    ("fail", "sagemaker:Describe*"),
    ("throttle", "servicequotas:*"),
)


@pytest.fixture(scope="module")
@starts_server
def faulty() -> Iterator[Sandbox]:
    with run_sandbox(tidy_options(scenario="full", faults=FAULTS)) as running:
        yield running


@pytest.fixture
def client_of(faulty: Sandbox) -> Callable[[str], Any]:
    config = Config(retries={"total_max_attempts": 1}, proxies={})
    session = boto3.Session("sandbox", "sandbox", region_name="us-east-1")
    return lambda service: session.client(service, endpoint_url=faulty.url, config=config)


def test_an_empty_answer_is_a_success_with_nothing_in_it(client_of: Callable[[str], Any]) -> None:
    answer = client_of("sagemaker").list_tags(ResourceArn="arn:aws:sagemaker:us-east-1:123456789012:endpoint/x")
    assert set(answer) == {"ResponseMetadata"}
    assert client_of("iam").list_roles().get("Roles", []) == []


def test_other_faults_come_in_awss_codes_and_what_was_not_named_is_answered(
    client_of: Callable[[str], Any],
) -> None:
    with pytest.raises(ClientError) as failed:
        client_of("sagemaker").describe_endpoint(EndpointName="churn-live")
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    with pytest.raises(ClientError) as throttled:
        client_of("service-quotas").list_services()
    assert throttled.value.response["Error"]["Code"] == "ThrottlingException"
    assert client_of("sagemaker").list_endpoints()["Endpoints"]
