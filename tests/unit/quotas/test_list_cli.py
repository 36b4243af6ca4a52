"""``opskit quotas list`` as people and scripts meet it, on an AWS that answers over HTTP."""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from opskit.quotas.reads.volumes import NOTEBOOK_VOLUMES, SPACE_VOLUMES
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, GARBLED, THROTTLED, Entry, FakeAws, Fault

FIELDS = [
    "region", "quota_name", "quota_code", "instance_type", "usage", "applied", "default", "in_use", "utilisation",
    "adjustable", "request", "measured_at", "because",
]  # fmt: skip
FULL = "ml.m4.xlarge for training job usage"
BUSY = "ml.m5.large for endpoint usage"
IDLE = "ml.c5.large for processing job usage"
ZERO = "ml.p2.xlarge for training job usage"
UNAPPLIED = "ml.t3.medium for notebook instance usage"
TOTAL = "Number of instances across all training jobs"
HUGE = "Longest run time for a training job"

HOUR_AGO = time.time() // 3600 * 3600 - 3600


def listed_entries() -> list[Entry]:
    return [
        Entry(HUGE, "L-33A961FD", 3e9, 432000),
        Entry(IDLE, "L-1", 4, 4, metric="processing-job/ml.c5.large"),
        Entry(BUSY, "L-2", 4, 0, metric="endpoint/ml.m5.large"),
        Entry(ZERO, "L-3", 0, 0, metric="training-job/ml.p2.xlarge"),
        Entry(FULL, "L-4", 2, 0, metric="training-job/ml.m4.xlarge"),
        Entry(UNAPPLIED, "L-5", None, 2, metric="notebook-instance/ml.t3.medium"),
        Entry(TOTAL, "L-00C91CB5", 30, 4),
    ]


@pytest.fixture
def run_list(fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], no_backoff: None) -> Callable[..., CliResult]:
    fake_aws.quotas = listed_entries()
    fake_aws.published = {
        "training-job/ml.m4.xlarge": {HOUR_AGO - 3600: 1.0, HOUR_AGO: 3.0},
        "endpoint/ml.m5.large": {HOUR_AGO: 3.0, HOUR_AGO - 7200: 4.0},
    }

    def list_with(*arguments: str, form: str | None = "json") -> CliResult:
        return run_opskit(capsys, "quotas", "list", *arguments, *(["-o", form] if form else []))

    return list_with


def listed_names(ran: CliResult) -> list[str]:
    return [row["quota_name"] for row in ran.quotas]


def test_every_quota_has_every_field_and_the_worst_stands_on_top(run_list: Callable[..., CliResult]) -> None:
    ran = run_list()
    assert (ran.code, ran.envelope["status"], ran.envelope["errors"]) == (0, "ok", [])
    assert all(list(row) == FIELDS for row in ran.quotas)
    assert listed_names(ran) == [FULL, BUSY, ZERO, HUGE, TOTAL, IDLE, UNAPPLIED]


def test_use_is_the_newest_that_was_published_with_its_time(run_list: Callable[..., CliResult]) -> None:
    row = run_list().row(FULL)
    assert (row["instance_type"], row["usage"]) == ("ml.m4.xlarge", "training")
    assert (row["applied"], row["default"], row["in_use"], row["utilisation"]) == (2, 0, 3, 150)
    assert row["measured_at"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(HOUR_AGO))
    assert run_list().row(BUSY)["in_use"] == 3


@pytest.mark.parametrize(("name", "why"), [(IDLE, "published no use"), (TOTAL, "publishes no use")])
def test_what_was_not_published_is_not_zero(run_list: Callable[..., CliResult], name: str, why: str) -> None:
    row = run_list().row(name)
    assert (row["in_use"], row["utilisation"], row["measured_at"]) == (None, None, None)
    assert why in row["because"]


def test_a_default_counts_where_nothing_is_applied_and_is_never_taken_for_it(
    run_list: Callable[..., CliResult],
) -> None:
    row = run_list().row(UNAPPLIED)
    assert (row["applied"], row["default"]) == (None, 2)
    assert "default" in row["because"]
    assert "(2)" in run_list(form=None).out


def test_numbers_beyond_a_billion_are_whole(run_list: Callable[..., CliResult]) -> None:
    assert '"applied": 3000000000,' in run_list().out
    assert "3000000000" in run_list(form=None).out


