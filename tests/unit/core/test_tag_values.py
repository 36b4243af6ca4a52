"""What AWS takes as a tag."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.tags import describe_bad_tag, is_tag_key, is_tag_value, sanitize_tag_value


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("team", "a;b", "contains the character ';'"),
        ("te#am", "a;b", "contains the character '#'"),
        ("k" * 129, "v", "is too long"),
        ("k", "v" * 257, "is too long"),
    ],
)
def test_describe_bad_tag_names_the_first_character_or_the_length(key: str, value: str, says: str) -> None:
    assert not (is_tag_key(key) and is_tag_value(value))
    assert describe_bad_tag(key, value) == says


@given(st.text(max_size=400))
def test_sanitize_tag_value_makes_any_text_a_value(text: str) -> None:
    assert is_tag_value(sanitize_tag_value(text))
