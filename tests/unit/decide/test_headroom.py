"""The judgement over one demand, and over all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.decide.demands import quota_name
from opskit.decide.headroom import QuotaCheck, enough, enough_to_ask, judge, number, refuses, worst_first
from opskit.errors import ExitCode
from opskit.model import Demand, Headroom, InUse, NotOffered, Quota, Request, RequestStatus, Unread, Usage, Verdict

HERE = "eu-west-1"
DEMAND = Demand("ml.m4.xlarge", Usage.TRAINING)
NAME = quota_name(DEMAND)
NONE_RUNS = InUse({})
UNREAD = Unread("AWS says no", "denied")


def quota(applied: float | None, default: float | None = None, name: str = NAME) -> Quota:
    return Quota(HERE, name, "L-A373146E", applied, default)


def request(desired: float, status: RequestStatus = RequestStatus.PENDING, name: str = NAME) -> Request:
    return Request("r", HERE, name, "L-A373146E", desired, status, datetime(2026, 1, 1, tzinfo=UTC))


def running(count: int, *, missing: Unread | None = None) -> InUse:
    return InUse({"ml.m4.xlarge": count, "ml.c5.large": 7}, missing)


def test_what_is_in_use_although_nothing_runs_is_said() -> None:
    pools = InUse({"ml.m4.xlarge": 2, "ml.c5.large": 7}, kept_warm={"ml.m4.xlarge": 2, "ml.c5.large": 1})
    held = judge(HERE, DEMAND, quota(2), pools, ())
    assert (held.verdict, held.in_use) == (Verdict.SHORT, 2)
    assert held.because == "2 of 2 in use; 2 of it in warm pools, which ended jobs keep"
    total = Demand(None, Usage.TRAINING)
    assert "; 3 of it in warm pools" in judge(HERE, total, quota(20, name=quota_name(total)), pools, ()).because
    most = Demand(None, Usage.TRAINING, per_job=True)
    assert "warm" not in judge(HERE, most, quota(20, name=quota_name(most)), pools, ()).because
    assert "warm" not in judge(HERE, DEMAND, quota(9), running(2), ()).because


@pytest.mark.parametrize(
    ("said", "in_use", "requests", "verdict", "used", "free"),
    [
        (quota(4), NONE_RUNS, (), Verdict.FITS, 0, 4),
        (quota(4), running(3), (), Verdict.FITS, 3, 1),
        (quota(4), running(4), (), Verdict.SHORT, 4, 0),
        (quota(2), running(3), (), Verdict.SHORT, 3, 0),
        (quota(0), NONE_RUNS, (), Verdict.SHORT, 0, 0),
        (quota(0.5), NONE_RUNS, (), Verdict.SHORT, 0, 0.5),
        (quota(3e9), running(3), (), Verdict.FITS, 3, 3e9 - 3),
        # the default counts where nothing is applied, and never where something is
        (quota(None, 2), NONE_RUNS, (), Verdict.FITS, 0, 2),
        (quota(0, 2), NONE_RUNS, (), Verdict.SHORT, 0, 0),
        (quota(None, None), NONE_RUNS, (), Verdict.UNKNOWN, None, None),
        # what was asked for counts when it would cover the need, is open, and is about this quota
        (quota(0), NONE_RUNS, (request(1),), Verdict.PENDING, 0, 0),
        (quota(0), NONE_RUNS, (request(1, RequestStatus.CASE_OPENED),), Verdict.PENDING, 0, 0),
        (quota(1), running(1), (request(1.5),), Verdict.SHORT, 1, 0),
        (quota(0), NONE_RUNS, (request(5, RequestStatus.DENIED),), Verdict.SHORT, 0, 0),
        (quota(0), NONE_RUNS, (request(5, name="another"),), Verdict.SHORT, 0, 0),
        (quota(0), NONE_RUNS, (request(0.5), request(2)), Verdict.PENDING, 0, 0),
        (quota(0), NONE_RUNS, UNREAD, Verdict.SHORT, 0, 0),
        (quota(1), NONE_RUNS, UNREAD, Verdict.FITS, 0, 1),
        # not knowing what is in use never makes room, and never hides a certain no
        (quota(9), InUse({}, UNREAD), (), Verdict.UNKNOWN, None, None),
        (quota(0), InUse({}, UNREAD), (), Verdict.SHORT, None, None),
        (quota(2), running(2, missing=UNREAD), (), Verdict.SHORT, None, None),
        (quota(0), InUse({}, UNREAD), (request(9),), Verdict.SHORT, None, None),
        (UNREAD, NONE_RUNS, (), Verdict.UNKNOWN, None, None),
        (NotOffered(HERE, NAME), NONE_RUNS, (), Verdict.NOT_OFFERED, None, None),
    ],
)
def test_the_judgement(
    said: Quota | NotOffered | Unread,
    in_use: InUse,
    requests: tuple[Request, ...] | Unread,
    verdict: Verdict,
    used: int | None,
    free: float | None,
) -> None:
    headroom = judge(HERE, DEMAND, said, in_use, requests)
    assert (headroom.verdict, headroom.in_use, headroom.free) == (verdict, used, free)
    assert headroom.because


def test_a_total_counts_every_type() -> None:
    total = Demand(None, Usage.TRAINING, 2)
    assert judge(HERE, total, quota(10, name=quota_name(total)), running(2), ()).free == 1


def test_a_single_job_starts_from_nothing_whatever_runs() -> None:
    most = Demand(None, Usage.TRAINING, 20, per_job=True)
    headroom = judge(HERE, most, quota(20, name=quota_name(most)), InUse({}, UNREAD), ())
    assert (headroom.verdict, headroom.in_use, headroom.free) == (Verdict.FITS, 0, 20)
    assert judge(HERE, replace(most, need=21), quota(20, name=quota_name(most)), NONE_RUNS, ()).verdict is Verdict.SHORT


def test_because_says_what_stood_in_the_way() -> None:
    assert judge(HERE, DEMAND, UNREAD, NONE_RUNS, ()).because == "AWS says no"
    assert "AWS says no" in judge(HERE, DEMAND, quota(9), InUse({}, UNREAD), ()).because
    assert "default" in judge(HERE, DEMAND, quota(None, 2), NONE_RUNS, ()).because
    assert "5 asked for" in judge(HERE, DEMAND, quota(0), NONE_RUNS, (request(5),)).because


values = st.none() | st.floats(0, 1e12) | st.integers(0, 40).map(float)
answers = st.one_of(
    st.builds(Quota, st.just(HERE), st.just(NAME), st.just("L-1"), values, values),
    st.just(UNREAD),
    st.just(NotOffered(HERE, NAME)),
)
counts = st.dictionaries(st.sampled_from(["ml.m4.xlarge", "ml.c5.large", "?"]), st.integers(0, 50))
uses = st.builds(InUse, counts, st.none() | st.just(UNREAD))
statuses = st.sampled_from(list(RequestStatus))
asked = st.just(UNREAD) | st.lists(st.builds(request, st.floats(0, 100), statuses)).map(tuple)
demands = st.builds(
    Demand, st.sampled_from(["ml.m4.xlarge", None]), st.just(Usage.TRAINING), st.integers(1, 50), st.booleans()
)


@given(demands, answers, uses, asked)
def test_it_never_fits_where_anything_needed_is_unread(
    demand: Demand, said: Quota | NotOffered | Unread, in_use: InUse, requests: tuple[Request, ...] | Unread
) -> None:
    headroom = judge(HERE, demand, said, in_use, requests)
    if headroom.verdict is Verdict.FITS:
        assert isinstance(said, Quota)
        assert said.value is not None
        assert in_use.missing is None
        assert headroom.free is not None
        assert said.value - in_use.of(demand.instance_type) >= demand.need
    assert headroom.free is None or headroom.free >= 0


@given(demands, answers, uses, asked)
def test_a_certain_no_is_never_called_unknown(
    demand: Demand, said: Quota | NotOffered | Unread, in_use: InUse, requests: tuple[Request, ...] | Unread
) -> None:
    headroom = judge(HERE, demand, said, in_use, requests)
    if isinstance(said, Quota) and said.value is not None and said.value < demand.need:
        assert headroom.verdict in (Verdict.SHORT, Verdict.PENDING)


@given(demands, answers, uses)
def test_requests_decide_only_between_short_and_pending(
    demand: Demand, said: Quota | NotOffered | Unread, in_use: InUse
) -> None:
    unasked = judge(HERE, demand, said, in_use, ()).verdict
    with_request = judge(HERE, demand, said, in_use, (request(1e15, name=quota_name(demand)),)).verdict
    assert with_request is unasked or (unasked, with_request) == (Verdict.SHORT, Verdict.PENDING)


def headroom_of(verdict: Verdict, region: str = HERE, *, named: bool = True) -> Headroom:
    demand = replace(DEMAND, named=named)
    return Headroom(region, demand, NAME, None, None, None, None, None, verdict, "because")


@pytest.mark.parametrize(
    ("verdicts", "exit_code"),
    [
        ([Verdict.FITS], ExitCode.DONE),
        ([Verdict.FITS, Verdict.UNKNOWN], ExitCode.PARTLY),
        ([Verdict.UNKNOWN, Verdict.SHORT], ExitCode.REFUSED),
        ([Verdict.PENDING, Verdict.FITS], ExitCode.REFUSED),
        ([Verdict.NOT_OFFERED, Verdict.UNKNOWN], ExitCode.REFUSED),
        ([], ExitCode.DONE),
    ],
)
def test_no_wins_over_unknown_and_unknown_over_yes(verdicts: list[Verdict], exit_code: ExitCode) -> None:
    assert QuotaCheck(tuple(map(headroom_of, verdicts))).exit is exit_code


def test_what_nobody_named_may_be_missing() -> None:
    missing = headroom_of(Verdict.NOT_OFFERED, named=False)
    assert not refuses(missing)
    assert QuotaCheck((missing,)).exit is ExitCode.DONE
    assert refuses(headroom_of(Verdict.NOT_OFFERED))


def test_a_dark_region_is_aws_saying_no_only_when_it_is_the_only_one() -> None:
    here, there = headroom_of(Verdict.UNKNOWN), headroom_of(Verdict.FITS, "us-east-1")
    assert QuotaCheck((here,), dark=frozenset({HERE})).exit is ExitCode.AWS
    assert QuotaCheck((here, there), dark=frozenset({HERE})).exit is ExitCode.PARTLY
    both = (here, replace(here, region="us-east-1"))
    assert QuotaCheck(both, dark=frozenset({HERE, "us-east-1"})).exit is ExitCode.PARTLY
    assert QuotaCheck(both, dark=frozenset({HERE, "us-east-1"}), locked_out=True).exit is ExitCode.AWS


def test_the_worst_stands_on_top() -> None:
    shuffled = [Verdict.FITS, Verdict.PENDING, Verdict.UNKNOWN, Verdict.NOT_OFFERED, Verdict.SHORT]
    assert [each.verdict for each in worst_first(map(headroom_of, shuffled))] == shuffled[::-1]


def test_what_to_ask_for_is_above_what_runs_and_above_the_default() -> None:
    full = judge(HERE, DEMAND, quota(2), running(3), ())
    assert (enough(full), enough_to_ask(full)) == (4, 4)
    lowered = judge(HERE, DEMAND, quota(0, 4), NONE_RUNS, ())
    assert (enough(lowered), enough_to_ask(lowered)) == (1, 5)


def test_what_is_known_to_be_in_use_is_asked_for_where_not_all_could_be_counted() -> None:
    partly = judge(HERE, DEMAND, quota(3), running(5, missing=UNREAD), ())
    assert (partly.verdict, partly.in_use) == (Verdict.SHORT, None)
    assert enough(partly) == 6


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (3e9, "3000000000"), (2.5, "2.5"), (None, "?")])
def test_numbers_read_as_people_write_them(value: float | None, text: str) -> None:
    assert number(value) == text
