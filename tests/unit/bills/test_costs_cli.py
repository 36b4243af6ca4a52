"""``opskit costs`` in an account with one of each: nothing is missed, and a price is right or not known."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import opskit
from opskit.core.exceptions import UsageError
from tests.fakes.billed_account import NOW, serve_billed_account
from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import DENIED, FakeAws, Fault

pytestmark = pytest.mark.usefixtures("no_backoff")

GB_NOTEBOOK = 0.14 / 730
GB_STUDIO = 0.112 / 730

EXPECTED: dict[tuple[str, str], tuple[float | None, float | None]] = {
    # kind and name: USD an hour, and hours since it began to bill (None: no price, no time)
    ("notebook", "lab"): (0.05, 10),
    ("volume", "lab"): (100 * GB_NOTEBOOK, 34),
    ("volume", "old-lab"): (50 * GB_NOTEBOOK, 124),
    ("endpoint", "live"): (3 * 0.23 + 1.41, 20),
    ("endpoint", "queue"): (0.24, 3),
    ("serverless", "warm"): (4 * 0.036, 5),
    ("serverless", "by-request"): (0, 5),
    ("endpoint", "orphan"): (None, 5),
    ("training", "fit"): (0.50, 2),
    ("training", "spot"): (None, 2),
    ("warm-pool", "kept-warm"): (0.50, 1),
    ("transform", "score"): (0.52, 4),
    ("processing", "clean"): (0.54, 4),
    ("processing", "fit-ProfilerReport"): (0, 2),  # a built-in rule of Debugger
    ("studio-app", "d-1/ada-space/JupyterLab/default"): (0.06, 6),
    ("studio-app", "d-1/code-space/CodeEditor/default"): (0.07, 7),
    ("studio-app", "d-1/grace/JupyterServer/default"): (0, 8),
    ("studio-app", "d-1/grace/Canvas/default"): (None, 8),
    ("volume", "d-1/ada-space"): (5 * GB_STUDIO, 50),
    ("volume", "d-1/code-space"): (5 * GB_STUDIO, 50),
    ("volume", "d-1/off-space"): (100 * GB_STUDIO, 50),
    ("cluster", "hyper"): (60, 11),  # the other group's instances are paid by a plan
    ("tuning", "tune"): (0, 3),
    ("other", "auto"): (0, 3),
    ("other", "label"): (None, 3),
    ("other", "mlflow"): (None, 12),
    ("other", "tracking"): (None, 13),
    ("other", "comet"): (None, 14),
    ("other", "plan"): (0, 15),
}


@pytest.fixture
def billed(fake_aws: FakeAws) -> FakeAws:
    serve_billed_account(fake_aws)
    return fake_aws


def costs_of(capsys: pytest.CaptureFixture[str], *words: str, exit: int = 0) -> dict[str, Any]:
    result = run_opskit(capsys, "costs", *words, "-o", "json")
    assert result.code == exit, result.err
    return result.data


def item_of(data: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    (found,) = [item for item in data["items"] if (item["kind"], item["name"]) == (kind, name)]
    return dict(found)


def test_one_of_each_is_found_with_its_price(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    data = costs_of(capsys)
    assert {(item["kind"], item["name"]) for item in data["items"]} == set(EXPECTED)
    for (kind, name), (usd, hours) in EXPECTED.items():
        item = item_of(data, kind, name)
        if usd is None:
            assert (item["usd_per_hour"], item["usd_so_far"]) == (None, None), name
            assert "price" in item["because"] or "instance type" in item["because"]
        else:
            assert item["usd_per_hour"] == pytest.approx(usd, abs=1e-4), name
            waited = (datetime.now(UTC) - NOW).total_seconds() / 3600
            assert usd * (hours or 0) - 1e-3 <= item["usd_so_far"] <= usd * ((hours or 0) + waited) + 1e-3, name
    total = sum(usd or 0 for usd, _ in EXPECTED.values())
    assert data["totals"]["usd_per_hour"] == pytest.approx(total, abs=1e-3)
    assert data["totals"]["usd_per_30_days"] == pytest.approx(total * 720, abs=0.5)
    assert data["totals"]["unpriced"] == 7
    assert data["month"]["source"] == "estimate"
    assert data["month"]["forecast_usd"] is None  # some have no price
    assert data["account"] == "123456789012"


def test_each_says_how_it_is_ended(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    data = costs_of(capsys)
    ends = {(item["kind"], item["name"]): item["stop_with"] for item in data["items"]}
    assert ends["notebook", "lab"] == "opskit notebook stop lab --region us-east-1"
    assert ends["endpoint", "live"] == "opskit endpoint stop live --region us-east-1 --yes"
    assert ends["transform", "score"] == (
        "aws sagemaker stop-transform-job --transform-job-name score --region us-east-1"
    )
    assert "KeepAlivePeriodInSeconds=0" in ends["warm-pool", "kept-warm"]
    assert "delete-notebook-instance" in ends["volume", "old-lab"]
    assert ends["studio-app", "d-1/ada-space/JupyterLab/default"] == (
        "aws sagemaker delete-app --domain-id d-1 --space-name ada-space --app-type JupyterLab --app-name default "
        "--region us-east-1"
    )
    assert "stop-auto-ml-job --auto-ml-job-name auto" in ends["other", "auto"]
    assert ends["volume", "lab"] is None  # it goes with the notebook that uses it


def test_what_deletes_files_stands_apart_from_what_only_stops(
    billed: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ("ListNotebookInstances", "ListSpaces", "ListTags")  # ten commands are shown, those of the dearest items
    billed.fault = lambda called, region: DENIED if called.startswith("List") and called not in few else None
    told = run_opskit(capsys, "costs")
    ending, heading, losing = (told.out + told.err).partition("These delete files for good:")
    assert heading
    assert "notebook stop lab" in ending
    assert all("old-lab" not in line for line in ending.splitlines() if line.startswith("  "))
    commands = [line.split()[2] for line in losing.splitlines() if line.startswith("  aws ")]
    assert set(commands) <= {"delete-notebook-instance", "delete-space"}
    assert "delete-notebook-instance" in commands


def test_nothing_is_called_idle_that_may_be_used(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    idle = {(item["kind"], item["name"]) for item in costs_of(capsys)["items"] if item["verdict"] == "idle"}
    assert idle == {("volume", "old-lab"), ("volume", "d-1/off-space"), ("warm-pool", "kept-warm")}


def test_what_was_read_once_is_not_read_again(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    first = costs_of(capsys)
    billed.forget_calls()
    again = costs_of(capsys)
    assert [item["name"] for item in again["items"]] == [item["name"] for item in first["items"]]
    assert billed.count("DescribeNotebookInstance") == 0
    assert billed.count("GetProducts") == 0  # for a day
    assert billed.count("DescribeEndpointConfig") == 1  # of the endpoint whose configuration is gone


@pytest.mark.parametrize(
    ("operation", "left"),
    [
        ("ListNotebookInstances", "live"),
        ("ListEndpoints", "lab"),
        *[
            (operation, "lab")
            for operation in (
                *("ListProcessingJobs", "ListTransformJobs", "ListTrainingJobs", "ListApps", "ListSpaces"),
                *("ListHyperParameterTuningJobs", "ListAutoMLJobs", "ListLabelingJobs", "ListMlflowTrackingServers"),
                *("ListMlflowApps", "ListPartnerApps", "ListTrainingPlans", "ListClusters", "DescribeCluster"),
            )
        ],
        ("DescribeTransformJob", "lab"),
        ("DescribeEndpoint", "lab"),
    ],
)
def test_what_cannot_be_read_is_an_error_and_hides_nothing(
    operation: str, left: str, billed: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    billed.fault = lambda called, region: DENIED if called == operation else None
    data = costs_of(capsys, exit=5)
    assert left in {item["name"] for item in data["items"]}
    assert data["totals"]["at_least"] is True


def test_without_prices_all_is_there_and_no_sum_is_made_up(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    billed.fault = lambda called, region: DENIED if called == "GetProducts" else None
    data = costs_of(capsys, exit=5)
    assert {(item["kind"], item["name"]) for item in data["items"]} == set(EXPECTED)
    free = {name for name, (usd, _) in EXPECTED.items() if usd == 0}
    assert {(item["kind"], item["name"]) for item in data["items"] if item["usd_per_hour"] is not None} == free
    assert data["totals"]["unpriced"] == len(EXPECTED) - len(free)
    notes = [line for line in run_opskit(capsys, "costs").out.splitlines() if "USD per hour" in line]
    assert len(notes) == 2  # the volumes of what runs, and everything
    assert all("at least 0" in note for note in notes)


def test_a_region_of_which_nothing_can_be_read_is_one_error(
    billed: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    billed.fault = lambda called, region: None if called == "GetCallerIdentity" else DENIED
    ran = run_opskit(capsys, "costs", "-o", "json")
    assert (ran.code, ran.data["items"], len(ran.envelope["errors"])) == (4, [], 1)


def test_what_a_region_does_not_know_is_not_there(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    newer = ("ListPartnerApps", "ListMlflowApps", "ListTrainingPlans", "ListMlflowTrackingServers")
    unknown = Fault(400, "UnknownOperationException", "The requested operation is not recognized by the service.")
    billed.fault = lambda called, region: unknown if called in newer else None
    assert {"mlflow", "comet"}.isdisjoint(item["name"] for item in costs_of(capsys)["items"])


def test_tags_that_cannot_be_read_are_an_error(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    billed.fault = lambda called, region: DENIED if called == "ListTags" else None
    data = costs_of(capsys, "--by", "tag:team", exit=5)
    assert "(tags could not be read)" in {group["group"] for group in data["groups"]}


def test_the_commands_lead_to_the_profile(
    billed: FakeAws, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "credentials"
    file.write_text("[my work]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    data = costs_of(capsys, "--profile", "my work")
    assert item_of(data, "endpoint", "live")["stop_with"].endswith("--region us-east-1 --yes --profile 'my work'")


@pytest.mark.parametrize(("budget", "code"), [("0.01", 3), ("10000000", 5)])
def test_a_budget_is_kept_only_where_every_price_is_known(
    budget: str, code: int, billed: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    data = costs_of(capsys, "--budget", budget, exit=code)
    assert data["budget"]["usd"] == float(budget)


def test_sums_by_kind_and_the_table_with_its_bars(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    data = costs_of(capsys, "--by", "kind")
    groups = {group["group"]: group for group in data["groups"]}
    assert groups["endpoint"]["items"] == 3
    assert groups["endpoint"]["unpriced"] == 1
    table = run_opskit(capsys, "costs", "--by", "kind").out
    assert "####" in table
    assert " %" in table
    rows = run_opskit(capsys, "costs", "-o", "csv").out.splitlines()
    assert len(rows) == len(EXPECTED) + 1
    assert run_opskit(capsys, "costs", "--by", "colour").code == 2


def test_python_gets_what_json_prints(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    told = opskit.costs(by="kind", cloudtrail=False)
    printed = costs_of(capsys, "--by", "kind", "--no-cloudtrail")
    assert told.keys() == {*printed, "errors"} - {"kept_in"}  # where a command keeps what it remembers
    assert [item["name"] for item in told["items"]] == [item["name"] for item in printed["items"]]
    assert told["errors"] == []
    with pytest.raises(UsageError):
        opskit.costs(by="colour")
