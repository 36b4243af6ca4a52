"""What the doctor's looks mean."""

from __future__ import annotations

import pytest

from opskit.access.rules.diagnostics import (
    CheckState,
    CommandPermissions,
    Finding,
    clock_finding,
    command_permissions,
    doctor_exit_code,
    permissions_finding,
    skew_finding,
)
from opskit.access.rules.grants import grants_of_commands, required_grants
from opskit.access.rules.permissions import API_CALLS
from opskit.access.rules.policy import Scope, example_arn
from opskit.core.exceptions import ExitCode, Problem
from opskit.core.model import Unknown

EVERYTHING = grants_of_commands(API_CALLS)
PREDICT = next(iter(required_grants(["sagemaker-runtime:InvokeEndpoint"])))
SEARCH = next(iter(required_grants(["sagemaker:Search"])))


def by_command(**answers: bool | Unknown) -> dict[str, CommandPermissions]:
    told: dict[str, bool | Unknown] = {"predict": True, "search": True, **answers}
    given = dict.fromkeys(EVERYTHING, True) | {PREDICT: told["predict"], SEARCH: told["search"]}
    return {command_permissions.command: command_permissions for command_permissions in command_permissions(given)}


def test_a_command_lacks_what_it_calls_and_nothing_else() -> None:
    found = by_command(predict=False)
    assert found["predict"] == CommandPermissions("predict", ("sagemaker:InvokeEndpoint",))
    assert {
        command_permissions.command for command_permissions in found.values() if command_permissions.allowed is not True
    } == {"predict"}
    assert "settings" not in found


def test_what_cannot_be_told_is_neither_yes_nor_no() -> None:
    found = by_command(search=Unknown("no answer"))
    assert (found["quotas check"].allowed, found["quotas check"].reason) == (None, "no answer")
    assert permissions_finding(found.values()).state is CheckState.UNKNOWN
    assert all(command_permissions.allowed is None for command_permissions in command_permissions({}))


def test_a_no_names_the_policy_that_would_mend_it() -> None:
    finding = permissions_finding(by_command(predict=False, search=Unknown("no answer")).values())
    assert (finding.state, finding.hint) == (CheckState.WRONG, "`opskit iam policy predict` prints what to ask for.")


@pytest.mark.parametrize(
    ("seconds", "state", "word"),
    [
        (0.4, CheckState.OK, "agrees"),
        (-59, CheckState.OK, "agrees"),
        (61, CheckState.WRONG, "behind"),
        (-400, CheckState.WRONG, "ahead"),
        (None, CheckState.UNKNOWN, "did not tell"),
        (Unknown("STS is throttled."), CheckState.UNKNOWN, "could not be read: STS is throttled"),
    ],
)
def test_a_clock_is_right_wrong_or_not_known(seconds: float | Unknown | None, state: CheckState, word: str) -> None:
    finding = clock_finding(seconds)
    assert finding.state is state
    assert word in finding.detail


@pytest.mark.parametrize(
    ("code", "is_skew"), [("clock-skew", True), ("credentials-refused", False), ("no-region", False)]
)
def test_a_refused_signature_may_be_the_clocks_fault(code: str, is_skew: bool) -> None:
    assert (skew_finding(Problem(code, "AWS said something")) is not None) is is_skew


@pytest.mark.parametrize(
    ("state", "let_in", "code"),
    [
        (CheckState.OK, True, ExitCode.OK),
        (CheckState.NOTE, True, ExitCode.OK),
        (CheckState.WRONG, True, ExitCode.PARTIAL),
        (CheckState.UNKNOWN, True, ExitCode.PARTIAL),
        (CheckState.OK, False, ExitCode.AWS_ERROR),
    ],
)
def test_doctor_exit_code_by_its_findings(state: CheckState, let_in: bool, code: ExitCode) -> None:
    assert doctor_exit_code([Finding("clock", CheckState.OK, ""), Finding("x", state, "")], let_in=let_in) is code


@pytest.mark.parametrize("grant", sorted(EVERYTHING, key=repr), ids=lambda grant: f"{grant.action} on {grant.resource}")
def test_the_simulator_is_asked_about_one_resource(grant: object) -> None:
    arn = example_arn(grant, "123456789012", Scope(("us-east-1",), "sagemaker-us-east-1-123456789012"))  # type: ignore[arg-type]
    assert arn == "*" or ("*" not in arn and arn.startswith("arn:aws:"))
