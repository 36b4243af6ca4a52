"""Several notebooks to start and not room for all: the first that fit go, and the others hear which quota it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.exceptions import ExitCode
from opskit.core.model import Quota, Requirement, Unknown, Workload
from opskit.notebooks.rules.start import allocate_capacity
from opskit.quotas.rules.headroom import QuotaCheck
from opskit.quotas.rules.model import Headroom, UsedRange, Verdict

T2, M5 = "ml.t2.medium", "ml.m5.large"
TOTAL_NAME = "Total number of notebook instances"


def headroom(kind: str | None, free: float | None, need: int, verdict: Verdict | None = None) -> Headroom:
    name = f"{kind} for notebook instance usage" if kind else TOTAL_NAME
    judged = verdict or (Verdict.FITS if (free or 0) >= need else Verdict.SHORT)
    requirement = Requirement(kind, Workload.NOTEBOOK, need, explicit=kind is not None)
    quota = Unknown("busy") if free is None else Quota("us-east-1", name, "L-1", free + 2, 0)
    used = None if free is None else UsedRange(2, 2)
    return Headroom("us-east-1", requirement, name, quota, used, judged, "2 of 4 in use")


def fitting(check: QuotaCheck, *kinds: str) -> list[str | None]:
    errors = allocate_capacity(check, kinds, "us-east-1")
    return [error.problem.message if error else None for error in errors]


def test_where_all_fit_nobody_waits() -> None:
    check = QuotaCheck((headroom(T2, 2, 2), headroom(M5, 5, 1), headroom(None, 3, 3)))
    assert fitting(check, T2, M5, T2) == [None, None, None]


def test_the_first_that_fit_go() -> None:
    check = QuotaCheck((headroom(T2, 1, 2), headroom(None, 9, 3), headroom(M5, 5, 1)))
    first, second, third = fitting(check, T2, T2, M5)
    assert first is third is None
    assert second is not None
    assert "ml.t2.medium for notebook instance usage" in second


def test_the_total_stands_above_all_types() -> None:
    check = QuotaCheck((headroom(None, 1, 2), headroom(T2, 3, 1), headroom(M5, 3, 1)))
    [first, second] = allocate_capacity(check, [T2, M5], "us-east-1")
    assert first is None
    assert second is not None
    assert TOTAL_NAME in second.problem.message
    assert "quotas increase total --for notebook --to 4" in second.problem.hint


@pytest.mark.parametrize(
    ("verdict", "exit"), [(Verdict.UNKNOWN, ExitCode.PARTIAL), (Verdict.NOT_OFFERED, ExitCode.REFUSED)]
)
def test_what_cannot_be_told_is_no_room(verdict: Verdict, exit: ExitCode) -> None:
    check = QuotaCheck((headroom(T2, None, 1, verdict), headroom(None, 5, 1)))
    [error] = allocate_capacity(check, [T2], "us-east-1")
    assert error is not None
    assert error.exit is exit


@given(st.lists(st.sampled_from([T2, M5]), max_size=8), *[st.integers(0, 9)] * 3)
def test_never_more_than_the_quotas_leave_and_none_left_out_that_fits(
    kinds: list[str], t2: int, m5: int, total: int
) -> None:
    counts = {instance_type: kinds.count(instance_type) for instance_type in (T2, M5)}
    parts = [headroom(T2, t2, counts[T2]), headroom(M5, m5, counts[M5]), headroom(None, total, len(kinds))]
    errors = allocate_capacity(QuotaCheck(tuple(parts)), kinds, "us-east-1")
    started = [instance_type for instance_type, error in zip(kinds, errors, strict=True) if error is None]
    assert started.count(T2) <= t2
    assert started.count(M5) <= m5
    assert len(started) == min(total, min(t2, counts[T2]) + min(m5, counts[M5]))