def test_nothing_is_paid_for_the_use_of_what_cannot_be_in_use(
    run_list: Callable[..., CliResult], fake_aws: FakeAws
) -> None:
    asked: list[str] = []

    def metric_data(query: Mapping[str, Any]) -> dict[str, Any]:
        for each in query["MetricDataQueries"]:
            dimensions = {one["Name"]: one["Value"] for one in each["MetricStat"]["Metric"]["Dimensions"]}
            asked.append(dimensions["Resource"])
        return {
            "MetricDataResults": [
                {"Id": each["Id"], "Values": [], "Timestamps": []} for each in query["MetricDataQueries"]
            ]
        }

    fake_aws.running["GetMetricData"] = metric_data
    values = {"zero": (0, 9), "used": (2, 0), "default": (None, 3), "nothing": (None, 0), "unread": (None, 0)}
    fake_aws.quotas = [
        Entry(f"ml.{name}.large for endpoint usage", f"L-{name}", applied, default, metric=name)
        for name, (applied, default) in values.items()
    ]
    fake_aws.quotas[-1] = replace(fake_aws.quotas[-1], applied=1, reason="busy")
    ran = run_list()
    assert sorted(asked) == ["default", "unread", "used"]
    assert ran.data["cost_usd"] == 0.00003
    assert ran.row("ml.zero.large for endpoint usage")["in_use"] is None
    assert "its use was not asked for" in ran.row("ml.zero.large for endpoint usage")["because"]
    assert "This look cost 0.00003 USD: 3 metrics of CloudWatch" in run_list(form=None).out


def test_a_live_count_costs_nothing(run_list: Callable[..., CliResult], fake_aws: FakeAws) -> None:
    assert run_list("--live").data["cost_usd"] == 0
    assert "This look cost" not in run_list("--live", form=None).out
    assert fake_aws.count("GetMetricData") == 0


def test_one_call_asks_for_the_use_of_all(run_list: Callable[..., CliResult], fake_aws: FakeAws) -> None:
    fake_aws.quotas += [
        Entry(f"ml.x{at}.large for endpoint usage", f"L-X{at}", 1, 1, metric=f"endpoint/ml.x{at}.large")
        for at in range(1000)
    ]
    assert len(run_list().quotas) == 1007
    assert fake_aws.count("GetMetricData") == 3
    assert fake_aws.count("ListServiceQuotas") == fake_aws.count("ListAWSDefaultServiceQuotas") == 11
    assert fake_aws.count("GetServiceQuota") == 0


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--match", "M4"], [FULL]),
        (["--match", "ml.?4.xlarge"], [FULL]),
        (["--match", "ml.*job*"], [FULL, ZERO, IDLE]),
        (["--match", "l-33a961fd"], [HUGE]),
        (["--match", "nothing"], []),
        (["--for", "training"], [FULL, ZERO, TOTAL]),
        (["--for", "training", "--for", "endpoint", "--match", "ml."], [FULL, BUSY, ZERO]),
        (["--used"], [FULL, BUSY]),
        (["--short"], [FULL, ZERO]),
        (["--short", "--used"], [FULL]),
    ],
)
def test_what_narrows_it_down(run_list: Callable[..., CliResult], words: list[str], found: list[str]) -> None:
    ran = run_list(*words)
    assert (ran.code, listed_names(ran)) == (0, found)


def test_nothing_found_is_said(run_list: Callable[..., CliResult]) -> None:
    assert "No quota is like that." in run_list("--match", "nothing", form=None).out
    assert run_list("--match", "nothing", form="csv").out == ""


def test_an_open_request_stands_beside_its_quota(run_list: Callable[..., CliResult], fake_aws: FakeAws) -> None:
    asked = {"QuotaCode": "L-3", "QuotaName": ZERO, "DesiredValue": 2.0, "Created": 1.7e9}
    fake_aws.requests = [asked | {"Id": "r-1", "Status": "PENDING"}, asked | {"Id": "r-0", "Status": "DENIED"}]
    ran = run_list()
    assert ran.row(ZERO)["request"]["id"] == "r-1"
    assert listed_names(ran)[:3] == [FULL, ZERO, BUSY]
    assert "2, pending" in run_list(form=None).out


