"""Two people run one workflow in one account: nothing is shared, and each pays once. And a policy that refuses tags."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.account import Account, client_error, in_memory
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.stubbed_client import ACCOUNT

ADA, BOB = (f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("ada", "bob"))
MACHINE = f"arn:aws:sts::{ACCOUNT}:assumed-role/lab/botocore-session-1764162854"


pytestmark = pytest.mark.usefixtures("quick_runs")


def run_as(caller: str, account: Account, capsys: pytest.CaptureFixture[str], *words: str) -> CliResult:
    account.caller = caller
    with in_memory(account):
        return run_opskit(capsys, *words, "-o", "json")


def train_as(caller: str, account: Account, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    ended = run_as(caller, account, capsys, "train", "boston", "--no-guard", "--deploy", *words)
    assert ended.code == 0, ended.out
    return ended.data


def tags_of(account: Account, name: str) -> list[dict[str, str]]:
    return [
        {tag["Key"]: tag["Value"] for tag in thing.params.get("Tags", ())}
        for thing in account.things.values()
        if thing.name.startswith(name)
    ]


def test_two_people_share_nothing_and_each_pays_once(capsys: pytest.CaptureFixture[str]) -> None:
    account, starts = Account(), []
    account.after = lambda operation: starts.append(operation) if operation.startswith("Create") else None
    first, second = train_as(ADA, account, capsys), train_as(BOB, account, capsys)
    assert starts.count("CreateTrainingJob") == starts.count("CreateEndpoint") == 2
    for made in ("job", "model", "transform", "endpoint", "folder"):
        assert first[made] != second[made], made
    assert not set(first["artifacts"].values()) & set(second["artifacts"].values())
    assert train_as(ADA, account, capsys)["job"] == first["job"]
    assert train_as(BOB, account, capsys)["job"] == second["job"]
    assert starts.count("CreateTrainingJob") == 2
    for caller, run in ((ADA, first), (BOB, second)):
        tags = tags_of(account, run["job"])
        assert len(tags) == 5  # training job, model, transform job, endpoint configuration, endpoint
        assert {(each["opskit:owner"], each["opskit:workflow"]) for each in tags} == {(caller, "boston")}
        assert run["owner"] == {"name": caller, "from": "user", "tagged": True}


class UntoldArtifacts(Account):
    """Says of no training job where its model is."""

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        answer = super().call(operation, params)
        return {name: value for name, value in answer.items() if name != "ModelArtifacts"}


def test_a_completed_job_of_which_aws_tells_no_model_is_not_paid_again(capsys: pytest.CaptureFixture[str]) -> None:
    told = Account()
    first = train_as(ADA, told, capsys)
    untold = UntoldArtifacts(caller=ADA, things=told.things, objects=told.objects)
    ended = run_as(ADA, untold, capsys, "train", "boston", "--no-guard")
    error = ended.envelope["errors"][0]
    assert (error["code"], error["hint"]) == ("bad-answer", "--again trains a new one.")
    assert first["job"] in error["message"]
    assert [name for kind, name in untold.things if kind == "TrainingJob"] == [first["job"]]


def test_a_run_that_needs_no_role_any_more_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account()
    train_as(ADA, account, capsys)
    with in_memory(account):
        told = run_opskit(capsys, "train", "boston", "--no-guard", "--deploy", "--dry-run").out
    assert "It needs no role." in told.replace("\n", " ")


def test_everything_of_one_goes_and_the_others_stays(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account()
    train_as(ADA, account, capsys)
    second = train_as(BOB, account, capsys)
    cleaned = run_as(ADA, account, capsys, "cleanup", "boston", "--yes")
    assert cleaned.code == 0
    left = {name for kind, name in account.things if kind in ("Model", "Endpoint", "EndpointConfig")}
    assert left == {second["job"]}
    assert all(f"/{second['job']}/" in uri for uri in account.objects)


def test_deploy_takes_ones_own_model_only(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account()
    account.put("Model", "boston-0123456789-1", Tags=[{"Key": "opskit:owner", "Value": BOB}])
    refused = run_as(ADA, account, capsys, "deploy", "boston", "--no-guard")
    [error] = refused.envelope["errors"]
    assert (refused.code, error["code"]) == (2, "no-model")
    assert "that is yours" in error["message"]
    assert f"boston-0123456789-1 (of {BOB})" in error["hint"]
    deployed = run_as(ADA, account, capsys, "deploy", "boston", "--no-guard", "--owner", BOB)
    assert (deployed.code, deployed.data["model"]) == (0, "boston-0123456789-1")


def test_predict_asks_ones_own_endpoint_only(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account()
    tags = [{"Key": "opskit:workflow", "Value": "boston"}]
    account.put("Endpoint", "boston-0123456789-1", "InService", Tags=tags)
    refused = run_as(ADA, account, capsys, "predict", "boston")
    [error] = refused.envelope["errors"]
    assert (refused.code, error["code"]) == (3, "no-endpoint")
    assert "boston-0123456789-1 (without an owner): --no-owner" in error["hint"]


def test_a_role_whose_session_a_machine_named_is_said_to_be_shared(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account()
    planned = run_as(MACHINE, account, capsys, "train", "boston", "--no-guard", "--dry-run")
    assert planned.data["owner"] == {"name": f"arn:aws:iam::{ACCOUNT}:role/lab", "from": "role", "tagged": True}
    assert "botocore-session-1764162854' is generated" in planned.err
    assert "--owner NAME" in planned.err
    named = run_as(MACHINE, account, capsys, "train", "boston", "--no-guard", "--dry-run", "--owner", "ada")
    assert "is generated" not in named.err
    assert named.data["plan"]["job"] != planned.data["plan"]["job"]


@pytest.mark.parametrize(
    "operation", ["CreateTrainingJob", "CreateModel", "CreateTransformJob", "CreateEndpoint", "PutObject"]
)
def test_a_policy_that_refuses_the_owner_is_said_with_the_way_out(
    operation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account = Account()

    def before(called: str) -> None:
        account.refused_tags = ("opskit:owner",) if called == operation else ()

    account.before = before
    refused = run_as(ADA, account, capsys, "train", "boston", "--no-guard", "--deploy")
    assert refused.code == 4
    error = refused.envelope["errors"][0]
    assert error["code"] == "denied"
    assert "AddTags" in error["message"] or "PutObjectTagging" in error["message"]
    assert "--no-owner: it writes no tag opskit:owner" in error["hint"]
    assert train_as(ADA, account, capsys, "--no-owner")["owner"]["tagged"] is False


def test_where_every_tag_is_refused_no_owner_makes_it_without(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account(refused_tags=("opskit:owner", "opskit:workflow"))
    account.caller = ADA
    with in_memory(account):
        ended = run_opskit(capsys, "train", "boston", "--no-guard", "--deploy", "--no-owner")
    assert ended.code == 0, ended.err
    assert "A policy refuses the tag opskit:workflow too: made without." in ended.err
    assert {frozenset(tags) for tags in tags_of(account, "boston-")} == {frozenset()}
    assert train_as(ADA, account, capsys, "--no-owner")["job"]
    left = run_as(ADA, account, capsys, "cleanup", "boston", "--yes", "--no-owner")
    assert {each["because"] for each in left.data["reasons"] if each["kind"] == "endpoint"} == {
        "it does not carry the tag opskit:workflow=boston"
    }


def test_both_flags_at_once_are_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    ended = run_as(ADA, Account(), capsys, "train", "boston", "--owner", "ada", "--no-owner")
    assert (ended.code, ended.envelope["errors"][0]["code"]) == (2, "owner-or-none")


@pytest.mark.parametrize("operation", ["HeadObject", "DescribeTrainingJob", "DescribeTransformJob", "ListTrainingJobs"])
def test_a_404_of_a_proxys_starts_no_second_job(operation: str, capsys: pytest.CaptureFixture[str]) -> None:
    account, starts = Account(), []
    train_as(ADA, account, capsys)

    def before(called: str) -> None:
        starts.append(called)
        if called == operation:
            code = "404" if called == "HeadObject" else "ResourceNotFound"
            raise client_error(called, code, "Not Found", 404)

    account.before = before
    ended = run_as(ADA, account, capsys, "train", "boston", "--no-guard")
    assert ended.code in (4, 5), ended.out
    assert not [called for called in starts if called.startswith("Create")]
