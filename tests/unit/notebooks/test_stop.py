"""A stop is confirmed by what AWS says afterwards, also where AWS takes a moment to say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opskit.aws import pacing
from opskit.aws.client import AwsClient
from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError, ExitCode, OutcomeUnknown, Problem, Throttled
from opskit.core.grace import IdleStep
from opskit.core.model import JupyterState, Notebook, NotebookVerdict, Unknown
from opskit.core.stop_outcome import StopOutcome
from opskit.notebooks.flows import recheck, stop
from opskit.notebooks.flows.inspect import InspectedNotebook, Inspection
from opskit.notebooks.flows.stop import execute_stops
from opskit.notebooks.flows.stop_plan import StopAction, StopPolicy
from opskit.notebooks.render.stop import stop_result
from opskit.notebooks.rules.evidence import JupyterActivity
from opskit.notebooks.rules.idleness import IdleAssessment, IdlePolicy, assess_notebook
from opskit.state import journal
from tests.fakes.notebook_evidence import jupyter_evidence
from tests.fakes.stubbed_client import offline_client, stubbed_client

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLOCK = Clock(lambda: NOW, lambda seconds: None)
LAB = Notebook("us-east-1", "lab", "arn:lab", "ml.t2.medium", "InService", NOW)
UNPRICED = Unknown("nobody knows its price")


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[StopAction, int]]]:
    """Stops one notebook by name on an AWS that answers Describe and ListTags with these, one a look, the last for
    ever, and StopNotebookInstance with these failures first. What became of it, and how often the stop was sent.
    """
    with stubbed_client() as (client, _):

        def stopped(
            statuses: list[str], *failures: AwsError, tags: Sequence[dict[str, str]] = ({},), **how: Any
        ) -> tuple[StopAction, int]:
            told, kept, left, sent = list(statuses), list(tags), list(failures), []

            def read(client: AwsClient, name: str) -> Notebook:
                return replace(LAB, status=told.pop(0) if len(told) > 1 else told[0])

            def send(client: AwsClient, service: str, operation: str, **params: Any) -> dict[str, Any]:
                assert operation == "stop_notebook_instance"
                sent.append(operation)
                if left:
                    raise left.pop(0)
                return {}

            for where in (stop, recheck):
                monkeypatch.setattr(where, "read_notebook", read)
            monkeypatch.setattr(recheck, "read_arn_tags", lambda *_: kept.pop(0) if len(kept) > 1 else kept[0])
            monkeypatch.setattr("opskit.aws.writer.AwsWriter.call_once", send)
            verdict = how.get("verdict", NotebookVerdict.BUSY)
            seen = InspectedNotebook(
                client,
                jupyter_evidence(LAB, {}),
                IdleAssessment(verdict, "as it was seen"),
                UNPRICED,
                IdlePolicy().patience,
            )
            plan = [StopAction(seen, IdleStep.STOP, "asked for by name", StopOutcome.PLANNED, has_consent=True)]
            [action] = execute_stops(plan, StopPolicy(IdlePolicy()), how.get("clock", CLOCK), by_name=True)
            return action, len(sent)

        yield stopped


End = Callable[..., tuple[StopAction, int]]
SLOW_DOWN = Throttled("throttled", "AWS asks to slow down.")
LOST = OutcomeUnknown("outcome-unknown", "no answer came")
KEPT = {"opskit:keep": "thesis"}


def outcomes_written() -> list[tuple[str, str]]:
    return [(entry.outcome, entry.detail) for entry in journal.journal_entries(datetime.min.replace(tzinfo=UTC))]


def test_an_aws_that_lags_is_looked_at_again(ended: End) -> None:
    action, stops = ended(["InService", "InService", "InService", "Stopping"])
    assert (action.outcome, action.status, stops) == (StopOutcome.DONE, "Stopping", 1)


def test_a_notebook_that_never_moves_is_unknown_and_stopped_once(ended: End) -> None:
    action, stops = ended(["InService"])
    assert (action.outcome, stops) == (StopOutcome.UNKNOWN, 1)


def test_a_stop_that_is_lost_is_not_sent_again(ended: End) -> None:
    action, stops = ended(["InService"], LOST)
    assert (action.outcome, stops) == (StopOutcome.UNKNOWN, 1)
    assert outcomes_written() == [("unknown", "no answer came")]


def test_a_throttled_stop_is_sent_again_after_a_look(ended: End) -> None:
    action, stops = ended(["InService", "InService", "InService", "Stopping"], SLOW_DOWN, SLOW_DOWN)
    assert (action.outcome, stops) == (StopOutcome.DONE, 3)
    assert outcomes_written() == [("done", "")]


def test_an_aws_that_always_asks_to_slow_down_is_believed_in_the_end(ended: End) -> None:
    action, stops = ended(["InService"], *[SLOW_DOWN] * 99)
    assert (action.outcome, stops) == (StopOutcome.REFUSED, pacing.MAX_TRIES)
    assert "slow down" in action.reason


def test_what_stops_meanwhile_is_not_stopped_again(ended: End) -> None:
    action, stops = ended(["InService", "Stopping"], SLOW_DOWN)
    assert (action.step, action.outcome, stops) == (IdleStep.NOTHING, None, 1)
    assert outcomes_written() == [("dropped", "AWS says Stopping")]


@pytest.mark.parametrize("throttled", [0, 1])
@pytest.mark.parametrize(
    ("tags", "said"), [(KEPT, "somebody has just asked to keep it (kept: thesis)"), (Unknown("denied"), "denied")]
)
def test_a_keep_that_came_meanwhile_wins_over_a_name(ended: End, throttled: int, tags: Any, said: str) -> None:
    action, stops = ended(["InService"], *[SLOW_DOWN] * throttled, tags=[*[{}] * throttled, tags])
    assert (action.outcome, stops) == (StopOutcome.REFUSED, throttled)
    assert said in action.reason


def test_a_keep_that_was_there_when_somebody_said_yes_does_not(ended: End) -> None:
    action, stops = ended(["InService", "Stopping"], tags=[KEPT], verdict=NotebookVerdict.PROTECTED)
    assert (action.outcome, stops) == (StopOutcome.DONE, 1)


@pytest.mark.parametrize(("slow_looks", "outcome", "stops"), [(3, "done", 1), (99, "refused", 0)])
def test_no_stop_stands_on_anything_older_than_a_second(ended: End, slow_looks: int, outcome: str, stops: int) -> None:
    seconds = iter([0.0, *(number * 1.1 for number in range(2 * slow_looks)), *[9000.0] * 99])
    clock = Clock(CLOCK.now, CLOCK.sleep, lambda: next(seconds))
    action, sent = ended(["InService"] * (slow_looks + 1) + ["Stopping"], clock=clock)
    assert (action.outcome, sent) == (StopOutcome(outcome), stops)
    assert (action.looked_ms_ago == 0) if stops else (action.looked_ms_ago is None)
    assert stops or "reading it took 1.1 s" in action.reason


def test_what_could_not_be_read_is_said_where_cron_hears_it() -> None:
    assessment = IdleAssessment(NotebookVerdict.UNKNOWN, "it did not answer", readable=False)
    seen = InspectedNotebook(
        offline_client(LAB.region), jupyter_evidence(LAB), assessment, UNPRICED, IdlePolicy().patience
    )
    result = stop_result([StopAction(seen, IdleStep.NOTHING, assessment.reason)], Inspection((seen,)))
    assert result.exit is ExitCode.PARTIAL
    assert [problem.message for problem in result.problems] == ["lab: it did not answer"]
    assert "opskit:unreadable-ok" in result.problems[0].hint


@pytest.mark.parametrize(
    ("lab", "state"),
    [
        (LAB, JupyterState(last_activity=NOW, clock_skew=timedelta(hours=3))),
        (LAB, JupyterState(last_activity=NOW + timedelta(hours=3))),
        (LAB, JupyterState(last_activity=datetime.fromtimestamp(0, UTC))),
        (replace(LAB, status_changed_at=NOW + timedelta(hours=3)), JupyterState(last_activity=NOW)),
    ],
)
def test_whoever_has_a_wrong_clock_is_told_how_to_set_it_and_of_no_tag(lab: Notebook, state: JupyterState) -> None:
    evidence = replace(jupyter_evidence(lab), tags={}, activity=JupyterActivity(state))
    assessment = assess_notebook(evidence, IdlePolicy(), NOW)
    seen = InspectedNotebook(offline_client(lab.region), evidence, assessment, UNPRICED, IdlePolicy().patience)
    [problem] = stop_result([StopAction(seen, IdleStep.NOTHING, assessment.reason)], Inspection((seen,))).problems
    assert "timedatectl set-ntp true" in problem.hint
    assert "opskit:unreadable-ok" not in problem.hint


ELSEWHERE = (Problem("denied", "Access denied.", region="eu-west-1"),)


@pytest.mark.parametrize(
    ("look", "missing", "code", "said"),
    [
        (Inspection(()), [], ExitCode.OK, []),
        (Inspection(()), ["lap"], ExitCode.USAGE, ["There is no notebook instance 'lap'."]),
        (Inspection((), ELSEWHERE), [], ExitCode.PARTIAL, ["Access denied."]),
        (
            Inspection((), ELSEWHERE),
            ["lap"],
            ExitCode.PARTIAL,
            ["Access denied.", "There is no notebook instance 'lap' where AWS could be asked."],
        ),
        (Inspection((), ELSEWHERE, all_regions_failed=True), ["lap"], ExitCode.AWS_ERROR, ["Access denied."]),
    ],
)
def test_nobody_says_that_there_is_nothing_where_nobody_could_look(
    look: Inspection, missing: list[str], code: ExitCode, said: list[str]
) -> None:
    result = stop_result([], look, dict.fromkeys(missing, ""))
    assert (result.exit, [problem.message for problem in result.problems]) == (code, said)
