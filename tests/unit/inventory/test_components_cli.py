"""Inference components: a row each, with the share of the endpoint's price that they reserve, counted in no sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.billed_account import ARN, ago, serve_billed_account
from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import DENIED, FakeAws, Fault

pytestmark = pytest.mark.usefixtures("no_backoff")
NEEDS: dict[str, dict[str, Any]] = {
    "small": {"NumberOfAcceleratorDevicesRequired": 1, "MinMemoryRequiredInMb": 1024},
    "large": {"NumberOfAcceleratorDevicesRequired": 3, "MinMemoryRequiredInMb": 1024},
    "odd #1": {"MinMemoryRequiredInMb": 1024},
}


def summary(name: str, endpoint: str = "live", status: str = "InService") -> dict[str, Any]:
    return {
        "InferenceComponentName": name,
        "InferenceComponentArn": f"{ARN}:inference-component/{name}",
        "InferenceComponentStatus": status,
        "EndpointName": endpoint,
        "EndpointArn": f"{ARN}:endpoint/{endpoint}",
        "VariantName": "v",
        "CreationTime": ago(3),
        "LastModifiedTime": ago(3),
    }


def describe(asked: Mapping[str, Any]) -> dict[str, Any]:
    name = asked["InferenceComponentName"]
    needs = {"ComputeResourceRequirements": NEEDS[name]} if name in NEEDS else {"BaseInferenceComponentName": "large"}
    return {**summary(name), "Specification": needs, "RuntimeConfig": {"DesiredCopyCount": 1, "CurrentCopyCount": 1}}


@pytest.fixture
def billed(fake_aws: FakeAws) -> FakeAws:
    serve_billed_account(fake_aws)
    listed = [summary("small"), summary("large"), summary("adapter"), summary("gone", status="Deleting")]

    def pages(asked: Mapping[str, Any]) -> dict[str, Any]:
        at = int(asked.get("NextToken") or 0)
        more = {"NextToken": str(at + 1)} if at + 1 < len(listed) else {}
        return {"InferenceComponents": listed[at : at + 1], **more}

    fake_aws.running |= {"ListInferenceComponents": pages, "DescribeInferenceComponent": describe}
    return fake_aws


def items_of(capsys: pytest.CaptureFixture[str], code: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    ran = run_opskit(capsys, "costs", "-o", "json")
    assert ran.code == code, ran.err
    return {item["name"]: item for item in ran.data["items"] if item["part_of"]}, ran.data


def endpoint_item(data: dict[str, Any], name: str = "live") -> dict[str, Any]:
    (found,) = [item for item in data["items"] if item["name"] == name and item["kind"] == "endpoint"]
    return dict(found)


def test_each_has_a_row_and_its_share_of_the_endpoint(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    found, data = items_of(capsys)
    usd = endpoint_item(data)["usd_per_hour"]
    assert found.keys() == {"small", "large", "adapter"}
    shares = {name: item["share_usd_per_hour"] for name, item in found.items()}
    assert shares == pytest.approx({"small": usd / 4, "large": usd * 3 / 4, "adapter": 0}, abs=1e-3)
    assert {(item["usd_per_hour"], item["part_of"], item["kind"]) for item in found.values()} == {(0, "live", "other")}
    assert found["small"]["stop_with"] == (
        "aws sagemaker delete-inference-component --inference-component-name small --region us-east-1"
    )
    billed.running["ListInferenceComponents"] = lambda _: {"InferenceComponents": []}
    assert run_opskit(capsys, "costs", "-o", "json").data["totals"]["usd_per_hour"] == data["totals"]["usd_per_hour"]
    assert "its share is" not in run_opskit(capsys, "costs").out


def test_the_endpoint_names_them_and_ends_as_aws_lets_it(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    """opskit stops no endpoint with components: they would not come back."""
    _, data = items_of(capsys)
    live = endpoint_item(data)
    assert live["stop_with"] == "aws sagemaker delete-endpoint --endpoint-name live --region us-east-1"
    assert "delete its inference components small, large, adapter first" in live["because"]
    assert endpoint_item(data, "queue")["stop_with"].startswith("opskit endpoint stop queue")
    assert "its share is" in run_opskit(capsys, "costs").out.replace("\n", " ")


def test_by_memory_where_nobody_reserves_accelerators(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    billed.running["ListInferenceComponents"] = lambda _: {"InferenceComponents": [summary("odd #1")]}
    found, data = items_of(capsys)
    assert found["odd #1"]["share_usd_per_hour"] == pytest.approx(endpoint_item(data)["usd_per_hour"], abs=1e-3)
    assert "'odd #1'" in found["odd #1"]["stop_with"]


def test_one_that_cannot_be_described_is_there_without_any_share(
    billed: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    billed.fault = lambda called, region: DENIED if called == "DescribeInferenceComponent" else None
    found, _ = items_of(capsys, code=5)
    assert {item["share_usd_per_hour"] for item in found.values()} == {None}
    assert found.keys() == {"small", "large", "adapter"}


def test_copies_that_aws_does_not_tell_leave_every_share_unknown(
    billed: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sum that all are a part of is not known then."""

    def tell(asked: Mapping[str, Any]) -> dict[str, Any]:
        told = describe(asked)
        return {**told, "RuntimeConfig": {}} if asked["InferenceComponentName"] == "small" else told

    billed.running["DescribeInferenceComponent"] = tell
    found, _ = items_of(capsys)
    assert {item["share_usd_per_hour"] for item in found.values()} == {None}


def test_memory_that_aws_does_not_tell_leaves_every_share_unknown(
    billed: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is reserved by each, so it is not none."""

    def describe_without(asked: Mapping[str, Any]) -> dict[str, Any]:
        needs = {"ComputeResourceRequirements": {"NumberOfAcceleratorDevicesRequired": 1}}
        return describe(asked) | ({"Specification": needs} if asked["InferenceComponentName"] == "small" else {})

    billed.running["DescribeInferenceComponent"] = describe_without
    found, _ = items_of(capsys)
    assert {item["share_usd_per_hour"] for item in found.values()} == {None}


def test_what_cannot_be_listed_is_said_and_a_region_without_the_operation_has_none(
    billed: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    billed.fault = lambda called, region: DENIED if called == "ListInferenceComponents" else None
    assert items_of(capsys, code=5)[0] == {}
    unknown = Fault(400, "UnknownOperationException", "")
    billed.fault = lambda called, region: unknown if called == "ListInferenceComponents" else None
    assert items_of(capsys)[0] == {}


def test_an_endpoint_of_a_stack_ends_as_aws_lets_it_too(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    """opskit refuses to stop it: it could not set the tag again."""
    tags = [{"Key": "aws:cloudformation:stack-name", "Value": "shop"}]
    told = {"ResourceARN": f"{ARN}:endpoint/queue", "Tags": tags}
    billed.running["GetResources"] = lambda _: {"ResourceTagMappingList": [told], "PaginationToken": ""}
    _, data = items_of(capsys)
    queue = endpoint_item(data, "queue")
    assert queue["stop_with"] == "aws sagemaker delete-endpoint --endpoint-name queue --region us-east-1"
    assert "aws:cloudformation:stack-name=shop" in queue["because"]
