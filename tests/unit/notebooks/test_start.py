"""Each notebook that is to be started has an outcome of its own, and none starts without room."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.core.clock import Clock
from opskit.core.exceptions import ExitCode
from opskit.core.model import Price, Requirement
from opskit.notebooks.flows import start as flow
from opskit.notebooks.flows.send_start import FIRST_PAUSES_SECONDS, LAST_PAUSES_SECONDS
from opskit.notebooks.flows.start import StartAction, plan_starts, start_notebooks, wait_for_all
from opskit.notebooks.render.start import start_result
from opskit.notebooks.rules.start import StartOutcome
from opskit.quotas.rules.headroom import QuotaCheck
from opskit.state import journal
from tests.fakes.created_notebooks import described, is_not_there, is_there
from tests.fakes.stubbed_client import StubbedCalls, stubbed_client
from tests.unit.notebooks.test_capacity import T2, headroom

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
        (["Stopped"] * len(FIRST_PAUSES_SECONDS), StartOutcome.UNKNOWN),
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
    is_there(script, "Stopped")
    is_there(script, "Pending")
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


TAKES_A_WHILE = ["Stopped", None, "Stopped"]
NOT_FIRST, NOT_LAST = ["Stopped"] * len(FIRST_PAUSES_SECONDS), ["Stopped"] * len(LAST_PAUSES_SECONDS)


@pytest.mark.parametrize(
    ("looks", "sent", "outcome", "entries"),
    [
        pytest.param([[*TAKES_A_WHILE, "Pending"]], 1, "done", ["done"], id="seen late"),
        pytest.param([[*TAKES_A_WHILE, "InService"]], 1, "done", ["done"], id="seen late, and in service"),
        pytest.param(
            [[*NOT_FIRST, "Stopped"], ["Pending"]], 2, "done", ["unknown", "done"], id="takes the second time"
        ),
        pytest.param([[*NOT_FIRST, "Pending"]], 1, "done", ["unknown", "dropped"], id="seen right before the second"),
        pytest.param([[*NOT_FIRST, "Stopped"], NOT_LAST], 2, "unknown", ["unknown"] * 2, id="never takes"),
        pytest.param(
            [[None] * (len(NOT_FIRST) + 1), [None] * len(NOT_LAST)], 2, "unknown", ["unknown"] * 2, id="is gone"
        ),
        pytest.param([["Updating", "Stopping", "Deleting", "Novel", "Pending"]], 1, "done", ["done"], id="odd words"),
        pytest.param([["Stopped", "Failed"]], 1, "failed", ["done"], id="fails at once"),
    ],
)
def test_done_is_what_was_seen_to_leave_stopped(
    aws: tuple[AwsClient, StubbedCalls], looks: list[list[str | None]], sent: int, outcome: str, entries: list[str]
) -> None:
    client, script = aws
    is_there(script, "Stopped")
    for seen in looks:
        script.add_answer("sagemaker", "start_notebook_instance", {}, {"NotebookInstanceName": "lab"})
        for status in seen:
            is_not_there(script) if status is None else is_there(script, status)
    [start] = start_notebooks(client, plan_starts(client, ["lab"], CLOCK), CLOCK)
    assert start.outcome == outcome
    assert [entry.outcome for entry in journal.journal_entries(datetime.min.replace(tzinfo=UTC))] == entries
    assert len(looks) == sent
    codes = {"done": ExitCode.OK, "unknown": ExitCode.PARTIAL, "failed": ExitCode.AWS_ERROR}
    assert start_result([start], "us-east-1").exit is codes[outcome]


def test_a_second_start_that_is_refused_leaves_the_first_unknown(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_there(script, "Stopped")
    script.add_answer("sagemaker", "start_notebook_instance", {})
    for status in [*NOT_FIRST, "Stopped"]:
        is_there(script, status)
    script.add_refusal("sagemaker", "start_notebook_instance", "ResourceLimitExceeded", "the limit is 1")
    is_there(script, "Stopped")
    [start] = start_notebooks(client, plan_starts(client, ["lab"], CLOCK), CLOCK)
    assert start.outcome is StartOutcome.UNKNOWN
    assert start.error is not None
    assert "the limit is 1" in start.error.problem.message


def test_looks_that_fail_are_no_proof_of_either(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_there(script, "Stopped")
    script.add_answer("sagemaker", "start_notebook_instance", {})
    for _ in range(2):
        script.add_refusal("sagemaker", "describe_notebook_instance", "AccessDeniedException", "no")
    is_there(script, "Pending")
    assert outcomes(start_notebooks(client, plan_starts(client, ["lab"], CLOCK), CLOCK)) == {"lab": StartOutcome.DONE}


@pytest.mark.parametrize(("moved", "outcome"), [(0, "done"), (5, "failed")])
def test_an_old_failure_is_not_a_new_one(aws: tuple[AwsClient, StubbedCalls], moved: int, outcome: str) -> None:
    client, script = aws
    script.add_answer("sagemaker", "describe_notebook_instance", described("Failed"))
    script.add_answer("sagemaker", "start_notebook_instance", {})
    later = NOW + timedelta(seconds=moved)
    script.add_answer("sagemaker", "describe_notebook_instance", described("Failed", LastModifiedTime=later))
    if outcome == "done":
        is_there(script, "Pending")
    [start] = start_notebooks(client, plan_starts(client, ["lab"], CLOCK), CLOCK)
    assert start.outcome == outcome


def test_one_that_is_updated_does_not_run_already(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_there(script, "Updating")
    result = start_result(plan_starts(client, ["lab"], CLOCK), "us-east-1")
    assert result.exit is ExitCode.REFUSED
    assert result.problems[0].hint == "Start it when it is Stopped."


@pytest.mark.parametrize("status", ["PendingMaintenance", "InMaintenance"])
def test_one_in_maintenance_may_run(aws: tuple[AwsClient, StubbedCalls], status: str) -> None:
    client, script = aws
    is_there(script, status)
    result = start_result(plan_starts(client, ["lab"], CLOCK), "us-east-1")
    assert (result.exit, result.data["notebooks"][0]["outcome"]) == (ExitCode.OK, "already")
    assert "may run" in result.tables[0].rows[0][-1].text


SCRIPT_FAILED = "Notebook Instance Lifecycle Config 'arn:aws:sagemaker:…' for Notebook Instance 'arn:…' failed."
MISSING = ("logs", "get_log_events", "ResourceNotFoundException", "The specified log stream does not exist.")


@pytest.mark.parametrize("stream", ["lab/LifecycleConfigOnStart", "lab/LifecycleConfigOnCreate"])
def test_a_lifecycle_script_that_failed_is_told_with_its_log(aws: tuple[AwsClient, StubbedCalls], stream: str) -> None:
    client, script = aws
    is_there(script, "Stopped")
    script.add_answer("sagemaker", "start_notebook_instance", {})
    script.add_answer("sagemaker", "describe_notebook_instance", described("Failed", FailureReason=SCRIPT_FAILED))
    if stream.endswith("Create"):
        script.add_refusal(*MISSING)
    said = {
        "events": [{"message": "no such package\n", "timestamp": 1}],
        "nextBackwardToken": "b",
        "nextForwardToken": "f",
    }
    script.add_answer("logs", "get_log_events", said)
    [start] = start_notebooks(client, plan_starts(client, ["lab"], CLOCK), CLOCK)
    assert start.error is not None
    told = start.error.problem.message
    assert [part for part in (SCRIPT_FAILED, stream, "no such package") if part not in told] == [], told


def test_a_script_without_a_log_names_where_it_would_be(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    script.add_answer("sagemaker", "describe_notebook_instance", described("Pending"))
    script.add_answer("sagemaker", "describe_notebook_instance", described("Failed", FailureReason=SCRIPT_FAILED))
    for _ in range(2):
        script.add_refusal(*MISSING)
    script.add_answer("sagemaker", "describe_notebook_instance", described("Failed", FailureReason=SCRIPT_FAILED))
    [start] = wait_for_all(client, plan_starts(client, ["lab"], CLOCK), CLOCK, lambda _: None)
    assert start.outcome is StartOutcome.FAILED
    assert start.error is not None
    assert "lab/LifecycleConfigOnStart" in start.error.problem.message
