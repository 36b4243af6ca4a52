"""Service Quotas in the sandbox: the catalogue, requests for more, and the refusals when a quota is full."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from opskit.sandbox.errors import ApiError
from opskit.sandbox.processes import ChildProcesses
from opskit.sandbox.quotas.quota_catalogue import known_quotas, read_table_rows, scenario_quotas
from opskit.sandbox.quotas.quota_ledger import QuotaLedger
from opskit.sandbox.quotas.service_quotas import QuotaService
from opskit.sandbox.quotas.usage_metrics import UsageMetricPublisher
from opskit.sandbox.quotas.utilization_report import UtilizationReportService
from opskit.sandbox.scenarios import SCENARIOS, Scenario
from opskit.sandbox.state import ACCOUNT, AccountRegion, ApiCall, InstanceUsage, SandboxState, UsageResource
from tests.waiting import wait_until

TRAINING = "L-A373146E"
TRANSFORM = "L-DAB6AA41"
ENDPOINT = "L-97CF11BE"
NOTEBOOK = "L-7B2FD69B"
RATE = "L-21A1652A"
HOME = AccountRegion(ACCOUNT, "us-east-1")
REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1")
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class ClockedState(SandboxState):
    """A state whose time stands still until it is moved."""

    time: datetime = START
    in_use: list[InstanceUsage] = field(default_factory=list)

    def now(self) -> datetime:
        return self.time

    def instances_in_use(self, account_region: AccountRegion) -> list[InstanceUsage]:
        return self.in_use


class Desk:
    """The Service Quotas service by itself, with a clock to turn."""

    def __init__(self, scenario: Scenario = SCENARIOS["fresh"], url: str = "") -> None:
        self.state = ClockedState(url, Path("unused"), ChildProcesses())
        self.ledger = QuotaLedger(self.state, scenario, approve_after_seconds=100)
        self.service = QuotaService(self.state, scenario, self.ledger)
        self.reports = UtilizationReportService(self.state, self.ledger)

    def call(self, operation: str, method: Any, account_region: AccountRegion = HOME, **params: Any) -> dict[str, Any]:
        answer: dict[str, Any] = method(ApiCall(account_region, "service-quotas", operation, params, ""))
        return answer

    def ask(self, code: str, desired: float, account_region: AccountRegion = HOME, **more: Any) -> Any:
        params = {"ServiceCode": "sagemaker", "QuotaCode": code, "DesiredValue": desired, **more}
        answer = self.call("RequestServiceQuotaIncrease", self.service.request_increase, account_region, **params)
        return answer["RequestedQuota"]

    def look(self, request_id: str) -> Any:
        answer = self.call("GetRequestedServiceQuotaChange", self.service.get_requested_change, RequestId=request_id)
        return answer["RequestedQuota"]

    def pass_seconds(self, seconds: float) -> None:
        self.state.time += timedelta(seconds=seconds)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def refusal(error: pytest.ExceptionInfo[Any]) -> tuple[str, str]:
    """An error's code and text, from boto3 or from a service."""
    if isinstance(error.value, ApiError):
        return error.value.code, error.value.message
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def listed(client: Any, operation: str = "list_service_quotas", **more: Any) -> list[dict[str, Any]]:
    pages = client.get_paginator(operation).paginate(ServiceCode="sagemaker", **more)
    return [quota for page in pages for quota in page["Quotas"]]


def test_every_known_quota_has_a_value_in_every_scenario_and_region() -> None:
    assert len(known_quotas()) == 346
    for scenario in SCENARIOS:
        for region in REGIONS:
            assert len(scenario_quotas(scenario, region)) > 330


def test_a_grown_account_has_more_quotas_and_the_known_ones_as_they_were() -> None:
    grown, known = scenario_quotas("fresh", "eu-west-1", 1800), scenario_quotas("fresh", "eu-west-1")
    assert len(grown) == 1800
    assert {code: grown[code] for code in known} == known


def test_codes_are_unique_and_published_ones_are_kept() -> None:
    known = {quota.name: quota.code for quota in known_quotas()}
    assert len(set(known.values())) == len(known)
    for row in read_table_rows("opskit.sandbox.quotas", "sagemaker_quotas.csv"):
        assert row["quota_code"] in ("", known[row["quota_name"]])