def test_live_counts_what_runs_now(run_list: Callable[..., CliResult], fake_aws: FakeAws) -> None:
    fake_aws.running["ListNotebookInstances"] = lambda _: {
        "NotebookInstances": [
            {
                "NotebookInstanceName": "n",
                "NotebookInstanceArn": "arn:a",
                "NotebookInstanceStatus": "InService",
                "InstanceType": "ml.t3.medium",
            }
        ]
    }
    ran = run_list("--live")
    assert fake_aws.count("GetMetricData") == 0
    assert {name: ran.row(name)["in_use"] for name in (UNAPPLIED, FULL, TOTAL, HUGE)} == {
        UNAPPLIED: 1, FULL: 0, TOTAL: 0, HUGE: None,
    }  # fmt: skip
    assert ran.row(UNAPPLIED)["utilisation"] == 50


def test_the_gigabytes_of_all_volumes_are_summed_once_for_as_long_as_nothing_changes(
    run_list: Callable[..., CliResult], fake_aws: FakeAws
) -> None:
    notebooks = {"on": ("InService", 50), "off": ("Stopped", 5)}
    listed = [
        {
            "NotebookInstanceName": name,
            "NotebookInstanceArn": f"arn:{name}",
            "NotebookInstanceStatus": status,
            "InstanceType": "ml.t3.medium",
            "LastModifiedTime": HOUR_AGO,
        }
        for name, (status, _) in notebooks.items()
    ]
    spaces = [
        {
            "SpaceName": "s",
            "SpaceSettingsSummary": {"SpaceStorageSettings": {"EbsStorageSettings": {"EbsVolumeSizeInGb": 20}}},
        }
    ]
    fake_aws.quotas += [Entry(NOTEBOOK_VOLUMES, "L-E4B12EA2", 100, 100), Entry(SPACE_VOLUMES, "L-A37B67B0", 20, 20)]
    fake_aws.running |= {
        "ListNotebookInstances": lambda _: {"NotebookInstances": listed},
        "DescribeNotebookInstance": lambda asked: {
            **next(each for each in listed if each["NotebookInstanceName"] == asked["NotebookInstanceName"]),
            "VolumeSizeInGB": notebooks[asked["NotebookInstanceName"]][1],
        },
        "ListSpaces": lambda _: {"Spaces": [*spaces, {"SpaceName": "without-a-volume"}]},
    }
    for _ in range(2):
        ran = run_list("--live")
        assert (ran.row(NOTEBOOK_VOLUMES)["in_use"], ran.row(SPACE_VOLUMES)["in_use"]) == (55, 20)
    assert fake_aws.count("DescribeNotebookInstance") == 2
    for listing in listed:
        listing["LastModifiedTime"] = HOUR_AGO + 60
    fake_aws.running["DescribeNotebookInstance"] = lambda asked: listed[0]  # without a size
    ran = run_list("--live")
    assert (ran.code, ran.row(NOTEBOOK_VOLUMES)["in_use"]) == (5, None)


def test_live_use_that_cannot_be_counted_is_not_zero(run_list: Callable[..., CliResult], fake_aws: FakeAws) -> None:
    fake_aws.fault = lambda called, _: DENIED if called == "ListNotebookInstances" else None
    ran = run_list("--live")
    assert (ran.code, ran.row(UNAPPLIED)["in_use"], ran.row(FULL)["in_use"]) == (5, None, 0)


def stub_report(small_aws: FakeAws, *answers: Mapping[str, Any]) -> None:
    """AWS has a report, and answers so about it, one time after the other."""
    left = list(answers)
    small_aws.running["StartQuotaUtilizationReport"] = lambda _: {"ReportId": "r-1", "Status": "PENDING"}
    small_aws.running["GetQuotaUtilizationReport"] = lambda _: dict(left.pop(0) if len(left) > 1 else left[0])


def report_row(code: str, percent: float | None, applied: float, service: str = "sagemaker") -> dict[str, Any]:
    shown = {"QuotaCode": code, "ServiceCode": service, "AppliedValue": applied, "DefaultValue": 0.0}
    return shown if percent is None else {**shown, "Utilization": percent}


@pytest.fixture
def no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opskit.core.clock.time.sleep", lambda seconds: None)


