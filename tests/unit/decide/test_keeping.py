from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.decide.idleness import KEEP, KEEP_REASON, KEEP_UNTIL, kept_because
from opskit.decide.keeping import keep_for
from opskit.errors import UsageProblem

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
    keep = keep_for(span, reason, NOW)
    assert (keep.tags, keep.obsolete) == (tags, obsolete)


@pytest.mark.parametrize("span", [timedelta(0), timedelta(milliseconds=1), timedelta(days=999_999_999)])
def test_a_time_that_keeps_nothing_or_cannot_be_told_is_said(span: timedelta) -> None:
    with pytest.raises(UsageProblem) as caught:
        keep_for(span, "", NOW)
    assert caught.value.problem.code == "bad-duration"


@given(st.none() | st.timedeltas(timedelta(seconds=2), timedelta(days=999)), st.text())
def test_what_is_written_keeps_until_then_and_no_longer(span: timedelta | None, reason: str) -> None:
    tags = keep_for(span, reason, NOW).tags
    assert kept_because(tags, NOW) is not None
    if span:
        assert kept_because(tags, NOW + span - timedelta(seconds=1.1)) is not None
        assert kept_because(tags, NOW + span) is None