def test_the_tables_name_no_quota_that_does_not_exist() -> None:
    from fnmatch import fnmatchcase

    names = [quota.name for quota in known_quotas()]
    values = read_table_rows("opskit.sandbox.quotas", "values.csv")
    unmatched = [row for row in values if not any(fnmatchcase(name, row["quota_name"]) for name in names)]
    assert unmatched == []


def test_a_fresh_account_has_no_instance_of_any_type(account: Any) -> None:
    quotas = listed(account.other().client("service-quotas"))
    by_type = [quota for quota in quotas if quota["QuotaName"].startswith("ml.")]
    assert len(by_type) > 200
    assert {quota["Value"] for quota in by_type} == {0.0}


def test_pages_hold_a_hundred_at_most_and_follow_each_other(account: Any) -> None:
    client = account.client("service-quotas")
    first = client.list_service_quotas(ServiceCode="sagemaker")
    assert len(first["Quotas"]) == 100
    small = client.list_service_quotas(ServiceCode="sagemaker", MaxResults=7)
    assert small["Quotas"] == first["Quotas"][:7]
    after = client.list_service_quotas(ServiceCode="sagemaker", MaxResults=7, NextToken=small["NextToken"])
    assert after["Quotas"] == first["Quotas"][7:14]


def test_a_token_belongs_to_its_own_question(account: Any) -> None:
    client = account.client("service-quotas")
    token = client.list_service_quotas(ServiceCode="sagemaker")["NextToken"]
    for forged in ("MTAw", token[:-8] + "AAAAAAA="):
        with pytest.raises(ClientError) as error:
            client.list_service_quotas(ServiceCode="sagemaker", NextToken=forged)
        assert refusal(error)[0] == "InvalidPaginationTokenException"
    with pytest.raises(ClientError) as error:
        client.list_aws_default_service_quotas(ServiceCode="sagemaker", NextToken=token)
    assert refusal(error)[0] == "InvalidPaginationTokenException"


def test_one_quota_by_filter_and_by_name_say_the_same(account: Any) -> None:
    client = account.client("service-quotas", "eu-west-1")
    quota = client.get_service_quota(ServiceCode="sagemaker", QuotaCode=TRAINING)["Quota"]
    assert listed(client, QuotaCode=TRAINING) == [quota]
    assert quota["QuotaArn"] == f"arn:aws:servicequotas:eu-west-1:{ACCOUNT}:sagemaker/{TRAINING}"
    assert quota["UsageMetric"]["MetricDimensions"]["Resource"] == "training-job/ml.m4.xlarge"
    assert quota["Period"] == {"PeriodValue": 1, "PeriodUnit": "HOUR"}
    assert listed(client, QuotaCode="L-00000000") == []


def test_a_quota_without_applied_value_has_only_its_default(account: Any) -> None:
    client = account.client("service-quotas", "eu-west-1")
    assert listed(client, QuotaCode=TRANSFORM) == []
    with pytest.raises(ClientError) as error:
        client.get_service_quota(ServiceCode="sagemaker", QuotaCode=TRANSFORM)
    assert refusal(error) == (
        "NoSuchResourceException",
        f"The request failed because the specified quota {TRANSFORM} does not exist for service sagemaker.",
    )
    default = client.get_aws_default_service_quota(ServiceCode="sagemaker", QuotaCode=TRANSFORM)["Quota"]
    assert default["Value"] == 0
    assert TRANSFORM in {quota["QuotaCode"] for quota in listed(client, "list_aws_default_service_quotas")}


@pytest.mark.parametrize("region", REGIONS)
def test_p2_is_offered_in_one_region_alone_and_with_nothing(region: str, account: Any) -> None:
    quotas = listed(account.client("service-quotas", region), "list_aws_default_service_quotas")
    p2 = {quota["Value"] for quota in quotas if quota["QuotaName"].startswith("ml.p2.xlarge")}
    assert p2 == ({0.0} if region == "us-west-2" else set())


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_regions_differ(scenario: str) -> None:
    views = set()
    for region in REGIONS:
        quotas = scenario_quotas(scenario, region)
        views.add(tuple((code, quotas[code].default, quotas[code].applied) for code in sorted(quotas)))
    assert len(views) == len(REGIONS)


