"""What `notebook stop --idle` makes of graces, ages, terminals, maintenance and logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opskit.access.rules.permissions import calls_of_command
from opskit.core.grace import parse_grace_tag
from opskit.notebooks.rules.enums import EvidenceSource
from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import DENIED, Fault
from tests.fakes.fake_notebooks import FakeNotebook
from tests.fakes.grace_tags import grace_tag
from tests.fakes.notebook_kinds import HOUR, KINDS, MARK, MINUTE, OLD, failing, iso, rows, stop, stops

pytestmark = pytest.mark.served


def test_stop_idle_a_grace_tags_first_and_stops_later(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, rooms = account(lab := KINDS["kernel"][1]("kernel-001"))
    assert stop(capsys, "--grace", "30m", "--dry-run").data["notebooks"][0]["step"] == "mark"
    assert lab.tags == {}
    [row] = stop(capsys, "--grace", "30m").data["notebooks"]
    assert (row["verdict"], row["action"], row["outcome"], row["step"]) == ("idle", "keep", None, "mark")
    marked = lab.tags[MARK]
    assert stop(capsys, "--grace", "30m").data["notebooks"][0]["step"] == "nothing"
    assert (lab.tags[MARK], stops(rooms)) == (marked, {})
    lab.tags[MARK] = grace_tag(lab.arn, 31 * MINUTE)
    assert stop(capsys, "--grace", "30m").code == 0
    assert stops(rooms) == {"kernel-001": 1}


def test_stop_idle_the_tag_goes_when_work_resumes(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, rooms = account(*(KINDS[kind][1](f"{kind}-001") for kind in ("computes", "terminal", "half")))
    for lab in rooms.labs.values():
        lab.tags[MARK] = grace_tag(lab.arn, 2 * HOUR)
    stop(capsys, "--grace", "30m")
    assert [name for name, lab in rooms.labs.items() if MARK in lab.tags] == ["half-001"]
    assert stops(rooms) == {}


def test_stop_idle_one_may_have_started_just_now_where_aws_does_not_say_when(
    account: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was created long ago, which tells nothing of its last start."""
    whole = FakeNotebook.wire
    monkeypatch.setattr(FakeNotebook, "wire", lambda lab: {**whole(lab), "LastModifiedTime": None})
    _, rooms = account(*(KINDS[kind][1](f"{kind}-001") for kind in ("kernel", "computes")))
    ran = stop(capsys)
    assert {name: row["verdict"] for name, row in rows(ran).items()} == {
        "kernel-001": "unknown",
        "computes-001": "busy",
    }
    assert "AWS does not say when it was last started" in rows(ran)["kernel-001"]["because"]
    assert (ran.code, stops(rooms)) == (5, {})
    listed = run_opskit(capsys, "notebook", "list", "-o", "json").data
    assert {(row["started"], row["usd_since_start"]) for row in listed["notebooks"]} == {(None, None)}
    assert (listed["totals"]["running"], listed["totals"]["usd_since_start"]) == (2, None)