@pytest.mark.usefixtures("no_naps")
def test_the_report_tells_the_use_where_it_has_it(run_list: Callable[..., CliResult], fake_aws: FakeAws) -> None:
    quotas = [report_row("L-4", 33.33, 3.0), report_row("L-3", None, 0.0), report_row("L-2", 100.0, 9.0, "ec2")]
    done = {"Status": "COMPLETED", "GeneratedAt": HOUR_AGO + 7, "Quotas": quotas}
    stub_report(fake_aws, {"Status": "PENDING"}, {"Status": "IN_PROGRESS"}, done)
    ran = run_list("--report")
    assert ran.code == 0
    assert ran.row(FULL)["in_use"] == 1
    assert ran.row(FULL)["measured_at"].endswith(":07Z")
    assert ran.row(BUSY)["in_use"] == 3  # which only CloudWatch told


@pytest.mark.usefixtures("no_naps")
@pytest.mark.parametrize(
    "answer",
    [
        {"Status": "FAILED", "ErrorMessage": "no luck"},
        {"Status": "COMPLETED", "Quotas": []},
        {"Status": "COMPLETED", "Quotas": [report_row("L-4", 50.0, 2.0, "ec2")]},
    ],
)
def test_without_a_report_the_metrics_answer_and_it_is_said(
    run_list: Callable[..., CliResult], fake_aws: FakeAws, answer: dict[str, Any]
) -> None:
    stub_report(fake_aws, answer)
    assert (run_list("--report").code, run_list("--report").row(FULL)["in_use"]) == (0, 3)
    assert "the utilization is from CloudWatch" in run_list("--report", form=None).out


def test_an_account_without_reports_is_no_failure(run_list: Callable[..., CliResult], fake_aws: FakeAws) -> None:
    unknown = Fault(400, "UnknownOperationException", "")
    fake_aws.fault = lambda called, _: unknown if called == "StartQuotaUtilizationReport" else None
    ran = run_list("--report")
    assert (ran.code, ran.row(FULL)["in_use"]) == (0, 3)


def test_live_and_report_exclude_each_other(run_list: Callable[..., CliResult], fake_aws: FakeAws) -> None:
    assert run_list("--live", "--report").code == 2
    assert run_list("--for", "trainig").code == 2
    assert fake_aws.calls == []


@pytest.mark.parametrize("fault", [BROKEN, CLOSED, GARBLED, DENIED, THROTTLED])
def test_use_that_cannot_be_read_hides_no_quota(
    run_list: Callable[..., CliResult], fake_aws: FakeAws, fault: Fault
) -> None:
    fake_aws.fault = lambda called, _: fault if called == "GetMetricData" else None
    ran = run_list()
    assert (ran.code, len(ran.quotas)) == (5, 7)
    assert {row["in_use"] for row in ran.quotas} == {None}
    assert len(ran.envelope["errors"]) == 1


@pytest.mark.parametrize("status", ["InternalError", "Forbidden"])
def test_a_metric_that_cloudwatch_refuses_is_not_read(
    run_list: Callable[..., CliResult], fake_aws: FakeAws, status: str
) -> None:
    fake_aws.running["GetMetricData"] = lambda asked: {
        "MetricDataResults": [{"Id": "m0", "Label": "x", "StatusCode": status, "Timestamps": [], "Values": []}]
    }
    ran = run_list()
    assert (ran.code, {row["in_use"] for row in ran.quotas}) == (5, {None})


def test_metrics_come_in_pages_and_the_newest_point_counts(
    run_list: Callable[..., CliResult], fake_aws: FakeAws
) -> None:
    fake_aws.quotas = [entry for entry in listed_entries() if entry.name == FULL]

    def page(asked: Mapping[str, Any]) -> dict[str, Any]:
        first = "NextToken" not in asked
        point = {"Timestamps": [HOUR_AGO], "Values": [1.0]} if first else {"Timestamps": [0], "Values": [9.0]}
        result = {"Id": "m0", "Label": "x", "StatusCode": "PartialData" if first else "Complete", **point}
        return {"MetricDataResults": [result], **({"NextToken": "t"} if first else {})}

    fake_aws.running["GetMetricData"] = page
    assert run_list().row(FULL)["in_use"] == 1


