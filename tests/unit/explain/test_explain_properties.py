"""Whatever is pasted: no crash, and no number that nobody gave."""

from __future__ import annotations

import json
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from opskit.core.text import compact_text, normalize_text
from opskit.explain.flows import explain_text
from opskit.explain.rules.error_match import ErrorMatch
from opskit.quotas.rules.model import format_quota_value
from tests.unit.explain.explained_texts import CASES

KNOWN = [
    *(each["message"] for each in json.loads(Path(__file__).with_name("error_messages.json").read_text("utf-8"))),
    *(text for _, text, _, _ in CASES),
]
NUMBERS = st.integers(0, 10**6).map(str)
SLOTS = re.compile(r"(?<![\w.-])[0-9]+(?![\w-])")


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A known text with other numbers, cut off, with a piece missing, or broken over lines."""
    text = SLOTS.sub(lambda _: draw(NUMBERS), draw(st.sampled_from(KNOWN)))
    begin, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    return draw(
        st.sampled_from(
            [
                text,
                text[:end],
                text[:end] + "…",
                text[:end] + "...",
                text[:begin] + text[end:],
                text[begin:],
                text[::-1],
            ]
        )
    )


TEXTS = st.lists(st.one_of(damaged(), st.text(max_size=30), NUMBERS), min_size=1, max_size=4).map("\n".join)


def numbers_of(error: ErrorMatch) -> list[float]:
    return [each for each in (error.value, error.in_use, error.need) if each is not None]


@given(TEXTS)
def test_every_number_that_is_told_stands_in_the_text(text: str) -> None:
    flat = compact_text(normalize_text(text))
    there = {float(each.replace(",", "")) for each in re.findall(r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?", flat)}
    for found in explain_text(text, None, lambda: None):
        assert set(numbers_of(found.match)) <= there


@given(TEXTS)
def test_a_command_asks_for_a_value_only_where_the_text_has_the_numbers_for_it(text: str) -> None:
    for found in explain_text(text, None, lambda: None):
        asked = re.search(r"--(?:to|desired-value) (\S+)", found.command or "")
        if asked:
            error = found.match
            used, need, value = error.in_use, error.need, error.value
            assert value is not None or (used is not None and need is not None)
            told = max((used or 0) + (1 if need is None else need), (value or 0) + 1)
            assert asked[1] == format_quota_value(told)


@given(TEXTS)
def test_an_explanation_always_says_something_and_nothing_twice(text: str) -> None:
    found = explain_text(text, None, lambda: None)
    assert all(each.reason and each.hint is not None for each in found)
    assert len(set(found)) == len(found)
