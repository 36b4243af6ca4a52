"""What a plan over accounts lets a run change: what it names, and never more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opskit.cli.account_options import AccountChoice, PlannedChanges
from opskit.core.exceptions import UsageError
from opskit.fleet.rules.plans import over_limit_problem, parse_plan, plan_of_rows

A, B = "111111111111", "222222222222"
COMMAND = ("notebook", "stop")


def row(account: str, name: str, outcome: str | None, step: str = "nothing") -> dict[str, Any]:
    return {"account": account, "region": "us-east-1", "name": name, "outcome": outcome, "step": step}


ROWS = [
    row(A, "idle", "planned", "stop"),
    row(A, "told", None, "mark"),
    row(A, "busy", None),
    row(A, "kept", "refused", "stop"),
    row(B, "other", "planned", "stop"),
]
PLAN = {A: {("us-east-1", "idle"), ("us-east-1", "told")}, B: {("us-east-1", "other")}}


def answer(**changed: Any) -> str:
    return json.dumps({"command": list(COMMAND), "data": {"dry_run": True, "notebooks": ROWS}, **changed})


def test_what_is_planned_and_nothing_else_is_in_the_plan() -> None:
    assert plan_of_rows(ROWS) == PLAN
    assert parse_plan(answer(), "plan.json", COMMAND, "notebooks") == PLAN
    assert PlannedChanges(frozenset(PLAN[A])).names == ("idle", "told")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not the answer of a dry run"),
        ("[]", "not the answer of a dry run"),
        ("[" * 100_000, "not the answer of a dry run"),
        (answer(command=["endpoint", "stop"]), "a plan of `opskit endpoint stop`"),
        (answer(data={"dry_run": False, "notebooks": ROWS}), "the answer of a run"),
        (answer(data={"dry_run": True}), "not the answer of a dry run"),
        (answer(data={"dry_run": True, "notebooks": [{"account": A}]}), "not the answer of a dry run"),
    ],
)
def test_what_is_no_plan_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_plan(text, "plan.json", COMMAND, "notebooks")


def test_the_limit_holds_for_all_accounts_together() -> None:
    plan = plan_of_rows(ROWS)
    assert over_limit_problem(plan, 3) is None
    problem = over_limit_problem(plan, 2)
    assert problem is not None
    assert (problem.code, problem.hint) == ("over-limit", "Add --limit-all 3.")


def test_what_only_several_accounts_need_is_refused_for_one() -> None:
    assert AccountChoice(org=True, resume=True).is_several(())
    assert AccountChoice().is_several(("arn:aws:iam::111111111111:role/a", "arn:aws:iam::222222222222:role/a"))
    assert not AccountChoice(role_name="other").is_several(())
    with pytest.raises(UsageError, match="--session-tag is for several accounts"):
        AccountChoice(session_tag=["a=b"]).is_several(())
