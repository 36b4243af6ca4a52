"""Which Regions an account has, by the Account API and by EC2; and that it is in no organization."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError


def test_the_account_api_and_ec2_agree(fresh_account: Any) -> None:
    client = fresh_account.client("account")
    pages = client.get_paginator("list_regions").paginate(PaginationConfig={"PageSize": 10})
    regions = {region["RegionName"]: region["RegionOptStatus"] for page in pages for region in page["Regions"]}
    enabled = {name for name, status in regions.items() if status == "ENABLED_BY_DEFAULT"}
    assert {"us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1"} <= enabled
    assert regions["af-south-1"] == "DISABLED"

    ec2 = fresh_account.client("ec2")
    assert {region["RegionName"] for region in ec2.describe_regions()["Regions"]} == enabled
    every = ec2.describe_regions(AllRegions=True)["Regions"]
    assert {region["RegionName"] for region in every} == set(regions)


def test_regions_are_filtered_by_status(fresh_account: Any) -> None:
    client = fresh_account.client("account")
    listed = client.list_regions(RegionOptStatusContains=["DISABLED"])["Regions"]
    assert {region["RegionOptStatus"] for region in listed} == {"DISABLED"}
    assert client.get_region_opt_status(RegionName="us-east-1")["RegionOptStatus"] == "ENABLED_BY_DEFAULT"
    with pytest.raises(ClientError) as error:
        client.get_region_opt_status(RegionName="mars-north-1")
    assert error.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("service", ["sagemaker", "service-quotas", "sts", "s3"])
def test_nobody_answers_for_a_region_that_aws_does_not_have(fresh_account: Any, service: str) -> None:
    operations = {"sagemaker": "list_models", "service-quotas": "list_services", "sts": "get_caller_identity"}
    client = fresh_account.client(service, "us-esat-1")
    with pytest.raises(ConnectionClosedError):
        getattr(client, operations.get(service, "list_buckets"))()
    assert fresh_account.client("sagemaker", "eu-west-1").list_models()["Models"] == []


def test_an_account_of_no_organization_lists_none(fresh_account: Any) -> None:
    with pytest.raises(ClientError) as error:
        fresh_account.client("organizations").list_accounts()
    assert error.value.response["Error"]["Code"] == "AWSOrganizationsNotInUseException"
