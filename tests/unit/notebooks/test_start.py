"""Each notebook that is to be started has an outcome of its own, and none starts without room."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.core.clock import Clock
from opskit.core.exceptions import ExitCode
from opskit.core.model import Price, Requirement
from opskit.notebooks.flows import start as flow
from opskit.notebooks.flows.start import StartAction, StartOutcome, plan_starts, start_notebooks, wait_for_all
from opskit.notebooks.render.start import start_result
from opskit.quotas.rules.headroom import QuotaCheck
from opskit.state import journal
from tests.fakes.stubbed_client import StubbedCalls, stubbed_client
from tests.unit.notebooks.test_capacity import T2, headroom
from tests.unit.notebooks.test_create import described, is_not_there, is_there

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLOCK = Clock(lambda: NOW, lambda _: None)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[AwsClient, StubbedCalls]]:
    """A script has an order, so here one look follows the other."""
    monkeypatch.setattr(flow, "gather_all", lambda work: gather_all(work, max_workers=1))
    monkeypatch.setattr(flow, "read_workload_price", lambda *_: Price(Decimal("0.0464"), "the test"))
    monkeypatch.setattr(flow, "check_quotas", lambda clients, demands, now: room(demands, 9))
    with stubbed_client() as both:
        yield both
        both[1].assert_done()


def room(requirements: list[Requirement], free: int) -> QuotaCheck:
    parts = [headroom(requirement.instance_type, free, requirement.count) for requirement in requirements]
    return QuotaCheck((*parts, headroom(None, 9, sum(requirement.count for requirement in requirements))))


def outcomes(starts: list[StartAction]) -> dict[str, StartOutcome | None]:
    return {start.name: start.outcome for start in starts}


def test_each_has_an_outcome_of_its_own(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    for status in ("Stopped", "InService", "Pending", "Stopping"):
        is_there(script, status)
    is_not_there(script)
    script.add_answer("sagemaker", "start_notebook_instance", {}, {"NotebookInstanceName": "off"})
    is_there(script, "Pending")
    plan = plan_starts(client, ["off", "on", "coming", "going", "nobody", "off"], CLOCK)
    starts = start_notebooks(client, plan, CLOCK)
    assert outcomes(starts) == {
        "off": StartOutcome.DONE,
        "on": StartOutcome.ALREADY,
        "coming": StartOutcome.ALREADY,
        "going": StartOutcome.REFUSED,
        "nobody": StartOutcome.REFUSED,
    }
    result = start_result(starts, "us-east-1")
    assert result.exit is ExitCode.REFUSED  # a no of ours wins over partly
    assert [problem.code for problem in result.problems] == ["cannot-start", "no-notebook"]
    assert result.data["notebooks"][0]["usd_per_hour"] == Decimal("0.0464")


@pytest.mark.parametrize(
    ("statuses", "code"), [(["Stopped", None], ExitCode.PARTIAL), ([None], ExitCode.USAGE), (["Stopped"], ExitCode.OK)]
)
def test_a_missing_name_is_said(
    aws: tuple[AwsClient, StubbedCalls], statuses: list[str | None], code: ExitCode
) -> None:
    client, script = aws
    for status in statuses:
        if status is None:
            is_not_there(script)
        else:
            is_there(script, status)
    if "Stopped" in statuses:
        script.add_answer("sagemaker", "start_notebook_instance", {})
        is_there(script, "Pending")
    names = [f"n{number}" for number in range(len(statuses))]
    starts = start_notebooks(client, plan_starts(client, names, CLOCK), CLOCK)
    assert start_result(starts, "us-east-1").exit is code


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        ("Updating", "Start it when it is Stopped."),
        ("Stopping", "Start it when it is Stopped."),
        ("Deleting", ""),
        ("Hibernating", ""),
    ],
)
def test_a_status_that_does_not_lead_to_in_service_is_no_start(
    aws: tuple[AwsClient, StubbedCalls], status: str, hint: str
) -> None:
    """AWS updates only what is stopped, and leaves it stopped; a status that nobody knows leads nobody knows where."""
    client, script = aws
    is_there(script, status)
    (start,) = plan_starts(client, ["lab"], CLOCK)
    assert (start.outcome, start.error and start.error.problem.code) == (StartOutcome.REFUSED, "cannot-start")
    assert start.error is not None and start.error.problem.hint == hint


def test_without_room_nothing_starts_and_the_command_is_named(
    aws: tuple[AwsClient, StubbedCalls], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, script = aws
    monkeypatch.setattr(flow, "check_quotas", lambda clients, demands, now: room(demands, 1))
    for _ in range(2):
        is_there(script, "Stopped")
    script.add_answer("sagemaker", "start_notebook_instance", {}, {"NotebookInstanceName": "a"})
    is_there(script, "Pending")
    starts = start_notebooks(client, plan_starts(client, ["a", "b"], CLOCK), CLOCK)
    assert outcomes(starts) == {"a": StartOutcome.DONE, "b": StartOutcome.REFUSED}
    result = start_result(starts, "us-east-1")
    assert result.exit is ExitCode.REFUSED
    assert f"opskit quotas increase {T2} --for notebook" in result.problems[0].hint


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (["Pending"], StartOutcome.DONE),
        (["Stopped", "Pending"], StartOutcome.DONE),
        (["Stopped"] * 3, StartOutcome.UNKNOWN),
    ],
)
def test_a_lost_answer_is_looked_up_and_sent_once(
    aws: tuple[AwsClient, StubbedCalls], after: list[str], outcome: StartOutcome
) -> None:
    client, script = aws
    is_there(script, "Stopped")
    script.add_refusal("sagemaker", "start_notebook_instance", "InternalFailure", "oops", 500)
    for status in after:
        is_there(script, status)
    if outcome is StartOutcome.DONE:
        is_there(script, "Pending")
    starts = start_notebooks(client, plan_starts(client, ["lab"], CLOCK), CLOCK)
    assert outcomes(starts) == {"lab": outcome}
    [entry] = journal.journal_entries(datetime.min.replace(tzinfo=UTC))
    assert entry.outcome == ("done" if outcome is StartOutcome.DONE else "unknown")
    assert start_result(starts, "us-east-1").exit is (ExitCode.OK if outcome is StartOutcome.DONE else ExitCode.PARTIAL)


@pytest.mark.parametrize(("meanwhile", "outcome"), [("Stopped", "done"), ("Pending", "already")])
def test_a_throttled_start_is_looked_at_before_it_is_sent_again(
    aws: tuple[AwsClient, StubbedCalls], meanwhile: str, outcome: str
) -> None:
    client, script = aws
    is_there(script, "Stopped")
    script.add_refusal("sagemaker", "start_notebook_instance", "ThrottlingException", "Rate exceeded")
    is_there(script, meanwhile)
    if outcome == "done":
        script.add_answer("sagemaker", "start_notebook_instance", {}, {"NotebookInstanceName": "lab"})
    is_there(script, "Pending")
    starts = start_notebooks(client, plan_starts(client, ["lab"], CLOCK), CLOCK)
    assert outcomes(starts) == {"lab": StartOutcome(outcome)}
    [entry] = journal.journal_entries(datetime.min.replace(tzinfo=UTC))
    assert entry.outcome == ("done" if outcome == "done" else "dropped")


def test_somebody_else_who_started_it_meanwhile_is_no_failure(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_there(script, "Stopped")
    script.add_refusal(
        "sagemaker", "start_notebook_instance", "ValidationException", "Status (Pending) not in ([Stopped, Failed])."
    )
    is_there(script, "Pending")
    is_there(script, "InService")
    starts = start_notebooks(client, plan_starts(client, ["lab"], CLOCK), CLOCK)
    assert outcomes(starts) == {"lab": StartOutcome.DONE}


def test_a_quota_that_aws_refuses_by_is_explained(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    said = (
        "The account-level service limit 'Total number of notebook instances' is 8 NotebookInstances, with current "
        "utilization of 8 NotebookInstances and a request delta of 1 NotebookInstances. Please contact AWS support."
    )
    is_there(script, "Stopped")
    script.add_refusal("sagemaker", "start_notebook_instance", "ResourceLimitExceeded", said)
    is_there(script, "Stopped")
    [start] = start_notebooks(client, plan_starts(client, ["lab"], CLOCK), CLOCK)
    assert start.error is not None
    assert start.error.exit is ExitCode.REFUSED
    assert "opskit quotas increase total --for notebook --to 9" in start.error.problem.hint


def test_waiting_tells_why_it_failed(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_there(script, "Pending")
    for _ in range(2):
        script.add_answer(
            "sagemaker", "describe_notebook_instance", described("Failed", FailureReason="Insufficient capacity")
        )
    starts = wait_for_all(client, plan_starts(client, ["lab"], CLOCK), CLOCK, lambda _: None)
    assert starts[0].error is not None
    assert "Insufficient capacity" in starts[0].error.problem.message
    assert start_result(starts, "us-east-1").data["notebooks"][0]["status"] == "Failed"
