"""The money and the quotas, before anything is made."""

from __future__ import annotations

from decimal import Decimal

import pytest

from opskit.decide.guard import (
    HINTS_OF_A_COMMAND,
    HINTS_OF_A_RUN,
    HINTS_OF_AN_ENDPOINT,
    Part,
    asked_for,
    demands_of,
    estimate_usd,
    hourly_usd,
    may_pass,
    over_budget,
    refusal,
    verdict_of,
    waited_for,
    why_not,
    worst_exit,
    worth_waiting,
)
from opskit.decide.headroom import QuotaCheck
from opskit.decide.increase import Wish
from opskit.errors import AwsFailure, ExitCode, OpskitError, Problem, Refused, Unreadable, UsageProblem
from opskit.model import Demand, Fleet, Headroom, Price, Unread, Usage, Verdict

HOUR = Part(Usage.TRAINING, Fleet("ml.m4.xlarge", 1, 3600), Price(Decimal("0.28"), "table"))
HALF = Part(Usage.TRANSFORM, Fleet("ml.m4.xlarge", 2, 1800), Price(Decimal("0.28"), "table"))
ENDLESS = Part(Usage.ENDPOINT, Fleet("ml.m4.xlarge"), Price(Decimal("0.30"), "table"))
UNPRICED = Part(Usage.TRANSFORM, Fleet("ml.x9.large", 1, 60), Unread("nobody knows"))


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
def test_the_estimate(parts: list[Part], most: str, hourly: str) -> None:
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
def test_the_budget(parts: list[Part], max_usd: str | None, code: str | None) -> None:
    error = over_budget(parts, Decimal(max_usd) if max_usd else None)
    assert (error and error.problem.code) == code
    if error:
        assert error.exit == (ExitCode.PARTLY if code == "price-unknown" else ExitCode.REFUSED)


def seen(verdict: Verdict, usage: Usage = Usage.TRAINING, in_use: int = 0, **more: object) -> Headroom:
    demand = Demand("ml.m4.xlarge", usage)
    numbers = {"applied": 0.0, "default": None, "in_use": in_use, "free": 0.0, "because": "so", **more}
    return Headroom("us-east-1", demand, f"q {usage}", "L-1", verdict=verdict, **numbers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdicts", "exit"),
    [
        ([Verdict.FITS, Verdict.FITS], None),
        ([Verdict.SHORT, Verdict.UNKNOWN], ExitCode.REFUSED),
        ([Verdict.PENDING], ExitCode.REFUSED),
        ([Verdict.NOT_OFFERED], ExitCode.REFUSED),
        ([Verdict.FITS, Verdict.UNKNOWN], ExitCode.PARTLY),
    ],
)
def test_the_guard_lets_only_what_fits_go(verdicts: list[Verdict], exit: ExitCode | None) -> None:
    error = refusal(QuotaCheck(tuple(seen(verdict) for verdict in verdicts)), HINTS_OF_A_RUN)
    assert (error and error.exit) == exit


def test_what_could_not_be_read_at_all_is_never_room() -> None:
    dark = QuotaCheck((seen(Verdict.UNKNOWN),), dark=frozenset({"us-east-1"}), locked_out=True)
    error = refusal(dark, HINTS_OF_A_RUN)
    assert verdict_of(dark) is Verdict.UNKNOWN
    assert error and error.exit is ExitCode.AWS


def test_what_is_asked_for_is_above_awss_default_and_what_is_waited_for_is_what_is_needed() -> None:
    check = QuotaCheck((seen(Verdict.SHORT, in_use=1, default=4.0), seen(Verdict.PENDING, Usage.TRANSFORM)))
    assert asked_for(check) == [Wish("ml.m4.xlarge", Usage.TRAINING, 5)]
    assert waited_for(check) == [Wish("ml.m4.xlarge", Usage.TRAINING, 2), Wish("ml.m4.xlarge", Usage.TRANSFORM, 1)]


@pytest.mark.parametrize(
    ("errors", "exit"),
    [
        ([], ExitCode.DONE),
        ([Unreadable("a", "a"), Refused("b", "b")], ExitCode.REFUSED),
        ([AwsFailure("a", "a"), Unreadable("b", "b")], ExitCode.AWS),
        ([AwsFailure("a", "a"), UsageProblem("b", "b")], ExitCode.USAGE),
    ],
)
def test_a_no_wins(errors: list[OpskitError], exit: ExitCode) -> None:
    assert worst_exit(errors) is exit


def test_every_refusal_has_its_next_step() -> None:
    for hints in (HINTS_OF_A_RUN, HINTS_OF_AN_ENDPOINT, HINTS_OF_A_COMMAND):
        assert set(hints) == set(Verdict) - {Verdict.FITS}


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
    demands = demands_of(words, Usage.TRAINING)
    assert {each.instance_type: each.need for each in demands} == needs
    assert all(each.usage is Usage.TRAINING and each.named for each in demands)


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
    with pytest.raises(UsageProblem) as told:
        demands_of([word], Usage.TRAINING)
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
    assert worth_waiting(QuotaCheck(tuple(seen(verdict) for verdict in verdicts))) is worth


@pytest.mark.parametrize(("code", "passes"), [("throttled", True), ("unreachable", True), ("denied", False)])
def test_a_permission_does_not_come_by_waiting(code: str, passes: bool) -> None:
    assert may_pass(QuotaCheck((seen(Verdict.UNKNOWN),), (Problem(code, "so"),))) is passes


def test_a_reason_is_told_once_for_all_it_holds_for() -> None:
    unreadable = {"because": "AWS could not be reached."}
    rows = (seen(Verdict.UNKNOWN, **unreadable), seen(Verdict.UNKNOWN, Usage.TRANSFORM, **unreadable))  # type: ignore[arg-type]
    assert why_not(QuotaCheck(rows)) == "q training, q transform: AWS could not be reached."
    mixed = (*rows, seen(Verdict.SHORT, Usage.ENDPOINT, because="the quota is 0"))
    assert why_not(QuotaCheck(mixed)) == "q endpoint: the quota is 0."
