"""With a grace an idle notebook is tagged first; the tag counts only where opskit wrote it, and no work was seen after
it. For how long something may be idle, by what it costs: a table, and that it is never shorter than it may be.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.grace import (
    LONGEST_PATIENCE,
    GraceTag,
    IdleStep,
    format_grace_tag,
    next_step,
    parse_grace_tag,
    price_patience,
    running_grace,
)
from opskit.core.model import NotebookVerdict
from opskit.core.settings import load_settings
from opskit.core.tags import IDLE_SINCE
from opskit.notebooks.rules.idleness import IdleAssessment

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GRACE = timedelta(minutes=30)
IDLE = IdleAssessment(NotebookVerdict.IDLE, "nothing moves", timedelta(hours=2))
LAB = "arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/lab"
OTHER = "arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/other"


def begun(ago: timedelta, length: timedelta = GRACE, arn: str = LAB) -> str:
    """A tag as opskit wrote it so long ago."""
    return format_grace_tag(GraceTag(NOW - ago, NOW - ago + length, "0123abcd"), arn)


MINUTES = timedelta(minutes=1)


def test_without_a_grace_an_idle_one_stops_at_once() -> None:
    assert next_step(IDLE, {}, None, NOW, LAB).step is IdleStep.STOP
    assert next_step(IDLE, {IDLE_SINCE: begun(MINUTES)}, None, NOW, LAB).step is IdleStep.STOP


@pytest.mark.parametrize(
    ("value", "step"),
    [
        pytest.param(None, IdleStep.TAG, id="not tagged"),
        pytest.param(begun(MINUTES), IdleStep.NOTHING, id="just tagged"),
        pytest.param(begun(GRACE - timedelta(seconds=1)), IdleStep.NOTHING, id="a second too early"),
        pytest.param(begun(GRACE), IdleStep.STOP, id="the grace is over"),
        pytest.param(begun(31 * MINUTES, 40 * MINUTES), IdleStep.NOTHING, id="a longer one was told"),
        pytest.param(begun(20 * MINUTES, 10 * MINUTES), IdleStep.NOTHING, id="a shorter one was told"),
        pytest.param(begun(-4 * MINUTES), IdleStep.NOTHING, id="a little in the future: another machine's clock"),
        pytest.param(begun(-60 * MINUTES), IdleStep.TAG, id="in the future"),
        pytest.param(begun(121 * MINUTES), IdleStep.TAG, id="from before the last work"),
        pytest.param(begun(timedelta(days=2000)), IdleStep.TAG, id="from another life"),
        pytest.param(begun(GRACE, arn=OTHER), IdleStep.TAG, id="another notebook's, copied"),
        pytest.param(begun(MINUTES).replace("11:59", "10:59"), IdleStep.TAG, id="changed by somebody"),
        pytest.param("2026-03-01T11:30:00+00:00", IdleStep.TAG, id="somebody's, or an older opskit's"),
        pytest.param("2026-03-01T11:30:00", IdleStep.TAG, id="without a zone"),
        pytest.param("yes", IdleStep.TAG, id="somebody else's word"),
        pytest.param("", IdleStep.TAG, id="empty"),
    ],
)
def test_what_the_tag_says(value: str | None, step: IdleStep) -> None:
    tags = {} if value is None else {IDLE_SINCE: value}
    assert next_step(IDLE, tags, GRACE, NOW, LAB).step is step


@pytest.mark.parametrize(
    ("tags", "minutes"),
    [
        ({}, 30),
        ({IDLE_SINCE: begun(10 * MINUTES)}, 20),
        ({IDLE_SINCE: begun(10 * MINUTES, 60 * MINUTES)}, 50),
        ({IDLE_SINCE: "yes"}, 30),
        ({IDLE_SINCE: begun(GRACE)}, None),
    ],
)
def test_when_it_stops_is_told(tags: dict[str, str], minutes: int | None) -> None:
    stops_at = next_step(IDLE, tags, GRACE, NOW, LAB).stops_at
    assert stops_at == (None if minutes is None else NOW + minutes * MINUTES)


TIMES = st.integers(1_600_000_000, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(TIMES, TIMES, st.from_regex(r"[0-9a-f]{8}", fullmatch=True))
def test_a_tag_is_read_as_it_was_written_and_takes_no_sign_that_aws_refuses(
    since: datetime, until: datetime, run: str
) -> None:
    grace = GraceTag(since, until, run)
    value = format_grace_tag(grace, LAB)
    assert parse_grace_tag(value, LAB) == grace
    assert parse_grace_tag(value, OTHER) is None
    assert len(value) <= 256
    assert all(sign.isalnum() or sign in " _.:/=+-@" for sign in value)


@given(st.text(max_size=80))
def test_garbage_is_no_grace(value: str) -> None:
    assert parse_grace_tag(value, LAB) is None


@pytest.mark.parametrize(
    ("judgement", "step"),
    [
        (IdleAssessment(NotebookVerdict.BUSY, "it works"), IdleStep.UNTAG),
        (IdleAssessment(NotebookVerdict.STARTING, "it starts"), IdleStep.UNTAG),
        (IdleAssessment(NotebookVerdict.PROTECTED, "it is kept"), IdleStep.UNTAG),
        (IdleAssessment(NotebookVerdict.UNKNOWN, "a terminal is open"), IdleStep.UNTAG),
        (IdleAssessment(NotebookVerdict.UNKNOWN, "it is silent", readable=False), IdleStep.NOTHING),
        (
            IdleAssessment(NotebookVerdict.UNKNOWN, "it is silent", readable=False, unreadable_ok=True),
            IdleStep.NOTHING,
        ),
    ],
)
def test_work_takes_the_tag_off(judgement: IdleAssessment, step: IdleStep) -> None:
    tagged = {IDLE_SINCE: begun(GRACE)}
    assert next_step(judgement, tagged, GRACE, NOW, LAB).step is step
    assert next_step(judgement, {}, GRACE, NOW, LAB).step is IdleStep.NOTHING
    assert next_step(judgement, tagged, None, NOW, LAB).step is IdleStep.NOTHING


@pytest.mark.parametrize(
    ("judgement", "runs"),
    [
        (IDLE, True),
        (IdleAssessment(NotebookVerdict.BUSY, "it works"), False),
        (IdleAssessment(NotebookVerdict.BUSY, "worked 5 min ago", 5 * MINUTES), False),
        (IdleAssessment(NotebookVerdict.UNKNOWN, "it is silent", readable=False), True),
    ],
)
def test_a_grace_is_over_where_work_was_seen_and_not_where_nothing_could_be_read(
    judgement: IdleAssessment, runs: bool
) -> None:
    assert (running_grace({IDLE_SINCE: begun(10 * MINUTES)}, judgement, NOW, LAB) is not None) is runs


HOUR = timedelta(hours=1)
SHORTEST = timedelta(minutes=10)
AMOUNTS = st.decimals("0.000001", "1e12", allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("usd", "price", "span", "words"),
    [
        (None, Decimal("0.5"), HOUR, ""),
        (Decimal(2), Decimal("0.5"), 4 * HOUR, "2 USD at 0.5 USD per hour"),
        (Decimal(2), None, HOUR, "its price is not known"),
        (Decimal(2), Decimal(0), LONGEST_PATIENCE, "it costs nothing"),
        (Decimal(2), Decimal(40), SHORTEST, "the shortest"),
        (Decimal("1E+9"), Decimal("0.05"), LONGEST_PATIENCE, "1000000000 USD at 0.05"),
    ],
)
def test_what_an_amount_pays_for(usd: Decimal | None, price: Decimal | None, span: timedelta, words: str) -> None:
    patience = price_patience(usd, price, HOUR, SHORTEST)
    assert (patience.span, words in patience.because, bool(patience.because)) == (span, True, bool(words))


@given(AMOUNTS, st.one_of(st.none(), AMOUNTS, st.just(Decimal(0))))
def test_what_is_idle_has_cost_the_amount_and_an_unknown_price_shortens_nothing(
    usd: Decimal, price: Decimal | None
) -> None:
    span = price_patience(usd, price, HOUR, SHORTEST).span
    if price is None:
        assert span == HOUR
        return
    assert SHORTEST <= span <= LONGEST_PATIENCE
    spent = price * Decimal(span.total_seconds()) / 3600
    second = price / 3600  # to which a patience is reckoned
    assert spent + second >= usd * Decimal("0.9999") or span == LONGEST_PATIENCE
    assert spent <= usd * Decimal("1.0001") or span == SHORTEST


def test_a_time_that_is_typed_stands_above_an_amount_that_is_set() -> None:
    settings = load_settings({}, None, {"OPSKIT_ENDPOINT_PATIENCE_USD": "3"})
    assert settings.resolve_patience("endpoint", None, None) == (timedelta(days=14), Decimal(3))
    assert settings.resolve_patience("endpoint", "2d", None) == (timedelta(days=2), None)
    assert settings.resolve_patience("endpoint", "2d", "5") == (timedelta(days=2), Decimal(5))
    assert settings.resolve_patience("notebook", None, None) == (HOUR, None)
