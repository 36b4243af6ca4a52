"""A verdict that is short names what holds the quota: the oldest first, whose it is and what it costs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from opskit.core.model import Price, Quota, Requirement, Unknown, Workload
from opskit.quotas.reads.code_cache import bundled_codes
from opskit.quotas.rules.holders import hourly_cost, oldest_holders
from opskit.quotas.rules.model import Headroom, InUseCounts, QuotaHolder, UsedRange, Verdict
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import DENIED, Entry, FakeAws, Fault

pytestmark = pytest.mark.usefixtures("no_backoff")

TYPE = "ml.m5.xlarge"
NAMES = [f"{TYPE} for transform job usage", "Number of instances across all transform jobs"]
NOW = datetime.now(UTC)


def transform_job(number: int) -> dict[str, Any]:
    """The job of this number, which is so many days old."""
    resources = {"InstanceType": TYPE, "InstanceCount": number}
    told = {
        "TransformJobName": f"job-{number}",
        "TransformJobArn": f"arn:aws:sagemaker:us-east-1:1:transform-job/{number}",
    }
    made = (NOW - timedelta(days=number, hours=1)).timestamp()
    return {**told, "TransformJobStatus": "InProgress", "CreationTime": made, "TransformResources": resources}


def price_list(asked: Mapping[str, Any]) -> dict[str, Any]:
    dimension = {"priceDimensions": {"d": {"pricePerUnit": {"USD": "0.23"}}}}
    product = {"product": {"attributes": {"component": "Batch Transform"}}, "terms": {"OnDemand": {"t": dimension}}}
    return {"PriceList": [json.dumps(product)]}


@pytest.fixture
def used_up(fake_aws: FakeAws) -> FakeAws:
    jobs = {f"job-{number}": transform_job(number) for number in range(1, 8)}
    listed = sorted(jobs.values(), key=lambda job: -job["CreationTime"])
    summaries = [{key: value for key, value in job.items() if key != "TransformResources"} for job in listed]
    fake_aws.quotas = [Entry(name, bundled_codes()[name], 28, 28) for name in NAMES]
    fake_aws.running |= {
        "ListTransformJobs": lambda _: {"TransformJobSummaries": summaries},
        "DescribeTransformJob": lambda asked: jobs[asked["TransformJobName"]],
        "ListTags": lambda asked: {
            "Tags": [{"Key": "owner", "Value": "ada"}] if asked["ResourceArn"][-1] == "7" else []
        },
        "GetProducts": price_list,
    }
    return fake_aws


def check_transform(capsys: pytest.CaptureFixture[str], *words: str) -> CliResult:
    return run_opskit(capsys, "quotas", "check", TYPE, "--for", "transform", *words)


def test_a_short_quota_names_the_oldest_that_hold_it(used_up: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    ran = check_transform(capsys, "-o", "json")
    assert {row["verdict"] for row in ran.quotas} == {"short"}
    for row in ran.quotas:
        held = row["used_by"]
        assert [each["name"] for each in held] == ["job-7", "job-6", "job-5", "job-4", "job-3"]
        assert [each["count"] for each in held] == [7, 6, 5, 4, 3]
        assert [each["owner"] for each in held] == ["ada", None, None, None, None]
        assert [each["owner_source"] for each in held][:2] == ["tag", None]
        assert {each["kind"] for each in held} == {"transform job"}
        assert [each["usd_per_hour"] for each in held][:2] == [1.61, 1.38]
        assert 7 * 86400 <= held[0]["age_seconds"] < 8 * 86400
    assert used_up.count("ListTags") == 5  # once each, though two quotas are short
    assert used_up.count("GetProducts") == 1


def test_a_number_that_aws_does_not_tell_is_not_one(used_up: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    described = used_up.running["DescribeTransformJob"]
    untold = {**transform_job(7), "TransformResources": {"InstanceType": TYPE}}
    used_up.running["DescribeTransformJob"] = lambda asked: (
        untold if asked["TransformJobName"] == "job-7" else described(asked)
    )
    ran = check_transform(capsys, "--need", "15", "-o", "json")
    for row in ran.quotas:
        held = {each["name"]: (each["count"], each["usd_per_hour"]) for each in row["used_by"]}
        assert (held["job-7"], held["job-6"]) == ((None, None), (6, 1.38))
    oldest = next(line for line in check_transform(capsys, "--need", "15").out.splitlines() if "job-7" in line)
    assert oldest.count("?") == 2


@pytest.mark.parametrize("is_allowed", [True, False])
def test_many_holders_are_asked_for_whose_they_are_at_once(
    used_up: FakeAws, capsys: pytest.CaptureFixture[str], is_allowed: bool
) -> None:
    """ListTags answers for one at five a second; two types that are short have up to ten holders."""

    def mappings(asked: Mapping[str, Any]) -> dict[str, Any]:
        listed = asked["ResourceARNList"]
        assert len(listed) <= 100
        owned = [{"ResourceARN": arn, "Tags": [{"Key": "owner", "Value": "ada"}]} for arn in listed if arn[-1] == "7"]
        return {"ResourceTagMappingList": owned, "PaginationToken": ""}

    used_up.running["GetResources"] = mappings
    if not is_allowed:
        used_up.fault = lambda operation, region: DENIED if operation == "GetResources" else None
    other = "ml.m4.xlarge"
    used_up.quotas.append(
        Entry(f"{other} for transform job usage", bundled_codes()[f"{other} for transform job usage"], 28, 28)
    )
    jobs = {f"job-{number}": transform_job(number) for number in range(1, 11)}
    for number in (8, 9, 10):
        jobs[f"job-{number}"]["TransformResources"]["InstanceType"] = other
    listed = sorted(jobs.values(), key=lambda job: -job["CreationTime"])
    used_up.running |= {
        "ListTransformJobs": lambda _: {"TransformJobSummaries": listed},
        "DescribeTransformJob": lambda asked: jobs[asked["TransformJobName"]],
    }
    ran = run_opskit(capsys, "quotas", "check", TYPE, other, "--for", "transform", "--need", "28", "-o", "json")
    owners = {each["name"]: each["owner"] for row in ran.quotas for each in row["used_by"]}
    assert len(owners) > 5
    assert owners["job-7"] == "ada"
    assert used_up.count("GetResources") == 1
    assert used_up.count("ListTags") == (0 if is_allowed else len(owners))
    gaps = {each["name"]: each["owner_unknown_because"] for row in ran.quotas for each in row["used_by"]}
    assert gaps["job-7"] is None
    # What was never tagged is in no index, nor what began a moment ago.
    assert {gap is not None for name, gap in gaps.items() if name != "job-7"} == {is_allowed}


def test_the_table_names_them_too(used_up: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    out = check_transform(capsys).out
    assert "What uses the quotas that are short, the oldest first" in out
    line = next(line for line in out.splitlines() if "job-7" in line)
    assert {"transform", "job", "ada", "7", "7d1h", "1.61"} <= set(line.split())
    assert "job-2" not in out
    assert "Running resources are billed: opskit costs lists them" in out


@pytest.mark.parametrize("closed", ["ListTags", "GetProducts"])
def test_whose_and_how_dear_may_be_unreadable(
    used_up: FakeAws, closed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(operation: str, region: str) -> Fault | None:
        return DENIED if operation == closed else None

    used_up.fault = refuse
    ran = check_transform(capsys, "-o", "json")
    assert (ran.code, len(ran.quotas[0]["used_by"])) == (3, 5)
    first = ran.quotas[0]["used_by"][0]
    assert first["owner"] == {"ListTags": None, "GetProducts": "ada"}[closed]
    assert ("sagemaker:ListTags" in (first["owner_unknown_because"] or "")) == (closed == "ListTags")


def test_an_owner_that_could_not_be_read_is_not_shown_as_none(
    used_up: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    def owner_of(name: str, out: str) -> str:
        return next(line for line in out.splitlines() if name in line).split()[-2]

    assert owner_of("job-6", check_transform(capsys).out) == "-", "its tags name none"
    used_up.fault = lambda operation, region: DENIED if operation == "ListTags" else None
    out = check_transform(capsys).out
    assert owner_of("job-6", out) == "?"
    assert "Not all owners are known: " in out


def test_where_nothing_is_short_nobody_is_asked_whose_it_is(
    used_up: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    used_up.quotas = [Entry(name, bundled_codes()[name], 99, 28) for name in NAMES]
    ran = check_transform(capsys, "-o", "json")
    assert [row["used_by"] for row in ran.quotas] == [[], []]
    assert used_up.count("ListTags") + used_up.count("GetProducts") == 0
    assert "opskit costs" not in check_transform(capsys).out


def test_what_holds_a_quota_that_is_too_small_anyway_is_not_the_reason(
    used_up: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    used_up.quotas = [Entry(name, bundled_codes()[name], 0, 0) for name in NAMES]
    assert check_transform(capsys, "-o", "json").quotas[0]["used_by"] == []


def test_one_without_a_time_comes_last() -> None:
    holders = tuple(QuotaHolder("endpoint", name, {"t": 1}, since) for name, since in (("new", None), ("old", NOW)))
    quota = Quota("r", "n", "c", 2, None)
    wanted = Requirement("t", Workload.ENDPOINT)
    headroom = Headroom("r", wanted, "n", quota, UsedRange(2, 2), Verdict.SHORT, "2 of 2 in use")
    assert [holder.name for holder in oldest_holders(headroom, InUseCounts({"t": 2}, holders=holders))] == [
        "old",
        "new",
    ]


def test_a_cost_of_which_a_part_is_not_known_is_not_known() -> None:
    price = Price(Decimal("0.5"), "list")
    assert hourly_cost([(2, price), (1, price)]) == Decimal("1.5")
    assert hourly_cost([(2, price), (1, Unknown("no"))]) is None
    assert hourly_cost([]) is None