def test_a_value_that_could_not_be_read_is_not_taken_from_the_default(
    run_list: Callable[..., CliResult], fake_aws: FakeAws
) -> None:
    fake_aws.fault = lambda called, _: DENIED if called == "ListServiceQuotas" else None
    ran = run_list()
    assert (ran.code, len(ran.quotas)) == (5, 7)
    assert {row["applied"] for row in ran.quotas} == {None}
    assert all("not known" in row["because"] for row in ran.quotas)
    assert listed_names(run_list("--short")) == []


def test_a_listing_that_breaks_off_says_so(run_list: Callable[..., CliResult], fake_aws: FakeAws) -> None:
    fake_aws.page = 3
    seen: list[str] = []

    def breaks_off(called: str, region: str) -> Fault | None:
        seen.append(called)
        return DENIED if called == "ListServiceQuotas" and seen.count(called) > 1 else None

    fake_aws.fault = breaks_off
    ran = run_list()
    assert (ran.code, len(ran.quotas)) == (5, 7)
    assert (ran.row(BUSY)["applied"], ran.row(FULL)["applied"]) == (4, None)
    assert "not known" in ran.row(FULL)["because"]


def test_a_value_that_aws_does_not_give_is_a_gap(run_list: Callable[..., CliResult], fake_aws: FakeAws) -> None:
    fake_aws.quotas = [Entry(ZERO, "L-3", 0, 0, reason="not now"), *listed_entries()[:2]]
    ran = run_list()
    assert (ran.code, ran.row(ZERO)["applied"]) == (5, None)
    assert "not now" in ran.row(ZERO)["because"]
    assert listed_names(ran)[0] == ZERO


def test_requests_that_cannot_be_read_are_said(run_list: Callable[..., CliResult], fake_aws: FakeAws) -> None:
    fake_aws.fault = lambda called, _: DENIED if "Requested" in called else None
    assert run_list().code == 5


@pytest.mark.parametrize("fault", [BROKEN, CLOSED, GARBLED, DENIED, THROTTLED])
def test_the_only_region_going_dark_is_4_and_one_of_two_is_5(
    run_list: Callable[..., CliResult], fake_aws: FakeAws, fault: Fault
) -> None:
    fake_aws.fault = lambda called, region: fault if region == "eu-west-1" else None
    alone = run_list("--region", "eu-west-1")
    assert (alone.code, alone.envelope["status"], alone.quotas) == (4, "error", [])
    both = run_list("--region", "us-east-1", "--region", "eu-west-1")
    assert (both.code, len(both.quotas)) == (5, 7)
    assert {error["region"] for error in both.envelope["errors"]} == {"eu-west-1"}


def test_several_regions_are_told_apart(run_list: Callable[..., CliResult]) -> None:
    ran = run_list("--region", "us-east-1", "--region", "eu-west-1", "--used", form=None)
    assert ran.out.count("eu-west-1") == ran.out.count("us-east-1") == 2


def test_no_credentials_is_4(run_list: Callable[..., CliResult], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert run_list("--region", "us-east-1", "--region", "eu-west-1").code == 4


def test_csv_has_a_line_a_quota_and_a_pipe_cuts_nothing_off(run_list: Callable[..., CliResult]) -> None:
    rows = list(csv.DictReader(io.StringIO(run_list(form="csv").out)))
    assert list(rows[0]) == FIELDS
    assert len(rows) == 7
    for form in ("markdown", None):
        told = run_list("--defaults", form=form).out
        assert FULL in told
        assert "Default" in told
        assert "not the same as none" in told


def test_quotas_list_shows_a_terminal_the_twenty_most_urgent_and_all_when_asked(
    fake_aws: FakeAws,
    run_list: Callable[..., CliResult],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_aws.quotas = [
        *listed_entries(),
        *(Entry(f"Made up quota {index}", f"L-9{index}", 5, 5) for index in range(40)),
    ]
    assert run_list(form=None).out.count("Made up quota") == 40  # a pipe has them all
    capsys.readouterr()
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)
    first = run_list(form=None).out
    assert "The 20 most urgent of 47 quotas; --all shows the rest" in first
    assert FULL in first
    assert first.count("Made up quota") < 20
    assert run_list("--all", form=None).out.count("Made up quota") == 40
    monkeypatch.setenv("PAGER", "cat")
    assert run_list("--pager", form=None).out.count("Made up quota") == 40
    assert len(run_list().quotas) == 47
