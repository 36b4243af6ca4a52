"""What bills, from the shell, in an account with one of each kind; what it may call is what its policy has."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.journeys.conftest import Shell, make_shell, run_sandbox
from tests.slow import starts_server
from tests.waiting import wait_until

APP = {"DomainId": "d-sandbox", "SpaceName": "left-behind", "AppType": "JupyterLab", "AppName": "default"}


@pytest.fixture(scope="module")
@starts_server
def billed_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with run_sandbox("bill", only=["costs", "deploy"]) as running:  # what a person deploys is made by a test
        yield make_shell(running, tmp_path_factory.mktemp("bill"))


def items_of(shell: Shell, *words: str) -> dict[tuple[str, str], dict[str, Any]]:
    ended = shell.opskit("costs", *words)
    assert ended.exit == 0, ended.envelope["errors"]
    return {(item["kind"], item["name"].rpartition("/")[0] or item["name"]): item for item in ended.data["items"]}


def test_one_of_each_kind_bills(billed_shell: Shell) -> None:
    items = items_of(billed_shell, "--no-cloudtrail")
    assert {kind for kind, _ in items} == {
        *("notebook", "volume", "endpoint", "serverless", "studio-app"),
        *("training", "transform", "processing", "cluster", "other"),
    }
    forgotten = items["endpoint", "forgotten"]
    assert (forgotten["usd_per_hour"], forgotten["owner"], forgotten["owner_source"]) == (0.28, "grace", "tag")
    assert items["endpoint", "live"]["usd_per_hour"] == pytest.approx(3 * 0.28)
    component = items["other", "summaries"]
    assert (component["part_of"], component["usd_per_hour"], component["share_usd_per_hour"]) == ("shared", 0, 0.21)
    assert "delete-inference-component" in component["stop_with"]
    assert items["serverless", "on-demand"]["usd_per_hour"] > 0
    assert items["cluster", "hyper"]["usd_per_hour"] == pytest.approx(2 * 0.23)
    assert items["notebook", "lab-kept"]["verdict"] == "protected"
    budget = billed_shell.opskit("costs", "--budget", "1", "--no-cloudtrail")
    assert (budget.exit, budget.data["budget"]["verdict"]) == (3, "passed")


def test_cloudwatch_tells_which_endpoint_was_forgotten(billed_shell: Shell) -> None:
    items = items_of(billed_shell, "--metrics", "--no-cloudtrail")
    assert items["endpoint", "forgotten"]["verdict"] == "idle"
    assert items["endpoint", "live"]["verdict"] == "busy"
    assert items["endpoint", "overnight"]["verdict"] == "idle"  # an asynchronous one, whose queue is empty


def test_inference_components_keep_their_endpoint(billed_shell: Shell) -> None:
    client = sagemaker_client(billed_shell)
    extra: dict[str, Any] = {
        "InferenceComponentName": "extra",
        "EndpointName": "shared",
        "VariantName": "AllTraffic",
        "Specification": {"ModelName": "shared", "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024}},
        "RuntimeConfig": {"CopyCount": 2},
    }
    client.create_inference_component(**extra)
    refusals: list[Callable[[], Any]] = [
        lambda: client.create_inference_component(**extra),
        lambda: client.create_inference_component(**{**extra, "InferenceComponentName": "b", "EndpointName": "no"}),
        lambda: client.describe_inference_component(InferenceComponentName="no"),
    ]
    for refused in refusals:
        with pytest.raises(client.exceptions.ClientError, match="ValidationException"):
            refused()
    pages = client.get_paginator("list_inference_components").paginate(EndpointNameEquals="shared")
    named = {each["InferenceComponentName"] for page in pages for each in page["InferenceComponents"]}
    assert named == {"summaries", "translations", "extra"}
    described = client.describe_inference_component(InferenceComponentName="extra")
    assert described["RuntimeConfig"] == {"DesiredCopyCount": 2, "CurrentCopyCount": 2}
    client.delete_inference_component(InferenceComponentName="extra")
    assert client.list_inference_components(EndpointNameEquals="live")["InferenceComponents"] == []


def test_who_made_it_is_known_from_cloudtrail_and_the_command_ends_it(billed_shell: Shell) -> None:
    environment, client = billed_shell.environment, sagemaker_client(billed_shell)
    client.create_endpoint_config(
        EndpointConfigName="cold",
        ProductionVariants=[
            {"VariantName": "A", "ModelName": "live", "InitialInstanceCount": 1, "InstanceType": "ml.m4.xlarge"}
        ],
    )
    wait_until(lambda: create_endpoint(client))
    made = wait_until(
        lambda: items_of(billed_shell)["endpoint", "cold"], lambda item: item["owner_source"] == "cloudtrail"
    )
    assert made["owner"].endswith("default_user")
    client.create_app(**APP)
    app = items_of(billed_shell)["studio-app", "d-sandbox/left-behind/JupyterLab"]
    words = shlex.split(app["stop_with"])
    aws = Path(sys.executable).with_name("aws")
    subprocess.run([str(aws), *words[1:]], env=environment, check=True, stdout=subprocess.DEVNULL)
    assert ("studio-app", "d-sandbox/left-behind/JupyterLab") not in items_of(billed_shell)


def sagemaker_client(shell: Shell) -> Any:
    """AWS's own client of the account."""
    return boto3.client(
        "sagemaker",
        endpoint_url=shell.environment["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id=shell.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=shell.environment["AWS_SECRET_ACCESS_KEY"],
    )


def create_endpoint(client: Any) -> bool:
    """Create the endpoint, once its configuration is seen."""
    try:
        client.create_endpoint(EndpointName="cold", EndpointConfigName="cold")
    except client.exceptions.ClientError:
        return False
    return True
