"""``notebook stop --idle`` against an AWS and Jupyters that are not the sandbox's, with a truth that is known."""

from __future__ import annotations

import logging
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import opskit.__main__
from opskit.notebooks.rules.grace_tag import parse_grace_tag
from opskit.state.journal import journal_entries
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, GARBLED, THROTTLED, FakeAws, Fault
from tests.fakes.fake_notebooks import HANGS, FakeNotebook, FakeNotebooks, Untidiness, serve_notebooks
from tests.fakes.grace_tags import grace_tag
from tests.prefork import BASE_MODULES, start_forkserver
from tests.seeds import few_of_many
from tests.waiting import wait_until

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
OLD = 5 * HOUR
MARK = "opskit:idle-since"
LONG_SECONDS, SHORT_SECONDS = 600.0, 0.5
"""What a Jupyter gets for its answers where they must come however busy this machine is, and where none need."""


def failing(what: str, fault: Fault) -> Callable[[str], Fault | None]:
    return lambda asked: fault if what in ("everything", asked) else None


def odd_time(lab: FakeNotebook) -> FakeNotebook:
    lab.kernels[0]["last_activity"] = "yesterday"
    return lab


def iso(ago: timedelta) -> str:
    return (datetime.now(UTC) - ago).isoformat(timespec="seconds")


Make = Callable[[str], FakeNotebook]
KINDS: dict[str, tuple[str, Make]] = {
    "kernel": ("idle", lambda name: FakeNotebook(name).kernel("idle", OLD)),
    "two-kernels": ("idle", lambda name: FakeNotebook(name).kernel("idle", OLD).kernel("idle", 2 * HOUR)),
    "nothing-open": ("idle", FakeNotebook),
    "stuck-in-starting": ("idle", lambda name: FakeNotebook(name).kernel("starting", OLD)),
    "dead": ("idle", lambda name: FakeNotebook(name).kernel("dead", OLD)),
    "tab-open": ("idle", lambda name: FakeNotebook(name, used=datetime.now(UTC)).kernel("idle", OLD, 1)),
    "kept-no-more": (
        "idle",
        lambda name: FakeNotebook(name, tags={"opskit:keep-until": iso(HOUR)}).kernel("idle", OLD),
    ),
    "clock-ahead": ("idle", lambda name: FakeNotebook(name, ahead=5 * MINUTE).kernel("idle", 61 * MINUTE)),
    "clock-behind": ("idle", lambda name: FakeNotebook(name, ahead=-5 * MINUTE).kernel("idle", 61 * MINUTE)),
    "computes": ("busy", lambda name: FakeNotebook(name).kernel("busy", OLD)),
    "computes-beside": ("busy", lambda name: FakeNotebook(name).kernel("idle", OLD).kernel("busy", OLD, 2)),
    "just-used": ("busy", lambda name: FakeNotebook(name).kernel("idle", MINUTE)),
    "used-clock-behind": ("busy", lambda name: FakeNotebook(name, ahead=-5 * MINUTE).kernel("idle", 56 * MINUTE)),
    "opened": ("busy", lambda name: FakeNotebook(name).kernel("starting", OLD, 1)),
    "browsed": ("busy", lambda name: FakeNotebook(name, since=datetime.now(UTC) - 3 * HOUR, used=datetime.now(UTC))),
    "saved": ("busy", lambda name: FakeNotebook(name, used=datetime.now(UTC)).kernel("idle", 2 * HOUR)),
    "launcher-left-open": ("idle", lambda name: FakeNotebook(name, used=datetime.now(UTC))),
    "terminals-off": (
        "idle",
        lambda name: FakeNotebook(name, fault=failing("terminals", Fault(404))).kernel("idle", OLD),
    ),
    "terminal-of-old": ("unknown", lambda name: FakeNotebook(name).kernel("idle", OLD).terminal(None)),
    "pending-maintenance": ("idle", lambda name: FakeNotebook(name, status="PendingMaintenance").kernel("idle", OLD)),
    "waits-for-maintenance": ("busy", lambda name: FakeNotebook(name, status="PendingMaintenance").kernel("busy", OLD)),
    "in-maintenance": ("unknown", lambda name: FakeNotebook(name, status="InMaintenance").kernel("idle", OLD)),
    "typed": ("busy", lambda name: FakeNotebook(name).terminal(MINUTE)),
    "terminal": ("unknown", lambda name: FakeNotebook(name).kernel("idle", OLD).terminal(OLD)),
    "just-started": ("starting", lambda name: FakeNotebook(name, since=datetime.now(UTC) - MINUTE)),
    "pending": ("starting", lambda name: FakeNotebook(name, status="Pending")),
    "kept": ("protected", lambda name: FakeNotebook(name, tags={"opskit:keep": "thesis"}).kernel("idle", OLD)),
    "kept-until": (
        "protected",
        lambda name: FakeNotebook(name, tags={"opskit:keep-until": iso(-HOUR)}).kernel("idle", OLD),
    ),
    "kept-oddly": (
        "protected",
        lambda name: FakeNotebook(name, tags={"opskit:keep-until": "soon"}).kernel("idle", OLD),
    ),
    "stopped": ("stopped", lambda name: FakeNotebook(name, status="Stopped")),
    "silent": ("unknown", lambda name: FakeNotebook(name, fault=failing("everything", CLOSED)).kernel("idle", OLD)),
    "broken": ("unknown", lambda name: FakeNotebook(name, fault=failing("terminals", Fault(500))).kernel("idle", OLD)),
    "half": ("unknown", lambda name: FakeNotebook(name, fault=failing("sessions", GARBLED)).kernel("idle", OLD)),
    "odd-time": ("unknown", lambda name: odd_time(FakeNotebook(name).kernel("idle", OLD))),
    "slow": (
        "unknown",
        lambda name: FakeNotebook(name, fault=failing("kernels", Fault(404, seconds=3.0))).kernel("idle", OLD),
    ),
}


