"""AWS Support in the sandbox: refused without a plan; with one, a small case desk."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from opskit.sandbox.server import Sandbox

CASE = {
    "subject": "More room",
    "communicationBody": "ml.m4.xlarge training, us-east-1, 2 instances",
    "serviceCode": "service-limit-increase",
    "categoryCode": "service-code-sagemaker-endpoints",
    "issueType": "service-limit-increase",
    "severityCode": "low",
}


@pytest.fixture
def support_client(slow_sandbox: Sandbox, account_of: Any) -> Any:
    """The Support client of an account that nobody used before."""
    return account_of(slow_sandbox).other().client("support")


def error_code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


@pytest.mark.parametrize("operation", ["describe_services", "describe_severity_levels", "describe_cases"])
def test_without_a_plan_there_is_no_support(operation: str, fresh_account: Any) -> None:
    with pytest.raises(ClientError) as error:
        getattr(fresh_account.client("support"), operation)()
    assert error.value.response["Error"] == {
        "Code": "SubscriptionRequiredException",
        "Message": "Amazon Web Services Premium Support Subscription is required to use this service.",
    }


def test_without_a_plan_not_even_a_dry_run_is_let_in(fresh_account: Any) -> None:
    with pytest.raises(ClientError) as error:
        fresh_account.client("support").create_case(**CASE, dryRun=True)
    assert error_code(error) == "SubscriptionRequiredException"


def test_support_is_in_one_region(slow_sandbox: Sandbox, account_of: Any) -> None:
    with pytest.raises(ClientError) as error:
        account_of(slow_sandbox).client("support", "eu-west-1").describe_services()
    assert error_code(error) == "InvalidSignatureException"


def test_the_service_and_category_of_an_increase_can_be_read(support_client: Any) -> None:
    services = {service["code"]: service for service in support_client.describe_services()["services"]}
    categories = {category["code"] for category in services[CASE["serviceCode"]]["categories"]}
    assert CASE["categoryCode"] in categories
    only = support_client.describe_services(serviceCodeList=["general-info", "no-such-service"])["services"]
    assert [service["code"] for service in only] == ["general-info"]
    assert "low" in {level["code"] for level in support_client.describe_severity_levels()["severityLevels"]}


def test_a_dry_run_checks_and_makes_nothing(support_client: Any) -> None:
    with pytest.raises(support_client.exceptions.DryRunOperationException):
        support_client.create_case(**CASE, dryRun=True)
    assert support_client.describe_cases()["cases"] == []
    with pytest.raises(ClientError) as error:
        support_client.create_case(**CASE | {"categoryCode": "nonsense"}, dryRun=True)
    assert error_code(error) == "ValidationException"


@pytest.mark.parametrize("field", ["serviceCode", "categoryCode", "issueType", "severityCode"])
def test_a_code_that_is_none_is_refused(field: str, support_client: Any) -> None:
    with pytest.raises(ClientError, match="nonsense") as error:
        support_client.create_case(**CASE | {field: "nonsense"})
    assert error_code(error) == "ValidationException"


def test_a_case_lives_and_is_resolved(support_client: Any) -> None:
    case_id = support_client.create_case(**CASE)["caseId"]
    assert support_client.add_communication_to_case(caseId=case_id, communicationBody="Please hurry")["result"] is True
    bodies = [message["body"] for message in support_client.describe_communications(caseId=case_id)["communications"]]
    assert bodies == ["Please hurry", CASE["communicationBody"]]
    (case,) = support_client.describe_cases(caseIdList=[case_id], includeCommunications=False)["cases"]
    assert (case["status"], case["serviceCode"], case["subject"]) == ("opened", CASE["serviceCode"], CASE["subject"])
    assert "recentCommunications" not in case
    ended = support_client.resolve_case(caseId=case_id)
    assert (ended["initialCaseStatus"], ended["finalCaseStatus"]) == ("opened", "resolved")
    assert support_client.describe_cases()["cases"] == []
    assert len(support_client.describe_cases(includeResolvedCases=True)["cases"]) == 1
    support_client.add_communication_to_case(caseId=case_id, communicationBody="It is back")
    assert support_client.describe_cases()["cases"][0]["status"] == "reopened"


def test_a_case_is_its_accounts_own(support_client: Any, slow_sandbox: Sandbox, account_of: Any) -> None:
    case_id = support_client.create_case(**CASE)["caseId"]
    with pytest.raises(ClientError) as error:
        account_of(slow_sandbox).other().client("support").describe_communications(caseId=case_id)
    assert error_code(error) == "CaseIdNotFound"


def test_cases_are_paged_and_found_by_time(support_client: Any) -> None:
    made = {support_client.create_case(**CASE)["caseId"] for _ in range(12)}
    pages = list(support_client.get_paginator("describe_cases").paginate(PaginationConfig={"PageSize": 10}))
    assert [len(page["cases"]) for page in pages] == [10, 2]
    assert {case["caseId"] for page in pages for case in page["cases"]} == made
    assert support_client.describe_cases(beforeTime="2020-01-01")["cases"] == []
    with pytest.raises(ClientError) as error:
        support_client.describe_cases(afterTime="yesterday")
    assert error_code(error) == "ValidationException"


def test_a_case_that_service_quotas_opened_stands_there_too(slow_sandbox: Sandbox, account_of: Any) -> None:
    other = account_of(slow_sandbox).other()
    quotas = other.client("service-quotas")
    asked = {"ServiceCode": "sagemaker", "QuotaCode": "L-A373146E", "DesiredValue": 2}
    request = quotas.request_service_quota_increase(**asked)["RequestedQuota"]
    assert other.client("support").describe_cases()["cases"] == []
    quotas.create_support_case(RequestId=request["Id"])
    (case,) = other.client("support").describe_cases()["cases"]
    now = quotas.get_requested_service_quota_change(RequestId=request["Id"])["RequestedQuota"]
    assert case["displayId"] == now["CaseId"]
    assert "ml.m4.xlarge for training job usage" in case["subject"]


def test_a_request_whose_case_is_resolved_is_closed(slow_sandbox: Sandbox, account_of: Any) -> None:
    other = account_of(slow_sandbox).other()
    quotas, support = other.client("service-quotas"), other.client("support")
    asked = {"ServiceCode": "sagemaker", "QuotaCode": "L-A373146E", "DesiredValue": 2}
    request = {"RequestId": quotas.request_service_quota_increase(**asked)["RequestedQuota"]["Id"]}
    quotas.create_support_case(**request)
    (case,) = support.describe_cases()["cases"]
    support.resolve_case(caseId=case["caseId"])
    assert quotas.get_requested_service_quota_change(**request)["RequestedQuota"]["Status"] == "CASE_CLOSED"
    one = {"ServiceCode": "sagemaker", "QuotaCode": "L-A373146E"}
    assert quotas.get_service_quota(**one)["Quota"]["Value"] == 0
    assert quotas.request_service_quota_increase(**asked)["RequestedQuota"]["Status"] == "PENDING"
