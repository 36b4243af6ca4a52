"""The money and the quotas, before anything is made."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from opskit.core.cost import CostItem, estimate_usd, hourly_usd
from opskit.core.exceptions import AwsError, ExitCode, GuardRefused, OpskitError, Problem, UnreadableState, UsageError
from opskit.core.model import InstanceConfig, Price, Quota, Requirement, Unknown, Workload
from opskit.guards.rules.refusals import (
    COMMAND_HINTS,
    ENDPOINT_HINTS,
    RUN_HINTS,
    budget_error,
    can_resolve,
    describe_blockers,
    is_transient_unknown,
    parse_type_counts,
    quota_refusal,
    worst_exit,
    worst_verdict,
)
from opskit.increases.rules.increase import IncreaseTarget, increase_targets, wait_targets
from opskit.quotas.rules.headroom import QuotaCheck
from opskit.quotas.rules.model import Headroom, UsedRange, Verdict

HOUR = CostItem(Workload.TRAINING, InstanceConfig("ml.m4.xlarge", 1, 3600), Price(Decimal("0.28"), "table"))
HALF = CostItem(Workload.TRANSFORM, InstanceConfig("ml.m4.xlarge", 2, 1800), Price(Decimal("0.28"), "table"))
ENDLESS = CostItem(Workload.ENDPOINT, InstanceConfig("ml.m4.xlarge"), Price(Decimal("0.30"), "table"))
UNPRICED = CostItem(Workload.TRANSFORM, InstanceConfig("ml.x9.large", 1, 60), Unknown("nobody knows"))


@pytest.mark.parametrize(
    ("parts", "most", "hourly"),
    [
        ([], "0", "0"),
        ([HOUR], "0.28", "0"),
        ([HOUR, HALF], "0.56", "0"),
        ([HOUR, ENDLESS], "0.28", "0.30"),
        ([ENDLESS], "0", "0.30"),
    ],
)
def test_cost_estimate_of_a_run(parts: list[CostItem], most: str, hourly: str) -> None:
    assert estimate_usd(parts) == Decimal(most)
    assert hourly_usd(parts) == Decimal(hourly)


def test_one_unknown_price_makes_the_whole_unknown() -> None:
    assert estimate_usd([HOUR, UNPRICED]) is None


@pytest.mark.parametrize(
    ("parts", "max_usd", "code"),
    [
        ([HOUR, HALF], None, None),
        ([HOUR, HALF], "0.56", None),
        ([HOUR, HALF], "0.55", "over-budget"),
        ([HOUR, ENDLESS], "0.58", None),  # an endpoint counts with its first hour
        ([HOUR, ENDLESS], "0.57", "over-budget"),
        ([HOUR, UNPRICED], None, None),
        ([HOUR, UNPRICED], "1000", "price-unknown"),
    ],
)
def test_budget_error_of_a_run(parts: list[CostItem], max_usd: str | None, code: str | None) -> None:
    error = budget_error(parts, Decimal(max_usd) if max_usd else None)
    assert (error and error.problem.code) == code
    if error:
        assert error.exit == (ExitCode.PARTIAL if code == "price-unknown" else ExitCode.REFUSED)


def headroom_of(
    verdict: Verdict,
    workload: Workload = Workload.TRAINING,
    in_use: int = 0,
    *,
    applied: float | None = 0.0,
    default: float | None = None,
    reason: str = "so",
) -> Headroom:
    name = f"q {workload}"
    quota = Quota("us-east-1", name, "L-1", applied, default)
    used = UsedRange(in_use, in_use)
    return Headroom("us-east-1", Requirement("ml.m4.xlarge", workload), name, quota, used, verdict, reason)


@pytest.mark.parametrize(
    ("verdicts", "exit"),
    [
        ([Verdict.FITS, Verdict.FITS], None),
        ([Verdict.SHORT, Verdict.UNKNOWN], ExitCode.REFUSED),
        ([Verdict.PENDING], ExitCode.REFUSED),
        ([Verdict.NOT_OFFERED], ExitCode.REFUSED),
        ([Verdict.FITS, Verdict.UNKNOWN], ExitCode.PARTIAL),
    ],
)
def test_the_guard_lets_only_what_fits_go(verdicts: list[Verdict], exit: ExitCode | None) -> None:
    error = quota_refusal(QuotaCheck(tuple(headroom_of(verdict) for verdict in verdicts)), RUN_HINTS)
    assert (error and error.exit) == exit


@pytest.mark.parametrize(
    ("quotas", "held"),
    [
        ([{"applied": 2.0, "in_use": 2}], True),
        ([{"applied": None, "default": 1.0, "in_use": 1}], True),
        ([{"applied": 0.0, "in_use": 0}], False),  # nothing that is ended helps
        ([{"applied": 0.0, "in_use": 3}], False),
        ([{"applied": 2.0, "in_use": 2}, {"applied": 0.0, "in_use": 0}], False),
    ],
)
def test_a_quota_that_is_only_full_points_to_what_bills(quotas: list[dict[str, Any]], held: bool) -> None:
    check = QuotaCheck(tuple(headroom_of(Verdict.SHORT, **each) for each in quotas))
    error = quota_refusal(check, RUN_HINTS)
    assert error
    assert ("`opskit costs`" in error.problem.hint) is held


def test_what_could_not_be_read_at_all_is_never_room() -> None:
    dark = QuotaCheck((headroom_of(Verdict.UNKNOWN),), failed_regions=frozenset({"us-east-1"}), all_auth_failed=True)
    error = quota_refusal(dark, RUN_HINTS)
    assert worst_verdict(dark) is Verdict.UNKNOWN
    assert error and error.exit is ExitCode.AWS_ERROR


def test_what_is_asked_for_is_above_awss_default_and_what_is_waited_for_is_what_is_needed() -> None:
    check = QuotaCheck(
        (headroom_of(Verdict.SHORT, in_use=1, default=4.0), headroom_of(Verdict.PENDING, Workload.TRANSFORM))
    )
    assert increase_targets(check) == [IncreaseTarget("ml.m4.xlarge", Workload.TRAINING, 5)]
    assert wait_targets(check) == [
        IncreaseTarget("ml.m4.xlarge", Workload.TRAINING, 2),
        IncreaseTarget("ml.m4.xlarge", Workload.TRANSFORM, 1),
    ]


@pytest.mark.parametrize(
    ("errors", "exit"),
    [
        ([], ExitCode.OK),
        ([UnreadableState("a", "a"), GuardRefused("b", "b")], ExitCode.REFUSED),
        ([AwsError("a", "a"), UnreadableState("b", "b")], ExitCode.AWS_ERROR),
        ([AwsError("a", "a"), UsageError("b", "b")], ExitCode.USAGE),
    ],
)
def test_a_refusal_outranks_unreadable_state(errors: list[OpskitError], exit: ExitCode) -> None:
    assert worst_exit(errors) is exit


def test_every_refusal_has_its_next_step() -> None:
    for hints in (RUN_HINTS, ENDPOINT_HINTS, COMMAND_HINTS):
        assert {verdict for verdict in Verdict if hints[verdict]} == set(Verdict) - {Verdict.FITS}


@pytest.mark.parametrize(
    ("words", "needs"),
    [
        (["ml.p3.2xlarge=4"], {"ml.p3.2xlarge": 4}),
        (["ml.p3.2xlarge"], {"ml.p3.2xlarge": 1}),
        (["ML.P3.2xlarge=2", "ml.p3.2xlarge=3", "ml.m5.large"], {"ml.p3.2xlarge": 5, "ml.m5.large": 1}),
        ([], {}),
    ],
)
def test_what_a_command_needs(words: list[str], needs: dict[str, int]) -> None:
    requirements = parse_type_counts(words, Workload.TRAINING)
    assert {requirement.instance_type: requirement.count for requirement in requirements} == needs
    assert all(requirement.workload is Workload.TRAINING and requirement.explicit for requirement in requirements)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("ml.p3.2xlarge=", "Write it like ml.p3.2xlarge=4."),
        ("ml.p3.2xlarge=0", "Write it like ml.p3.2xlarge=4."),
        ("ml.p3.2xlarge=-1", "Write it like ml.p3.2xlarge=4."),
        ("ml.p3.2xlarge=many", "Write it like ml.p3.2xlarge=4."),
        ("ml.p3.2xlarge:4", "Did you mean ml.p3.2xlarge=4?"),
        ("ml.p3.2xlarge*4", "Did you mean ml.p3.2xlarge=4?"),
        ("p3.2xlarge=4", "Did you mean ml.p3.2xlarge?"),
        ("ml.p3.2xlrage=4", "Did you mean ml.p3.2xlarge?"),
        ("4", "Write it like ml.m4.xlarge."),
    ],
)
def test_a_slip_is_told_with_what_was_meant(word: str, hint: str) -> None:
    with pytest.raises(UsageError) as told:
        parse_type_counts([word], Workload.TRAINING)
    assert told.value.problem.hint == hint


@pytest.mark.parametrize(
    ("verdicts", "worth"),
    [
        ([Verdict.SHORT, Verdict.FITS], True),
        ([Verdict.PENDING, Verdict.UNKNOWN], True),
        ([Verdict.SHORT, Verdict.NOT_OFFERED], False),
        ([Verdict.UNKNOWN], False),
        ([Verdict.FITS], False),
    ],
)
def test_only_what_may_change_is_waited_for(verdicts: list[Verdict], worth: bool) -> None:
    assert can_resolve(QuotaCheck(tuple(headroom_of(verdict) for verdict in verdicts))) is worth


@pytest.mark.parametrize(("code", "passes"), [("throttled", True), ("unreachable", True), ("denied", False)])
def test_a_permission_does_not_come_by_waiting(code: str, passes: bool) -> None:
    assert is_transient_unknown(QuotaCheck((headroom_of(Verdict.UNKNOWN),), (Problem(code, "so"),))) is passes


def test_a_reason_is_told_once_for_all_it_holds_for() -> None:
    reason = "AWS could not be reached."
    rows = tuple(
        headroom_of(Verdict.UNKNOWN, workload, reason=reason) for workload in (Workload.TRAINING, Workload.TRANSFORM)
    )
    assert describe_blockers(QuotaCheck(rows)) == "q training, q transform: AWS could not be reached."
    mixed = (*rows, headroom_of(Verdict.SHORT, Workload.ENDPOINT, reason="the quota is 0"))
    assert describe_blockers(QuotaCheck(mixed)) == "q endpoint: the quota is 0."
