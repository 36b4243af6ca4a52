"""What the doctor's looks mean."""

from __future__ import annotations

import pytest

from opskit.decide.checkup import (
    Finding,
    Permitted,
    State,
    clock_finding,
    exit_of,
    permissions_finding,
    permitted,
    skew_finding,
)
from opskit.decide.permissions import CALLS
from opskit.decide.policy import Scope, grants_of, grants_of_commands, sample
from opskit.errors import ExitCode, Problem
from opskit.model import Unread

EVERYTHING = grants_of_commands(CALLS)
PREDICT = next(iter(grants_of(["sagemaker-runtime:InvokeEndpoint"])))
SEARCH = next(iter(grants_of(["sagemaker:Search"])))


def by_command(**answers: bool | Unread) -> dict[str, Permitted]:
    told: dict[str, bool | Unread] = {"predict": True, "search": True, **answers}
    given = dict.fromkeys(EVERYTHING, True) | {PREDICT: told["predict"], SEARCH: told["search"]}
    return {each.command: each for each in permitted(given)}


def test_a_command_lacks_what_it_calls_and_nothing_else() -> None:
    found = by_command(predict=False)
    assert found["predict"] == Permitted("predict", ("sagemaker:InvokeEndpoint",))
    assert {each.command for each in found.values() if each.allowed is not True} == {"predict"}
    assert "settings" not in found


def test_what_cannot_be_told_is_neither_yes_nor_no() -> None:
    found = by_command(search=Unread("no answer"))
    assert (found["quotas check"].allowed, found["quotas check"].because) == (None, "no answer")
    assert permissions_finding(found.values()).state is State.UNKNOWN
    assert all(each.allowed is None for each in permitted({}))


def test_a_no_names_the_policy_that_would_mend_it() -> None:
    finding = permissions_finding(by_command(predict=False, search=Unread("no answer")).values())
    assert (finding.state, finding.hint) == (State.WRONG, "`opskit iam policy predict` prints what to ask for.")


@pytest.mark.parametrize(
    ("seconds", "state", "word"),
    [
        (0.4, State.WELL, "agrees"),
        (-59, State.WELL, "agrees"),
        (61, State.WRONG, "behind"),
        (-400, State.WRONG, "ahead"),
        (None, State.UNKNOWN, "did not tell"),
    ],
)
def test_a_clock_is_right_wrong_or_not_known(seconds: float | None, state: State, word: str) -> None:
    finding = clock_finding(seconds)
    assert finding.state is state
    assert word in finding.says


@pytest.mark.parametrize(
    ("code", "is_skew"), [("clock-skew", True), ("credentials-refused", False), ("no-region", False)]
)
def test_a_refused_signature_may_be_the_clocks_fault(code: str, is_skew: bool) -> None:
    assert (skew_finding(Problem(code, "AWS said something")) is not None) is is_skew


@pytest.mark.parametrize(
    ("state", "let_in", "code"),
    [
        (State.WELL, True, ExitCode.DONE),
        (State.NOTE, True, ExitCode.DONE),
        (State.WRONG, True, ExitCode.PARTLY),
        (State.UNKNOWN, True, ExitCode.PARTLY),
        (State.WELL, False, ExitCode.AWS),
    ],
)
def test_how_it_ends(state: State, let_in: bool, code: ExitCode) -> None:
    assert exit_of([Finding("clock", State.WELL, ""), Finding("x", state, "")], let_in=let_in) is code


@pytest.mark.parametrize("grant", sorted(EVERYTHING, key=repr), ids=lambda grant: f"{grant.action} on {grant.on}")
def test_the_simulator_is_asked_about_one_resource(grant: object) -> None:
    arn = sample(grant, "123456789012", Scope(("us-east-1",), "sagemaker-us-east-1-123456789012"))  # type: ignore[arg-type]
    assert arn == "*" or ("*" not in arn and arn.startswith("arn:aws:"))
