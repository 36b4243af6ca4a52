"""Where an answer of AWS's lacks anything at all, nothing fits, nothing starts, nothing has come true.

In this account all quotas are short: 0 is applied where AWS's default is 10, or all that is applied is in use. So
whatever comes out as room has been concluded from what was not there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from opskit.core.model import Requirement, Workload
from opskit.core.workloads import WORKLOADS
from opskit.quotas.reads.code_cache import bundled_codes
from opskit.quotas.rules.requirements import parse_requirements, quota_name_for, with_totals
from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import Entry, FakeAws, Fault
from tests.fakes.garbled_responses import SAMPLE_AND_EVERY_WAY, GarbledRuns

TYPE = "ml.m4.xlarge"
ADD_ONE = "all of each quota has to be in use: add one that runs to running_resources() in this file"
THEN = 1.7e9
TWO = {"InstanceType": TYPE, "InstanceCount": 2}
KEPT = {**TWO, "KeepAlivePeriodInSeconds": 600}
GONE = Fault(400, "ValidationException", "Requested resource not found.")
NOT_FOR_A_TYPE = (Workload.STUDIO_CODEEDITOR, Workload.STUDIO_KERNELGATEWAY)
USAGES = [workload for workload in Workload if workload not in NOT_FOR_A_TYPE]


def garbled_job(name: str, status: str = "InProgress", **more: Any) -> dict[str, Any]:
    told = {"TrainingJobName": name, "TrainingJobArn": "arn:a", "TrainingJobStatus": status, "ResourceConfig": TWO}
    return {**told, "EnableManagedSpotTraining": False, "CreationTime": THEN, "SecondaryStatus": "Training", **more}


JOBS = {
    "plain": garbled_job("plain"),
    "spot": garbled_job("spot", EnableManagedSpotTraining=True),
    "late": garbled_job("late"),  # which the index does not know yet
    "stopping": garbled_job("stopping", "Stopping"),
    # It has a pool because it asked for one, as AWS returns both.
    "pooled": garbled_job(
        "pooled",
        "Completed",
        WarmPoolStatus={"Status": "InUse"},
        ResourceConfig=TWO | {"KeepAlivePeriodInSeconds": 600},
    ),
}
LISTED = {"InProgress": ["plain", "spot", "late"], "Stopping": ["stopping"], "InUse": ["pooled"]}


def training_jobs(_: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingJobStatus", "WarmPoolStatus")
    return {"TrainingJobSummaries": [{key: job[key] for key in shown if key in job} for job in JOBS.values()]}


def search(asked: Mapping[str, Any]) -> dict[str, Any]:
    filters = asked["SearchExpression"]["Filters"]
    by_pool = filters[0]["Name"] == "WarmPoolStatus.Status"
    wanted = {each["Value"] for each in filters}
    told = ((job, (job.get("WarmPoolStatus") or {}).get("Status")) for job in JOBS.values())
    found = [job for job, pool in told if (pool in wanted if by_pool else job["TrainingJobStatus"] not in wanted)]
    return {"Results": [{"TrainingJob": job} for job in found]}


CONFIG = {
    "EndpointConfigName": "c",
    "EndpointConfigArn": "arn:c",
    "CreationTime": THEN,
    "ProductionVariants": [
        {"VariantName": "a", "ModelName": "m", "InstanceType": TYPE, "InitialInstanceCount": 2},
    ],
}
ENDPOINT = {
    "EndpointName": "e",
    "EndpointArn": "arn:e",
    "EndpointStatus": "InService",
    "EndpointConfigName": "c",
    "ProductionVariants": [{"VariantName": "a", "CurrentInstanceCount": 2, "DesiredInstanceCount": 2}],
}
APP = {"DomainId": "d-1", "SpaceName": "s", "AppType": "JupyterLab", "AppName": "default", "Status": "InService"}
GROUP = {"InstanceGroupName": "g", "InstanceType": TYPE, "CurrentCount": 2, "TargetCount": 2}
CLUSTER = {"ClusterName": "k", "ClusterArn": "arn:k", "ClusterStatus": "InService", "InstanceGroups": [GROUP]}
NOTEBOOK = {
    "NotebookInstanceName": "n",
    "NotebookInstanceArn": "arn:n",
    "NotebookInstanceStatus": "InService",
    "InstanceType": TYPE,
}
TRANSFORM = {
    "TransformJobName": "t",
    "TransformJobArn": "arn:t",
    "TransformJobStatus": "InProgress",
    "TransformResources": TWO,
}
PROCESSING = {
    "ProcessingJobName": "p",
    "ProcessingJobArn": "arn:p",
    "ProcessingJobStatus": "InProgress",
    "ProcessingResources": {"ClusterConfig": TWO},
}


def summary_of(job: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in job.items() if not key.endswith("Resources")} | {"CreationTime": THEN}


def running_resources() -> dict[str, Callable[[Mapping[str, Any]], dict[str, Any] | Fault]]:
    """One of each kind, with two instances where it can have several, told as AWS tells it."""
    return {
        "ListTrainingJobs": training_jobs,
        "Search": search,
        "DescribeTrainingJob": lambda asked: JOBS.get(asked["TrainingJobName"], GONE),
        "ListTransformJobs": lambda _: {"TransformJobSummaries": [summary_of(TRANSFORM)]},
        "DescribeTransformJob": lambda _: TRANSFORM,
        "ListProcessingJobs": lambda _: {"ProcessingJobSummaries": [summary_of(PROCESSING)]},
        "DescribeProcessingJob": lambda _: PROCESSING,
        "ListEndpoints": lambda _: {"Endpoints": [{"EndpointName": "e", "EndpointStatus": "InService"}]},
        "DescribeEndpoint": lambda _: ENDPOINT,
        "DescribeEndpointConfig": lambda _: CONFIG,
        "ListNotebookInstances": lambda _: {"NotebookInstances": [NOTEBOOK]},
        "ListApps": lambda _: {"Apps": [APP]},
        "DescribeApp": lambda _: {**APP, "ResourceSpec": {"InstanceType": TYPE}},
        "ListClusters": lambda _: {"ClusterSummaries": [{"ClusterName": "k", "ClusterArn": "arn:k"}]},
        "DescribeCluster": lambda _: CLUSTER,
    }


OF_ONE_INSTANCE = {workload for workload in Workload if workload is Workload.NOTEBOOK or WORKLOADS[workload].studio_app}
HELD = {workload: 1 if workload in OF_ONE_INSTANCE else 2 for workload in Workload} | {Workload.TRAINING: 6}
"""Instances in use. What can have several has two, so that whoever counts resources finds room that is not there."""


def full_entry(requirement: Requirement) -> Entry:
    """A quota with all of it in use; for a job's maximum, of which nothing is ever used up, 0."""
    name = quota_name_for(requirement)
    full = 0 if requirement.per_job else HELD[requirement.workload]
    return Entry(name, bundled_codes().get(name, f"L-{len(name):08d}"), full, 10)