@pytest.mark.parametrize(("service", "region"), [("ec2", "us-east-1"), ("sagemaker", "mars-north-1")])
def test_an_unknown_service_or_region_is_refused_in_awss_words(service: str, region: str, account: Any) -> None:
    with pytest.raises(ClientError) as error:
        account.client("service-quotas", region).list_service_quotas(ServiceCode=service)
    assert refusal(error) == (
        "NoSuchResourceException",
        "This service is not available in the current Region. Choose a different Region or a different service.",
    )


def test_an_increase_is_granted_and_counts(account: Any) -> None:
    client = account.other().client("service-quotas")
    asked = client.request_service_quota_increase(ServiceCode="sagemaker", QuotaCode=TRAINING, DesiredValue=2)
    request = asked["RequestedQuota"]
    assert request["Status"] == "PENDING"
    assert "LastUpdated" not in request
    assert set(json.loads(request["Requester"])) == {"accountId", "callerArn"}
    wait_until(lambda: client.get_service_quota(ServiceCode="sagemaker", QuotaCode=TRAINING)["Quota"]["Value"] == 2)
    seen = client.get_requested_service_quota_change(RequestId=request["Id"])["RequestedQuota"]
    assert seen["Status"] == "APPROVED"
    assert seen["LastUpdated"] > seen["Created"]


def test_an_increase_moves_as_time_passes(desk: Desk) -> None:
    request = desk.ask(TRAINING, 1)
    seen = []
    for _ in range(3):
        now = desk.look(request["Id"])
        seen.append((now["Status"], desk.ledger.applied_value(HOME, TRAINING), now["LastUpdated"]))
        desk.pass_seconds(50)
    assert seen == [
        ("PENDING", 0.0, None),
        ("CASE_OPENED", 0.0, START + timedelta(seconds=50)),
        ("APPROVED", 1.0, START + timedelta(seconds=100)),
    ]


def test_an_applied_value_may_rise_before_the_request_says_so(desk: Desk) -> None:
    request = desk.ask(TRANSFORM, 1)
    desk.pass_seconds(80)
    assert (desk.look(request["Id"])["Status"], desk.ledger.applied_value(HOME, TRANSFORM)) == ("CASE_OPENED", 1.0)


def test_a_granted_increase_stays_in_its_region_and_account(desk: Desk) -> None:
    desk.ask(TRAINING, 1)
    desk.pass_seconds(100)
    assert desk.ledger.applied_value(HOME, TRAINING) == 1
    assert desk.ledger.applied_value(AccountRegion(ACCOUNT, "us-west-2"), TRAINING) == 0
    assert desk.ledger.applied_value(AccountRegion("999999999999", "us-east-1"), TRAINING) == 0


def test_a_quota_without_applied_value_gets_one_when_granted(desk: Desk) -> None:
    dublin = AccountRegion(ACCOUNT, "eu-west-1")
    desk.ask(TRANSFORM, 3, dublin)
    desk.pass_seconds(100)
    assert desk.ledger.applied_value(dublin, TRANSFORM) == 3


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
def test_what_may_not_be_asked_for(code: str, desired: float, text: str, desk: Desk) -> None:
    with pytest.raises(ApiError) as error:
        desk.ask(code, desired)
    assert refusal(error) == ("IllegalArgumentException", text)


def test_no_more_is_asked_than_there_is_already(desk: Desk) -> None:
    with pytest.raises(ApiError) as error:
        desk.ask("L-00C91CB5", 30, AccountRegion(ACCOUNT, "eu-west-1"))  # default 4, applied 30
    text = "You must provide a quota value greater than the current quota value"
    assert refusal(error) == ("IllegalArgumentException", text)


def test_one_open_request_a_quota(desk: Desk) -> None:
    desk.ask(TRAINING, 1)
    with pytest.raises(ApiError) as error:
        desk.ask(TRAINING, 2)
    text = "Only one open service quota increase request is allowed per quota."
    assert refusal(error) == ("ResourceAlreadyExistsException", text)
    desk.pass_seconds(100)
    assert desk.ask(TRAINING, 2)["Status"] == "PENDING"


