"""A stop is confirmed by what AWS says afterwards, also where AWS takes a moment to say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from opskit.aws import Connection, Door
from opskit.decide.grace import Step
from opskit.decide.idleness import IdlePolicy, Judgement
from opskit.errors import AwsFailure, ExitCode, OutcomeUnknown, Problem, Throttled
from opskit.flows import last_look, learnt_pace, stop_notebooks
from opskit.flows.clock import Clock
from opskit.flows.look_at_notebooks import Round, Seen
from opskit.flows.stop_notebooks import Handled, StopOutcome, Terms, carry_out
from opskit.model import Idleness, Notebook, NotebookEvidence, Unread
from opskit.show.notebooks import stopping
from opskit.state import journal
from tests.unit.stubbed import scripted

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLOCK = Clock(lambda: NOW, lambda seconds: None)
LAB = Notebook("us-east-1", "lab", "arn:lab", "ml.t2.medium", "InService", NOW)


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Handled, int]]]:
    """Stops one notebook by name on an AWS that answers Describe and ListTags with these, one a look, the last for
    ever, and StopNotebookInstance with these failures first. What became of it, and how often the stop was sent.
    """
    with scripted() as (door, _):

        def stopped(
            statuses: list[str], *failures: AwsFailure, tags: Sequence[dict[str, str]] = ({},), **how: Any
        ) -> tuple[Handled, int]:
            told, kept, left, sent = list(statuses), list(tags), list(failures), []

            def read(door: Door, name: str) -> Notebook:
                return replace(LAB, status=told.pop(0) if len(told) > 1 else told[0])

            def send(door: Door, service: str, operation: str, **params: Any) -> dict[str, Any]:
                assert operation == "stop_notebook_instance"
                sent.append(operation)
                if left:
                    raise left.pop(0)
                return {}

            for where in (stop_notebooks, last_look):
                monkeypatch.setattr(where, "read_notebook", read)
            monkeypatch.setattr(last_look, "read_tags", lambda *_: kept.pop(0) if len(kept) > 1 else kept[0])
            monkeypatch.setattr(Door, "send_once", send)
            verdict = how.get("verdict", Idleness.BUSY)
            seen = Seen(door, NotebookEvidence(LAB, {}), Judgement(verdict, "as it was seen"), None)
            plan = [Handled(seen, Step.STOP, "asked for by name", StopOutcome.PLANNED)]
            [handled] = carry_out(plan, Terms(IdlePolicy()), how.get("clock", CLOCK), by_name=True)
            return handled, len(sent)

        yield stopped


End = Callable[..., tuple[Handled, int]]
SLOW_DOWN = Throttled("throttled", "AWS asks to slow down.")
LOST = OutcomeUnknown("outcome-unknown", "no answer came")
KEPT = {"opskit:keep": "thesis"}


def outcomes_written() -> list[tuple[str, str]]:
    return [(entry.outcome, entry.detail) for entry in journal.entries(datetime.min.replace(tzinfo=UTC))]


def test_an_aws_that_lags_is_looked_at_again(ended: End) -> None:
    handled, stops = ended(["InService", "InService", "InService", "Stopping"])
    assert (handled.outcome, handled.status, stops) == (StopOutcome.DONE, "Stopping", 1)


def test_a_notebook_that_never_moves_is_unknown_and_stopped_once(ended: End) -> None:
    handled, stops = ended(["InService"])
    assert (handled.outcome, stops) == (StopOutcome.UNKNOWN, 1)


def test_a_stop_that_is_lost_is_not_sent_again(ended: End) -> None:
    handled, stops = ended(["InService"], LOST)
    assert (handled.outcome, stops) == (StopOutcome.UNKNOWN, 1)
    assert outcomes_written() == [("unknown", "no answer came")]


def test_a_throttled_stop_is_sent_again_after_a_look(ended: End) -> None:
    handled, stops = ended(["InService", "InService", "InService", "Stopping"], SLOW_DOWN, SLOW_DOWN)
    assert (handled.outcome, stops) == (StopOutcome.DONE, 3)
    assert outcomes_written() == [("done", "")]


def test_an_aws_that_always_asks_to_slow_down_is_believed_in_the_end(ended: End) -> None:
    handled, stops = ended(["InService"], *[SLOW_DOWN] * 99)
    assert (handled.outcome, stops) == (StopOutcome.REFUSED, learnt_pace.TRIES)
    assert "slow down" in handled.because


def test_what_stops_meanwhile_is_not_stopped_again(ended: End) -> None:
    handled, stops = ended(["InService", "Stopping"], SLOW_DOWN)
    assert (handled.step, handled.outcome, stops) == (Step.NOTHING, None, 1)
    assert outcomes_written() == [("dropped", "AWS says Stopping")]


@pytest.mark.parametrize("throttled", [0, 1])
@pytest.mark.parametrize(
    ("tags", "said"), [(KEPT, "somebody has just asked to keep it (kept: thesis)"), (Unread("denied"), "denied")]
)
def test_a_keep_that_came_meanwhile_wins_over_a_name(ended: End, throttled: int, tags: Any, said: str) -> None:
    handled, stops = ended(["InService"], *[SLOW_DOWN] * throttled, tags=[*[{}] * throttled, tags])
    assert (handled.outcome, stops) == (StopOutcome.REFUSED, throttled)
    assert said in handled.because


def test_a_keep_that_was_there_when_somebody_said_yes_does_not(ended: End) -> None:
    handled, stops = ended(["InService", "Stopping"], tags=[KEPT], verdict=Idleness.PROTECTED)
    assert (handled.outcome, stops) == (StopOutcome.DONE, 1)


@pytest.mark.parametrize(("slow_looks", "outcome", "stops"), [(3, "done", 1), (99, "refused", 0)])
def test_no_stop_stands_on_anything_older_than_a_second(ended: End, slow_looks: int, outcome: str, stops: int) -> None:
    seconds = iter([0.0, *(number * 1.1 for number in range(2 * slow_looks)), *[9000.0] * 99])
    clock = Clock(CLOCK.now, CLOCK.sleep, lambda: next(seconds))
    handled, sent = ended(["InService"] * (slow_looks + 1) + ["Stopping"], clock=clock)
    assert (handled.outcome, sent) == (StopOutcome(outcome), stops)
    assert (handled.looked_ms_ago == 0) if stops else (handled.looked_ms_ago is None)
    assert stops or "its answers took 1.1 s" in handled.because


def test_what_could_not_be_read_is_said_where_cron_hears_it() -> None:
    judgement = Judgement(Idleness.UNKNOWN, "it did not answer", readable=False)
    seen = Seen(Connection(None, LAB.region).door(), NotebookEvidence(LAB), judgement, None)
    answer = stopping([Handled(seen, Step.NOTHING, judgement.because)], Round((seen,)))
    assert answer.exit is ExitCode.PARTLY
    assert [problem.message for problem in answer.problems] == ["lab: it did not answer"]
    assert "opskit:unreadable-ok" in answer.problems[0].hint


ELSEWHERE = (Problem("denied", "Access denied.", region="eu-west-1"),)


@pytest.mark.parametrize(
    ("look", "missing", "code", "said"),
    [
        (Round(()), [], ExitCode.DONE, []),
        (Round(()), ["lap"], ExitCode.USAGE, ["There is no notebook instance 'lap'."]),
        (Round((), ELSEWHERE), [], ExitCode.PARTLY, ["Access denied."]),
        (
            Round((), ELSEWHERE),
            ["lap"],
            ExitCode.PARTLY,
            ["Access denied.", "There is no notebook instance 'lap' where AWS could be asked."],
        ),
        (Round((), ELSEWHERE, is_blind=True), ["lap"], ExitCode.AWS, ["Access denied."]),
    ],
)
def test_nobody_says_that_there_is_nothing_where_nobody_could_look(
    look: Round, missing: list[str], code: ExitCode, said: list[str]
) -> None:
    answer = stopping([], look, missing)
    assert (answer.exit, [problem.message for problem in answer.problems]) == (code, said)
