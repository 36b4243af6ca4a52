"""With a grace an idle notebook is tagged first; the tag counts only while no work was seen after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from opskit.core.model import NotebookVerdict
from opskit.notebooks.rules.grace import IDLE_SINCE, NotebookStep, next_step
from opskit.notebooks.rules.idleness import IdleAssessment

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GRACE = timedelta(minutes=30)
IDLE = IdleAssessment(NotebookVerdict.IDLE, "nothing moves", timedelta(hours=2))


def test_without_a_grace_an_idle_one_stops_at_once() -> None:
    assert next_step(IDLE, {}, None, NOW).step is NotebookStep.STOP
    assert next_step(IDLE, {IDLE_SINCE: NOW.isoformat()}, None, NOW).step is NotebookStep.STOP


@pytest.mark.parametrize(
    ("value", "step"),
    [
        pytest.param(None, NotebookStep.TAG, id="not tagged"),
        pytest.param("2026-03-01T11:59:00+00:00", NotebookStep.NOTHING, id="just tagged"),
        pytest.param("2026-03-01T11:30:01+00:00", NotebookStep.NOTHING, id="a second too early"),
        pytest.param("2026-03-01T11:30:00+00:00", NotebookStep.STOP, id="the grace is over"),
        pytest.param("2026-03-01T20:30:00+09:00", NotebookStep.STOP, id="over, told in Tokyo's time"),
        pytest.param(
            "2026-03-01T12:04:00+00:00", NotebookStep.NOTHING, id="a little in the future: another machine's clock"
        ),
        pytest.param("2026-03-01T13:00:00+00:00", NotebookStep.TAG, id="in the future"),
        pytest.param("2026-03-01T09:59:00+00:00", NotebookStep.TAG, id="from before the last work"),
        pytest.param("2020-01-01T00:00:00+00:00", NotebookStep.TAG, id="from another life"),
        pytest.param("2026-03-01T11:30:00", NotebookStep.TAG, id="without a zone"),
        pytest.param("yes", NotebookStep.TAG, id="somebody else's word"),
        pytest.param("", NotebookStep.TAG, id="empty"),
    ],
)
def test_what_the_tag_says(value: str | None, step: NotebookStep) -> None:
    tags = {} if value is None else {IDLE_SINCE: value}
    assert next_step(IDLE, tags, GRACE, NOW).step is step


@pytest.mark.parametrize(
    ("judgement", "step"),
    [
        (IdleAssessment(NotebookVerdict.BUSY, "it works"), NotebookStep.UNTAG),
        (IdleAssessment(NotebookVerdict.STARTING, "it starts"), NotebookStep.UNTAG),
        (IdleAssessment(NotebookVerdict.PROTECTED, "it is kept"), NotebookStep.UNTAG),
        (IdleAssessment(NotebookVerdict.UNKNOWN, "a terminal is open"), NotebookStep.UNTAG),
        (IdleAssessment(NotebookVerdict.UNKNOWN, "it is silent", readable=False), NotebookStep.NOTHING),
        (
            IdleAssessment(NotebookVerdict.UNKNOWN, "it is silent", readable=False, unreadable_ok=True),
            NotebookStep.NOTHING,
        ),
    ],
)
def test_work_takes_the_tag_off(judgement: IdleAssessment, step: NotebookStep) -> None:
    tagged = {IDLE_SINCE: "2026-03-01T11:30:00+00:00"}
    assert next_step(judgement, tagged, GRACE, NOW).step is step
    assert next_step(judgement, {}, GRACE, NOW).step is NotebookStep.NOTHING
    assert next_step(judgement, tagged, None, NOW).step is NotebookStep.NOTHING
