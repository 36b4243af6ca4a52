"""The list of notebooks says no sum that leaves a Region out."""

from __future__ import annotations

from datetime import UTC, datetime

from opskit.errors import ExitCode, Problem
from opskit.flows.look_at_notebooks import Round
from opskit.show.notebook_list import listing

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_what_a_region_costs_that_could_not_be_read_is_not_nothing() -> None:
    answer = listing(Round((), (Problem("denied", "no", region="eu-west-1"),), is_blind=True), NOW)
    assert answer.exit is ExitCode.AWS
    assert answer.data["totals"] == {"running": None, "unpriced": 0, "usd_per_hour": None, "usd_since_start": None}


def test_no_notebooks_cost_nothing() -> None:
    answer = listing(Round(()), NOW)
    assert answer.exit is ExitCode.DONE
    assert answer.data["totals"] == {"running": 0, "unpriced": 0, "usd_per_hour": 0, "usd_since_start": 0}