MANY = pytest.mark.parametrize("many", [len(KINDS), pytest.param(20 * len(KINDS), marks=pytest.mark.soak)])


def mixed(many: int, but: tuple[str, ...] = ()) -> list[FakeNotebook]:
    """So many notebooks, of all kinds in turn, but some; each is named after its kind."""
    kinds = [each for each in KINDS.items() if each[0] not in but]
    return [
        make(f"{instance_type}-{at:03}") for at in range(many) for instance_type, (_, make) in [kinds[at % len(kinds)]]
    ]


def truth(name: str) -> str:
    return KINDS[name[:-4]][0]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[FakeAws, FakeNotebooks]]]:
    """Makes an account with these notebooks, that clients made in this process talk to. Nobody waits for long in it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setattr("opskit.notebooks.reads.jupyter.TIMEOUT_SECONDS", LONG_SECONDS)
    monkeypatch.setenv("OPSKIT_READ_TIMEOUT", f"{LONG_SECONDS}s")
    monkeypatch.setattr("opskit.aws.client.random.uniform", lambda low, high: 0.0)
    monkeypatch.setattr("opskit.aws.adaptive_pacing.FIRST_PER_SECOND", 200.0)
    monkeypatch.setattr("opskit.aws.adaptive_pacing.SLOWEST_PER_SECOND", 100.0)
    running = []

    def made(*labs: FakeNotebook) -> tuple[FakeAws, FakeNotebooks]:
        aws, rooms = FakeAws(), FakeNotebooks.of(*labs)
        running.append(serve_notebooks(aws, rooms))
        running[-1].__enter__()
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        return aws, rooms

    yield made
    for each in running:
        each.__exit__(None, None, None)


def stop(capsys: pytest.CaptureFixture[str], *words: str) -> CliResult:
    return run_opskit(capsys, "notebook", "stop", "--idle", "-o", "json", *words)


def rows(ran: CliResult) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in ran.data["notebooks"]}


def stops(rooms: FakeNotebooks) -> dict[str, int]:
    return {name: lab.stops for name, lab in rooms.labs.items() if lab.stops}


def idle_ones(rooms: FakeNotebooks) -> dict[str, int]:
    return {name: 1 for name in rooms.labs if truth(name) == "idle"}


def no_key_is_told(rooms: FakeNotebooks, home: Path, *told: str) -> None:
    files = "".join(path.read_bytes().decode("latin-1") for path in home.rglob("*") if path.is_file())
    assert rooms.keys
    for key in rooms.keys:
        assert key not in files + "".join(told)


@MANY
def test_many_of_all_kinds(
    many: int, account: Any, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, isolated_home: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    aws, rooms = account(*mixed(many))
    ran = stop(capsys, "--limit", str(many), "--verbose")
    assert ran.code == 5, "some could not be read"
    assert {name: row["verdict"] for name, row in rows(ran).items()} == {name: truth(name) for name in rooms.labs}
    assert stops(rooms) == idle_ones(rooms)
    assert {name for name, row in rows(ran).items() if row["outcome"] == "done"} == set(idle_ones(rooms))
    assert all(row["because"] for row in rows(ran).values())
    assert aws.gauge.most <= 16
    no_key_is_told(rooms, isolated_home, caplog.text, ran.out, ran.err)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_the_hosts_zone_does_not_matter(
    zone: str, account: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, rooms = account(*mixed(len(KINDS), but=("slow",)))
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        ran = stop(capsys, "--limit", "99")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert {name: row["verdict"] for name, row in rows(ran).items()} == {name: truth(name) for name in rooms.labs}
    assert stops(rooms) == idle_ones(rooms)


@MANY
def test_faults_stop_nothing_that_works(
    many: int, account: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, isolated_home: Path
) -> None:
    monkeypatch.setenv("OPSKIT_READ_TIMEOUT", f"{SHORT_SECONDS}s")
    monkeypatch.setattr("opskit.notebooks.reads.jupyter.TIMEOUT_SECONDS", SHORT_SECONDS)
    chance = random.Random(1)
    late = Fault(0, seconds=2 * SHORT_SECONDS)
    aws, rooms = account(*mixed(many))

    def unlucky(*faults: Fault) -> Fault | None:
        return chance.choice(faults) if chance.random() < 0.2 else None

    aws.fault = lambda operation, region: unlucky(BROKEN, CLOSED, THROTTLED, GARBLED, BROKEN, CLOSED, GARBLED, late)
    for lab in rooms.labs.values():
        own = lab.fault
        lab.fault = lambda asked, own=own: own(asked) or unlucky(Fault(500), CLOSED, GARBLED, GARBLED, HANGS)
    ran = stop(capsys, "--limit", str(many))
    assert ran.code in (4, 5)
    assert set(stops(rooms)) <= set(idle_ones(rooms))
    for row in ran.data.get("notebooks", ()):
        assert row["verdict"] in (truth(row["name"]), "unknown", "stopped"), row
    quiet(aws, rooms)
    monkeypatch.setenv("OPSKIT_READ_TIMEOUT", f"{LONG_SECONDS}s")
    monkeypatch.setattr("opskit.notebooks.reads.jupyter.TIMEOUT_SECONDS", LONG_SECONDS)
    stop(capsys, "--limit", str(many))
    assert stops(rooms) == idle_ones(rooms), "each idle one stops, and none twice"
    no_key_is_told(rooms, isolated_home, ran.out, ran.err)


def quiet(aws: FakeAws, rooms: FakeNotebooks) -> None:
    """No more faults but those that a notebook has by its kind."""
    aws.fault = lambda operation, region: None
    for name, lab in rooms.labs.items():
        lab.fault = KINDS[name[:-4]][1](name).fault


def test_a_jupyter_that_hangs_costs_the_others_nothing(
    account: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that hang may take until all others are done, and no longer."""
    labs = [KINDS["kernel"][1](f"kernel-{at:03}") for at in range(40)]
    account(*labs)
    done = set[str]()

    def hang(asked: str) -> Fault | None:
        wait_until(lambda: len(done) >= len(labs) - 3)
        return Fault(500)

    for lab in labs[:3]:
        lab.fault = hang
    for lab in labs[3:]:
        lab.fault = lambda asked, name=lab.name: done.add(name) if asked == "sessions" else None  # type: ignore[misc]
    ran = stop(capsys, "--dry-run")
    assert Counter(row["verdict"] for row in rows(ran).values()) == {"idle": 37, "unknown": 3}


