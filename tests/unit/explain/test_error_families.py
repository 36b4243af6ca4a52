"""Each family of errors by texts of its kind: what is found, what is said, and what must not be said."""

from __future__ import annotations

import re

import pytest

from opskit.core.model import Workload
from opskit.core.workloads import WORKLOADS
from opskit.explain.flows import explain_text
from opskit.explain.render import explain_result
from opskit.explain.rules.error_match import ErrorKind
from opskit.explain.rules.error_rules import ERROR_RULES, FALLBACK_RULES, RULE_BY_KIND
from opskit.explain.rules.pasted_text import WORKLOAD_PHRASES, nearby_workload
from tests.unit.explain.explained_texts import CALL, CASES, quota


def said(text: str) -> tuple[list[str], str]:
    """The kinds that a text is explained as, and all that is printed of it."""
    found = explain_text(text, None, lambda: None)
    result = explain_result(found)
    return [each.match.kind.value for each in found], "\n".join(result.notes)


def test_each_kind_has_one_rule() -> None:
    assert set(RULE_BY_KIND) == set(ErrorKind)
    assert len(ERROR_RULES) + len(FALLBACK_RULES) == len(ErrorKind)


def test_errors_of_every_workload_are_told_apart() -> None:
    assert {workload for _, workload in WORKLOAD_PHRASES} == set(Workload)
    for workload, spec in WORKLOADS.items():
        assert nearby_workload(f"a-{spec.error_word}-b") is workload


@pytest.mark.parametrize(("kind", "text", "must", "never"), CASES, ids=lambda value: str(value)[:50])
def test_an_error_is_explained_as_what_it_is(kind: str, text: str, must: list[str], never: list[str]) -> None:
    kinds, words = said(text)
    assert kinds == [kind]
    assert [each for each in must if not re.search(each, words)] == []
    assert [each for each in never if re.search(each, words)] == []


WRONG_STATE = (
    "Status ({}) not in ([Stopped]). Unable to transition to ({}) for Notebook Instance "
    "(arn:aws:sagemaker:us-west-2:111122223333:notebook-instance/nb)"
)


@pytest.mark.parametrize(
    ("now", "to", "hint", "command"),
    [
        ("Stopping", "Stopping", "being stopped already", "notebook list"),
        ("Stopped", "Stopping", "off already", "notebook list"),
        ("Failed", "Stopping", "nothing to stop", "notebook start nb"),
        ("Stopping", "Pending", "Wait until it is Stopped, then start", "notebook list"),
        ("InService", "Pending", "runs already", "notebook open nb"),
        ("Updating", "Pending", "Stopped again", "notebook list"),
        ("InService", "Updating", "Stop it first", "notebook stop nb"),
        ("InService", "Deleting", "Stop it first", "notebook stop nb"),
        ("Napping", "Deleting", "It has to be Stopped", "notebook list"),
    ],
)
def test_a_state_tells_the_step_that_is_possible_in_it(now: str, to: str, hint: str, command: str) -> None:
    kinds, words = said(CALL.format("ValidationException", "X", WRONG_STATE.format(now, to)))
    assert kinds == ["notebook-status"]
    assert hint in words
    assert f"opskit {command} --region us-west-2" in words


def test_two_whole_errors_are_told_both_and_one_inside_another_once() -> None:
    unknown = CALL.format("ValidationException", "CreateModel", f"Nobody has seen these words. {'x' * 200} ")
    known = CALL.format(
        "AccessDeniedException", "CreateApp", "not authorized to perform: sagemaker:CreateApp on resource"
    )
    assert said(f"{unknown}\n{known}")[0] == ["aws-refused", "denied"]
    assert said(f"'FailureReason': 'ClientError: {known}'")[0] == ["denied"]


@pytest.mark.parametrize("text", ["us-east-11", "api.sagemaker.eu-west-12.amazonaws.com"])
def test_a_mistyped_region_is_none(text: str) -> None:
    short = quota("'ml.m5.large for endpoint usage'", 0, 0, 1)
    [found] = explain_text(f"{short} {text}", None, lambda: None)
    assert found.region_hint is None
