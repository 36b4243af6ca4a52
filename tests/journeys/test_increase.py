"""Asking for more, from the shell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from tests.journeys.conftest import Shell, make_shell, run_sandbox
from tests.slow import starts_server

_ALL = ("ml.m4.xlarge", "--for", "training", "--for", "transform", "--for", "endpoint", "--to", "1")


def _filed_quota_names(shell: Shell) -> list[str]:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")
    key, secret, region, url = (shell.environment[name] for name in names)
    client = boto3.Session(key, secret, region_name=region).client("service-quotas", endpoint_url=url)
    history = client.list_requested_service_quota_change_history(ServiceCode="sagemaker")["RequestedQuotas"]
    return sorted(request["QuotaName"] for request in history)


@pytest.fixture
def clock_offset_file(tmp_path: Path) -> Path:
    """A file with the hours by which the sandbox's clock is ahead."""
    file = tmp_path / "hours"
    file.write_text("0")
    return file


@pytest.fixture
@starts_server
def new_account_shell(tmp_path: Path, clock_offset_file: Path) -> Iterator[Shell]:
    """A shell at a new account, where an increase takes an hour of the sandbox's clock."""
    with run_sandbox(approve_after="1h", hours=clock_offset_file) as running:
        yield make_shell(running, tmp_path)


@pytest.fixture
def two_hours_pass(clock_offset_file: Path) -> Callable[[], None]:
    """Turns the sandbox's clock, which at no moment has half a time to read."""

    def turn() -> None:
        turned = clock_offset_file.with_suffix(".new")
        turned.write_text(str(int(clock_offset_file.read_text()) + 2))
        turned.replace(clock_offset_file)

    return turn


def test_three_are_asked_the_third_waits_its_turn_and_none_is_asked_twice(
    new_account_shell: Shell, two_hours_pass: Callable[[], None]
) -> None:
    first = new_account_shell.opskit("quotas", "increase", *_ALL, "--yes")
    assert first.exit == 0
    assert [request["outcome"] for request in first.data["requests"]] == ["filed", "filed", "queued"]
    too_early = new_account_shell.opskit("quotas", "increase", "--resume", "--yes")
    assert [request["outcome"] for request in too_early.data["requests"]] == ["queued"]
    two_hours_pass()
    assert new_account_shell.opskit("quotas", "wait", *_ALL[:5], "--to", "1").exit == 0
    resumed = new_account_shell.opskit("quotas", "increase", "--resume", "--yes")
    assert [request["outcome"] for request in resumed.data["requests"]] == ["filed"]
    two_hours_pass()
    assert new_account_shell.opskit("quotas", "wait", "ml.m4.xlarge", "--for", "endpoint", "--to", "1").exit == 0
    again = new_account_shell.opskit("quotas", "increase", *_ALL, "--yes")
    assert {request["outcome"] for request in again.data["requests"]} == {"already-enough"}
    assert len(_filed_quota_names(new_account_shell)) == 3
    asked = new_account_shell.opskit("quotas", "requests").data["requests"]
    assert {(request["status"], request["moved"]) for request in asked} == {("APPROVED", True)}


def test_the_total_of_clusters_is_raised(fresh_shell: Shell) -> None:
    words = ("total", "--for", "cluster", "--to", "9")
    filed = fresh_shell.opskit("quotas", "increase", *words, "--yes")
    [request] = filed.data["requests"]
    assert (filed.exit, request["outcome"], request["quota_code"]) == (0, "filed", "L-3308CCC7")
    assert fresh_shell.opskit("quotas", "wait", *words).exit == 0
    again = fresh_shell.opskit("quotas", "increase", *words, "--yes")
    assert [request["outcome"] for request in again.data["requests"]] == ["already-enough"]
    checked = fresh_shell.opskit("quotas", "check", "ml.m5.xlarge", "--for", "cluster", "--need", "9")
    totals = {row["quota_name"]: row["verdict"] for row in checked.data["quotas"] if row["instance_type"] is None}
    assert totals["Total number of instances allowed across SageMaker HyperPod clusters"] == "fits"
    assert _filed_quota_names(fresh_shell) == ["Total number of instances allowed across SageMaker HyperPod clusters"]


def test_two_terminals_at_once_file_one_request(fresh_shell: Shell) -> None:
    words = ("quotas", "increase", "ml.m4.xlarge", "--for", "training", "--to", "1", "--yes")
    both = [fresh_shell.start(*words) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    for process in both:
        process.communicate()
    assert _filed_quota_names(fresh_shell) == ["ml.m4.xlarge for training job usage"]


def test_without_a_terminal_consent_is_asked_for_by_its_flag(fresh_shell: Shell) -> None:
    ended = fresh_shell.opskit("quotas", "increase", *_ALL)
    assert ended.exit == 2
    assert "--yes" in ended.envelope["errors"][0]["hint"]
    assert _filed_quota_names(fresh_shell) == []


def test_a_dry_run_plans_and_files_nothing(fresh_shell: Shell) -> None:
    ended = fresh_shell.opskit("quotas", "increase", *_ALL, "--dry-run")
    assert {request["outcome"] for request in ended.data["requests"]} == {"planned"}
    assert _filed_quota_names(fresh_shell) == []


def test_what_cannot_work_is_refused_with_the_reason(fresh_shell: Shell) -> None:
    ended = fresh_shell.opskit("quotas", "increase", "ml.p2.xlarge", "--for", "training", "--to", "1", "--yes")
    assert ended.exit == 3
    assert "no increase can help" in ended.data["requests"][0]["because"]


def test_waiting_ends_at_its_timeout(fresh_shell: Shell) -> None:
    ended = fresh_shell.opskit("quotas", "wait", *_ALL, "--timeout", "1s")
    assert ended.exit == 3
    assert {quota["outcome"] for quota in ended.data["quotas"]} == {"waiting"}


def test_the_console_text_names_everything_the_form_asks(fresh_shell: Shell) -> None:
    words = ("quotas", "increase", "ml.m4.xlarge", "--for", "training", "--to", "2", "--via", "console")
    ended = fresh_shell.opskit(*words, json_output=False)
    assert ended.exit == 0
    for part in ("us-east-1", "ml.m4.xlarge for training job usage", "New limit value: 2"):
        assert part in ended.stdout
    assert _filed_quota_names(fresh_shell) == []


def test_what_cannot_be_read_is_not_nothing(fresh_shell: Shell) -> None:
    fresh_shell.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    ended = fresh_shell.opskit("quotas", "requests", json_output=False)
    assert ended.exit == 4
    assert "There are no increase requests" not in ended.stdout
    assert "could not be reached" in ended.stderr
