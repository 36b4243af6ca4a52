"""Service Quotas in the sandbox: listings, single quotas, and requests for more."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from opskit.sandbox.errors import ApiError
from opskit.sandbox.scenarios import Scenario
from opskit.sandbox.state import ACCOUNT, AccountRegion
from tests.sandbox.quotas.quota_desk import (
    ENDPOINT,
    HOME,
    RATE,
    REGIONS,
    START,
    TRAINING,
    TRANSFORM,
    Desk,
    error_code_and_text,
)
from tests.waiting import wait_until


def listed_quotas_of(client: Any, operation: str = "list_service_quotas", **more: Any) -> list[dict[str, Any]]:
    pages = client.get_paginator(operation).paginate(ServiceCode="sagemaker", **more)
    return [quota for page in pages for quota in page["Quotas"]]


def test_a_fresh_account_has_no_instance_of_any_type(fresh_account: Any) -> None:
    quotas = listed_quotas_of(fresh_account.other().client("service-quotas"))
    by_type = [quota for quota in quotas if quota["QuotaName"].startswith("ml.")]
    assert len(by_type) > 200
    assert {quota["Value"] for quota in by_type} == {0.0}


def test_pages_hold_a_hundred_at_most_and_follow_each_other(fresh_account: Any) -> None:
    client = fresh_account.client("service-quotas")
    first = client.list_service_quotas(ServiceCode="sagemaker")
    assert len(first["Quotas"]) == 100
    small = client.list_service_quotas(ServiceCode="sagemaker", MaxResults=7)
    assert small["Quotas"] == first["Quotas"][:7]
    after = client.list_service_quotas(ServiceCode="sagemaker", MaxResults=7, NextToken=small["NextToken"])
    assert after["Quotas"] == first["Quotas"][7:14]


def test_a_token_belongs_to_its_own_question(fresh_account: Any) -> None:
    client = fresh_account.client("service-quotas")
    token = client.list_service_quotas(ServiceCode="sagemaker")["NextToken"]
    for forged in ("MTAw", token[:-8] + "AAAAAAA="):
        with pytest.raises(ClientError) as error:
            client.list_service_quotas(ServiceCode="sagemaker", NextToken=forged)
        assert error_code_and_text(error)[0] == "InvalidPaginationTokenException"
    with pytest.raises(ClientError) as error:
        client.list_aws_default_service_quotas(ServiceCode="sagemaker", NextToken=token)
    assert error_code_and_text(error)[0] == "InvalidPaginationTokenException"


def test_one_quota_by_filter_and_by_name_say_the_same(fresh_account: Any) -> None:
    client = fresh_account.client("service-quotas", "eu-west-1")
    quota = client.get_service_quota(ServiceCode="sagemaker", QuotaCode=TRAINING)["Quota"]
    assert listed_quotas_of(client, QuotaCode=TRAINING) == [quota]
    assert quota["QuotaArn"] == f"arn:aws:servicequotas:eu-west-1:{ACCOUNT}:sagemaker/{TRAINING}"
    assert quota["UsageMetric"]["MetricDimensions"]["Resource"] == "training-job/ml.m4.xlarge"
    assert quota["Period"] == {"PeriodValue": 1, "PeriodUnit": "HOUR"}
    assert listed_quotas_of(client, QuotaCode="L-00000000") == []


def test_a_quota_without_applied_value_has_only_its_default(fresh_account: Any) -> None:
    client = fresh_account.client("service-quotas", "eu-west-1")
    assert listed_quotas_of(client, QuotaCode=TRANSFORM) == []
    with pytest.raises(ClientError) as error:
        client.get_service_quota(ServiceCode="sagemaker", QuotaCode=TRANSFORM)
    assert error_code_and_text(error) == (
        "NoSuchResourceException",
        f"The request failed because the specified quota {TRANSFORM} does not exist for service sagemaker.",
    )
    default = client.get_aws_default_service_quota(ServiceCode="sagemaker", QuotaCode=TRANSFORM)["Quota"]
    assert default["Value"] == 0
    assert TRANSFORM in {quota["QuotaCode"] for quota in listed_quotas_of(client, "list_aws_default_service_quotas")}


@pytest.mark.parametrize("region", REGIONS)
def test_p2_is_offered_in_one_region_alone_and_with_nothing(region: str, fresh_account: Any) -> None:
    quotas = listed_quotas_of(fresh_account.client("service-quotas", region), "list_aws_default_service_quotas")
    p2 = {quota["Value"] for quota in quotas if quota["QuotaName"].startswith("ml.p2.xlarge")}
    assert p2 == ({0.0} if region == "us-west-2" else set())


@pytest.mark.parametrize(("service", "region"), [("ec2", "us-east-1"), ("sagemaker", "us-isof-south-1")])
def test_an_unknown_service_or_region_is_refused_in_awss_words(service: str, region: str, fresh_account: Any) -> None:
    with pytest.raises(ClientError) as error:
        fresh_account.client("service-quotas", region).list_service_quotas(ServiceCode=service)
    assert error_code_and_text(error) == (
        "NoSuchResourceException",
        "This service is not available in the current Region. Choose a different Region or a different service.",
    )


def test_an_increase_is_granted_and_counts(fresh_account: Any) -> None:
    client = fresh_account.other().client("service-quotas")
    asked = client.request_service_quota_increase(ServiceCode="sagemaker", QuotaCode=TRAINING, DesiredValue=2)
    request = asked["RequestedQuota"]
    assert request["Status"] == "PENDING"
    assert "LastUpdated" not in request
    assert set(json.loads(request["Requester"])) == {"accountId", "callerArn"}
    wait_until(lambda: client.get_service_quota(ServiceCode="sagemaker", QuotaCode=TRAINING)["Quota"]["Value"] == 2)
    seen = client.get_requested_service_quota_change(RequestId=request["Id"])["RequestedQuota"]
    assert seen["Status"] == "APPROVED"
    assert seen["LastUpdated"] > seen["Created"]


def test_an_increase_moves_as_time_passes(opened_desk: Desk) -> None:
    request = opened_desk.ask(TRAINING, 1)
    seen = []
    for _ in range(3):
        now = opened_desk.look(request["Id"])
        seen.append((now["Status"], opened_desk.ledger.applied_value(HOME, TRAINING), now["LastUpdated"]))
        opened_desk.pass_seconds(50)
    assert seen == [
        ("PENDING", 0.0, None),
        ("CASE_OPENED", 0.0, START + timedelta(seconds=50)),
        ("APPROVED", 1.0, START + timedelta(seconds=100)),
    ]


NOT_ABOVE_DEFAULT = "You must provide a quota value greater than the default quota value of {}"


@pytest.mark.parametrize(
    ("code", "desired", "text"),
    [
        (TRAINING, 0, NOT_ABOVE_DEFAULT.format(0.0)),
        ("L-614B09FD", 3, NOT_ABOVE_DEFAULT.format(4.0)),  # its applied value is 0: only the default counts
        ("L-04CE2E67", 8, NOT_ABOVE_DEFAULT.format(8.0)),
        (RATE, 100, "The request failed because the specified quota is not adjustable."),
    ],
)
def test_what_may_not_be_asked_for(code: str, desired: float, text: str, opened_desk: Desk) -> None:
    with pytest.raises(ApiError) as error:
        opened_desk.ask(code, desired)
    assert error_code_and_text(error) == ("IllegalArgumentException", text)


def test_no_more_is_asked_than_there_is_already(opened_desk: Desk) -> None:
    with pytest.raises(ApiError) as error:
        opened_desk.ask("L-00C91CB5", 30, AccountRegion(ACCOUNT, "eu-west-1"))  # default 4, applied 30
    text = "You must provide a quota value greater than the current quota value"
    assert error_code_and_text(error) == ("IllegalArgumentException", text)


def test_one_open_request_a_quota(opened_desk: Desk) -> None:
    opened_desk.ask(TRAINING, 1)
    with pytest.raises(ApiError) as error:
        opened_desk.ask(TRAINING, 2)
    text = "Only one open service quota increase request is allowed per quota."
    assert error_code_and_text(error) == ("ResourceAlreadyExistsException", text)
    opened_desk.pass_seconds(100)
    assert opened_desk.ask(TRAINING, 2)["Status"] == "PENDING"


def test_the_third_open_request_of_a_region_has_to_wait(opened_desk: Desk) -> None:
    opened_desk.ask(TRAINING, 1)
    opened_desk.ask(TRANSFORM, 1)
    with pytest.raises(ApiError) as error:
        opened_desk.ask(ENDPOINT, 1)
    assert error_code_and_text(error)[0] == "QuotaExceededException"
    assert opened_desk.ask(ENDPOINT, 1, AccountRegion(ACCOUNT, "us-west-2"))["Status"] == "PENDING"
    opened_desk.pass_seconds(100)
    assert opened_desk.ask(ENDPOINT, 1)["Status"] == "PENDING"


def test_an_account_has_a_number_of_open_requests_too() -> None:
    desk = Desk(Scenario("fresh", open_per_account=2))
    desk.ask(TRAINING, 1)
    desk.ask(TRAINING, 1, AccountRegion(ACCOUNT, "us-west-2"))
    with pytest.raises(ApiError) as error:
        desk.ask(TRAINING, 1, AccountRegion(ACCOUNT, "us-east-2"))
    assert error_code_and_text(error)[0] == "QuotaExceededException"
    assert desk.ask(TRAINING, 1, AccountRegion("999999999999", "us-east-1"))["Status"] == "PENDING"


@pytest.mark.parametrize(
    ("desired", "case_allowed", "decision", "applied"),
    [
        (20, True, "APPROVED", 20.0),
        (20, False, "APPROVED", 20.0),
        (21, True, "APPROVED", 21.0),
        (21, False, "NOT_APPROVED", 0.0),
        (1001, True, "DENIED", 0.0),
    ],
)
def test_how_a_request_ends(
    desired: float, case_allowed: bool, decision: str, applied: float, opened_desk: Desk
) -> None:
    request = opened_desk.ask(TRAINING, desired, SupportCaseAllowed=case_allowed)
    opened_desk.pass_seconds(100)
    assert opened_desk.look(request["Id"])["Status"] == decision
    assert opened_desk.ledger.applied_value(HOME, TRAINING) == applied


def test_a_request_that_asks_for_no_case_has_none(opened_desk: Desk) -> None:
    request = opened_desk.ask(TRAINING, 21, SupportCaseAllowed=False)
    seen = []
    for _ in range(3):
        now = opened_desk.look(request["Id"])
        seen.append((now["Status"], now["CaseId"]))
        opened_desk.pass_seconds(50)
    assert seen == [("PENDING", None), ("PENDING", None), ("NOT_APPROVED", None)]


def test_a_support_case_can_be_opened_while_a_request_is_pending(opened_desk: Desk) -> None:
    request = opened_desk.ask(TRAINING, 1)
    opened_desk.pass_seconds(10)
    opened_desk.call("CreateSupportCase", opened_desk.service.create_support_case, RequestId=request["Id"])
    now = opened_desk.look(request["Id"])
    assert (now["Status"], now["LastUpdated"]) == ("CASE_OPENED", START + timedelta(seconds=10))
    assert now["CaseId"]
    with pytest.raises(ApiError) as error:
        opened_desk.call("CreateSupportCase", opened_desk.service.create_support_case, RequestId=request["Id"])
    assert error_code_and_text(error)[0] == "ResourceAlreadyExistsException"
    opened_desk.pass_seconds(100)
    with pytest.raises(ApiError) as error:
        opened_desk.call("CreateSupportCase", opened_desk.service.create_support_case, RequestId=request["Id"])
    assert error_code_and_text(error)[0] == "InvalidResourceStateException"


def test_the_history_is_the_regions_own_newest_first_and_by_status(opened_desk: Desk) -> None:
    opened_desk.ask(TRAINING, 1)
    opened_desk.pass_seconds(60)
    opened_desk.ask(TRANSFORM, 1)
    opened_desk.ask(ENDPOINT, 1, AccountRegion(ACCOUNT, "us-west-2"))

    def codes(**params: Any) -> list[str]:
        answer = opened_desk.call(
            "ListRequestedServiceQuotaChangeHistory", opened_desk.service.list_requested_changes, **params
        )
        return [request["QuotaCode"] for request in answer["RequestedQuotas"]]

    assert codes() == [TRANSFORM, TRAINING]
    assert codes(Status="CASE_OPENED") == [TRAINING]
    assert codes(Status="APPROVED", ServiceCode="sagemaker") == []
    by_quota = opened_desk.call(
        "X", opened_desk.service.list_requested_changes_by_quota, ServiceCode="sagemaker", QuotaCode=TRAINING
    )
    assert [request["QuotaCode"] for request in by_quota["RequestedQuotas"]] == [TRAINING]
