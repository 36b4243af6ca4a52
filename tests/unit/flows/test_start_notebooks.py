"""Each notebook that is to be started has an outcome of its own, and none starts without room."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from opskit.aws import Door, side_by_side
from opskit.decide.headroom import QuotaCheck
from opskit.errors import ExitCode
from opskit.flows import start_notebooks as flow
from opskit.flows.clock import Clock
from opskit.flows.start_notebooks import Start, StartOutcome, all_awaited, plan_starts, start_notebooks
from opskit.model import Demand, Price
from opskit.show.notebook_starting import starting
from opskit.state import journal
from tests.unit.decide.test_notebook_room import T2, headroom
from tests.unit.flows.test_create_notebook import described, is_not_there, is_there
from tests.unit.stubbed import Script, scripted

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLOCK = Clock(lambda: NOW, lambda _: None)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Door, Script]]:
    """A script has an order, so here one look follows the other."""
    monkeypatch.setattr(flow, "side_by_side", lambda work: side_by_side(work, most=1))
    monkeypatch.setattr(flow, "read_price", lambda *_: Price(Decimal("0.0464"), "the test"))
    monkeypatch.setattr(flow, "check_quotas", lambda doors, demands, now: room(demands, 9))
    with scripted() as both:
        yield both
        both[1].is_played()


def room(demands: list[Demand], free: int) -> QuotaCheck:
    parts = [headroom(demand.instance_type, free, demand.need) for demand in demands]
    return QuotaCheck((*parts, headroom(None, 9, sum(demand.need for demand in demands))))


def outcomes(starts: list[Start]) -> dict[str, StartOutcome | None]:
    return {each.name: each.outcome for each in starts}


def test_each_has_an_outcome_of_its_own(aws: tuple[Door, Script]) -> None:
    door, script = aws
    for status in ("Stopped", "InService", "Pending", "Stopping"):
        is_there(script, status)
    is_not_there(script)
    script.answers("sagemaker", "start_notebook_instance", {}, {"NotebookInstanceName": "off"})
    is_there(script, "Pending")
    plan = plan_starts(door, ["off", "on", "coming", "going", "nobody", "off"], CLOCK)
    starts = start_notebooks(door, plan, CLOCK)
    assert outcomes(starts) == {
        "off": StartOutcome.DONE,
        "on": StartOutcome.ALREADY,
        "coming": StartOutcome.ALREADY,
        "going": StartOutcome.REFUSED,
        "nobody": StartOutcome.REFUSED,
    }
    answer = starting(starts, "us-east-1")
    assert answer.exit is ExitCode.REFUSED  # a no of ours wins over partly
    assert [problem.code for problem in answer.problems] == ["cannot-start", "no-notebook"]
    assert answer.data["notebooks"][0]["usd_per_hour"] == Decimal("0.0464")


@pytest.mark.parametrize(
    ("statuses", "code"), [(["Stopped", None], ExitCode.PARTLY), ([None], ExitCode.USAGE), (["Stopped"], ExitCode.DONE)]
)
def test_a_missing_name_is_said(aws: tuple[Door, Script], statuses: list[str | None], code: ExitCode) -> None:
    door, script = aws
    for status in statuses:
        if status is None:
            is_not_there(script)
        else:
            is_there(script, status)
    if "Stopped" in statuses:
        script.answers("sagemaker", "start_notebook_instance", {})
        is_there(script, "Pending")
    names = [f"n{number}" for number in range(len(statuses))]
    starts = start_notebooks(door, plan_starts(door, names, CLOCK), CLOCK)
    assert starting(starts, "us-east-1").exit is code


def test_without_room_nothing_starts_and_the_command_is_named(
    aws: tuple[Door, Script], monkeypatch: pytest.MonkeyPatch
) -> None:
    door, script = aws
    monkeypatch.setattr(flow, "check_quotas", lambda doors, demands, now: room(demands, 1))
    for _ in range(2):
        is_there(script, "Stopped")
    script.answers("sagemaker", "start_notebook_instance", {}, {"NotebookInstanceName": "a"})
    is_there(script, "Pending")
    starts = start_notebooks(door, plan_starts(door, ["a", "b"], CLOCK), CLOCK)
    assert outcomes(starts) == {"a": StartOutcome.DONE, "b": StartOutcome.REFUSED}
    answer = starting(starts, "us-east-1")
    assert answer.exit is ExitCode.REFUSED
    assert f"opskit quotas increase {T2} --for notebook" in answer.problems[0].hint


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (["Pending"], StartOutcome.DONE),
        (["Stopped", "Pending"], StartOutcome.DONE),
        (["Stopped"] * 3, StartOutcome.UNKNOWN),
    ],
)
def test_a_lost_answer_is_looked_up_and_sent_once(
    aws: tuple[Door, Script], after: list[str], outcome: StartOutcome
) -> None:
    door, script = aws
    is_there(script, "Stopped")
    script.refuses("sagemaker", "start_notebook_instance", "InternalFailure", "oops", 500)
    for status in after:
        is_there(script, status)
    if outcome is StartOutcome.DONE:
        is_there(script, "Pending")
    starts = start_notebooks(door, plan_starts(door, ["lab"], CLOCK), CLOCK)
    assert outcomes(starts) == {"lab": outcome}
    [entry] = journal.entries(datetime.min.replace(tzinfo=UTC))
    assert entry.outcome == ("done" if outcome is StartOutcome.DONE else "unknown")
    assert starting(starts, "us-east-1").exit is (ExitCode.DONE if outcome is StartOutcome.DONE else ExitCode.PARTLY)


@pytest.mark.parametrize(("meanwhile", "outcome"), [("Stopped", "done"), ("Pending", "already")])
def test_a_throttled_start_is_looked_at_before_it_is_sent_again(
    aws: tuple[Door, Script], meanwhile: str, outcome: str
) -> None:
    door, script = aws
    is_there(script, "Stopped")
    script.refuses("sagemaker", "start_notebook_instance", "ThrottlingException", "Rate exceeded")
    is_there(script, meanwhile)
    if outcome == "done":
        script.answers("sagemaker", "start_notebook_instance", {}, {"NotebookInstanceName": "lab"})
    is_there(script, "Pending")
    starts = start_notebooks(door, plan_starts(door, ["lab"], CLOCK), CLOCK)
    assert outcomes(starts) == {"lab": StartOutcome(outcome)}
    [entry] = journal.entries(datetime.min.replace(tzinfo=UTC))
    assert entry.outcome == ("done" if outcome == "done" else "dropped")


def test_somebody_else_who_started_it_meanwhile_is_no_failure(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_there(script, "Stopped")
    script.refuses(
        "sagemaker", "start_notebook_instance", "ValidationException", "Status (Pending) not in ([Stopped, Failed])."
    )
    is_there(script, "Pending")
    is_there(script, "InService")
    starts = start_notebooks(door, plan_starts(door, ["lab"], CLOCK), CLOCK)
    assert outcomes(starts) == {"lab": StartOutcome.DONE}


def test_a_quota_that_aws_refuses_by_is_explained(aws: tuple[Door, Script]) -> None:
    door, script = aws
    said = (
        "The account-level service limit 'Total number of notebook instances' is 8 NotebookInstances, with current "
        "utilization of 8 NotebookInstances and a request delta of 1 NotebookInstances. Please contact AWS support."
    )
    is_there(script, "Stopped")
    script.refuses("sagemaker", "start_notebook_instance", "ResourceLimitExceeded", said)
    is_there(script, "Stopped")
    [start] = start_notebooks(door, plan_starts(door, ["lab"], CLOCK), CLOCK)
    assert start.error is not None
    assert start.error.exit is ExitCode.REFUSED
    assert "opskit quotas increase total --for notebook --to 9" in start.error.problem.hint


def test_waiting_tells_why_it_failed(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_there(script, "Pending")
    for _ in range(2):
        script.answers(
            "sagemaker", "describe_notebook_instance", described("Failed", FailureReason="Insufficient capacity")
        )
    starts = all_awaited(door, plan_starts(door, ["lab"], CLOCK), CLOCK, lambda _: None)
    assert starts[0].error is not None
    assert "Insufficient capacity" in starts[0].error.problem.message
    assert starting(starts, "us-east-1").data["notebooks"][0]["status"] == "Failed"