def all_requirements(workloads: list[Workload]) -> list[Requirement]:
    return list(with_totals(parse_requirements([TYPE], [workload.value for workload in workloads])))


@pytest.fixture
def garbled_account(fake_aws: FakeAws, no_backoff: None) -> FakeAws:
    fake_aws.quotas = [full_entry(requirement) for requirement in all_requirements(USAGES)]
    fake_aws.running = running_resources()
    return fake_aws


@pytest.fixture(params=SAMPLE_AND_EVERY_WAY)
def garbled_runs(garbled_account: FakeAws, isolated_home: Path, request: pytest.FixtureRequest) -> GarbledRuns:
    return GarbledRuns(garbled_account, isolated_home, every_way=request.param)


@pytest.mark.parametrize(
    "usages",
    [USAGES, [Workload.TRAINING], [Workload.NOTEBOOK, Workload.ENDPOINT]],
    ids=["all, from the listings", "one, by its code", "two, by their codes"],
)
def test_nothing_fits_that_could_not_be_read(
    garbled_runs: GarbledRuns, usages: list[Workload], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [TYPE, *(word for workload in usages for word in ("--for", workload))]

    def check() -> dict[str, str]:
        ran = run_opskit(capsys, "quotas", "check", *words, "-o", "json")
        return {row["quota_name"]: row["verdict"] for row in ran.data.get("quotas", ())} or {"": f"exit {ran.code}"}

    with_room = [name for name, verdict in check().items() if verdict != "short"]
    assert with_room == [], ADD_ONE
    honest = {"short", "unknown", "exit 4", "exit 5"}
    lies = {how: verdicts for how, verdicts in garbled_runs.each(check) if not set(verdicts.values()) <= honest}
    assert lies == {}


@pytest.mark.parametrize("emptied", [("ListServiceQuotas",), ("ListServiceQuotas", "ListAWSDefaultServiceQuotas")])
def test_a_listing_of_no_quota_at_all_is_no_listing(
    garbled_account: FakeAws, emptied: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    garbled_account.garble = lambda called, body: (200, '{"Quotas": []}' if called in emptied else body)
    words = [TYPE, *(word for workload in USAGES for word in ("--for", workload))]
    ran = run_opskit(capsys, "quotas", "check", *words, "-o", "json")
    assert {row["verdict"] for row in ran.quotas} <= {"short", "unknown"}, ADD_ONE
    listed = run_opskit(capsys, "quotas", "list", "-o", "json")
    assert {row["applied"] for row in listed.data.get("quotas", ())} <= {None}
    assert listed.code in (4, 5)


@pytest.mark.parametrize("cut", range(4))
def test_a_default_counts_only_where_aws_says_that_nothing_is_applied(
    garbled_account: FakeAws, cut: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def cut_listing(called: str, body: str) -> tuple[int, str]:
        """Without an entry of the applied values, as a page that was cut."""
        told = json.loads(body) if called == "ListServiceQuotas" else {}
        del told.get("Quotas", [])[cut : cut + 1]
        return 200, json.dumps(told) if told else body

    garbled_account.garble = cut_listing
    words = [TYPE, *(word for workload in USAGES for word in ("--for", workload))]
    ran = run_opskit(capsys, "quotas", "check", *words, "-o", "json")
    assert {row["verdict"] for row in ran.quotas} == {"short"}, ADD_ONE


def test_nothing_is_guarded_by_what_could_not_be_read(
    garbled_runs: GarbledRuns, isolated_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    def start(program: str, words: list[str], environment: dict[str, str]) -> NoReturn:
        started.append(program)
        raise SystemExit(0)

    monkeypatch.setattr("opskit.guards.cli.run.os.execve", start)
    monkeypatch.setattr("opskit.guards.cli.run.signal.signal", lambda number, action: None)
    uses = ("--training", "--transform", "--endpoint", "--processing", "--notebook")
    words = [word for use in uses for word in (use, TYPE)]

    def guard() -> int:
        return run_opskit(capsys, "guard", *words, "-o", "json", "--", "true").code

    assert guard() == 3
    codes = {how: code for how, code in garbled_runs.each(guard) if started or code not in (3, 4, 5)}
    assert (started, codes) == ([], {})


def test_no_default_stands_in_for_what_was_waited_for(
    garbled_runs: GarbledRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    def wait() -> str:
        asked = ("--for", "training", "--to", "7", "--timeout", "0s", "-o", "json")
        return str(run_opskit(capsys, "quotas", "wait", TYPE, *asked).data["quotas"][0]["outcome"])

    assert wait() == "waiting"
    ends = {how: end for how, end in garbled_runs.each(wait) if end not in ("waiting", "unreadable")}
    assert ends == {}


def test_nothing_is_asked_for_twice_because_it_was_not_listed(
    garbled_runs: GarbledRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    open_one = {"Id": "r-1", "QuotaCode": bundled_codes()[f"{TYPE} for training job usage"], "DesiredValue": 40.0}
    told = {**open_one, "QuotaName": f"{TYPE} for training job usage", "Status": "CASE_OPENED", "Created": THEN}
    garbled_runs.aws.running["ListRequestedServiceQuotaChangeHistoryByQuota"] = lambda _: {"RequestedQuotas": [told]}

    def increase() -> str:
        ran = run_opskit(
            capsys, "quotas", "increase", TYPE, "--for", "training", "--to", "40", "--dry-run", "-o", "json"
        )
        return str(ran.data["requests"][0]["outcome"]) if ran.data.get("requests") else f"exit {ran.code}"

    assert increase() == "already-open"
    outcomes = {
        how: outcome for how, outcome in garbled_runs.each(increase) if outcome in ("planned", "already-enough")
    }
    assert outcomes == {}


def test_no_list_tells_a_value_that_is_not_true(garbled_runs: GarbledRuns, capsys: pytest.CaptureFixture[str]) -> None:
    def listed() -> dict[str, tuple[Any, ...]]:
        ran = run_opskit(capsys, "quotas", "list", "-o", "json")
        rows = ran.data.get("quotas", ())
        return {row["quota_code"]: (row["applied"], row["default"], row["in_use"]) for row in rows}

    truth = listed()
    assert {default for _, default, _ in truth.values()} == {10}
    lies = [
        (how, code, told)
        for how, rows in garbled_runs.each(listed)
        for code, told in rows.items()
        # Half an instance is a number as good as another.
        if "wrong 0.5" not in how and any(one not in (None, true) for one, true in zip(told, truth[code], strict=True))
    ]
    assert lies == []
