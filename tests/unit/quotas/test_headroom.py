"""The judgement over one demand, and over all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.exceptions import ExitCode
from opskit.core.model import NotOffered, Quota, Requirement, Unknown, Workload
from opskit.quotas.rules.headroom import (
    QuotaCheck,
    assess_headroom,
    is_refusal,
    requestable_value,
    required_value,
    sort_worst_first,
)
from opskit.quotas.rules.model import (
    UNKNOWN_TYPE,
    Headroom,
    IncreaseRequest,
    InUseCounts,
    RequestStatus,
    UsedRange,
    Verdict,
    format_quota_value,
)
from opskit.quotas.rules.requirements import quota_name_for

HERE = "eu-west-1"
DEMAND = Requirement("ml.m4.xlarge", Workload.TRAINING)
NAME = quota_name_for(DEMAND)
NONE_RUNS = InUseCounts({})
UNREAD = Unknown("AWS says no", "denied")


def assessed_quota(applied: float | None, default: float | None = None, name: str = NAME) -> Quota:
    return Quota(HERE, name, "L-A373146E", applied, default)


def increase_request(
    desired: float, status: RequestStatus = RequestStatus.PENDING, name: str = NAME
) -> IncreaseRequest:
    return IncreaseRequest("r", HERE, name, "L-A373146E", desired, status, datetime(2026, 1, 1, tzinfo=UTC))


def running_counts(count: int, *, missing: Unknown | None = None) -> InUseCounts:
    return InUseCounts({"ml.m4.xlarge": count, "ml.c5.large": 7}, missing)


@pytest.mark.parametrize(("least", "is_full"), [(8, True), (7, False)])
@pytest.mark.parametrize("gap", [None, UNREAD], ids=["of unknown type", "not counted"])
def test_a_share_that_is_reached_for_certain_is_told_whatever_is_not_known(
    least: int, is_full: bool, gap: Unknown | None
) -> None:
    in_use = InUseCounts({"ml.m4.xlarge": least, UNKNOWN_TYPE: 1}, gap)
    held = assess_headroom(HERE, replace(DEMAND, alert_share=0.8), assessed_quota(10), in_use, ())
    assert held.used is not None
    assert held.used.exact is None
    assert (is_refusal(held), "80% of it is in use" in held.reason) == (is_full, is_full)


def test_what_is_in_use_although_nothing_runs_is_said() -> None:
    pools = InUseCounts({"ml.m4.xlarge": 2, "ml.c5.large": 7}, kept_warm={"ml.m4.xlarge": 2, "ml.c5.large": 1})
    held = assess_headroom(HERE, DEMAND, assessed_quota(2), pools, ())
    assert (held.verdict, held.used) == (Verdict.SHORT, UsedRange(2, 2))
    assert held.reason == "2 of 2 in use; 2 of it in warm pools, which ended jobs keep"
    total = Requirement(None, Workload.TRAINING)
    assert (
        "; 3 of it in warm pools"
        in assess_headroom(HERE, total, assessed_quota(20, name=quota_name_for(total)), pools, ()).reason
    )
    most = Requirement(None, Workload.TRAINING, per_job=True)
    assert "warm" not in assess_headroom(HERE, most, assessed_quota(20, name=quota_name_for(most)), pools, ()).reason
    assert "warm" not in assess_headroom(HERE, DEMAND, assessed_quota(9), running_counts(2), ()).reason


@pytest.mark.parametrize(
    ("value", "verdict", "free"),
    [(9, Verdict.FITS, 5), (5, Verdict.FITS, 1), (4, Verdict.UNKNOWN, 0), (2, Verdict.SHORT, 0)],
)
def test_a_type_that_is_not_known_is_unknown_only_where_it_decides(value: float, verdict: Verdict, free: float) -> None:
    counts = InUseCounts({"ml.m4.xlarge": 2, "?": 2})
    held = assess_headroom(HERE, DEMAND, assessed_quota(value), counts, ())
    assert (held.verdict, held.free) == (verdict, free)
    assert held.used == UsedRange(2, 4, "2 of a type that AWS does not report")
    assert held.used.exact is None
    assert "it may be 4: 2 of a type that AWS does not report" in held.reason
    total = replace(DEMAND, instance_type=None)
    assert assess_headroom(HERE, total, assessed_quota(9), counts, ()).used == UsedRange(4, 4)


@pytest.mark.parametrize(
    ("value", "made", "verdict"),
    [
        (8, False, Verdict.FITS),
        (7, False, Verdict.UNKNOWN),
        (2, False, Verdict.SHORT),
        # a notebook that exists and is started is among the stopped ones already
        (7, True, Verdict.FITS),
        (2, True, Verdict.SHORT),
    ],
)
def test_stopped_notebooks_are_a_ceiling_of_the_total(value: float, made: bool, verdict: Verdict) -> None:
    counts = InUseCounts(
        {"ml.t3.medium": 2}, possible_total=5, possible_what="AWS may count the 5 that are stopped too"
    )
    total = Requirement(None, Workload.NOTEBOOK, already_made=made)
    held = assess_headroom(HERE, total, assessed_quota(value, name=quota_name_for(total)), counts, ())
    assert held.verdict is verdict
    assert ("that are stopped" in held.reason) is not made


def test_what_runs_in_a_plan_is_counted_and_said() -> None:
    counts = InUseCounts({"ml.m4.xlarge": 4}, in_plans={"ml.m4.xlarge": 3})
    held = assess_headroom(HERE, DEMAND, assessed_quota(4), counts, ())
    assert held.verdict is Verdict.SHORT
    assert held.reason.endswith("; 3 of it in training plans, which AWS may not count")


@pytest.mark.parametrize(
    ("workload", "text"), [(Workload.ENDPOINT, "an endpoint may have 2"), (Workload.CLUSTER, "a cluster may have 2")]
)
def test_a_maximum_of_one_resource_names_it(workload: Workload, text: str) -> None:
    most = Requirement(None, workload, 3, per_job=True)
    held = assess_headroom(HERE, most, assessed_quota(2, name=quota_name_for(most)), InUseCounts({"x": 9}), ())
    assert (held.verdict, held.reason) == (Verdict.SHORT, text)


@pytest.mark.parametrize(
    ("said", "in_use", "requests", "verdict", "used", "free"),
    [
        (assessed_quota(4), NONE_RUNS, (), Verdict.FITS, 0, 4),
        (assessed_quota(4), running_counts(3), (), Verdict.FITS, 3, 1),
        (assessed_quota(4), running_counts(4), (), Verdict.SHORT, 4, 0),
        (assessed_quota(2), running_counts(3), (), Verdict.SHORT, 3, 0),
        (assessed_quota(0), NONE_RUNS, (), Verdict.SHORT, 0, 0),
        (assessed_quota(0.5), NONE_RUNS, (), Verdict.SHORT, 0, 0.5),
        (assessed_quota(3e9), running_counts(3), (), Verdict.FITS, 3, 3e9 - 3),
        # the default counts where nothing is applied, and never where something is
        (assessed_quota(None, 2), NONE_RUNS, (), Verdict.FITS, 0, 2),
        (assessed_quota(0, 2), NONE_RUNS, (), Verdict.SHORT, 0, 0),
        (assessed_quota(None, None), NONE_RUNS, (), Verdict.UNKNOWN, None, None),
        # what was asked for counts when it would cover the need, is open, and is about this quota
        (assessed_quota(0), NONE_RUNS, (increase_request(1),), Verdict.PENDING, 0, 0),
        (assessed_quota(0), NONE_RUNS, (increase_request(1, RequestStatus.CASE_OPENED),), Verdict.PENDING, 0, 0),
        (assessed_quota(1), running_counts(1), (increase_request(1.5),), Verdict.SHORT, 1, 0),
        (assessed_quota(0), NONE_RUNS, (increase_request(5, RequestStatus.DENIED),), Verdict.SHORT, 0, 0),
        (assessed_quota(0), NONE_RUNS, (increase_request(5, name="another"),), Verdict.SHORT, 0, 0),
        (assessed_quota(0), NONE_RUNS, (increase_request(0.5), increase_request(2)), Verdict.PENDING, 0, 0),
        (assessed_quota(0), NONE_RUNS, UNREAD, Verdict.SHORT, 0, 0),
        (assessed_quota(1), NONE_RUNS, UNREAD, Verdict.FITS, 0, 1),
        # not knowing what is in use never makes room, and never hides a certain no
        (assessed_quota(9), InUseCounts({}, UNREAD), (), Verdict.UNKNOWN, None, None),
        (assessed_quota(0), InUseCounts({}, UNREAD), (), Verdict.SHORT, None, None),
        (assessed_quota(2), running_counts(2, missing=UNREAD), (), Verdict.SHORT, None, None),
        (assessed_quota(0), InUseCounts({}, UNREAD), (increase_request(9),), Verdict.SHORT, None, None),
        (UNREAD, NONE_RUNS, (), Verdict.UNKNOWN, None, None),
        (NotOffered(HERE, NAME), NONE_RUNS, (), Verdict.NOT_OFFERED, None, None),
    ],
)
def test_headroom_verdict_by_quota_use_and_requests(
    said: Quota | NotOffered | Unknown,
    in_use: InUseCounts,
    requests: tuple[IncreaseRequest, ...] | Unknown,
    verdict: Verdict,
    used: int | None,
    free: float | None,
) -> None:
    headroom = assess_headroom(HERE, DEMAND, said, in_use, requests)
    assert (headroom.verdict, headroom.used and headroom.used.exact, headroom.free) == (verdict, used, free)
    assert headroom.reason


def test_a_total_counts_every_type() -> None:
    total = Requirement(None, Workload.TRAINING, 2)
    assert assess_headroom(HERE, total, assessed_quota(10, name=quota_name_for(total)), running_counts(2), ()).free == 1


def test_a_single_job_starts_from_nothing_whatever_runs() -> None:
    most = Requirement(None, Workload.TRAINING, 20, per_job=True)
    headroom = assess_headroom(HERE, most, assessed_quota(20, name=quota_name_for(most)), InUseCounts({}, UNREAD), ())
    assert (headroom.verdict, headroom.used, headroom.free) == (Verdict.FITS, UsedRange(0, 0), 20)
    assert (
        assess_headroom(
            HERE, replace(most, count=21), assessed_quota(20, name=quota_name_for(most)), NONE_RUNS, ()
        ).verdict
        is Verdict.SHORT
    )


@pytest.mark.parametrize(
    ("requests", "request_", "told"),
    [
        ((), None, False),
        ((increase_request(1),), increase_request(1), False),
        ((increase_request(1, name="another"),), None, False),
        (UNREAD, UNREAD, True),
    ],
)
def test_requests_that_were_not_read_are_not_told_to_be_none(
    requests: tuple[IncreaseRequest, ...] | Unknown, request_: IncreaseRequest | Unknown | None, told: bool
) -> None:
    short = assess_headroom(HERE, DEMAND, assessed_quota(0), NONE_RUNS, requests)
    assert short.request == request_
    assert ("whether more is asked for already could not be read" in short.reason) is told
    assert assess_headroom(HERE, DEMAND, UNREAD, NONE_RUNS, requests).request == request_
    fits = assess_headroom(HERE, DEMAND, assessed_quota(4), NONE_RUNS, requests)
    assert "asked for already" not in fits.reason


@pytest.mark.parametrize("quota", [UNREAD, NotOffered(HERE, NAME), assessed_quota(None), assessed_quota(2)])
def test_an_assessment_holds_what_was_read_of_its_quota(quota: Quota | NotOffered | Unknown) -> None:
    headroom = assess_headroom(HERE, DEMAND, quota, NONE_RUNS, ())
    assert headroom.quota == quota
    has_value = quota == assessed_quota(2)
    assert headroom.quota_value == (2 if has_value else None)
    assert (headroom.used is not None) is has_value


def test_because_says_what_stood_in_the_way() -> None:
    assert assess_headroom(HERE, DEMAND, UNREAD, NONE_RUNS, ()).reason == "AWS says no"
    assert "AWS says no" in assess_headroom(HERE, DEMAND, assessed_quota(9), InUseCounts({}, UNREAD), ()).reason
    assert "default" in assess_headroom(HERE, DEMAND, assessed_quota(None, 2), NONE_RUNS, ()).reason
    assert "5 asked for" in assess_headroom(HERE, DEMAND, assessed_quota(0), NONE_RUNS, (increase_request(5),)).reason


values = st.none() | st.floats(0, 1e12) | st.integers(0, 40).map(float)
answers = st.one_of(
    st.builds(Quota, st.just(HERE), st.just(NAME), st.just("L-1"), values, values),
    st.just(UNREAD),
    st.just(NotOffered(HERE, NAME)),
)
counts = st.dictionaries(st.sampled_from(["ml.m4.xlarge", "ml.c5.large", "?"]), st.integers(0, 50))
uses = st.builds(InUseCounts, counts, st.none() | st.just(UNREAD))
statuses = st.sampled_from(list(RequestStatus))
asked = st.just(UNREAD) | st.lists(st.builds(increase_request, st.floats(0, 100), statuses)).map(tuple)
demands = st.builds(
    Requirement, st.sampled_from(["ml.m4.xlarge", None]), st.just(Workload.TRAINING), st.integers(1, 50), st.booleans()
)


@given(demands, answers, uses, asked)
def test_a_requirement_never_fits_where_anything_needed_is_unread(
    demand: Requirement,
    said: Quota | NotOffered | Unknown,
    in_use: InUseCounts,
    requests: tuple[IncreaseRequest, ...] | Unknown,
) -> None:
    headroom = assess_headroom(HERE, demand, said, in_use, requests)
    if headroom.verdict is Verdict.FITS:
        assert isinstance(said, Quota)
        assert said.effective_value is not None
        assert in_use.incomplete is None
        assert headroom.free is not None
        assert said.effective_value - in_use.count(demand.instance_type) >= demand.count
    assert headroom.free is None or headroom.free >= 0


@given(demands, answers, uses, asked)
def test_a_certain_no_is_never_called_unknown(
    demand: Requirement,
    said: Quota | NotOffered | Unknown,
    in_use: InUseCounts,
    requests: tuple[IncreaseRequest, ...] | Unknown,
) -> None:
    headroom = assess_headroom(HERE, demand, said, in_use, requests)
    if isinstance(said, Quota) and said.effective_value is not None and said.effective_value < demand.count:
        assert headroom.verdict in (Verdict.SHORT, Verdict.PENDING)


@given(demands, answers, uses)
def test_requests_decide_only_between_short_and_pending(
    demand: Requirement, said: Quota | NotOffered | Unknown, in_use: InUseCounts
) -> None:
    unasked = assess_headroom(HERE, demand, said, in_use, ()).verdict
    with_request = assess_headroom(
        HERE, demand, said, in_use, (increase_request(1e15, name=quota_name_for(demand)),)
    ).verdict
    assert with_request is unasked or (unasked, with_request) == (Verdict.SHORT, Verdict.PENDING)


def headroom_of(verdict: Verdict, region: str = HERE, *, named: bool = True) -> Headroom:
    requirement = replace(DEMAND, explicit=named)
    return Headroom(region, requirement, NAME, UNREAD, None, verdict, "because")


@pytest.mark.parametrize(
    ("verdicts", "exit_code"),
    [
        ([Verdict.FITS], ExitCode.OK),
        ([Verdict.FITS, Verdict.UNKNOWN], ExitCode.PARTIAL),
        ([Verdict.UNKNOWN, Verdict.SHORT], ExitCode.REFUSED),
        ([Verdict.PENDING, Verdict.FITS], ExitCode.REFUSED),
        ([Verdict.NOT_OFFERED, Verdict.UNKNOWN], ExitCode.REFUSED),
        ([], ExitCode.OK),
    ],
)
def test_no_wins_over_unknown_and_unknown_over_yes(verdicts: list[Verdict], exit_code: ExitCode) -> None:
    assert QuotaCheck(tuple(map(headroom_of, verdicts))).exit_code is exit_code


def test_what_nobody_named_may_be_missing() -> None:
    missing = headroom_of(Verdict.NOT_OFFERED, named=False)
    assert not is_refusal(missing)
    assert QuotaCheck((missing,)).exit_code is ExitCode.OK
    assert is_refusal(headroom_of(Verdict.NOT_OFFERED))


def test_a_dark_region_is_aws_saying_no_only_when_it_is_the_only_one() -> None:
    ctx, there = headroom_of(Verdict.UNKNOWN), headroom_of(Verdict.FITS, "us-east-1")
    assert QuotaCheck((ctx,), failed_regions=frozenset({HERE})).exit_code is ExitCode.AWS_ERROR
    assert QuotaCheck((ctx, there), failed_regions=frozenset({HERE})).exit_code is ExitCode.PARTIAL
    both = (ctx, replace(ctx, region="us-east-1"))
    assert QuotaCheck(both, failed_regions=frozenset({HERE, "us-east-1"})).exit_code is ExitCode.PARTIAL
    assert (
        QuotaCheck(both, failed_regions=frozenset({HERE, "us-east-1"}), all_auth_failed=True).exit_code
        is ExitCode.AWS_ERROR
    )


def test_the_worst_stands_on_top() -> None:
    shuffled = [Verdict.FITS, Verdict.PENDING, Verdict.UNKNOWN, Verdict.NOT_OFFERED, Verdict.SHORT]
    assert [headroom.verdict for headroom in sort_worst_first(map(headroom_of, shuffled))] == shuffled[::-1]


def test_what_to_ask_for_is_above_what_runs_and_above_the_default() -> None:
    full = assess_headroom(HERE, DEMAND, assessed_quota(2), running_counts(3), ())
    assert (required_value(full), requestable_value(full)) == (4, 4)
    lowered = assess_headroom(HERE, DEMAND, assessed_quota(0, 4), NONE_RUNS, ())
    assert (required_value(lowered), requestable_value(lowered)) == (1, 5)


def test_what_is_known_to_be_in_use_is_asked_for_where_not_all_could_be_counted() -> None:
    partly = assess_headroom(HERE, DEMAND, assessed_quota(3), running_counts(5, missing=UNREAD), ())
    assert (partly.verdict, partly.used) == (Verdict.SHORT, UsedRange(5, 5, missing=UNREAD))
    assert required_value(partly) == 6


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (3e9, "3000000000"), (2.5, "2.5"), (None, "?")])
def test_numbers_read_as_people_write_them(value: float | None, text: str) -> None:
    assert format_quota_value(value) == text