def test_the_third_open_request_of_a_region_has_to_wait(desk: Desk) -> None:
    desk.ask(TRAINING, 1)
    desk.ask(TRANSFORM, 1)
    with pytest.raises(ApiError) as error:
        desk.ask(ENDPOINT, 1)
    assert refusal(error)[0] == "QuotaExceededException"
    assert desk.ask(ENDPOINT, 1, AccountRegion(ACCOUNT, "us-west-2"))["Status"] == "PENDING"
    desk.pass_seconds(100)
    assert desk.ask(ENDPOINT, 1)["Status"] == "PENDING"


def test_an_account_has_a_number_of_open_requests_too() -> None:
    desk = Desk(Scenario("fresh", open_per_account=2))
    desk.ask(TRAINING, 1)
    desk.ask(TRAINING, 1, AccountRegion(ACCOUNT, "us-west-2"))
    with pytest.raises(ApiError) as error:
        desk.ask(TRAINING, 1, AccountRegion(ACCOUNT, "us-east-2"))
    assert refusal(error)[0] == "QuotaExceededException"
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
def test_how_a_request_ends(desired: float, case_allowed: bool, decision: str, applied: float, desk: Desk) -> None:
    request = desk.ask(TRAINING, desired, SupportCaseAllowed=case_allowed)
    desk.pass_seconds(100)
    assert desk.look(request["Id"])["Status"] == decision
    assert desk.ledger.applied_value(HOME, TRAINING) == applied


def test_a_request_that_asks_for_no_case_has_none(desk: Desk) -> None:
    request = desk.ask(TRAINING, 21, SupportCaseAllowed=False)
    seen = []
    for _ in range(3):
        now = desk.look(request["Id"])
        seen.append((now["Status"], now["CaseId"]))
        desk.pass_seconds(50)
    assert seen == [("PENDING", None), ("PENDING", None), ("NOT_APPROVED", None)]


def test_a_support_case_can_be_opened_while_a_request_is_pending(desk: Desk) -> None:
    request = desk.ask(TRAINING, 1)
    desk.pass_seconds(10)
    desk.call("CreateSupportCase", desk.service.create_support_case, RequestId=request["Id"])
    now = desk.look(request["Id"])
    assert (now["Status"], now["LastUpdated"]) == ("CASE_OPENED", START + timedelta(seconds=10))
    assert now["CaseId"]
    with pytest.raises(ApiError) as error:
        desk.call("CreateSupportCase", desk.service.create_support_case, RequestId=request["Id"])
    assert refusal(error)[0] == "ResourceAlreadyExistsException"
    desk.pass_seconds(100)
    with pytest.raises(ApiError) as error:
        desk.call("CreateSupportCase", desk.service.create_support_case, RequestId=request["Id"])
    assert refusal(error)[0] == "InvalidResourceStateException"


def test_the_history_is_the_regions_own_newest_first_and_by_status(desk: Desk) -> None:
    desk.ask(TRAINING, 1)
    desk.pass_seconds(60)
    desk.ask(TRANSFORM, 1)
    desk.ask(ENDPOINT, 1, AccountRegion(ACCOUNT, "us-west-2"))

    def codes(**params: Any) -> list[str]:
        answer = desk.call("ListRequestedServiceQuotaChangeHistory", desk.service.list_requested_changes, **params)
        return [request["QuotaCode"] for request in answer["RequestedQuotas"]]

    assert codes() == [TRANSFORM, TRAINING]
    assert codes(Status="CASE_OPENED") == [TRAINING]
    assert codes(Status="APPROVED", ServiceCode="sagemaker") == []
    by_quota = desk.call("X", desk.service.list_requested_changes_by_quota, ServiceCode="sagemaker", QuotaCode=TRAINING)
    assert [request["QuotaCode"] for request in by_quota["RequestedQuotas"]] == [TRAINING]


