"""Endpoints: they come, they answer with real predictions, they change, they go."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

ROW = "1.0,2.0,3.0"


@pytest.fixture(scope="module")
def create_config(lab_account: Any, model_name: str) -> Any:
    """Makes an endpoint configuration of variants; returns its name."""

    def configured(*variants: dict[str, Any]) -> str:
        name = str(lab_account.name("config"))
        plain = {"ModelName": model_name, "InstanceType": "ml.m4.xlarge", "InitialInstanceCount": 1}
        given = [{"VariantName": "AllTraffic", **plain, **variant} for variant in variants or ({},)]
        lab_account.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=given)
        return name

    return configured


@pytest.fixture(scope="module")
def settled_endpoint(lab_account: Any, wait_for_state: Any) -> Any:
    """The endpoint of this name once it is no longer on its way."""

    def once(name: str) -> dict[str, Any]:
        look = functools.partial(lab_account.sagemaker.describe_endpoint, EndpointName=name)
        return dict(wait_for_state(look, lambda one: one["EndpointStatus"] not in ("Creating", "Updating")))

    return once


@pytest.fixture(scope="module")
def live_endpoint(lab_account: Any, create_config: Any, settled_endpoint: Any) -> Iterator[str]:
    """An endpoint in service."""
    name = lab_account.name("endpoint")
    lab_account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=create_config())
    assert settled_endpoint(name)["EndpointStatus"] == "InService"
    yield name
    lab_account.sagemaker.delete_endpoint(EndpointName=name)


def invoke_live_endpoint(lab: Any, endpoint: str, body: str, **more: Any) -> dict[str, Any]:
    request = {"EndpointName": endpoint, "Body": body, "ContentType": "text/csv", **more}
    answer = lab.client("sagemaker-runtime").invoke_endpoint(**request)
    return {**answer, "Body": answer["Body"].read().decode()}


def process_count(name: str) -> int:
    return sum(name in " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))


def test_predictions_are_the_model_s(lab_account: Any, live_endpoint: str) -> None:
    low, high = (
        float(text)
        for text in invoke_live_endpoint(lab_account, live_endpoint, "0.5,9.5,0.5\n9.5,0.5,9.5\n")["Body"].split(",")
    )
    assert low < 0
    assert high > 25
    answer = invoke_live_endpoint(lab_account, live_endpoint, ROW)
    assert answer["ContentType"] == "text/csv; charset=utf-8"
    scored = json.loads(invoke_live_endpoint(lab_account, live_endpoint, ROW, Accept="application/json")["Body"])
    assert scored == {"predictions": [{"score": float(answer["Body"])}]}
    sparse = invoke_live_endpoint(lab_account, live_endpoint, "0 0:1.0 1:2.0 2:3.0", ContentType="text/libsvm")
    assert sparse["Body"] == answer["Body"]


REFUSED = {
    "a,b,c": (415, "could not convert string to float"),
    "1,2,3,4": (400, "Feature size of csv inference data 4 is not consistent"),
}


@pytest.mark.parametrize("body", REFUSED)
def test_what_the_model_cannot_read_is_a_model_error(lab_account: Any, live_endpoint: str, body: str) -> None:
    status, reason = REFUSED[body]
    with pytest.raises(lab_account.client("sagemaker-runtime").exceptions.ModelError) as caught:
        invoke_live_endpoint(lab_account, live_endpoint, body)
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert answer["OriginalStatusCode"] == status
    assert reason in answer["OriginalMessage"]
    assert answer["Error"]["Message"].startswith(f"Received client error ({status}) from primary with message")
    with pytest.raises(ClientError, match="is not an accepted ContentType"):
        invoke_live_endpoint(lab_account, live_endpoint, body, ContentType="application/json")


def test_the_container_s_log_is_kept(lab_account: Any, live_endpoint: str, wait_for_state: Any) -> None:
    logs = lab_account.client("logs")

    def messages() -> list[str]:
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{live_endpoint}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in events]

    invoke_live_endpoint(lab_account, live_endpoint, ROW)
    wait_for_state(messages, lambda lines: any("POST /invocations" in line for line in lines))


def test_unknown_endpoints_are_unknown(lab_account: Any) -> None:
    with pytest.raises(ClientError, match=r"Endpoint nobody of account 123456789012 not found\.") as caught:
        invoke_live_endpoint(lab_account, "nobody", ROW)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    for call in (lab_account.sagemaker.describe_endpoint, lab_account.sagemaker.delete_endpoint):
        with pytest.raises(ClientError, match='Could not find endpoint "arn:'):
            call(EndpointName="nobody")
    with pytest.raises(ClientError, match='Could not find endpoint configuration "arn:'):
        lab_account.sagemaker.create_endpoint(EndpointName="nobody", EndpointConfigName="nothing")


def test_deleting_ends_the_process_and_frees_the_quota(
    lab_account: Any, create_config: Any, settled_endpoint: Any, wait_for_state: Any
) -> None:
    config, name = create_config({"InstanceType": "ml.m5.xlarge"}), lab_account.name("short-lived")
    create = functools.partial(lab_account.sagemaker.create_endpoint, EndpointConfigName=config)
    create(EndpointName=name)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        lab_account.sagemaker.delete_endpoint(EndpointName=name)
    with pytest.raises(ClientError, match="Cannot create already existing endpoint"):
        create(EndpointName=name)
    with pytest.raises(ClientError, match=r"'ml.m5.xlarge for endpoint usage' is 1 Instances, with current .* 1"):
        create(EndpointName=lab_account.name("second"))
    assert settled_endpoint(name)["EndpointStatus"] == "InService"
    assert process_count(name)

    lab_account.sagemaker.delete_endpoint(EndpointName=name)

    wait_for_state(
        lambda: lab_account.sagemaker.list_endpoints(NameContains=name, MaxResults=100)["Endpoints"],
        lambda found: not found,
    )
    assert not process_count(name)
    with pytest.raises(ClientError, match="not found"):
        invoke_live_endpoint(lab_account, name, ROW)
    create(EndpointName=name)
    settled_endpoint(name)
    lab_account.sagemaker.delete_endpoint(EndpointName=name)


def test_a_deleted_endpoint_is_on_its_way_for_a_while(
    lab_account: Any, create_config: Any, settled_endpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.sandbox.hosting.endpoint_service.DELETING_SECONDS", 3600.0)
    config, name = create_config({"InstanceType": "ml.m5.xlarge"}), lab_account.name("slow-to-go")
    lab_account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    settled_endpoint(name)
    lab_account.sagemaker.delete_endpoint(EndpointName=name)
    described = lab_account.sagemaker.describe_endpoint(EndpointName=name)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("Deleting", config)
    assert lab_account.sagemaker.list_tags(ResourceArn=described["EndpointArn"])["Tags"] == []
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        lab_account.sagemaker.delete_endpoint(EndpointName=name)
    lab_account.sagemaker.delete_endpoint_config(
        EndpointConfigName=config
    )  # AWS lets it go, and only then nobody can tell
    assert lab_account.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Deleting"


def test_what_cannot_serve_fails(lab_account: Any, create_config: Any, settled_endpoint: Any) -> None:
    broken = lab_account.make_model(lab_account.put("models/no.tar.gz", "no archive"))
    other = lab_account.name("other")
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
    lab_account.sagemaker.create_model(
        ModelName=other, PrimaryContainer={"Image": image}, ExecutionRoleArn=lab_account.role
    )
    reasons = {broken: "Failed to extract model data archive", other: "The sandbox has one image alone"}
    for model, reason in reasons.items():
        name = lab_account.name("failing")
        lab_account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=create_config({"ModelName": model}))
        described = settled_endpoint(name)
        assert described["EndpointStatus"] == "Failed"
        assert reason in described["FailureReason"]
        lab_account.sagemaker.delete_endpoint(EndpointName=name)


def test_an_update_moves_to_new_variants_and_a_failed_one_stays(
    lab_account: Any, create_config: Any, settled_endpoint: Any, live_endpoint: str
) -> None:
    first = invoke_live_endpoint(lab_account, live_endpoint, ROW)
    before = first["Body"]
    assert first["InvokedProductionVariant"] == "AllTraffic"
    two = create_config({"VariantName": "A"}, {"VariantName": "B", "InitialVariantWeight": 0.0})
    lab_account.sagemaker.update_endpoint(EndpointName=live_endpoint, EndpointConfigName=two)
    assert invoke_live_endpoint(lab_account, live_endpoint, ROW)["Body"] == before, "it answers while it is updated"
    described = settled_endpoint(live_endpoint)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", two)
    assert [variant["VariantName"] for variant in described["ProductionVariants"]] == ["A", "B"]
    assert invoke_live_endpoint(lab_account, live_endpoint, ROW)["InvokedProductionVariant"] == "A"
    assert invoke_live_endpoint(lab_account, live_endpoint, ROW, TargetVariant="B")["InvokedProductionVariant"] == "B"

    weights = [{"VariantName": "A", "DesiredWeight": 0.0}, {"VariantName": "B", "DesiredWeight": 2.0}]
    lab_account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=live_endpoint, DesiredWeightsAndCapacities=weights
    )
    assert invoke_live_endpoint(lab_account, live_endpoint, ROW)["InvokedProductionVariant"] == "B"
    assert settled_endpoint(live_endpoint)["EndpointStatus"] == "InService"

    broken = create_config({"ModelName": lab_account.make_model(lab_account.put("models/no.tar.gz", "no archive"))})
    lab_account.sagemaker.update_endpoint(EndpointName=live_endpoint, EndpointConfigName=broken)
    described = settled_endpoint(live_endpoint)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", two)
    assert "Failed to extract model data archive" in described["FailureReason"]
    assert invoke_live_endpoint(lab_account, live_endpoint, ROW)["Body"] == before


def test_endpoints_are_listed(lab_account: Any, live_endpoint: str) -> None:
    found = lab_account.sagemaker.list_endpoints(NameContains=live_endpoint, MaxResults=100, StatusEquals="InService")[
        "Endpoints"
    ]
    assert [one["EndpointName"] for one in found] == [live_endpoint]
    assert (
        lab_account.sagemaker.list_endpoints(NameContains=live_endpoint, MaxResults=100, StatusEquals="Failed")[
            "Endpoints"
        ]
        == []
    )


def test_what_a_scenario_says_is_in_service_is_seen_and_deleted(full_account: Any, wait_for_state: Any) -> None:
    sagemaker, name = full_account.client("sagemaker"), "churn-live"
    described = sagemaker.describe_endpoint(EndpointName=name)
    assert (described["EndpointStatus"], described["ProductionVariants"][0]["CurrentInstanceCount"]) == ("InService", 1)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    assert config["ProductionVariants"][0]["InstanceType"] == "ml.m4.xlarge"
    with pytest.raises(ClientError, match="ModelError"):
        full_account.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=ROW, ContentType="text/csv")
    sagemaker.delete_endpoint(EndpointName=name)
    wait_for_state(lambda: sagemaker.list_endpoints()["Endpoints"], lambda found: not found)


def make_pools(*types: str) -> list[dict[str, Any]]:
    return [{"InstanceType": name, "Priority": priority} for priority, name in enumerate(types, 1)]


def test_the_first_of_several_pools_serves(lab_account: Any, model_name: str, settled_endpoint: Any) -> None:
    name = lab_account.name("pools")
    variant = {"VariantName": "AllTraffic", "ModelName": model_name, "InitialInstanceCount": 1}
    pools = make_pools("ml.m4.xlarge", "ml.m4.xlarge")
    lab_account.sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[{**variant, "InstancePools": pools}]
    )
    lab_account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    endpoint = settled_endpoint(name)
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    lab_account.sagemaker.delete_endpoint(EndpointName=name)
    short = lab_account.name("short")
    lab_account.sagemaker.create_endpoint_config(
        EndpointConfigName=short,
        ProductionVariants=[{**variant, "InstancePools": make_pools("ml.m4.xlarge", "ml.p3.16xlarge")}],
    )
    with pytest.raises(ClientError, match=r"ml\.p3\.16xlarge for endpoint usage"):
        lab_account.sagemaker.create_endpoint(EndpointName=short, EndpointConfigName=short)
    both = {**variant, "InstancePools": pools, "InstanceType": "ml.m4.xlarge"}
    with pytest.raises(ClientError, match="without InstanceType"):
        lab_account.sagemaker.create_endpoint_config(
            EndpointConfigName=lab_account.name("both"), ProductionVariants=[both]
        )
