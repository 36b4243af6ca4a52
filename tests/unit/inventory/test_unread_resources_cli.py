"""What could not be read of what bills is said with exit 5, and no verdict or command pretends to know it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.fakes import billed_account
from tests.fakes.billed_account import ARN, billed_answers, endpoint, planned, serve_billed_account, variant
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import DENIED, FakeAws

pytestmark = pytest.mark.usefixtures("no_backoff")

Capture = pytest.CaptureFixture[str]
PLAN = f"{ARN}:training-plan/paid"
RESERVATION = f"{ARN}:reserved/of-another-kind"


@pytest.fixture
def billed(fake_aws: FakeAws) -> Iterator[FakeAws]:
    serve_billed_account(fake_aws)
    yield fake_aws


def run_costs(capsys: Capture, *words: str) -> CliResult:
    return run_opskit(capsys, "costs", "--no-cloudtrail", *words, "-o", "json")


def items_of(ran: CliResult) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["kind"], item["name"]): item for item in ran.data["items"]}


def deny(aws: FakeAws, *operations: str) -> None:
    aws.fault = lambda called, region: DENIED if called in operations else None


def reserved(name: str, arn: str) -> dict[str, Any]:
    """What a configuration says of a variant whose instances come from a reservation alone."""
    config = {"CapacityReservationPreference": "capacity-reservations-only", "MlReservationArn": arn}
    return {**planned(name, "ml.g5.xlarge"), "CapacityReservationConfig": config}


def add_endpoint(
    monkeypatch: pytest.MonkeyPatch, name: str, *plans: dict[str, Any], tags: Mapping[str, str] | None = None
) -> None:
    """One more endpoint in the account, with an instance for each variant of its configuration."""
    made = endpoint(name, 5, *(variant(plan["VariantName"], 1) for plan in plans))
    monkeypatch.setattr(billed_account, "ENDPOINTS", [*billed_account.ENDPOINTS, made])
    monkeypatch.setitem(billed_account.CONFIGS, name, {"ProductionVariants": list(plans)})
    monkeypatch.setitem(billed_account.TAGS, f"{ARN}:endpoint/{name}", dict(tags or {}))


@pytest.mark.parametrize(
    ("operations", "said"),
    [
        (("GetProducts",), "The price of 16 items could not be read"),
        (("DescribeEndpointConfig",), "What 5 endpoints are billed for could not be read"),
        (("DescribeApp",), "What 1 studio-app is billed for could not be read"),
        (("GetResources", "ListTags"), "The tags of 2"),
    ],
)
def test_what_could_not_be_read_is_told_with_exit_5(
    operations: tuple[str, ...], said: str, billed: FakeAws, capsys: Capture
) -> None:
    deny(billed, *operations)
    ran = run_costs(capsys)
    assert ran.code == 5
    assert ran.envelope["status"] == "partial"
    (error,) = ran.envelope["errors"]
    assert error["message"].startswith(said)
    assert error["message"].count("denied") + error["message"].count("not authorized") > 0
    assert ran.data["totals"]["at_least"] is True


def test_a_configuration_that_aws_does_not_name_is_not_one_that_was_deleted(billed: FakeAws, capsys: Capture) -> None:
    described = billed.running["DescribeEndpoint"]
    billed.running["DescribeEndpoint"] = lambda asked: {**dict(described(asked)), "EndpointConfigName": None}  # type: ignore[arg-type]
    ran = run_costs(capsys)
    live = items_of(ran)["endpoint", "live"]
    assert (ran.code, live["usd_per_hour"]) == (5, None)
    assert "deleted" not in live["because"]
    assert live["stop_with"].startswith("opskit endpoint stop live")


@pytest.mark.parametrize(
    ("groups", "usd", "says"),
    [({"InstanceGroups": []}, 0, "it has no instance groups"), ({}, None, "AWS did not report its instance groups")],
)
def test_a_cluster_without_groups_costs_nothing_and_one_of_untold_groups_something(
    groups: dict[str, Any], usd: int | None, says: str, billed: FakeAws, capsys: Capture
) -> None:
    described = billed.running["DescribeCluster"]
    billed.running["DescribeCluster"] = lambda asked: {
        **{key: value for key, value in dict(described(asked)).items() if key != "InstanceGroups"},  # type: ignore[arg-type]
        **groups,
    }
    ran = run_costs(capsys)
    (cluster,) = [item for (kind, _), item in items_of(ran).items() if kind == "cluster"]
    assert (ran.code, cluster["usd_per_hour"]) == (0 if groups else 5, usd)
    assert says in cluster["because"]


def test_a_volume_of_which_aws_tells_no_size_is_not_left_out(billed: FakeAws, capsys: Capture) -> None:
    described = billed.running["DescribeNotebookInstance"]
    billed.running["DescribeNotebookInstance"] = lambda asked: {**dict(described(asked)), "VolumeSizeInGB": None}  # type: ignore[arg-type]
    ran = run_costs(capsys)
    assert (ran.code, ran.data["totals"]["at_least"]) == (5, True)
    assert items_of(ran)["volume", "old-lab"]["usd_per_hour"] is None


def test_what_a_notebook_has_cost_is_not_counted_from_its_creation(billed: FakeAws, capsys: Capture) -> None:
    listed = billed.running["ListNotebookInstances"]

    def without_changes(asked: Mapping[str, Any]) -> dict[str, Any]:
        told = dict(listed(asked))  # type: ignore[arg-type]
        labs = [{**lab, "LastModifiedTime": None} for lab in told["NotebookInstances"]]
        return {**told, "NotebookInstances": labs}

    billed.running["ListNotebookInstances"] = without_changes
    item = items_of(run_costs(capsys))["notebook", "lab"]
    assert (item["since"], item["usd_so_far"]) == (None, None)


def test_a_volume_is_not_idle_where_apps_could_not_be_listed(billed: FakeAws, capsys: Capture) -> None:
    """Its command deletes the space with its files."""
    off = items_of(run_costs(capsys))["volume", "d-1/off-space"]
    assert (off["verdict"], "delete-space" in off["stop_with"]) == ("idle", True)
    deny(billed, "ListApps")
    volumes = [item for (kind, name), item in items_of(run_costs(capsys)).items() if name.endswith("-space")]
    assert {(item["kind"], item["verdict"], item["stop_with"]) for item in volumes} == {("volume", "unknown", None)}
    assert all("whether an app runs there could not be read" in item["because"] for item in volumes)


@pytest.mark.parametrize(("phase", "usd"), [({"SecondaryStatus": "Starting"}, 0), ({}, None)])
def test_a_job_of_which_no_start_is_told_has_cost_nothing_only_before_its_instances(
    phase: dict[str, str], usd: int | None, fake_aws: FakeAws, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = billed_account.TRAINING[0]
    told = {key: value for key, value in whole.items() if key not in ("TrainingStartTime", "SecondaryStatus")}
    monkeypatch.setattr(billed_account, "TRAINING", [told | phase])
    serve_billed_account(fake_aws)
    assert items_of(run_costs(capsys))["training", "fit"]["usd_so_far"] == usd


@pytest.mark.parametrize(("status", "usd"), [("InProgress", 0), ("Stopping", 0), ("Rescheduling", None)])
@pytest.mark.parametrize(("kind", "name"), [("Transform", "score"), ("Processing", "clean")])
def test_a_job_without_a_start_has_cost_nothing_only_in_a_status_that_is_known(
    kind: str, name: str, status: str, usd: int | None, billed: FakeAws, capsys: Capture
) -> None:
    described = billed.running[f"Describe{kind}Job"]
    told = {f"{kind}StartTime": None, f"{kind}JobStatus": status}
    billed.running[f"Describe{kind}Job"] = lambda asked: {**dict(described(asked)), **told}  # type: ignore[arg-type]
    assert items_of(run_costs(capsys))[kind.lower(), name]["usd_so_far"] == usd


# What each of these tells is read in another way where it is denied, or nobody asks it.
ELSEWHERE = {"GetResources"}


@pytest.mark.parametrize("operation", sorted(billed_answers().keys() - ELSEWHERE))
def test_no_read_fails_in_silence(operation: str, billed: FakeAws, capsys: Capture) -> None:
    deny(billed, operation)
    ran = run_opskit(capsys, "costs", "-o", "json")
    assert billed.count(operation) > 0
    if operation == "LookupEvents":  # owners alone, with a reason of its own
        assert ran.data["owners_unknown_because"]
        return
    assert ran.code == 5
    assert operation in " ".join(error["message"] for error in ran.envelope["errors"])


def test_what_may_be_kept_is_not_called_running(billed: FakeAws, capsys: Capture) -> None:
    deny(billed, "GetResources", "ListTags")
    items = items_of(run_costs(capsys))
    assert items["notebook", "lab"]["verdict"] == "unknown"
    assert "tags could not be read" in items["notebook", "lab"]["because"]
    assert items["volume", "old-lab"]["verdict"] == "unknown"  # idle, but a tag may keep it
    assert "--yes" not in items["endpoint", "live"]["stop_with"]


@pytest.mark.parametrize(
    "tags", [{"env": "prod"}, {"opskit:keep": "demo"}, {"Environment": "Production"}], ids=lambda tags: next(iter(tags))
)
def test_what_is_kept_or_in_production_is_protected_and_ends_only_when_asked(
    tags: dict[str, str], billed: FakeAws, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_endpoint(monkeypatch, "shop", planned("a", "ml.m5.xlarge"), tags=tags)
    serve_billed_account(billed)
    items = items_of(run_costs(capsys))
    assert items["endpoint", "shop"]["verdict"] == "protected"
    assert items["endpoint", "shop"]["stop_with"] == "opskit endpoint stop shop --region us-east-1"
    assert items["endpoint", "live"]["stop_with"] == "opskit endpoint stop live --region us-east-1 --yes"
    assert billed.count("GetMetricData") == 0


def test_an_endpoint_without_configuration_ends_for_good(billed: FakeAws, capsys: Capture) -> None:
    command = items_of(run_costs(capsys))["endpoint", "orphan"]["stop_with"]
    assert command == "aws sagemaker delete-endpoint --endpoint-name orphan --region us-east-1"


def test_the_commands_lead_to_the_role(billed: FakeAws, capsys: Capture) -> None:
    role = "arn:aws:iam::123456789012:role/finops"
    items = items_of(run_costs(capsys, "--role-arn", role))
    assert shlex.split(items["endpoint", "live"]["stop_with"])[-2:] == ["--role-arn", role]
    assert shlex.split(items["notebook", "lab"]["stop_with"])[-2:] == ["--role-arn", role]
    # The AWS CLI takes none.
    assert items["transform", "score"]["stop_with"].endswith(f"--region us-east-1 # with the credentials of {role}")


def test_what_a_training_plan_has_paid_costs_an_endpoint_nothing_more(
    billed: FakeAws, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_endpoint(monkeypatch, "paid", reserved("a", PLAN))
    add_endpoint(monkeypatch, "partly", reserved("a", PLAN), planned("b", "ml.m5.xlarge"))
    add_endpoint(monkeypatch, "reserved", reserved("a", RESERVATION))
    serve_billed_account(billed)
    items = items_of(run_costs(capsys))
    assert items["endpoint", "paid"]["usd_per_hour"] == 0
    assert "training plan" in items["endpoint", "paid"]["because"]
    assert items["endpoint", "paid"]["instance_type"] == "ml.g5.xlarge"
    assert items["endpoint", "partly"]["usd_per_hour"] == 0.23
    assert items["endpoint", "reserved"]["usd_per_hour"] is None
    assert "capacity reservation" in items["endpoint", "reserved"]["because"]


def test_the_bill_is_not_read_and_says_so(billed: FakeAws, capsys: Capture) -> None:
    assert run_costs(capsys, "--no-billing").code == 0
    asked = run_costs(capsys, "--billing")
    assert asked.code == 2
    assert "does not read the month's bill" in asked.envelope["errors"][0]["message"]


def test_what_is_not_looked_at_is_named(billed: FakeAws, capsys: Capture) -> None:
    assert "training sessions" in run_costs(capsys).data["not_covered"]


def test_the_list_of_endpoints_has_the_same_prices(
    billed: FakeAws, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_endpoint(monkeypatch, "paid", reserved("a", PLAN))
    serve_billed_account(billed)
    billed.running |= {
        "ListInferenceComponents": lambda _: {"InferenceComponents": []},
        "ListEndpointConfigs": lambda _: {"EndpointConfigs": []},
        "GetMetricData": lambda asked: {"MetricDataResults": []},
    }
    listed = run_opskit(capsys, "endpoint", "list", "-o", "json")
    prices = {each["name"]: each["usd_per_hour"] for each in listed.data["endpoints"]}
    told = {name: item["usd_per_hour"] for (_, name), item in items_of(run_costs(capsys)).items() if name in prices}
    assert {name: prices[name] for name in told} == told
    assert (told["queue"], told["warm"], told["by-request"], told["paid"]) == (0.24, 0.144, 0, 0)