def test_the_utilisation_report_is_made_counted_and_forgotten(desk: Desk) -> None:
    desk.state.in_use = [InstanceUsage(UsageResource.ENDPOINT, "ml.m5.large", 2)]
    report = desk.call("StartQuotaUtilizationReport", desk.reports.start_utilization_report)["ReportId"]

    def look() -> dict[str, Any]:
        return desk.call("GetQuotaUtilizationReport", desk.reports.get_utilization_report, ReportId=report)

    assert look() == {"ReportId": report, "Status": "IN_PROGRESS"}
    desk.pass_seconds(2)
    done = look()
    assert (done["Status"], done["TotalCount"]) == ("COMPLETED", len(done["Quotas"]))
    found = {quota["QuotaName"]: quota for quota in done["Quotas"]}
    assert found["Number of instances across active endpoints"]["Utilization"] == 50.0
    assert found["ml.m5.large for endpoint usage"]["DefaultValue"] == 4.0
    desk.pass_seconds(15 * 60)
    with pytest.raises(ApiError) as error:
        look()
    assert refusal(error)[0] == "NoSuchResourceException"


ADVICE = (
    " Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, "
    "contact AWS support to request an increase for this quota"
)


@pytest.mark.parametrize(
    ("region", "held", "wanted", "text"),
    [
        (
            "us-east-1",
            [],
            InstanceUsage(UsageResource.TRAINING_JOB, "ml.m4.xlarge", 2),
            "The account-level service limit 'ml.m4.xlarge for training job usage' is 0 Instances, with current "
            "utilization of 0 Instances and a request delta of 2 Instances." + ADVICE,
        ),
        (
            "eu-west-1",
            [InstanceUsage(UsageResource.TRAINING_JOB, "ml.m5.xlarge", 12)],
            InstanceUsage(UsageResource.TRAINING_JOB, "ml.m4.xlarge", 21),
            "The account-level service limit 'Maximum number of instances per training job' is 20 Instances, with "
            "current utilization of 0 Instances and a request delta of 21 Instances." + ADVICE,
        ),
        (
            "eu-west-1",
            [InstanceUsage(UsageResource.TRAINING_JOB, "ml.m5.xlarge", 12)],
            InstanceUsage(UsageResource.TRAINING_JOB, "ml.m4.xlarge", 20),
            "The account-level service limit 'Number of instances across all training jobs' is 30 Instances, with "
            "current utilization of 12 Instances and a request delta of 20 Instances." + ADVICE,
        ),
        (
            "us-east-1",
            [InstanceUsage(UsageResource.NOTEBOOK_INSTANCE, "ml.m5.xlarge", 16)],
            InstanceUsage(UsageResource.NOTEBOOK_INSTANCE, "ml.m4.xlarge", 1),
            "The account-level service limit 'Total number of notebook instances' is 8 NotebookInstances, with current "
            "utilization of 16 NotebookInstances and a request delta of 1 NotebookInstances." + ADVICE,
        ),
        (
            "us-east-1",
            [],
            InstanceUsage(UsageResource.TRAINING_JOB, "ml.t3.medium", 1),
            "The requested resource training-job/ml.t3.medium is not available in this region",
        ),
        (
            "us-east-1",
            [],
            InstanceUsage(UsageResource.TRAINING_JOB, "ml.p2.xlarge", 1),
            "The requested resource training-job/ml.p2.xlarge is not available in this region",
        ),
    ],
)
def test_refusals_are_awss_own(region: str, held: list[InstanceUsage], wanted: InstanceUsage, text: str) -> None:
    desk = Desk()
    account_region = AccountRegion(ACCOUNT, region)
    if held:  # enough for the type itself: a total stands in the way
        for code in (TRAINING, "L-E1249695"):
            desk.ask(code, 100, account_region)
        desk.pass_seconds(100)
    desk.state.in_use = held
    with pytest.raises(ApiError) as error:
        desk.ledger.check_capacity(account_region, "CreateTrainingJob", wanted)
    assert refusal(error) == ("ResourceLimitExceeded", text)


