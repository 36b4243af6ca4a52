"""Which quotas are shown, how full they are, and in what order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.exceptions import ExitCode, Problem
from opskit.core.model import Quota, Requirement, Unknown, Workload
from opskit.core.workloads import NOTEBOOK_VOLUMES, SPACE_VOLUMES
from opskit.quotas.render.list import quota_list_result, quota_record
from opskit.quotas.rules.listing import (
    QuotaFilter,
    QuotaList,
    is_exhausted,
    join_listings,
    known_value,
    live_utilization,
    matches_text,
    sort_by_severity,
    utilization_percent,
)
from opskit.quotas.rules.model import InUseCounts, ListedQuota, Utilization
from opskit.quotas.rules.requirements import (
    SERVERLESS_CONCURRENCY,
    SERVERLESS_ENDPOINTS,
    parse_quota_name,
    quota_name_for,
    with_totals,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAME = "ml.m4.xlarge for training job usage"
UNREAD = Unknown("AWS says no", "denied")
PER_JOB, NOT_COUNTED = "per-job", "not-counted"
"""Why a quota has no count: it limits each by itself, or opskit does not count what it limits."""


def listed_quota(
    applied: float | None, used: float | None = None, default: float | None = 0, gap: Unknown | None = None
) -> ListedQuota:
    use = UNREAD if used is None else Utilization(used, NOW)
    return ListedQuota(Quota("eu-west-1", NAME, "L-A373146E", applied, default), use, gap)


def test_requests_that_were_not_read_are_unknown_and_not_none() -> None:
    quota = Quota("eu-west-1", NAME, "L-A373146E", 4, 0)
    [unread] = join_listings([quota], {}, {}, UNREAD, UNREAD)
    [none] = join_listings([quota], {}, {}, UNREAD, ())
    assert (unread.request, none.request) == (UNREAD, None)
    assert "open requests are not known: AWS says no" in quota_record(unread)["because"]
    assert quota_record(unread)["request"] is quota_record(none)["request"] is None
    assert sort_by_severity([none, unread]) == [none, unread]  # it is not taken for one with an open request
    table = quota_list_result(QuotaList((unread, none), ("eu-west-1",)), with_defaults=False).tables[0]
    assert [row[-1].text for row in table.rows] == ["?", ""]


@pytest.mark.parametrize(
    ("each", "percent", "short"),
    [
        (listed_quota(4, 3), 75, False),
        (listed_quota(3, 1), 33.33, False),
        (listed_quota(4, 4), 100, True),
        (listed_quota(2, 3), 150, True),
        (listed_quota(4), None, False),
        # a share of nothing is no number, and nobody can start one
        (listed_quota(0), None, True),
        (listed_quota(0, 2), None, True),
        (listed_quota(0.5, 0), 0, True),
        # the default counts only where nothing is applied for certain
        (listed_quota(None, 1, default=2), 50, False),
        (listed_quota(None, 1, default=2, gap=UNREAD), None, False),
        (listed_quota(None, 1, default=None), None, False),
        (listed_quota(3e9, 3e9 + 1), 100, True),
    ],
)
def test_how_full_a_quota_is(each: ListedQuota, percent: float | None, short: bool) -> None:
    assert (utilization_percent(each), is_exhausted(each)) == (percent, short)


@pytest.mark.parametrize("text", ["", "m4", "M4.XLARGE", "training", "l-a373", "ml.m?.xlarge", "ml*training", "[mn]4"])
def test_search_texts_that_match_a_quota(text: str) -> None:
    assert matches_text(Quota("r", NAME, "L-A373146E", 1, 1), text)


@pytest.mark.parametrize("text", ["m5", "ml.m??.xlarge", "training*ml", "[no]4", "ml.mXxlarge"])
def test_search_texts_that_do_not_match_a_quota(text: str) -> None:
    assert not matches_text(Quota("r", NAME, "L-A373146E", 1, 1), text)


@given(st.text())
def test_no_text_is_a_bug(text: str) -> None:
    matches_text(Quota("r", NAME, "L-A373146E", 1, 1), text)


numbers = st.none() | st.floats(0, 1e12) | st.integers(0, 9).map(float)
quotas = st.builds(listed_quota, numbers, numbers, numbers, st.sampled_from([None, UNREAD]))


@given(st.lists(quotas))
def test_what_is_used_up_stands_above_what_is_not_and_nothing_is_lost(some: list[ListedQuota]) -> None:
    order = sort_by_severity(some)
    assert sorted(map(repr, order)) == sorted(map(repr, some))
    used_up = [
        isinstance(quota.utilization, Utilization)
        and quota.utilization.amount > 0
        and (value := known_value(quota)) is not None
        and quota.utilization.amount >= value
        for quota in order
    ]  # fmt: skip
    assert used_up == sorted(used_up, reverse=True)


@given(quotas)
def test_unknown_is_never_short_and_never_used(each: ListedQuota) -> None:
    if known_value(each) is None:
        assert not is_exhausted(each)
        assert utilization_percent(each) is None
    if isinstance(each.utilization, Unknown):
        assert not QuotaFilter(used=True).matches(each)


@pytest.mark.parametrize("usage", list(Workload))
def test_a_name_tells_what_it_is_for(usage: Workload) -> None:
    for requirement in with_totals([Requirement("ml.g4dn.12xlarge", usage)]):
        instance_type, workload = parse_quota_name(quota_name_for(requirement))
        assert instance_type == requirement.instance_type
        # Studio's total is that of several.
        assert workload and quota_name_for(replace(requirement, workload=workload)) == quota_name_for(requirement)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Studio Something Apps running on ml.m5.large instance", ("ml.m5.large", None)),
        ("ml.geospatial.interactive for notebook instance usage", ("ml.geospatial.interactive", Workload.NOTEBOOK)),
        ("Longest run time for a training job", (None, None)),
        ("", (None, None)),
    ],
)
def test_other_names_tell_what_they_can(name: str, told: tuple[str | None, Workload | None]) -> None:
    assert parse_quota_name(name) == told


def test_what_is_counted_now() -> None:
    names = [NAME, "Number of instances across all training jobs", "Maximum number of instances per training job", "x"]
    some = [Quota("r", name, name, 1, 1) for name in names]
    uses = live_utilization(some, {Workload.TRAINING: InUseCounts({"ml.m4.xlarge": 2, "ml.c5.large": 1})}, {}, NOW)
    assert [use.amount if isinstance(use, Utilization) else None for use in uses.values()] == [2, 3, None, None]
    floor = live_utilization(some[:1], {Workload.TRAINING: InUseCounts({"ml.m4.xlarge": 2}, UNREAD)}, {}, NOW)
    assert floor == {NAME: UNREAD}


COUNTED_BESIDE = {SERVERLESS_ENDPOINTS: 3, SERVERLESS_CONCURRENCY: 12}
LIVE = {workload: InUseCounts({"ml.m5.large": 2}) for workload in Workload} | {
    Workload.ENDPOINT: InUseCounts({"ml.m5.large": 2}, others=COUNTED_BESIDE)
}


@pytest.mark.parametrize(
    ("name", "amount"),
    [
        ("Number of instances across all training jobs", 2),
        ("Number of instances across all spot training jobs", 2),
        ("Number of instances across all processing jobs", 2),
        ("Number of instances across all transform jobs", 2),
        ("Number of instances across active endpoints", 2),
        ("Total number of notebook instances", 2),
        ("Maximum number of running Studio apps allowed per account", 2),
        ("Total number of instances allowed across SageMaker HyperPod clusters", 2),
        ("Total EBS volume size in GB across all notebook instances", 55),
        ("Total EBS volume size in GB across all Studio Spaces", 125),
        ("Maximum number of serverless endpoints", 3),
        ("Maximum total concurrency that can be allocated across all serverless endpoints", 12),
        ("Maximum number of instances per training job", PER_JOB),
        ("Maximum number of instances per spot training job", PER_JOB),
        ("Maximum number of instances per processing job", PER_JOB),
        ("Maximum number of instances per endpoint", PER_JOB),
        ("Maximum number instances allowed per SageMaker HyperPod cluster", PER_JOB),
        ("Longest run time for a training job", PER_JOB),
        ("Longest run time for a processing job", PER_JOB),
        ("Size of EBS volume for a training job instance", PER_JOB),
        ("Size of EBS volume for a processing job instance", PER_JOB),
        ("Size of EBS volume for a transform job instance", PER_JOB),
        ("Maximum number of training jobs each hyper parameter tuning job can run in parallel at once", PER_JOB),
        ("Maximum number of training jobs that each hyperparameter tuning job can create", PER_JOB),
        # Nothing of opskit's starts them, and nothing counts them: the metrics of AWS do, where it has some.
        ("Number of elastic inference accelerators across active endpoints", NOT_COUNTED),
        ("Total domains", NOT_COUNTED),
        ("Maximum number of Studio user profiles allowed per account", NOT_COUNTED),
        ("Maximum number of hyper parameter tuning jobs that can run at once in parallel", NOT_COUNTED),
        ("Maximum number of concurrent pipeline executions allowed per account", NOT_COUNTED),
    ],
)
def test_totals_and_maxima_are_counted_or_said_not_to_be(name: str, amount: int | str) -> None:
    """The rows of AWS's own list that are of no instance type; the rates of its calls are not among them."""
    volumes: dict[str, int | Unknown] = {NOTEBOOK_VOLUMES: 55, SPACE_VOLUMES: 125}
    [use] = live_utilization([Quota("r", name, name, 1, 1)], LIVE, volumes, NOW).values()
    assert (use.amount if isinstance(use, Utilization) else use.code) == amount


@pytest.mark.parametrize(
    ("dark", "codes", "exit_code"),
    [
        ((), (), ExitCode.OK),
        ((), ("denied",), ExitCode.PARTIAL),
        (("a",), ("denied",), ExitCode.PARTIAL),
        (("a", "b"), ("denied",), ExitCode.PARTIAL),
        (("a", "b"), ("credentials-refused", "no-credentials"), ExitCode.AWS_ERROR),
    ],
)
def test_how_a_look_at_two_regions_ends(dark: tuple[str, ...], codes: tuple[str, ...], exit_code: ExitCode) -> None:
    problems = tuple(Problem(code, "") for code in codes)
    assert QuotaList((), ("a", "b"), problems, frozenset(dark)).exit_code is exit_code


def test_the_only_region_going_dark_is_aws_saying_no() -> None:
    assert QuotaList((), ("a",), (Problem("denied", ""),), frozenset("a")).exit_code is ExitCode.AWS_ERROR
