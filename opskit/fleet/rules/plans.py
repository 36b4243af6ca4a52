"""What a dry run over accounts plans to change, and what may be changed afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from opskit.core.exceptions import Problem, UsageError
from opskit.core.grace import IdleStep
from opskit.core.stop_outcome import StopOutcome

_HOW_TO_PLAN = "Save one with --dry-run -o json, and give the same accounts and flags again."

AccountPlan = Mapping[str, frozenset[tuple[str, str]]]
"""What is to be changed in each account: pairs of Region and name."""


def plan_of_rows(rows: Sequence[Mapping[str, Any]]) -> AccountPlan:
    """What rows of a dry run, each with its account, plan: those to be stopped, or to be told by a tag that they will.
    What the dry run refuses is not among them.
    """
    found: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        if _is_planned(row):
            found.setdefault(str(row["account"]), set()).add((str(row["region"]), str(row["name"])))
    return {account: frozenset(pairs) for account, pairs in found.items()}


def _is_planned(row: Mapping[str, Any]) -> bool:
    outcome, step = row["outcome"], row["step"]
    return IdleStep(step).is_change if outcome is None else StopOutcome(outcome).is_planned


def parse_plan(text: str, source: str, command: Sequence[str], records: str) -> AccountPlan:
    """The plan in the answer of a dry run of ``command``.

    Raises:
        UsageError: it is no such answer.
    """
    try:
        told = json.loads(text)
        if told["command"] != list(command):
            other = "opskit " + " ".join(map(str, told["command"]))
            raise UsageError("bad-plan", f"{source} is a plan of `{other[:80]}`.", _HOW_TO_PLAN)
        if told["data"]["dry_run"] is not True:
            raise UsageError("bad-plan", f"{source} is the answer of a run, not of a dry run.", _HOW_TO_PLAN)
        return plan_of_rows(told["data"][records])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        text = f"{source} is not the answer of a dry run over accounts."
        raise UsageError("bad-plan", text, _HOW_TO_PLAN) from error


def over_limit_problem(plan: AccountPlan, most: int) -> Problem | None:
    """Why a plan is not carried out; None where it may be."""
    count = sum(map(len, plan.values()))
    if count <= most:
        return None
    return Problem(
        "over-limit",
        f"{count} would be changed in {len(plan)} accounts, more than {most} in all.",
        f"Add --limit-all {count}.",
    )