@given(held=st.integers(0, 30), wanted=st.integers(1, 30), granted=st.integers(1, 20))
def test_what_is_admitted_fits_and_what_fits_is_admitted(held: int, wanted: int, granted: int) -> None:
    desk = Desk()
    desk.ask(ENDPOINT, granted)
    desk.pass_seconds(100)
    desk.state.in_use = [InstanceUsage(UsageResource.ENDPOINT, "ml.m4.xlarge", held)] if held else []
    fits = held + wanted <= min(granted, 4)  # 4: all active endpoints together
    try:
        desk.ledger.check_capacity(
            HOME, "CreateEndpoint", InstanceUsage(UsageResource.ENDPOINT, "ml.m4.xlarge", wanted)
        )
    except ApiError:
        assert not fits
    else:
        assert fits


def test_variants_of_one_endpoint_are_judged_together(desk: Desk) -> None:
    desk.ask(ENDPOINT, 3)
    desk.pass_seconds(100)
    variant = InstanceUsage(UsageResource.ENDPOINT, "ml.m4.xlarge", 2)
    desk.ledger.check_capacity(HOME, "CreateEndpoint", variant)
    with pytest.raises(ApiError, match="request delta of 4 Instances"):
        desk.ledger.check_capacity(HOME, "CreateEndpoint", variant, variant)


def test_in_the_classroom_the_course_just_fits() -> None:
    desk = Desk(SCENARIOS["classroom"])
    desk.state.in_use = [InstanceUsage(UsageResource.NOTEBOOK_INSTANCE, "ml.t2.medium", 4)]
    for resource, instance_type in [
        (UsageResource.NOTEBOOK_INSTANCE, "ml.t2.medium"),
        (UsageResource.TRAINING_JOB, "ml.m4.xlarge"),
        (UsageResource.TRANSFORM_JOB, "ml.m4.xlarge"),
        (UsageResource.ENDPOINT, "ml.m4.xlarge"),
    ]:
        desk.ledger.check_capacity(HOME, "Create", InstanceUsage(resource, instance_type, 1))
        with pytest.raises(ApiError):
            desk.ledger.check_capacity(HOME, "Create", InstanceUsage(resource, instance_type, 2))


def test_in_the_full_account_nothing_fits() -> None:
    desk = Desk(SCENARIOS["full"])
    seeds = [seed for seed in SCENARIOS["full"].seeds if seed.region == "us-east-1"]
    desk.state.in_use = [InstanceUsage(seed.resource, seed.instance_type, getattr(seed, "count", 1)) for seed in seeds]
    for held in set(desk.state.in_use):
        with pytest.raises(ApiError, match=r"current utilization of [1-9]"):
            desk.ledger.check_capacity(HOME, "Create", InstanceUsage(held.resource, held.instance_type, 1))


def test_usage_is_published_to_cloudwatch(account: Any) -> None:
    other = account.other()
    desk = Desk(url=account.sandbox.url)
    desk.state.time = datetime.now(UTC)
    desk.state.in_use = [
        InstanceUsage(UsageResource.TRAINING_JOB, "ml.m4.xlarge", 2),
        InstanceUsage(UsageResource.SPOT_TRAINING_JOB, "ml.m5.large", 1),
    ]
    desk.state.client = lambda service, account_region: other.client(service, account_region.region)  # type: ignore[method-assign]
    UsageMetricPublisher(desk.state, desk.ledger).publish_usage(
        HOME, [desk.state.time - timedelta(hours=hour) for hour in (1, 2)]
    )

    resources = ["training-job/ml.m4.xlarge", "training-job/total_instance_count", "spot-training-job/ml.m5.large"]
    resources += [f"endpoint/ml.made-up.{number}xlarge" for number in range(497)]
    end = desk.state.time
    answer = other.client("cloudwatch").get_metric_data(
        MetricDataQueries=[usage_query(f"q{number}", resource) for number, resource in enumerate(resources)],
        StartTime=end - timedelta(hours=24),
        EndTime=end,
    )
    values = [result["Values"] for result in answer["MetricDataResults"]]
    assert values[:3] == [[2.0, 2.0], [2.0, 2.0], [1.0, 1.0]]
    assert values[3:] == [[]] * 497


def usage_query(name: str, resource: str) -> dict[str, Any]:
    # as Service Quotas names them: the order matters to moto
    dimensions = {"Class": "None", "Resource": resource, "Service": "SageMaker", "Type": "Resource"}
    metric = {
        "Namespace": "AWS/Usage",
        "MetricName": "ResourceCount",
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Maximum"}}
