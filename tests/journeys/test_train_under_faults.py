"""The guarded run where AWS denies, loses answers and fails, and where two run at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from tests.fakes.fault_proxy import Answer, FaultProxy, fault_proxy, json_refusal, xml_refusal
from tests.journeys.conftest import CompletedCommand, Shell, make_shell, run_sandbox
from tests.slow import starts_server

BOSTON = Path(__file__).parents[2] / "workflows" / "boston"
Rule = Callable[[int, Callable[[], Answer]], Answer | None]


@pytest.fixture(scope="module")
@starts_server
def faultless_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with run_sandbox("classroom", has_jupyters=False) as running:
        yield make_shell(running, tmp_path_factory.mktemp("classroom"))


@pytest.fixture
def fault_road(faultless_shell: Shell) -> Iterator[FaultProxy]:
    with fault_proxy(faultless_shell.environment["AWS_ENDPOINT_URL"]) as road:
        yield road


@pytest.fixture
def rough_shell(faultless_shell: Shell, fault_road: FaultProxy, tmp_path: Path) -> Shell:
    """A shell whose way to the account is the rough road, with a workflow of its own in it."""
    folder = Path(shutil.copytree(BOSTON, tmp_path / "mine"))
    path = folder / "workflow.toml"
    path.write_text(path.read_text().replace("num_round = 200", "num_round = 3"))
    # The sandbox's own rules for STS would lead past the road.
    kept = {name: value for name, value in faultless_shell.environment.items() if name != "AWS_DATA_PATH"}
    return replace(faultless_shell, home=tmp_path, environment={**kept, "AWS_ENDPOINT_URL": fault_road.url})


def edit_workflow(shell: Shell, old: str, new: str) -> None:
    path = shell.home / "mine" / "workflow.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def always_answer(result: Answer) -> Rule:
    return lambda count, send: result


def lose_answer(count: int, send: Callable[[], Answer]) -> None:
    """AWS does it, and its answer never arrives."""
    send()


def created_counts(road: FaultProxy) -> dict[str, int]:
    return {name: count for name, count in road.seen.items() if name.startswith(("Create", "PUT"))}


def error_codes(ended: CompletedCommand) -> list[str]:
    return [error["code"] for error in ended.envelope["errors"]]


def test_lost_answers_failing_looks_and_a_closed_log_do_not_make_anything_twice(
    rough_shell: Shell, fault_road: FaultProxy
) -> None:
    edit_workflow(rough_shell, "eta = 0.2", "eta = 0.1")
    fault_road.rules = {
        "CreateTrainingJob": lose_answer,
        "CreateModel": lambda count, send: (send(), json_refusal("InternalFailure", "oops", 500))[1],
        "CreateTransformJob": lambda count, send: (send(), json_refusal("ResourceLimitExceeded", "a moment too late"))[
            1
        ],
        "DescribeTrainingJob": lambda count, send: (
            json_refusal("InternalFailure", "oops", 500) if count % 3 == 0 else send()
        ),
        "DescribeLogStreams": always_answer(json_refusal("AccessDeniedException", "no logs for you")),
    }
    ended = rough_shell.opskit("train", "./mine")
    assert ended.exit == 0, ended.stdout
    assert ended.data["metrics"]["rmse"] > 0
    assert {name: fault_road.seen[name] for name in ("CreateTrainingJob", "CreateModel", "CreateTransformJob")} == {
        "CreateTrainingJob": 1,
        "CreateModel": 1,
        "CreateTransformJob": 1,
    }
    assert ended.stderr.count("no logs for you") == 1

    fault_road.seen.clear()
    shown = rough_shell.opskit("train", "./mine")
    assert shown.exit == 0
    assert shown.data["metrics"] == ended.data["metrics"]
    assert shown.data["guard"]["verdict"] == "not-needed"
    assert shown.data["estimate_usd"] == 0
    assert created_counts(fault_road) == {}


def test_a_failed_job_says_why_and_the_next_attempt_follows_it(rough_shell: Shell, fault_road: FaultProxy) -> None:
    # AWS's list has this updater, and the XGBoost that trains does not: only the job can tell.
    edit_workflow(rough_shell, "max_depth = 5", 'max_depth = 5\nupdater = "grow_skmaker"')
    first = rough_shell.opskit("train", "./mine")
    assert first.exit == 4
    assert error_codes(first) == ["job-failed"]
    assert "AlgorithmError" in first.envelope["errors"][0]["message"]
    assert "The last lines of its log" in first.envelope["errors"][0]["hint"]
    assert "would fail the same way" in first.envelope["errors"][0]["hint"]
    second = rough_shell.opskit("train", "./mine")
    assert second.data["job"] == first.data["job"].removesuffix("-1") + "-2"
    assert f"{first.data['job']}, is failed" in second.stderr


def test_two_at_once_make_one_job(rough_shell: Shell, fault_road: FaultProxy) -> None:
    edit_workflow(rough_shell, "eta = 0.2", "eta = 0.3")
    pair = [rough_shell.start("train", "./mine", "-o", "json") for _ in range(2)]
    answers = [process.communicate() for process in pair]
    told = [json.loads(stdout) for stdout, _ in answers]
    assert [process.returncode for process in pair] == [0, 0], answers
    assert told[0]["data"]["job"] == told[1]["data"]["job"]
    assert told[0]["data"]["metrics"] == told[1]["data"]["metrics"]
    job = told[0]["data"]["job"]
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
    key, secret, region = (rough_shell.environment[name] for name in names)
    client = boto3.Session(key, secret, region_name=region).client("sagemaker", endpoint_url=fault_road.target)
    assert (
        len(client.list_training_jobs(NameContains=job.rpartition("-")[0], MaxResults=100)["TrainingJobSummaries"]) == 1
    )
    assert (
        len(client.list_transform_jobs(NameContains=job.rpartition("-")[0], MaxResults=100)["TransformJobSummaries"])
        == 1
    )


@pytest.mark.parametrize(
    ("words", "rules", "exit", "code"),
    [
        ((), {"ListRoles": always_answer(xml_refusal("AccessDenied", "no"))}, 4, "role-unreadable"),
        (("--role", "no-such-role"), {}, 2, "no-role"),
        (("--bucket", "no-such-bucket-anywhere"), {}, 2, "no-bucket"),
        ((), {"GetCallerIdentity": always_answer(xml_refusal("ExpiredToken", "expired"))}, 4, "credentials-refused"),
        ((), {"ListTrainingJobs": always_answer(json_refusal("AccessDeniedException", "no"))}, 4, "denied"),
        ((), {"GetProducts": always_answer(json_refusal("AccessDeniedException", "no"))}, 0, None),  # the table knows
        (("--instance-type", "ml.c5.xlarge", "--no-guard"), {}, 0, None),  # said, not refused
    ],
)
def test_what_stands_in_the_way_is_said_before_anything_is_made(
    rough_shell: Shell,
    fault_road: FaultProxy,
    words: tuple[str, ...],
    rules: dict[str, Rule],
    exit: int,
    code: str | None,
) -> None:
    edit_workflow(rough_shell, "eta = 0.2", "eta = 0.4")
    fault_road.rules = rules
    ended = rough_shell.opskit("train", "./mine", *words, "--dry-run")
    assert ended.exit == exit, ended.stdout
    assert error_codes(ended) == ([code] if code else [])
    assert created_counts(fault_road) == {}


def test_quotas_that_cannot_be_read_are_no_room(rough_shell: Shell, fault_road: FaultProxy) -> None:
    edit_workflow(rough_shell, "eta = 0.2", "eta = 0.5")
    names = ("GetServiceQuota", "ListServiceQuotas", "GetAWSDefaultServiceQuota", "ListAWSDefaultServiceQuotas")
    fault_road.rules = dict.fromkeys(names, always_answer(json_refusal("AccessDeniedException", "no quotas for you")))
    ended = rough_shell.opskit("train", "./mine")
    assert ended.exit == 4
    assert error_codes(ended) == ["quota-unknown"]
    assert ended.data["guard"]["verdict"] == "unknown"
    assert "--no-guard" in ended.envelope["errors"][0]["hint"]
    assert created_counts(fault_road) == {}


def test_a_refusal_of_awss_is_explained_and_nothing_is_said_to_run(rough_shell: Shell, fault_road: FaultProxy) -> None:
    edit_workflow(rough_shell, "eta = 0.2", "eta = 0.6")
    text = (
        "The account-level service limit 'ml.m4.xlarge for training job usage' is 0 Instances, with current "
        "utilization of 0 Instances and a request delta of 1 Instances. Please use AWS Service Quotas."
    )
    fault_road.rules = {"CreateTrainingJob": always_answer(json_refusal("ResourceLimitExceeded", text))}
    ended = rough_shell.opskit("train", "./mine", "--no-guard")
    assert ended.exit == 3
    assert error_codes(ended) == ["aws-quota"]
    helps = "opskit quotas increase ml.m4.xlarge --for training --to 1 --region us-east-1"
    assert ended.envelope["errors"][0]["hint"] == helps
    assert ended.data["job"] is None
    assert ended.data["running"] == []
    assert fault_road.seen["CreateTrainingJob"] == 1


def test_an_endpoint_that_was_never_asked_for_is_not_called_running(rough_shell: Shell, fault_road: FaultProxy) -> None:
    no = "User: me is not authorized to perform: sagemaker:AddTags on resource: it"
    for denied in ("CreateEndpointConfig", "CreateEndpoint"):  # in the order in which they are made
        fault_road.rules = {denied: always_answer(json_refusal("AccessDeniedException", no))}
        ended = rough_shell.opskit("train", "./mine", "--deploy")
        assert ended.exit == 4
        assert (error_codes(ended), ended.data["running"], ended.data["endpoint"]) == (["denied"], [], None)
        assert "Allow the action sagemaker:AddTags" in ended.envelope["errors"][0]["hint"]
        assert ended.data["metrics"]


def test_a_write_nobody_can_confirm_is_named_with_the_way_to_stop_it(
    rough_shell: Shell, fault_road: FaultProxy
) -> None:
    edit_workflow(rough_shell, "eta = 0.2", "eta = 0.7")
    fault_road.rules = {
        "CreateTrainingJob": always_answer(json_refusal("InternalFailure", "oops", 500)),
        "DescribeTrainingJob": always_answer(json_refusal("AccessDeniedException", "no")),
    }
    ended = rough_shell.opskit("train", "./mine")
    assert ended.exit == 4
    assert error_codes(ended) == ["outcome-unknown", "still-running"]
    assert "may be running" in ended.envelope["errors"][1]["message"]
    assert "aws sagemaker stop-training-job --training-job-name mine" not in ended.envelope["errors"][1]["hint"]
    assert "aws sagemaker stop-training-job --training-job-name boston-" in ended.envelope["errors"][1]["hint"]
    assert fault_road.seen["CreateTrainingJob"] == 1


def test_a_cleanup_goes_on_where_something_stays(rough_shell: Shell, fault_road: FaultProxy) -> None:
    assert rough_shell.opskit("train", "./mine").exit == 0
    fault_road.rules = {
        "DeleteModel": always_answer(json_refusal("AccessDeniedException", "no")),
        "ListEndpoints": always_answer(json_refusal("AccessDeniedException", "no")),
    }
    blind = rough_shell.opskit("cleanup", "./mine", "--yes")
    assert (blind.exit, blind.data["removed"]["models"], blind.data["removed"]["objects"]) == (5, [], 0)
    unseen = "which endpoints there are could not be read"
    assert {each["because"] for each in blind.data["reasons"] if each["kind"] == "model"} == {unseen}
    del fault_road.rules["ListEndpoints"]
    partly = rough_shell.opskit("cleanup", "./mine", "--yes")
    assert (partly.exit, partly.data["removed"]["models"]) == (5, [])
    assert partly.data["removed"]["objects"] > 0  # of jobs without a model
    assert partly.data["left"]["models"]
    assert set(error_codes(partly)) == {"denied"}
    fault_road.rules = {}
    rest = rough_shell.opskit("cleanup", "./mine", "--yes")
    assert rest.exit == 0
    assert rest.data["removed"]["models"] == partly.data["left"]["models"]
    assert rough_shell.opskit("cleanup", "./mine", "--yes").data["removed"]["models"] == []
