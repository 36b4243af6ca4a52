"""With a grace an idle notebook is tagged first; the tag counts only while no work was seen after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from opskit.decide.grace import IDLE_SINCE, Step, due
from opskit.decide.idleness import Judgement
from opskit.model import Idleness

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GRACE = timedelta(minutes=30)
IDLE = Judgement(Idleness.IDLE, "nothing moves", timedelta(hours=2))


def test_without_a_grace_an_idle_one_stops_at_once() -> None:
    assert due(IDLE, {}, None, NOW).step is Step.STOP
    assert due(IDLE, {IDLE_SINCE: NOW.isoformat()}, None, NOW).step is Step.STOP


@pytest.mark.parametrize(
    ("value", "step"),
    [
        pytest.param(None, Step.MARK, id="not tagged"),
        pytest.param("2026-03-01T11:59:00+00:00", Step.NOTHING, id="just tagged"),
        pytest.param("2026-03-01T11:30:01+00:00", Step.NOTHING, id="a second too early"),
        pytest.param("2026-03-01T11:30:00+00:00", Step.STOP, id="the grace is over"),
        pytest.param("2026-03-01T20:30:00+09:00", Step.STOP, id="over, told in Tokyo's time"),
        pytest.param("2026-03-01T12:04:00+00:00", Step.NOTHING, id="a little in the future: another machine's clock"),
        pytest.param("2026-03-01T13:00:00+00:00", Step.MARK, id="in the future"),
        pytest.param("2026-03-01T09:59:00+00:00", Step.MARK, id="from before the last work"),
        pytest.param("2020-01-01T00:00:00+00:00", Step.MARK, id="from another life"),
        pytest.param("2026-03-01T11:30:00", Step.MARK, id="without a zone"),
        pytest.param("yes", Step.MARK, id="somebody else's word"),
        pytest.param("", Step.MARK, id="empty"),
    ],
)
def test_what_the_tag_says(value: str | None, step: Step) -> None:
    tags = {} if value is None else {IDLE_SINCE: value}
    assert due(IDLE, tags, GRACE, NOW).step is step


@pytest.mark.parametrize(
    ("judgement", "step"),
    [
        (Judgement(Idleness.BUSY, "it works"), Step.UNMARK),
        (Judgement(Idleness.STARTING, "it starts"), Step.UNMARK),
        (Judgement(Idleness.PROTECTED, "it is kept"), Step.UNMARK),
        (Judgement(Idleness.UNKNOWN, "a terminal is open"), Step.UNMARK),
        (Judgement(Idleness.UNKNOWN, "it is silent", readable=False), Step.NOTHING),
        (Judgement(Idleness.UNKNOWN, "it is silent", readable=False, excused=True), Step.NOTHING),
    ],
)
def test_work_takes_the_tag_off(judgement: Judgement, step: Step) -> None:
    tagged = {IDLE_SINCE: "2026-03-01T11:30:00+00:00"}
    assert due(judgement, tagged, GRACE, NOW).step is step
    assert due(judgement, {}, GRACE, NOW).step is Step.NOTHING
    assert due(judgement, tagged, None, NOW).step is Step.NOTHING
