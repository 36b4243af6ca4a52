"""Which tags keep a resource on, and until when; and what AWS takes as a tag."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.tags import (
    describe_bad_tag,
    is_tag_key,
    is_tag_value,
    keep_reason,
    parse_timestamp,
    sanitize_tag_value,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tags", "kept"),
    [
        ({}, False),
        ({"opskit:keep": ""}, True),
        ({"opskit:keep": "false"}, True),
        ({"opskit:keep-until": "2026-03-01T12:00:01Z"}, True),
        ({"opskit:keep-until": "2026-03-01T13:30:00+01:00"}, True),
        ({"opskit:keep-until": "2026-03-01T12:30:00+01:00"}, False),
        ({"opskit:keep-until": "2026-03-01T12:00:00Z"}, False),
        ({"opskit:keep-until": "2026-02-28T23:59:59.5Z"}, False),
        ({"opskit:keep-until": "2026-02-28"}, True),
        ({"opskit:keep-until": "2026-02-28T12:00:00"}, True),
        ({"opskit:keep-until": "next Friday"}, True),
        ({"opskit:keep-until": ""}, True),
        ({"Opskit:Keep": "tags have cases"}, False),
    ],
)
def test_a_tag_keeps_until_its_time_has_passed_and_where_it_cannot_be_read(tags: dict[str, str], kept: bool) -> None:
    assert (keep_reason(tags, NOW) is not None) is kept


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2026-03-01T12:00:00Z", NOW),
        ("2026-03-01T12:00:00.000001Z", NOW + timedelta(microseconds=1)),
        ("2026-03-01T21:00:00+09:00", NOW),
        ("2026-03-01T12:00:00", None),
        ("2026-03-01", None),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("", None),
        (None, None),
        (1772366400, None),
    ],
)
def test_a_time_without_its_zone_or_date_is_none(text: object, when: datetime | None) -> None:
    assert parse_timestamp(text) == when


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
