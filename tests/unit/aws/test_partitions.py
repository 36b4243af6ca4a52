"""AWS's partitions: every host, signing Region, ARN and link is held against botocore's own data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
import pytest

from opskit.access.rules.policy import Scope, build_policy
from opskit.aws import partitions, prices, regions
from opskit.aws.client import AwsClient
from opskit.aws.partitions import COMMERCIAL, GLOBAL_SERVICES, PARTITIONS, is_aws_host, partition_of, service_region
from opskit.core.model import Unknown
from opskit.core.workloads import PriceComponent
from opskit.explain.rules.text_regions import _REGION
from tests.fakes.api_models import EVERY_CALL
from tests.fakes.stubbed_client import offline_client

SERVICES = sorted({call.partition(":")[0] for call in EVERY_CALL})
KEYS = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}


@cache
def partition_data() -> Mapping[str, Any]:
    """botocore's partitions by name: their Regions and the services in them."""
    told = botocore.session.get_session().get_data("endpoints")["partitions"]
    return {each["partition"]: each for each in told}


@cache
def partition_outputs() -> Mapping[str, Any]:
    told = botocore.session.get_session().get_data("partitions")["partitions"]
    return {each["id"]: each["outputs"] for each in told}


REGIONS = [(name, region) for name, data in partition_data().items() for region in data["regions"]]


@cache
def endpoint_of(service: str, region: str) -> str:
    client = boto3.Session(region_name=region).client(service, **KEYS)
    return str(client.meta.endpoint_url)


def test_every_partition_that_botocore_knows_is_a_row() -> None:
    assert {each.name for each in PARTITIONS} == partition_data().keys() == partition_outputs().keys()


@pytest.mark.parametrize(("name", "region"), REGIONS)
def test_every_region_is_found_in_its_partition(name: str, region: str) -> None:
    assert partition_of(region).name == name
    assert _REGION.fullmatch(region), "quotas explain reads Regions out of texts"


@pytest.mark.parametrize("partition", PARTITIONS, ids=lambda each: each.name)
def test_suffixes_and_global_regions_are_botocores(partition: Any) -> None:
    told = partition_outputs()[partition.name]
    assert partition.dns_suffixes == (told["dnsSuffix"], told["dualStackDnsSuffix"])
    assert partition.global_region in partition_data()[partition.name]["regions"]


@pytest.mark.parametrize("service", sorted(GLOBAL_SERVICES))
@pytest.mark.parametrize("partition", PARTITIONS, ids=lambda each: each.name)
def test_a_global_service_is_called_and_signed_where_botocore_has_it(partition: Any, service: str) -> None:
    data = partition_data()[partition.name]
    known = data["services"].get({"pricing": "api.pricing"}.get(service, service), {}).get("endpoints", {})
    homes = {each.get("credentialScope", {}).get("region", name) for name, each in known.items()}
    for region in data["regions"]:
        home = service_region(service, region)
        assert home in data["regions"], "a key of one partition is known in no other"
        assert home in homes or not homes
        assert partition_of(home) is partition


@pytest.mark.parametrize(("name", "region"), REGIONS)
def test_every_service_is_reached_inside_its_partition(name: str, region: str) -> None:
    if region not in (partition_of(region).global_region, sorted(partition_data()[name]["regions"])[-1]):
        pytest.skip("a Region of its partition like the others")
    for service in SERVICES:
        url = endpoint_of(service, service_region(service, region))
        assert is_aws_host(urlsplit(url).hostname or ""), service
        assert url.endswith(partition_of(region).dns_suffixes), service


def test_a_console_is_where_its_partition_signs_in() -> None:
    """botocore has the hosts of the sign-in pages, which are beside the consoles."""
    loader = botocore.session.get_session().get_component("data_loader")
    rules = json.dumps(loader.load_service_model("signin", "endpoint-rule-set-1"))
    for partition in PARTITIONS:
        assert f"https://{{Region}}.signin.{partition.console_domain}" in rules, partition.name
        page = partitions.quota_page_url(partition.global_region, "L-1")
        host = f"{partition.global_region}.console.{partition.console_domain}"
        assert page == f"https://{host}/servicequotas/home/services/sagemaker/quotas/L-1"
        assert partitions.case_form_url(partition.global_region).startswith(
            f"https://support.console.{partition.console_domain}/"
        )
    assert partitions.quota_page_url(None).startswith("https://console.aws.amazon.com/")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://servicequotas.eusc-de-east-1.amazonaws.eu", True),
        ("https://api.sagemaker.us-isob-east-1.sc2s.sgov.gov", True),
        ("https://servicequotas.eu-west-1.api.aws", True),
        ("http://127.0.0.1:4566", False),
        ("http://localhost/x.amazonaws.com", False),
        ("https://amazonaws.com.example.org", False),
        ("https://notamazonaws.eu", False),
    ],
)
def test_aws_itself_is_told_by_its_host(url: str, expected: bool) -> None:
    assert is_aws_host(urlsplit(url).hostname or "") is expected


@pytest.mark.parametrize("partition", PARTITIONS, ids=lambda each: each.name)
def test_where_there_is_no_price_in_usd_that_is_said_and_nobody_asked(partition: Any) -> None:
    if partition.currency == "USD":
        assert "api.pricing" in partition_data()[partition.name]["services"]
        return
    price = prices.read_price(offline_client(partition.global_region), "ml.m4.xlarge", PriceComponent.TRAINING)
    assert isinstance(price, Unknown)
    assert (partition.currency or "no price list") in price.reason


def test_only_where_there_is_an_account_api_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def read(client: AwsClient, service: str, operation: str, **_: object) -> dict[str, Any]:
        asked.append(service)
        return {"Regions": [{"RegionName": client.region}]}

    monkeypatch.setattr(AwsClient, "read", read)
    for partition in PARTITIONS:
        asked.clear()
        assert regions.enabled_regions(offline_client(partition.global_region)) == (partition.global_region,)
        assert asked == ["account" if "account" in partition_data()[partition.name]["services"] else "ec2"]


@pytest.mark.parametrize("partition", PARTITIONS, ids=lambda each: each.name)
def test_a_policy_is_for_the_partition_of_its_regions(partition: Any) -> None:
    scopes = [
        Scope((partition.global_region,)),
        Scope((), home=partition.global_region),
        Scope(("all", partition.global_region)),
    ]
    for scope in scopes:
        policy = build_policy(["train", "notebook create", "quotas increase"], scope)
        assert policy is not None
        arns = [arn for statement in policy["Statement"] for arn in statement["Resource"] if arn != "*"]
        assert arns
        assert {arn.split(":")[1] for arn in arns} == {partition.name}


def test_a_policy_over_two_partitions_has_the_arns_of_both() -> None:
    policy = build_policy(["train"], Scope(("eu-west-1", "cn-north-1")))
    assert policy is not None
    arns = {arn for statement in policy["Statement"] for arn in statement["Resource"]}
    assert {arn.split(":")[1] for arn in arns if arn != "*"} == {"aws", "aws-cn"}
    assert "arn:aws-cn:sagemaker:eu-west-1:*:training-job/*" not in arns
    assert "arn:aws:iam::*:role/*" in arns
    assert "arn:aws-cn:iam::*:role/*" in arns


def test_without_any_region_a_policy_is_commercial() -> None:
    assert partition_of(None) is COMMERCIAL
