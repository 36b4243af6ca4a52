"""For how long something may be idle, by what it costs: a table, and that it is never shorter than it may be."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.grace import LONGEST_PATIENCE, price_patience
from opskit.core.settings import load_settings

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
