from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.exceptions import UsageError
from opskit.core.model import Unknown
from opskit.core.tags import KEEP, KEEP_REASON, KEEP_UNTIL, keep_reason
from opskit.keeps.rules import build_keep_tags, current_keep, inherit_reason, would_shorten

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("span", "reason", "tags", "obsolete"),
    [
        (36 * HOUR, "", {KEEP_UNTIL: "2026-01-03T00:00:00+00:00"}, [KEEP, KEEP_REASON]),
        (HOUR, "my thesis", {KEEP_UNTIL: "2026-01-01T13:00:00+00:00", KEEP_REASON: "my thesis"}, [KEEP]),
        (HOUR, "?!", {KEEP_UNTIL: "2026-01-01T13:00:00+00:00"}, [KEEP, KEEP_REASON]),
        (None, "", {KEEP: "kept"}, [KEEP_UNTIL, KEEP_REASON]),
        (None, "don't: it's training!", {KEEP: "don t: it s training"}, [KEEP_UNTIL, KEEP_REASON]),
    ],
)
def test_what_is_written_and_what_has_to_go(
    span: timedelta | None, reason: str, tags: dict[str, str], obsolete: list[str]
) -> None:
    keep = build_keep_tags(span, reason, NOW)
    assert (keep.tags, keep.tags_to_remove) == (tags, obsolete)


@pytest.mark.parametrize("span", [timedelta(0), timedelta(milliseconds=1), timedelta(days=999_999_999)])
def test_a_time_that_keeps_nothing_or_cannot_be_told_is_said(span: timedelta) -> None:
    with pytest.raises(UsageError) as caught:
        build_keep_tags(span, "", NOW)
    assert caught.value.problem.code == "bad-duration"


@given(st.none() | st.timedeltas(timedelta(seconds=2), timedelta(days=999)), st.text())
def test_what_is_written_keeps_until_then_and_no_longer(span: timedelta | None, reason: str) -> None:
    tags = build_keep_tags(span, reason, NOW).tags
    assert keep_reason(tags, NOW) is not None
    if span:
        assert keep_reason(tags, NOW + span - timedelta(seconds=1.1)) is not None
        assert keep_reason(tags, NOW + span) is None


FOR_EVER, UNTIL_NOON = {KEEP: "thesis"}, {KEEP_UNTIL: "2026-01-02T12:00:00Z", KEEP_REASON: "thesis"}
ODDLY, NO_MORE = {KEEP_UNTIL: "soon"}, {KEEP_UNTIL: "2026-01-01T11:00:00Z", KEEP_REASON: "thesis"}


@pytest.mark.parametrize(
    ("tags", "span", "shortens"),
    [
        (FOR_EVER, None, False),
        (FOR_EVER, 9999 * HOUR, True),
        (FOR_EVER | UNTIL_NOON, 9999 * HOUR, True),
        (UNTIL_NOON, 24 * HOUR, False),
        (UNTIL_NOON, 23.9 * HOUR, True),
        (UNTIL_NOON, None, False),
        (ODDLY, 9999 * HOUR, True),
        (ODDLY, None, False),
    ],
)
def test_what_would_be_kept_for_less_long(tags: dict[str, str], span: timedelta | None, shortens: bool) -> None:
    current = current_keep(tags, NOW)
    assert current is not None
    assert would_shorten(current, build_keep_tags(span, "", NOW)) is shortens


@pytest.mark.parametrize(
    ("tags", "until"),
    [
        (FOR_EVER, None),
        (UNTIL_NOON, NOW + 24 * HOUR),
        (ODDLY, Unknown(f"the time in its tag {KEEP_UNTIL} cannot be read")),
    ],
)
def test_an_end_that_nobody_can_read_is_not_kept_without_end(
    tags: dict[str, str], until: datetime | Unknown | None
) -> None:
    current = current_keep(tags, NOW)
    assert current is not None
    assert current.until == until


def test_what_is_kept_no_more_is_not_kept() -> None:
    assert current_keep(NO_MORE, NOW) is None
    assert current_keep({"team": "blue"}, NOW) is None


@pytest.mark.parametrize(
    ("tags", "span", "reason", "then"),
    [
        (UNTIL_NOON, 36 * HOUR, "", {KEEP_REASON: "thesis"}),
        (UNTIL_NOON, 36 * HOUR, "mine", {KEEP_REASON: "mine"}),
        (UNTIL_NOON, None, "", {KEEP: "thesis"}),
        (FOR_EVER, None, "", {KEEP: "thesis"}),
        (FOR_EVER, None, "mine", {KEEP: "mine"}),
        ({KEEP: "kept"}, None, "", {KEEP: "kept"}),
        ({KEEP: ""}, None, "", {KEEP: "kept"}),
    ],
)
def test_a_reason_stays_where_no_other_takes_its_place(
    tags: dict[str, str], span: timedelta | None, reason: str, then: dict[str, str]
) -> None:
    current = current_keep(tags, NOW)
    assert current is not None
    written = inherit_reason(current, build_keep_tags(span, reason, NOW)).tags
    assert {key: value for key, value in written.items() if key != KEEP_UNTIL} == then


TAGS = st.dictionaries(
    st.sampled_from([KEEP, KEEP_UNTIL, KEEP_REASON, "team"]),
    st.sampled_from(["", "soon", "2026-01-02T12:00:00Z", "2026-01-01T11:00:00Z"]),
)


@given(
    TAGS,
    st.none() | st.timedeltas(timedelta(seconds=2), timedelta(days=999)),
    st.timedeltas(timedelta(0), timedelta(days=9999)),
)
def test_what_shortens_nothing_keeps_whenever_it_was_kept(
    tags: dict[str, str], span: timedelta | None, later: timedelta
) -> None:
    current, keep = current_keep(tags, NOW), build_keep_tags(span, "", NOW)
    if current is None or would_shorten(current, keep):
        return
    after = {key: value for key, value in tags.items() if key not in keep.tags_to_remove} | keep.tags
    if keep_reason(tags, NOW + later) is not None:
        assert keep_reason(after, NOW + later) is not None
