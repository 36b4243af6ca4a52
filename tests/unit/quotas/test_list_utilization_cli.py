"""`quotas list`: where the utilization comes from, with --live and --report too, and what cannot be read of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from opskit.core.workloads import NOTEBOOK_VOLUMES, SPACE_VOLUMES
from tests.fakes.cli_runner import CliResult
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, GARBLED, THROTTLED, Entry, FakeAws, Fault
from tests.fakes.listed_quotas import BUSY, FULL, HOUR_AGO, HUGE, TOTAL, UNAPPLIED, listed_entries


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
                {"Id": each["Id"], "StatusCode": "Complete", "Values": [], "Timestamps": []}
                for each in query["MetricDataQueries"]
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
        point = {"Timestamps": [HOUR_AGO - 3600 * (not first)], "Values": [1.0 if first else 9.0]}
        result = {"Id": "m0", "Label": "x", "StatusCode": "PartialData" if first else "Complete", **point}
        return {"MetricDataResults": [result], **({"NextToken": "t"} if first else {})}

    fake_aws.running["GetMetricData"] = page
    assert run_list().row(FULL)["in_use"] == 1