def test_more_regions_than_lines(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    labs = mixed(len(KINDS) - 1, but=("slow",))[::3]
    aws, rooms = account(*labs)
    regions = [f"eu-west-{number}" for number in range(1, 8)]
    words = [word for region in regions for word in ("--region", region)]
    ran = stop(capsys, "--dry-run", *words)
    assert len(ran.data["notebooks"]) == len(labs) * len(regions)
    assert aws.gauge.most <= 16
    assert stops(rooms) == {}


def test_a_region_that_is_silent_hides_no_other(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    aws, rooms = account(KINDS["kernel"][1]("kernel-001"))
    aws.fault = lambda operation, region: DENIED if region == "eu-west-1" else None
    ran = stop(capsys, "--region", "us-east-1", "--region", "eu-west-1")
    assert (ran.code, stops(rooms)) == (5, {"kernel-001": 1})
    assert [error["region"] for error in ran.envelope["errors"]] == ["eu-west-1"]


def test_more_than_the_limit_needs_a_yes_and_shows_the_plan(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, rooms = account(*[KINDS["kernel"][1](f"kernel-{at:03}") for at in range(3)])
    ran = stop(capsys, "--limit", "2")
    assert (ran.code, stops(rooms)) == (3, {})
    assert [(row["action"], row["outcome"]) for row in ran.data["notebooks"]] == [("stop", "refused")] * 3
    assert [error["code"] for error in ran.envelope["errors"]] == ["over-limit"]
    assert stop(capsys, "--limit", "2", "--dry-run").code == 3
    assert stop(capsys, "--limit", "2", "--yes").code == 0
    assert len(stops(rooms)) == 3


def test_only_what_is_meant_is_looked_at(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    make = KINDS["kernel"][1]
    labs = [make("team-001"), make("team-002"), make("other-001")]
    aws, rooms = account(*labs)
    labs[0].tags["team"] = "blue"
    assert set(rows(stop(capsys, "--match", "team-*", "--dry-run"))) == {"team-001", "team-002"}
    assert aws.count("CreatePresignedNotebookInstanceUrl") == 2
    assert set(rows(stop(capsys, "--tag", "team=blue"))) == {"team-001"}
    assert stops(rooms) == {"team-001": 1}
    aws.fault = lambda operation, region: DENIED if operation == "ListTags" else None
    ran = stop(capsys, "--tag", "team=blue")
    assert (ran.code, {row["verdict"] for row in ran.data["notebooks"]}) == (5, {"unknown", "stopped"})
    assert run_opskit(capsys, "notebook", "stop", "--idle", "--tag", "team").code == 2


@pytest.mark.parametrize(("kind", "code"), [("terminal", 0), ("half", 5)])
def test_what_a_verdict_makes_of_the_exit(
    kind: str, code: int, account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    _, rooms = account(KINDS[kind][1](f"{kind}-001"))
    assert stop(capsys).code == code
    rooms.labs[f"{kind}-001"].tags["opskit:unreadable-ok"] = "its VPC lets nobody in"
    assert stop(capsys).code == 0
    assert stops(rooms) == {}


def test_a_grace_tags_first_and_stops_later(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_the_tag_goes_when_work_resumes(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, rooms = account(*(KINDS[kind][1](f"{kind}-001") for kind in ("computes", "terminal", "half")))
    for lab in rooms.labs.values():
        lab.tags[MARK] = grace_tag(lab.arn, 2 * HOUR)
    stop(capsys, "--grace", "30m")
    assert [name for name, lab in rooms.labs.items() if MARK in lab.tags] == ["half-001"]
    assert stops(rooms) == {}


@pytest.mark.parametrize(
    "value", ["soon", 31 * MINUTE, -2 * HOUR, 99 * HOUR, ""], ids=["no time", "typed", "to come", "long ago", "empty"]
)
def test_a_tag_that_cannot_be_true_starts_the_grace_anew(
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


def test_a_tag_that_cannot_be_set_is_said(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    aws, _ = account(KINDS["kernel"][1]("kernel-001"))
    aws.fault = lambda operation, region: DENIED if operation == "AddTags" else None
    ran = stop(capsys, "--grace", "30m")
    assert (ran.code, ran.data["notebooks"][0]["outcome"]) == (5, "refused")
    assert [error["code"] for error in ran.envelope["errors"]] == ["tag-failed"]


def test_max_age_is_said_aloud(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, rooms = account(*(KINDS[kind][1](f"{kind}-001") for kind in ("terminal", "computes", "half", "kept")))
    ran = run_opskit(capsys, "notebook", "stop", "--idle", "--max-age", "4h")
    assert stops(rooms) == {"terminal-001": 1}
    assert "Stopped by --max-age although it may have been in use: terminal-001" in ran.out + ran.err


def test_a_save_one_second_ago_is_busy_for_as_long_as_tab_age_says(
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


def test_ignored_terminals_are_ignored_whatever_jupyter_tells_of_them(
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


def test_what_is_in_maintenance_may_bill_and_is_said_to(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = ("pending-maintenance", "waits-for-maintenance", "in-maintenance")
    _, rooms = account(*(KINDS[instance_type][1](f"{instance_type}-001") for instance_type in kinds))
    ran = stop(capsys)
    assert all("may bill" in row["because"] for row in rows(ran).values() if row["outcome"] != "done")
    assert (ran.code, stops(rooms)) == (5, {"pending-maintenance-001": 1})


def test_logs_report_and_stop_only_when_trusted(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    aws, rooms = account(*(KINDS["kernel"][1](f"kernel-{at:03}") for at in range(3)))
    rooms.log = {"kernel-000": datetime.now(UTC) - OLD, "kernel-001": datetime.now(UTC) - MINUTE}
    ran = stop(capsys, "--evidence", "logs")
    told = [(row["verdict"], row["evidence"], (row["idle_seconds"] or 0) // 3600) for row in ran.data["notebooks"]]
    assert told == [("unknown", "logs", 5), ("busy", "logs", 0), ("unknown", "logs", 0)]
    assert (ran.code, stops(rooms), aws.count("CreatePresignedNotebookInstanceUrl")) == (5, {}, 0)
    assert stop(capsys, "--trust-logs").code == 2
    stop(capsys, "--evidence", "logs", "--trust-logs")
    assert stops(rooms) == {"kernel-000": 1}


def test_without_leave_to_look_it_says_what_else_there_is(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    aws, rooms = account(KINDS["kernel"][1]("kernel-001"))
    denied = "CreatePresignedNotebookInstanceUrl"
    aws.fault = lambda operation, region: DENIED if operation == denied else None
    ran = stop(capsys)
    assert (ran.code, stops(rooms)) == (5, {})
    assert "--evidence logs" in ran.data["notebooks"][0]["because"]


@pytest.mark.parametrize("answer", [{"AuthorizedUrl": None}, {"Other": "x"}, {}, {"AuthorizedUrl": 5}])
def test_an_aws_that_talks_nonsense_is_unreadable(
    answer: Any, account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws, rooms = account(KINDS["kernel"][1]("kernel-001"))
    aws.running["CreatePresignedNotebookInstanceUrl"] = lambda asked: answer
    assert (stop(capsys).code, stops(rooms)) == (5, {})


def test_somebody_who_begins_to_work_meanwhile_is_seen(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    aws, rooms = account(KINDS["kernel"][1]("kernel-001"))
    ways_in: Counter[str] = Counter()

    def begin(operation: str, region: str) -> Fault | None:
        ways_in[operation] += 1
        if operation == "CreatePresignedNotebookInstanceUrl" and ways_in[operation] == 2:
            # The last look is still to come. Within it, what is asked first is nobody's to say.
            rooms.labs["kernel-001"].kernel("busy", MINUTE)
        return None

    aws.fault = begin
    ran = stop(capsys)
    assert (ran.code, stops(rooms)) == (0, {})
    assert [(row["verdict"], row["action"], row["outcome"]) for row in ran.data["notebooks"]] == [
        ("busy", "keep", None)
    ]


@pytest.mark.parametrize("fault", [DENIED, Fault(400, "ValidationException", "Status (Updating) not in ([InService])")])
def test_what_aws_refuses_is_said_and_hinders_no_other(
    fault: Fault, account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws, rooms = account(*(KINDS["kernel"][1](f"kernel-{at:03}") for at in range(2)))
    refused = iter([fault])
    aws.fault = lambda operation, region: next(refused, None) if operation == "StopNotebookInstance" else None
    ran = stop(capsys)
    assert (ran.code, len(stops(rooms))) == (5, 1)
    assert sorted(row["outcome"] for row in ran.data["notebooks"]) == ["done", "refused"]
    assert [error["code"] for error in ran.envelope["errors"]] == ["stop-failed"]


def test_a_stop_whose_answer_is_lost_is_looked_up(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    aws, rooms = account(KINDS["kernel"][1]("kernel-001"))
    taken = aws.running["StopNotebookInstance"]

    def lost(asked: Any) -> Fault:
        taken(asked)
        return CLOSED

    aws.running["StopNotebookInstance"] = lost
    ran = stop(capsys)
    assert (ran.code, ran.data["notebooks"][0]["outcome"], stops(rooms)) == (0, "done", {"kernel-001": 1})


def restless(account: Any, many: int, seed: int, **shares: Any) -> FakeNotebooks:
    """An account of idle notebooks in which something happens all the time."""
    _, rooms = account(*(KINDS["kernel"][1](f"kernel-{at:03}") for at in range(many)))
    rooms.untidy = Untidiness(random.Random(seed), **shares)
    found: FakeNotebooks = rooms
    return found


@pytest.mark.parametrize("seed", few_of_many(1, 4))
def test_no_throttled_stop_is_sent_again_without_a_whole_look(
    seed: int, account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rooms = restless(account, 20, seed, throttles=0.5, wakes=0.01, keeps=0.005, loses=0.05, forgets=0.05)
    ran = stop(capsys, "--limit", "99")
    assert rooms.throttled > 0
    assert [taken for taken in rooms.taken if taken.not_asked] == []
    outcomes = Counter(row["outcome"] for row in rows(ran).values())
    assert outcomes["refused"] == 0, "each that is still idle is stopped in the end"
    assert all(lab.stops == 1 for name, lab in rooms.labs.items() if rows(ran)[name]["outcome"] == "done")
    assert all(lab.disturbed or rows(ran)[name]["outcome"] for name, lab in rooms.labs.items())


def test_a_keep_that_is_confirmed_before_the_last_look_wins(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    aws, rooms = account(lab := KINDS["kernel"][1]("kernel-001"))

    def keep_it_then(operation: str, region: str) -> Fault | None:
        if operation == "StopNotebookInstance":
            lab.add_keep_tags()
            return THROTTLED
        return None

    aws.fault = keep_it_then
    [row] = stop(capsys).data["notebooks"]
    assert (row["verdict"], row["action"], row["outcome"]) == ("protected", "keep", None)
    assert "I am working in it" in row["because"]
    assert stops(rooms) == {}


def test_nothing_lies_between_the_last_look_and_the_stop(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The journal asks AWS who we are; that may take its time, so it is over before the look begins."""
    aws, rooms = account(KINDS["kernel"][1]("kernel-001"))
    stop(capsys)
    called = [operation for operation, _ in aws.calls]
    sent = called.index("StopNotebookInstance")
    last = called.index("DescribeNotebookInstance")
    assert called.index("GetCallerIdentity") < last < sent
    assert set(called[last:sent]) <= {"DescribeNotebookInstance", "ListTags"}
    assert stops(rooms) == {"kernel-001": 1}


OPSKIT = [opskit.__main__.__file__, "notebook", "stop", "--idle", "--limit", "99", "-o", "json"]


KILLS = [("done", 2), ("asked", 3), ("looked", 2)]
"""At what of a run its process is killed: the second write that was done, and nobody hears of it; the third that was
asked for, and is done only later; a look at tags, before anything is written.
"""


@pytest.mark.parametrize("grace", [(), ("--grace", "30m")], ids=["at once", "with a grace"])
@pytest.mark.parametrize("many", [18, pytest.param(2 * len(KINDS), marks=pytest.mark.soak)])
def test_stop_idle_killed_at_any_point_and_run_again(
    many: int, grace: tuple[str, ...], account: Any, tmp_path: Path
) -> None:
    """Nothing is lost and nothing doubled: each idle one stops (or is tagged) once, and the journal knows of it."""
    aws, rooms = account(*mixed(many, but=("silent", "broken", "half", "slow")))
    write = "AddTags" if grace else "StopNotebookInstance"
    told = aws.running[write]
    written: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    doomed: list[Any] = []
    strikes = iter(KILLS)

    def kill_at(what: str, strike: tuple[str, int]) -> None:
        seen[what] += 1
        if doomed and (what, seen[what]) == strike:
            doomed.pop().kill()

    def counted(asked: Any) -> dict[str, Any] | Fault:
        answer: dict[str, Any] | Fault = told(asked)
        written[asked.get("NotebookInstanceName") or asked["ResourceArn"].rpartition("/")[2]] += 1
        kill_at("done", strike)
        return answer

    def struck(operation: str, region: str) -> Fault | None:
        if operation in ("ListTags", write):
            kill_at("asked" if operation == write else "looked", strike)
        return None

    aws.running[write] = counted
    aws.fault = struck
    codes = []
    with (tmp_path / "said").open("w") as said:
        for strike in (*strikes, ("", 0)):
            seen.clear()
            words, said_to = [*OPSKIT, *grace], said.fileno()
            process = start_forkserver(*BASE_MODULES).start(words, tmp_path, os.environ, said_to, said_to)
            doomed[:] = [process] if strike[0] else []
            codes.append(process.wait())
    assert codes[:3] == [-signal.SIGKILL] * 3
    assert codes[-1] in (0, 5)
    if grace:
        assert {name for name, lab in rooms.labs.items() if MARK in lab.tags} == set(idle_ones(rooms))
    else:
        assert stops(rooms) == idle_ones(rooms)
    assert dict(written) == idle_ones(rooms)
    journal = journal_entries(datetime.now(UTC) - HOUR)
    assert {entry.subject for entry in journal} == set(idle_ones(rooms))
    assert max(Counter(entry.subject for entry in journal if entry.outcome == "done").values()) == 1
