"""A stop is confirmed by what AWS says afterwards, also where AWS takes a moment to say it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from opskit.aws import Connection
from opskit.decide.grace import Step
from opskit.decide.idleness import IdlePolicy, Judgement
from opskit.errors import ExitCode, Problem
from opskit.flows import stop_notebooks
from opskit.flows.clock import Clock
from opskit.flows.look_at_notebooks import Round, Seen
from opskit.flows.stop_notebooks import Handled, StopOutcome, Terms, carry_out
from opskit.model import Idleness, Notebook, NotebookEvidence
from opskit.show.notebooks import stopping

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LAB = Notebook("us-east-1", "lab", "arn:lab", "ml.t2.medium", "InService", NOW)


def ended(monkeypatch: pytest.MonkeyPatch, statuses: list[str]) -> tuple[Handled, list[str]]:
    """Stop one notebook by name on an AWS that says these statuses, one a look; the last for ever."""
    stops: list[str] = []

    def read(door: Any, name: str) -> Notebook:
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        return Notebook(LAB.region, name, LAB.arn, LAB.instance_type, status, NOW)

    monkeypatch.setattr(stop_notebooks, "read_notebook", read)
    monkeypatch.setattr("opskit.act.notebooks.stop", lambda door, notebook, *told: stops.append(notebook.name))
    seen = Seen(Connection(None, LAB.region).door(), NotebookEvidence(LAB), Judgement(Idleness.BUSY, "busy"), None)
    plan = [Handled(seen, Step.STOP, "asked for by name", StopOutcome.PLANNED)]
    clock = Clock(lambda: NOW, lambda seconds: None)
    [handled] = carry_out(plan, Terms(IdlePolicy()), clock, by_name=True)
    return handled, stops


def test_an_aws_that_lags_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    handled, stops = ended(monkeypatch, ["InService", "InService", "Stopping"])
    assert (handled.outcome, handled.status) == (StopOutcome.DONE, "Stopping")
    assert stops == ["lab"]


def test_a_notebook_that_never_moves_is_unknown_and_stopped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    handled, stops = ended(monkeypatch, ["InService"])
    assert handled.outcome is StopOutcome.UNKNOWN
    assert stops == ["lab"]


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
