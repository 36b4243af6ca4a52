"""Which quotas are shown, how full they are, and in what order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.decide.demands import quota_name, what_for, with_totals
from opskit.decide.quota_list import (
    Choice,
    QuotaList,
    is_short,
    live_uses,
    matches,
    utilisation,
    value_of,
    worst_first,
)
from opskit.errors import ExitCode, Problem
from opskit.model import Demand, InUse, ListedQuota, Quota, Unread, Usage, Use

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAME = "ml.m4.xlarge for training job usage"
UNREAD = Unread("AWS says no", "denied")


def listed(
    applied: float | None, used: float | None = None, default: float | None = 0, gap: Unread | None = None
) -> ListedQuota:
    use = UNREAD if used is None else Use(used, NOW)
    return ListedQuota(Quota("eu-west-1", NAME, "L-A373146E", applied, default), use, gap)


@pytest.mark.parametrize(
    ("each", "percent", "short"),
    [
        (listed(4, 3), 75, False),
        (listed(3, 1), 33.33, False),
        (listed(4, 4), 100, True),
        (listed(2, 3), 150, True),
        (listed(4), None, False),
        # a share of nothing is no number, and nobody can start one
        (listed(0), None, True),
        (listed(0, 2), None, True),
        (listed(0.5, 0), 0, True),
        # the default counts only where nothing is applied for certain
        (listed(None, 1, default=2), 50, False),
        (listed(None, 1, default=2, gap=UNREAD), None, False),
        (listed(None, 1, default=None), None, False),
        (listed(3e9, 3e9 + 1), 100, True),
    ],
)
def test_how_full_a_quota_is(each: ListedQuota, percent: float | None, short: bool) -> None:
    assert (utilisation(each), is_short(each)) == (percent, short)


@pytest.mark.parametrize("text", ["", "m4", "M4.XLARGE", "training", "l-a373", "ml.m?.xlarge", "ml*training", "[mn]4"])
def test_what_matches(text: str) -> None:
    assert matches(Quota("r", NAME, "L-A373146E", 1, 1), text)


@pytest.mark.parametrize("text", ["m5", "ml.m??.xlarge", "training*ml", "[no]4", "ml.mXxlarge"])
def test_what_does_not_match(text: str) -> None:
    assert not matches(Quota("r", NAME, "L-A373146E", 1, 1), text)


@given(st.text())
def test_no_text_is_a_bug(text: str) -> None:
    matches(Quota("r", NAME, "L-A373146E", 1, 1), text)


numbers = st.none() | st.floats(0, 1e12) | st.integers(0, 9).map(float)
quotas = st.builds(listed, numbers, numbers, numbers, st.sampled_from([None, UNREAD]))


@given(st.lists(quotas))
def test_what_is_used_up_stands_above_what_is_not_and_nothing_is_lost(some: list[ListedQuota]) -> None:
    order = worst_first(some)
    assert sorted(map(repr, order)) == sorted(map(repr, some))
    used_up = [
        isinstance(each.use, Use) and each.use.amount > 0 and (value := value_of(each)) is not None
        and each.use.amount >= value
        for each in order
    ]  # fmt: skip
    assert used_up == sorted(used_up, reverse=True)


@given(quotas)
def test_unknown_is_never_short_and_never_used(each: ListedQuota) -> None:
    if value_of(each) is None:
        assert not is_short(each)
        assert utilisation(each) is None
    if isinstance(each.use, Unread):
        assert not Choice(used=True).takes(each)


@pytest.mark.parametrize("usage", list(Usage))
def test_a_name_tells_what_it_is_for(usage: Usage) -> None:
    for demand in with_totals([Demand("ml.g4dn.12xlarge", usage)]):
        assert what_for(quota_name(demand)) == (demand.instance_type, usage)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Studio Something Apps running on ml.m5.large instance", ("ml.m5.large", None)),
        ("ml.geospatial.interactive for notebook instance usage", ("ml.geospatial.interactive", Usage.NOTEBOOK)),
        ("Longest run time for a training job", (None, None)),
        ("", (None, None)),
    ],
)
def test_other_names_tell_what_they_can(name: str, told: tuple[str | None, Usage | None]) -> None:
    assert what_for(name) == told


def test_what_is_counted_now() -> None:
    names = [NAME, "Number of instances across all training jobs", "Maximum number of instances per training job", "x"]
    some = [Quota("r", name, name, 1, 1) for name in names]
    uses = live_uses(some, {Usage.TRAINING: InUse({"ml.m4.xlarge": 2, "ml.c5.large": 1})}, NOW)
    assert [use.amount if isinstance(use, Use) else None for use in uses.values()] == [2, 3, None, None]
    floor = live_uses(some[:1], {Usage.TRAINING: InUse({"ml.m4.xlarge": 2}, UNREAD)}, NOW)
    assert floor == {NAME: UNREAD}


@pytest.mark.parametrize(
    ("dark", "codes", "exit_code"),
    [
        ((), (), ExitCode.DONE),
        ((), ("denied",), ExitCode.PARTLY),
        (("a",), ("denied",), ExitCode.PARTLY),
        (("a", "b"), ("denied",), ExitCode.PARTLY),
        (("a", "b"), ("credentials-refused", "no-credentials"), ExitCode.AWS),
    ],
)
def test_how_a_look_at_two_regions_ends(dark: tuple[str, ...], codes: tuple[str, ...], exit_code: ExitCode) -> None:
    problems = tuple(Problem(code, "") for code in codes)
    assert QuotaList((), ("a", "b"), problems, frozenset(dark)).exit is exit_code


def test_the_only_region_going_dark_is_aws_saying_no() -> None:
    assert QuotaList((), ("a",), (Problem("denied", ""),), frozenset("a")).exit is ExitCode.AWS
