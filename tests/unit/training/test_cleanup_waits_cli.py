"""`opskit cleanup` beside what is still at work, and while others make and change things."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from opskit.aws import session
from opskit.core.clock import Clock
from opskit.core.exceptions import ExitCode
from opskit.training.flows.cleanup import delete_resources
from opskit.training.flows.find_resources import find_resources
from tests.fakes.account import Account, client_error, in_memory
from tests.fakes.stubbed_client import REGION
from tests.unit.training.test_cleanup_cli import (
    HOME,
    JOB,
    KINDS,
    OLDER,
    OURS,
    SCOPE,
    account_with_endpoint,
    deny_operations,
    existing_resources,
    kept_reasons,
    run_cleanup,
)


@pytest.fixture(autouse=True)
def other_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)


def test_cleanup_a_region_of_which_nothing_could_be_seen_is_awss_no(capsys: pytest.CaptureFixture[str]) -> None:
    account = account_with_endpoint()
    deny_operations(
        account, "ListEndpoints", "ListEndpointConfigs", "ListModels", "ListTrainingJobs", "ListTransformJobs"
    )
    assert run_cleanup(account, capsys).code == 4
    assert run_cleanup(account, capsys, "--dry-run").code == 4


@pytest.mark.parametrize(("kind", "word"), [("TransformJob", "transform job"), ("TrainingJob", "training job")])
def test_cleanup_what_a_job_in_progress_reads_stays(kind: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    account = account_with_endpoint()
    params = account.things["TrainingJob", JOB].params
    account.put(kind, f"{JOB}-2" if kind == "TransformJob" else JOB, "InProgress", **params)
    ended = run_cleanup(account, capsys)
    name = f"{JOB}-2" if kind == "TransformJob" else JOB
    assert (ended.code, existing_resources(account), len(account.objects)) == (0, {("Model", JOB)}, 3)
    assert kept_reasons(ended)["model", JOB] == f"the {word} {name} is in progress"
    assert ended.data["left"]["running_jobs"] == [name]


def test_cleanup_an_endpoint_in_the_making_is_waited_for_because_aws_refuses_to_delete_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    account = account_with_endpoint()
    endpoint = account.things["Endpoint", JOB]
    endpoint.states = ["Creating", "Creating", "InService"]

    def before(operation: str) -> None:
        if operation == "DeleteEndpoint" and endpoint.states[0] == "Creating":
            raise client_error(operation, "ValidationException", "Cannot update in-progress endpoint")

    account.before = before
    assert (run_cleanup(account, capsys).code, existing_resources(account)) == (0, set())


@pytest.mark.parametrize("operation", ["DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel"])
def test_cleanup_a_delete_whose_answer_was_lost_is_looked_up(
    operation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account, sent = account_with_endpoint(), []

    def after(done: str) -> None:
        if done == operation:
            sent.append(done)
            raise ReadTimeoutError(endpoint_url="https://api.sagemaker")

    account.after = after
    ended = run_cleanup(account, capsys)
    assert (ended.code, existing_resources(account), sent) == (0, set(), [operation])


def cleanup_around(account: Account, meanwhile: Callable[[], None], **clock: Any) -> Any:
    """Look, let something happen at the prompt, and clean up."""
    with in_memory(account):
        client = session.open_session(region=REGION).client()  # as it is patched: this account needs no credentials
        look = find_resources(client, SCOPE, None)
        meanwhile()

        def again() -> Any:
            return find_resources(client, SCOPE, None, endpoints_gone=True)

        return delete_resources(
            client, look, again, Clock(**{"now": fixed_now, "sleep": lambda seconds: None, **clock}), lambda event: None
        )


def fixed_now() -> datetime:
    return datetime(2026, 11, 26, tzinfo=UTC)


def test_cleanup_what_was_deployed_while_the_prompt_stood_keeps_what_it_uses() -> None:
    account = account_with_endpoint()
    del account.things["Endpoint", JOB]
    done = cleanup_around(
        account, lambda: ignore_argument(account.put("Endpoint", JOB, "InService", EndpointConfigName=JOB, Tags=OURS))
    )
    assert existing_resources(account) == {(instance_type, JOB) for instance_type in KINDS}
    assert (done.exit, done.items, done.objects) == (ExitCode.OK, [], [])


def test_cleanup_what_came_while_the_prompt_stood_was_not_agreed_to() -> None:
    account = account_with_endpoint()
    done = cleanup_around(account, lambda: ignore_argument(account_with_endpoint(OLDER, account=account)))
    assert existing_resources(account) == {(instance_type, OLDER) for instance_type in KINDS}
    assert (done.exit, len(account.objects)) == (ExitCode.OK, 3)


def test_cleanup_an_endpoint_that_does_not_go_keeps_what_it_uses_and_is_not_waited_for_for_ever() -> None:
    account, passed = account_with_endpoint(), [fixed_now()]

    def after(operation: str) -> None:
        if operation == "DeleteEndpoint":
            account.things["Endpoint", JOB].states = ["Deleting"]

    account.after = after
    done = cleanup_around(
        account,
        lambda: None,
        now=lambda: passed[-1],
        sleep=lambda seconds: passed.append(passed[-1] + timedelta(seconds=seconds)),
    )
    assert (done.exit, existing_resources(account)) == (ExitCode.PARTIAL, {("EndpointConfig", JOB), ("Model", JOB)})
    assert [problem.code for problem in done.problems] == ["still-deleting"]
    assert timedelta(minutes=30) < passed[-1] - passed[0] < timedelta(minutes=31)


@pytest.mark.parametrize(
    ("code", "still"), [("AccessDeniedException", True), ("ValidationException", True), ("ResourceNotFound", False)]
)
def test_cleanup_an_endpoint_whose_tags_cannot_be_read_again_is_still_running(
    code: str, still: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    account, listed = account_with_endpoint(), []

    def before(operation: str) -> None:
        listed.append(operation)
        if operation == "ListEndpoints" and listed.count(operation) == 2:
            raise KeyboardInterrupt
        if operation == "ListTags" and listed.count(operation) == 5:  # the first after those of the look
            raise client_error(operation, code, "no")

    account.before = before
    ended = run_cleanup(account, capsys)
    messages = [error["message"] for error in ended.envelope["errors"] if error["code"] == "interrupted"]
    told = f"Interrupted, but the endpoint {JOB} is still running."
    assert messages == [told if still else "Interrupted. Nothing of this run is running."]


def ignore_argument(_: object) -> None:
    """For what is done for its effect."""


def test_cleanup_a_job_without_objects_is_nothing_to_ask_tags_of(capsys: pytest.CaptureFixture[str]) -> None:
    account = account_with_endpoint()
    asked: list[str] = []
    for number in range(5):
        output = {"S3OutputPath": f"{HOME}/{OLDER}{number}/output"}
        account.put("TrainingJob", f"{OLDER}{number}", "Completed", OutputDataConfig=output, Tags=OURS)
    account.after = asked.append
    assert run_cleanup(account, capsys, "--dry-run").code == 0
    assert asked.count("ListTags") == 4  # endpoint, configuration, model, and the job with objects


def test_cleanup_a_job_that_is_gone_when_its_tags_are_read_makes_no_objects_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    account, listed = account_with_endpoint(), []

    def before(operation: str) -> None:
        listed.append(operation)
        if operation == "ListTags" and "ListObjectsV2" in listed[-3:]:
            raise client_error(operation, "ResourceNotFound", "Could not find resource")

    account.before = before
    ended = run_cleanup(account, capsys, "--dry-run")
    assert ended.data["would_remove"]["objects"] == 0
    assert list(kept_reasons(ended).values()) == ["no training job of 'boston' has such a folder"]


def test_cleanup_objects_lie_in_whichever_bucket_the_job_wrote_to(capsys: pytest.CaptureFixture[str]) -> None:
    account = account_with_endpoint()
    where = f"s3://elsewhere/opskit/boston/{JOB}"
    account.things["TrainingJob", JOB].params["OutputDataConfig"] = {"S3OutputPath": f"{where}/output"}
    account.objects |= {f"{where}/output/model.tar.gz": b"m", f"s3://elsewhere/opskit/boston/{OLDER}/x": b"?"}
    ended = run_cleanup(account, capsys)
    assert (ended.code, list(account.objects)) == (0, [f"s3://elsewhere/opskit/boston/{OLDER}/x"])
    assert ended.data["removed"]["objects"] == 4


class UntoldOutput(Account):
    """Says of no training job where it wrote to."""

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        answer = super().call(operation, params)
        return {name: value for name, value in answer.items() if name != "OutputDataConfig"}


def test_cleanup_a_job_of_which_aws_tells_no_bucket_may_have_files_that_are_not_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = run_cleanup(account_with_endpoint(account=UntoldOutput()), capsys)
    what = "Which bucket the training job wrote to could not be read, so files there are not found"
    told = f"{what}: AWS does not tell it of {JOB}."
    assert (ended.code, [error["message"] for error in ended.envelope["errors"]]) == (5, [told])