@pytest.mark.parametrize(
    "value", ["soon", 31 * MINUTE, -2 * HOUR, 99 * HOUR, ""], ids=["no time", "typed", "to come", "long ago", "empty"]
)
def test_stop_idle_a_tag_that_cannot_be_true_starts_the_grace_anew(
    value: str | timedelta, account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    _, rooms = account(lab := KINDS["kernel"][1]("kernel-001"))
    written = grace_tag(lab.arn, value) if isinstance(value, timedelta) else value
    lab.tags[MARK] = iso(value) if value == 31 * MINUTE and isinstance(value, timedelta) else written
    [row] = stop(capsys, "--grace", "30m").data["notebooks"]
    assert (stops(rooms), row["grace_begun"]) == ({}, True)
    began = parse_grace_tag(lab.tags[MARK], lab.arn)
    assert began is not None
    assert abs(datetime.now(UTC) - began.since) < HOUR


def test_stop_idle_a_tag_that_cannot_be_set_is_said(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    aws, _ = account(KINDS["kernel"][1]("kernel-001"))
    aws.fault = lambda operation, region: DENIED if operation == "AddTags" else None
    ran = stop(capsys, "--grace", "30m")
    assert (ran.code, ran.data["notebooks"][0]["outcome"]) == (5, "refused")
    assert [error["code"] for error in ran.envelope["errors"]] == ["tag-failed"]


def test_stop_idle_max_age_is_said_aloud(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, rooms = account(*(KINDS[kind][1](f"{kind}-001") for kind in ("terminal", "computes", "half", "kept")))
    ran = run_opskit(capsys, "notebook", "stop", "--idle", "--max-age", "4h")
    assert stops(rooms) == {"terminal-001": 1}
    assert "Stopped by --max-age although it may have been in use: terminal-001" in ran.out + ran.err


def test_stop_idle_a_save_one_second_ago_is_busy_for_as_long_as_tab_age_says(
    account: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, rooms = account(lab := FakeNotebook("lab-001", used=datetime.now(UTC)).kernel("idle", 3 * HOUR))
    [row] = stop(capsys).data["notebooks"]
    assert (row["verdict"], row["idle_seconds"] < 60, lab.stops) == ("busy", True, 0)
    assert "less than --tab-age 4h" in row["because"]
    [row] = run_opskit(capsys, "notebook", "list", "-o", "json").data["notebooks"]
    assert (row["verdict"], "less than --tab-age 4h" in row["because"]) == ("busy", True)
    monkeypatch.setenv("OPSKIT_NOTEBOOK_TAB_AGE", "2h")
    [row] = run_opskit(capsys, "notebook", "list", "-o", "json").data["notebooks"]
    assert row["verdict"] == "idle"
    [row] = stop(capsys, "--grace", "30m").data["notebooks"]
    assert (row["verdict"], row["step"], row["rule"], round(row["idle_seconds"] / 3600)) == (
        "idle",
        "mark",
        "tab-age",
        3,
    )
    assert "perhaps saves, or an open browser tab" in row["because"]
    assert stop(capsys, "--tab-age", "200m").data["notebooks"][0]["verdict"] == "busy"
    stop(capsys)
    assert stops(rooms) == {"lab-001": 1}


def test_stop_idle_ignored_terminals_are_ignored_whatever_jupyter_tells_of_them(
    account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    made: dict[str, FakeNotebook] = {
        "typed": FakeNotebook("typed").kernel("idle", OLD).terminal(MINUTE),
        "of-old": FakeNotebook("of-old").kernel("idle", OLD).terminal(None),
        "broken": FakeNotebook("broken", fault=failing("terminals", Fault(500))).kernel("idle", OLD),
        "saved": FakeNotebook("saved", used=datetime.now(UTC)).kernel("idle", 2 * HOUR).terminal(MINUTE),
    }
    _, rooms = account(*made.values())
    stop(capsys, "--ignore-terminals")
    assert stops(rooms) == {"typed": 1, "of-old": 1, "broken": 1}


def test_stop_idle_what_is_in_maintenance_may_bill_and_is_said_to(
    account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = ("pending-maintenance", "waits-for-maintenance", "in-maintenance")
    _, rooms = account(*(KINDS[kind][1](f"{kind}-001") for kind in kinds))
    ran = stop(capsys)
    assert all("may bill" in row["because"] for row in rows(ran).values() if row["outcome"] != "done")
    assert (ran.code, stops(rooms)) == (5, {"pending-maintenance-001": 1})


@pytest.mark.parametrize("source", EvidenceSource)
def test_stop_idle_reads_each_source_again_before_a_stop_and_names_it(
    source: EvidenceSource, account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A source that is not read again there leaves nothing to stop on; one without a word of its own would be told as
    another; and the policy for it has no more than what it calls.
    """
    aws, rooms = account(KINDS["kernel"][1]("kernel-001"))
    rooms.log = {"kernel-001": datetime.now(UTC) - OLD}
    trusts = ("--trust-logs",) if source.is_log else ()
    [row] = stop(capsys, "--evidence", source.value, *trusts).data["notebooks"]
    assert (row["evidence"], row["outcome"], stops(rooms)) == (source.value, "done", {"kernel-001": 1})
    granted = {call.partition(":")[2] for call in calls_of_command("notebook stop", {"--evidence": source.value})}
    assert {operation for operation, *_ in aws.calls} - granted == set()
    [row] = run_opskit(capsys, "notebook", "list", "--evidence", source.value, "-o", "json").data["notebooks"]
    assert row["evidence"] in (source.value, "status")


def test_stop_idle_logs_report_and_stop_only_when_trusted(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    aws, rooms = account(*(KINDS["kernel"][1](f"kernel-{at:03}") for at in range(3)))
    rooms.log = {"kernel-000": datetime.now(UTC) - OLD, "kernel-001": datetime.now(UTC) - MINUTE}
    ran = stop(capsys, "--evidence", "logs")
    told = [(row["verdict"], row["evidence"], (row["idle_seconds"] or 0) // 3600) for row in ran.data["notebooks"]]
    assert told == [("unknown", "logs", 5), ("busy", "logs", 0), ("unknown", "logs", 0)]
    assert (ran.code, stops(rooms), aws.count("CreatePresignedNotebookInstanceUrl")) == (5, {}, 0)
    assert stop(capsys, "--trust-logs").code == 2
    stop(capsys, "--evidence", "logs", "--trust-logs")
    assert stops(rooms) == {"kernel-000": 1}
