"""The money and the quotas, before anything is made."""

from __future__ import annotations

from decimal import Decimal

import pytest

from opskit.decide.guard import (
    Part,
    asked_for,
    estimate_usd,
    hourly_usd,
    over_budget,
    refusal,
    verdict_of,
    waited_for,
    worst_exit,
)
from opskit.decide.headroom import QuotaCheck
from opskit.decide.increase import Wish
from opskit.errors import AwsFailure, ExitCode, OpskitError, Refused, Unreadable, UsageProblem
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
    error = refusal(QuotaCheck(tuple(seen(verdict) for verdict in verdicts)))
    assert (error and error.exit) == exit


def test_what_could_not_be_read_at_all_is_never_room() -> None:
    dark = QuotaCheck((seen(Verdict.UNKNOWN),), dark=frozenset({"us-east-1"}), locked_out=True)
    error = refusal(dark)
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
