"""The list of notebooks says no sum that leaves a Region out."""

from __future__ import annotations

from datetime import UTC, datetime

from opskit.core.exceptions import ExitCode, Problem
from opskit.notebooks.flows.inspect import Inspection
from opskit.notebooks.render.list import notebook_list_result

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_what_a_region_costs_that_could_not_be_read_is_not_nothing() -> None:
    result = notebook_list_result(
        Inspection((), (Problem("denied", "no", region="eu-west-1"),), all_regions_failed=True), NOW
    )
    assert result.exit is ExitCode.AWS_ERROR
    assert result.data["totals"] == {
        "running": None,
        "may_run": None,
        "unpriced": 0,
        "usd_per_hour": None,
        "usd_since_start": None,
    }


def test_no_notebooks_cost_nothing() -> None:
    result = notebook_list_result(Inspection(()), NOW)
    assert result.exit is ExitCode.OK
    assert result.data["totals"] == {
        "running": 0,
        "may_run": 0,
        "unpriced": 0,
        "usd_per_hour": 0,
        "usd_since_start": 0,
    }
