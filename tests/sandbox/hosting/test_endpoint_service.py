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
def configure(lab: Any, model: str) -> Any:
    """Makes an endpoint configuration of variants; returns its name."""

    def configured(*variants: dict[str, Any]) -> str:
        name = str(lab.name("config"))
        plain = {"ModelName": model, "InstanceType": "ml.m4.xlarge", "InitialInstanceCount": 1}
        given = [{"VariantName": "AllTraffic", **plain, **variant} for variant in variants or ({},)]
        lab.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=given)
        return name

    return configured


@pytest.fixture(scope="module")
def settled(lab: Any, until: Any) -> Any:
    """The endpoint of this name once it is no longer on its way."""

    def once(name: str) -> dict[str, Any]:
        look = functools.partial(lab.sagemaker.describe_endpoint, EndpointName=name)
        return dict(until(look, lambda one: one["EndpointStatus"] not in ("Creating", "Updating")))

    return once


@pytest.fixture(scope="module")
def endpoint(lab: Any, configure: Any, settled: Any) -> Iterator[str]:
    """An endpoint in service."""
    name = lab.name("endpoint")
    lab.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=configure())
    assert settled(name)["EndpointStatus"] == "InService"
    yield name
    lab.sagemaker.delete_endpoint(EndpointName=name)


def ask(lab: Any, endpoint: str, body: str, **more: Any) -> dict[str, Any]:
    request = {"EndpointName": endpoint, "Body": body, "ContentType": "text/csv", **more}
    answer = lab.client("sagemaker-runtime").invoke_endpoint(**request)
    return {**answer, "Body": answer["Body"].read().decode()}


def processes(name: str) -> int:
    return sum(name in " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))


def test_predictions_are_the_model_s(lab: Any, endpoint: str) -> None:
    low, high = (float(text) for text in ask(lab, endpoint, "0.5,9.5,0.5\n9.5,0.5,9.5\n")["Body"].split(","))
    assert low < 0
    assert high > 25
    answer = ask(lab, endpoint, ROW)
    assert answer["ContentType"] == "text/csv; charset=utf-8"
    scored = json.loads(ask(lab, endpoint, ROW, Accept="application/json")["Body"])
    assert scored == {"predictions": [{"score": float(answer["Body"])}]}
    sparse = ask(lab, endpoint, "0 0:1.0 1:2.0 2:3.0", ContentType="text/libsvm")
    assert sparse["Body"] == answer["Body"]


REFUSED = {
    "a,b,c": (415, "could not convert string to float"),
    "1,2,3,4": (400, "Feature size of csv inference data 4 is not consistent"),
}


@pytest.mark.parametrize("body", REFUSED)
def test_what_the_model_cannot_read_is_a_model_error(lab: Any, endpoint: str, body: str) -> None:
    status, reason = REFUSED[body]
    with pytest.raises(lab.client("sagemaker-runtime").exceptions.ModelError) as caught:
        ask(lab, endpoint, body)
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert answer["OriginalStatusCode"] == status
    assert reason in answer["OriginalMessage"]
    assert answer["Error"]["Message"].startswith(f"Received client error ({status}) from primary with message")
    with pytest.raises(ClientError, match="is not an accepted ContentType"):
        ask(lab, endpoint, body, ContentType="application/json")


def test_the_container_s_log_is_kept(lab: Any, endpoint: str, until: Any) -> None:
    logs = lab.client("logs")

    def messages() -> list[str]:
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{endpoint}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in events]

    ask(lab, endpoint, ROW)
    until(messages, lambda lines: any("POST /invocations" in line for line in lines))


def test_unknown_endpoints_are_unknown(lab: Any) -> None:
    with pytest.raises(ClientError, match=r"Endpoint nobody of account 123456789012 not found\.") as caught:
        ask(lab, "nobody", ROW)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    for call in (lab.sagemaker.describe_endpoint, lab.sagemaker.delete_endpoint):
        with pytest.raises(ClientError, match='Could not find endpoint "arn:'):
            call(EndpointName="nobody")
    with pytest.raises(ClientError, match='Could not find endpoint configuration "arn:'):
        lab.sagemaker.create_endpoint(EndpointName="nobody", EndpointConfigName="nothing")


def test_deleting_ends_the_process_and_frees_the_quota(lab: Any, configure: Any, settled: Any, until: Any) -> None:
    config, name = configure({"InstanceType": "ml.m5.xlarge"}), lab.name("short-lived")
    create = functools.partial(lab.sagemaker.create_endpoint, EndpointConfigName=config)
    create(EndpointName=name)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        lab.sagemaker.delete_endpoint(EndpointName=name)
    with pytest.raises(ClientError, match="Cannot create already existing endpoint"):
        create(EndpointName=name)
    with pytest.raises(ClientError, match=r"'ml.m5.xlarge for endpoint usage' is 1 Instances, with current .* 1"):
        create(EndpointName=lab.name("second"))
    assert settled(name)["EndpointStatus"] == "InService"
    assert processes(name)

    lab.sagemaker.delete_endpoint(EndpointName=name)

    until(lambda: lab.sagemaker.list_endpoints(NameContains=name)["Endpoints"], lambda found: not found)
    assert not processes(name)
    with pytest.raises(ClientError, match="not found"):
        ask(lab, name, ROW)
    create(EndpointName=name)
    settled(name)
    lab.sagemaker.delete_endpoint(EndpointName=name)


