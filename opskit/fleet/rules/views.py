"""What the answer of each command that runs in several accounts is made of: its rows, and which of them matter most."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opskit.access.rules.diagnostics import CheckState
from opskit.core.model import NotebookVerdict
from opskit.endpoints.rules.model import EndpointVerdict
from opskit.quotas.rules.model import Verdict

IdleVerdicts = type[NotebookVerdict] | type[EndpointVerdict]
Row = Mapping[str, Any]


def _verdict(row: Row) -> str:
    return str(row["verdict"])


def _done(row: Row) -> str:
    """What was done with it, or would be."""
    return str(row["outcome"] or row["action"])


def _price_first(row: Row) -> float:
    """Those without a price come first, as in ``opskit costs``: they may cost anything."""
    return -math.inf if row["usd_per_hour"] is None else -float(row["usd_per_hour"])


@dataclass(frozen=True)
class AccountView:
    """The answer of a command over accounts. ``records`` is the list in the answer of one account, ``noun`` what a row
    is, ``nouns`` what several are, and ``columns`` the fields to show of a row that ``matters``, those with the least
    ``order`` first (None: as they come). ``counted`` is the word of each row that is counted for its account; None: its
    rows are not counted by words. ``has_price``: the rows cost something.
    """

    records: str
    noun: str
    nouns: str
    columns: tuple[str, ...]
    counted: Callable[[Row], str] | None = None
    matters: Callable[[Row], bool] = bool
    order: Callable[[Row], float] | None = None
    has_price: bool = False


_CHECK = AccountView(
    "quotas",
    "quota",
    "quotas",
    ("region", "quota_name", "verdict", "because"),
    _verdict,
    lambda row: Verdict(row["verdict"]).is_too_little or Verdict(row["verdict"]).is_unknown,
)


def _idle_view(noun: str, nouns: str, verdicts: IdleVerdicts) -> AccountView:
    """Of a list that tells what is idle."""
    columns = ("region", "name", "verdict", "usd_per_hour", "because")

    def matters(row: Row) -> bool:
        verdict = verdicts(row["verdict"])
        return verdict.is_idle or verdict.is_unknown

    return AccountView(nouns, noun, nouns, columns, _verdict, matters, has_price=True)


def _stop_view(noun: str, nouns: str, verdicts: IdleVerdicts) -> AccountView:
    """Of a stop: what was done or would be, and what could not be judged."""
    columns = ("region", "name", "verdict", "outcome", "because")
    return AccountView(
        nouns,
        noun,
        nouns,
        columns,
        _done,
        lambda row: row["outcome"] is not None or verdicts(row["verdict"]).is_unknown,
    )


_COSTS = AccountView(
    "items",
    "item",
    "items",
    ("region", "kind", "name", "usd_per_hour", "owner", "stop_with"),
    order=_price_first,
    has_price=True,
)

VIEWS: Mapping[str, AccountView] = {
    "fleet check": _CHECK,
    "fleet idle": _idle_view("notebook", "notebooks", NotebookVerdict),
    "fleet costs": _COSTS,
    "quotas check": _CHECK,
    "quotas list": AccountView(
        "quotas",
        "quota",
        "quotas",
        ("region", "quota_name", "applied", "in_use", "because"),
        matters=lambda row: row["in_use"] not in (None, 0),
    ),
    "quotas requests": AccountView(
        "requests",
        "request",
        "requests",
        ("region", "quota_name", "desired", "status", "age_seconds"),
        lambda row: str(row["status"]),
    ),
    "notebook list": _idle_view("notebook", "notebooks", NotebookVerdict),
    "notebook stop": _stop_view("notebook", "notebooks", NotebookVerdict),
    "endpoint list": _idle_view("endpoint", "endpoints", EndpointVerdict),
    "endpoint stop": _stop_view("endpoint", "endpoints", EndpointVerdict),
    "costs": _COSTS,
    "history": AccountView(
        "history",
        "change",
        "changes",
        ("begun", "region", "action", "subject", "outcome", "because"),
        lambda row: str(row["outcome"]),
    ),
    "doctor": AccountView(
        "checks",
        "check",
        "checks",
        ("what", "state", "says", "hint"),
        lambda row: str(row["state"]),
        lambda row: CheckState(row["state"]).is_problem,
    ),
}
"""The answer of each command, by its words. Tests hold that every command that runs in several accounts is here, and
that its answer has what is said of it.
"""
