"""The guarded workflow, from the shell: refused with nothing made, then run once, shown, deployed, asked, removed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from opskit.access.rules.permissions import API_CALLS
from tests.journeys.conftest import Shell, make_shell, run_sandbox
from tests.slow import starts_server

BOSTON = Path(__file__).parents[2] / "workflows" / "boston"


def _boto_client(shell: Shell, service: str) -> Any:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")
    key, secret, region, url = (shell.environment[name] for name in names)
    return boto3.Session(key, secret, region_name=region).client(service, endpoint_url=url)


def _created_resources(shell: Shell) -> list[Any]:
    sagemaker = _boto_client(shell, "sagemaker")
    return [
        *sagemaker.list_training_jobs()["TrainingJobSummaries"],
        *sagemaker.list_models()["Models"],
        *_boto_client(shell, "s3").list_buckets()["Buckets"],
    ]


def test_the_guard_refuses_and_nothing_is_made(fresh_shell: Shell) -> None:
    ended = fresh_shell.opskit("train", "boston", "--deploy")
    assert ended.exit == 3
    assert ended.data["guard"]["verdict"] == "short"
    assert ended.data["job"] is None
    assert _created_resources(fresh_shell) == []
    assert list(fresh_shell.home.glob("opskit-runs*")) == []


@pytest.fixture(scope="module")
@starts_server
def workflow_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with run_sandbox("classroom", only=("train", "deploy", "predict", "cleanup"), has_jupyters=False) as running:
        yield make_shell(running, tmp_path_factory.mktemp("classroom"))


def _changed_copy(shell: Shell) -> str:
    """A workflow in the shell's folder that trains for less long, and so has other jobs than the shipped one."""
    folder = Path(shutil.copytree(BOSTON, shell.home / "mine", dirs_exist_ok=True))
    path = folder / "workflow.toml"
    path.write_text(path.read_text().replace("num_round = 200", "num_round = 3"))
    return "./mine"


@pytest.fixture
def untrained_workflow(workflow_shell: Shell) -> Iterator[str]:
    """A workflow that nobody ever trains: what a test does with it makes nothing."""
    before = _created_resources(workflow_shell)
    yield _changed_copy(workflow_shell)
    assert _created_resources(workflow_shell) == before


def test_a_budget_that_does_not_suffice_refuses(workflow_shell: Shell, untrained_workflow: str) -> None:
    ended = workflow_shell.opskit("train", untrained_workflow, "--max-usd", "0.01")
    assert ended.exit == 3
    assert ended.envelope["errors"][0]["code"] == "over-budget"
    assert ended.data["job"] is None


def test_a_price_nobody_knows_refuses_a_budget(workflow_shell: Shell, untrained_workflow: str) -> None:
    dear = ("train", untrained_workflow, "--instance-type", "ml.c5.xlarge", "--max-usd", "5")
    ended = workflow_shell.opskit(*dear, "--no-guard")
    assert ended.exit == 5
    assert ended.data["estimate_usd"] is None
    assert ended.envelope["errors"][0]["code"] == "price-unknown"
    guarded = workflow_shell.opskit(*dear)  # no room either, and 3 wins over 5
    assert guarded.exit == 3
    assert {error["code"] for error in guarded.envelope["errors"]} == {"no-room", "price-unknown"}


def test_a_dry_run_names_the_job_and_makes_nothing(workflow_shell: Shell, untrained_workflow: str) -> None:
    ended = workflow_shell.opskit("train", untrained_workflow, "--dry-run")
    assert ended.exit == 0
    assert ended.data["job"] is None
    assert ended.data["plan"]["job"].startswith("boston-")


def test_train_deploy_predict_and_cleanup_of_a_workflow(workflow_shell: Shell) -> None:
    run = workflow_shell.opskit("train", "boston", "--deploy")
    assert run.exit == 0, run.stderr
    data = run.data
    assert 2 < data["metrics"]["rmse"] < 6
    assert data["metrics"]["r2"] > 0.6
    assert data["endpoint"] == data["job"]
    assert Path(data["plot"]).read_bytes().startswith(b"\x89PNG")
    assert all(uri.startswith("s3://") for uri in data["artifacts"].values())
    assert "validation-rmse" in run.stderr

    again = workflow_shell.opskit("train", "boston", "--deploy")
    assert again.exit == 0
    assert again.data["job"] == data["job"]
    assert again.data["metrics"] == data["metrics"]
    assert len(_boto_client(workflow_shell, "sagemaker").list_training_jobs()["TrainingJobSummaries"]) == 1

    test_set = workflow_shell.opskit("predict", "boston")
    assert len(test_set.data["predictions"]) == 167
    house = "0.00632,18.0,2.31,0,0.538,6.575,65.2,4.09,1,296.0,15.3,396.9,4.98\n"
    (workflow_shell.home / "house.csv").write_text(house)
    ended = workflow_shell.opskit("predict", "boston", "house.csv")
    assert 10 < ended.data["predictions"][0] < 50
    (workflow_shell.home / "bad.csv").write_text(house + "1,2\n")
    bad = workflow_shell.opskit("predict", "boston", "bad.csv")
    assert bad.exit == 2
    assert "line 2" in bad.envelope["errors"][0]["message"]

    refused = workflow_shell.opskit("cleanup", "boston")
    assert refused.exit == 2
    cleaned = workflow_shell.opskit("cleanup", "boston", "--local", "--yes")
    assert cleaned.exit == 0
    assert cleaned.data["removed"]["endpoints"] == [data["endpoint"]]
    assert not Path(data["folder"]).exists()
    assert _boto_client(workflow_shell, "sagemaker").list_models()["Models"] == []
    empty = workflow_shell.opskit("cleanup", "boston", "--yes")
    assert empty.exit == 0
    assert empty.data["removed"]["objects"] == 0
    _assert_policies_allow_no_more(workflow_shell)


def _assert_policies_allow_no_more(shell: Shell) -> None:
    """Than what the commands of the whole workflow called."""
    made = shell.calls()
    seldom = {"s3:HeadObject", "iam:GetRole", "sagemaker:StopTransformJob", "sagemaker:DeleteEndpoint"}
    asking = API_CALLS["quotas increase"] - {"service-quotas:ListServiceQuotas"}
    assert API_CALLS["train"] - made["train"] <= seldom | asking
    assert made["predict"] == API_CALLS["predict"]
    seldom = {"sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel"}
    assert API_CALLS["cleanup"] - made["cleanup"] <= seldom


def test_what_is_missing_is_asked_for_and_waited_for(fresh_shell: Shell) -> None:
    """Three requests, of which AWS lets two be open: the third is filed when its turn has come."""
    ended = fresh_shell.opskit("train", _changed_copy(fresh_shell), "--deploy", "--request-increase", "--wait")
    assert ended.exit == 0, ended.stdout
    assert [request["outcome"] for request in ended.data["requests"]] == ["filed"] * 3
    assert ended.data["guard"]["verdict"] == "fits"
    assert ended.data["endpoint"] == ended.data["job"]


def test_an_unknown_workflow_names_the_known_ones(workflow_shell: Shell) -> None:
    ended = workflow_shell.opskit("train", "bosten")
    assert ended.exit == 2
    assert "boston" in ended.envelope["errors"][0]["hint"]
