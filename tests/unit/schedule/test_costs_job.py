"""The morning look at what bills: installed only where it is named, printed and told although all is well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opskit.notifications.rules import bill_lines, notification_text, summarize_data
from opskit.schedule.rules.jobs import DEFAULT_JOBS, JOBS, find_job
from tests.fakes.billed_account import serve_billed_account
from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import FakeAws

ITEM: dict[str, Any] = {
    "kind": "endpoint",
    "name": "live",
    "region": "us-east-1",
    "account": "123456789012",
    "usd_per_hour": 0.28,
    "owner": "ada",
    "verdict": "running",
    "stop_with": "opskit endpoint stop live --yes",
}
TOTALS = {"usd_per_hour": 0.28, "usd_per_30_days": 201.6, "unpriced": 0, "at_least": False}


def test_it_is_installed_only_where_it_is_named() -> None:
    assert "costs" in {job.name for job in JOBS if job not in DEFAULT_JOBS}
    assert find_job("costs").arguments == ("costs",)


def test_what_bills_is_told_although_all_is_well() -> None:
    text = notification_text(("costs",), {"items": [ITEM], "totals": TOTALS}, 0, ())
    assert text is not None
    assert text.splitlines() == [
        "opskit costs",
        "account 123456789012, Region us-east-1",
        "1 items bill 0.28 USD per hour, 201.6 USD in 30 days.",
        "- endpoint live (us-east-1): 0.28 USD/h, ada, running. To end it: opskit endpoint stop live --yes",
    ]
    assert summarize_data({"items": [ITEM], "totals": TOTALS}) == {"items": 1, "usd_per_hour": 0.28}


def test_the_lines_are_few_and_say_what_is_not_known() -> None:
    free, unpriced = {**ITEM, "usd_per_hour": 0}, {**ITEM, "usd_per_hour": None, "owner": None}
    lines = bill_lines({"items": [unpriced, free, *[ITEM] * 20], "totals": {**TOTALS, "unpriced": 1, "at_least": True}})
    assert (
        lines[0] == "22 items bill at least 0.28 USD per hour, at least 201.6 USD in 30 days (1 have no known price)."
    )
    assert "price not known, owner not known" in lines[1]
    assert lines[-1] == "- and 11 more: opskit costs"
    assert len(lines) == 12


@pytest.mark.parametrize("data", [{}, {"items": [], "totals": {}}, {"notebooks": [], "totals": TOTALS}])
def test_other_answers_have_no_bill(data: dict[str, Any]) -> None:
    assert bill_lines(data) == []


def test_a_run_of_it_prints_the_bill(
    fake_aws: FakeAws, isolated_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve_billed_account(fake_aws)
    ran = run_opskit(capsys, "cron", "run", "costs", "--quiet")
    assert (ran.code, ran.err) == (0, "")
    assert "cluster hyper (us-east-1): 60.0 USD/h" in ran.out
    assert "delete-cluster --cluster-name hyper" in ran.out
    logged = json.loads((isolated_home / "state" / "opskit" / "runs.jsonl").read_text().splitlines()[-1])
    assert logged["items"] == 29