def test_a_deleted_endpoint_is_on_its_way_for_a_while(
    lab: Any, configure: Any, settled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.sandbox.hosting.endpoint_service.DELETING_SECONDS", 3600.0)
    config, name = configure({"InstanceType": "ml.m5.xlarge"}), lab.name("slow-to-go")
    lab.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    settled(name)
    lab.sagemaker.delete_endpoint(EndpointName=name)
    described = lab.sagemaker.describe_endpoint(EndpointName=name)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("Deleting", config)
    assert lab.sagemaker.list_tags(ResourceArn=described["EndpointArn"])["Tags"] == []
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        lab.sagemaker.delete_endpoint(EndpointName=name)
    lab.sagemaker.delete_endpoint_config(EndpointConfigName=config)  # AWS lets it go, and only then nobody can tell
    assert lab.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Deleting"


def test_what_cannot_serve_fails(lab: Any, configure: Any, settled: Any) -> None:
    broken = lab.make_model(lab.put("models/no.tar.gz", "no archive"))
    other = lab.name("other")
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
    lab.sagemaker.create_model(ModelName=other, PrimaryContainer={"Image": image}, ExecutionRoleArn=lab.role)
    reasons = {broken: "Failed to extract model data archive", other: "The sandbox has one image alone"}
    for model, reason in reasons.items():
        name = lab.name("failing")
        lab.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=configure({"ModelName": model}))
        described = settled(name)
        assert described["EndpointStatus"] == "Failed"
        assert reason in described["FailureReason"]
        lab.sagemaker.delete_endpoint(EndpointName=name)


def test_an_update_moves_to_new_variants_and_a_failed_one_stays(
    lab: Any, configure: Any, settled: Any, endpoint: str
) -> None:
    first = ask(lab, endpoint, ROW)
    before = first["Body"]
    assert first["InvokedProductionVariant"] == "AllTraffic"
    two = configure({"VariantName": "A"}, {"VariantName": "B", "InitialVariantWeight": 0.0})
    lab.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=two)
    assert ask(lab, endpoint, ROW)["Body"] == before, "it answers while it is updated"
    described = settled(endpoint)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", two)
    assert [variant["VariantName"] for variant in described["ProductionVariants"]] == ["A", "B"]
    assert ask(lab, endpoint, ROW)["InvokedProductionVariant"] == "A"
    assert ask(lab, endpoint, ROW, TargetVariant="B")["InvokedProductionVariant"] == "B"

    weights = [{"VariantName": "A", "DesiredWeight": 0.0}, {"VariantName": "B", "DesiredWeight": 2.0}]
    lab.sagemaker.update_endpoint_weights_and_capacities(EndpointName=endpoint, DesiredWeightsAndCapacities=weights)
    assert ask(lab, endpoint, ROW)["InvokedProductionVariant"] == "B"

    broken = configure({"ModelName": lab.make_model(lab.put("models/no.tar.gz", "no archive"))})
    lab.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=broken)
    described = settled(endpoint)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", two)
    assert "Failed to extract model data archive" in described["FailureReason"]
    assert ask(lab, endpoint, ROW)["Body"] == before


def test_endpoints_are_listed(lab: Any, endpoint: str) -> None:
    found = lab.sagemaker.list_endpoints(NameContains=endpoint, StatusEquals="InService")["Endpoints"]
    assert [one["EndpointName"] for one in found] == [endpoint]
    assert lab.sagemaker.list_endpoints(NameContains=endpoint, StatusEquals="Failed")["Endpoints"] == []


def test_what_a_scenario_says_is_in_service_is_seen_and_deleted(full: Any, until: Any) -> None:
    sagemaker, name = full.client("sagemaker"), "churn-live"
    described = sagemaker.describe_endpoint(EndpointName=name)
    assert (described["EndpointStatus"], described["ProductionVariants"][0]["CurrentInstanceCount"]) == ("InService", 1)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    assert config["ProductionVariants"][0]["InstanceType"] == "ml.m4.xlarge"
    with pytest.raises(ClientError, match="ModelError"):
        full.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=ROW, ContentType="text/csv")
    sagemaker.delete_endpoint(EndpointName=name)
    until(lambda: sagemaker.list_endpoints()["Endpoints"], lambda found: not found)
