"""``notebook stop --idle`` against an AWS and Jupyters that are not the sandbox's, with a truth that is known."""

from __future__ import annotations

import io
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, GARBLED, THROTTLED, FakeAws, Fault
from tests.fakes.fake_jupyter import HANGS
from tests.fakes.fake_notebooks import FakeNotebooks
from tests.fakes.notebook_kinds import (
    KINDS,
    LONG_SECONDS,
    MANY,
    SHORT_SECONDS,
    idle_ones,
    mixed,
    no_key_is_told,
    rows,
    stop,
    stops,
    truth,
)
from tests.waiting import wait_until

pytestmark = pytest.mark.served


@MANY
def test_stop_idle_many_of_all_kinds(
    many: int, account: Any, capsys: pytest.CaptureFixture[str], logged: io.StringIO, isolated_home: Path
) -> None:
    aws, rooms = account(*mixed(many))
    aws.on_wire = True
    ran = stop(capsys, "--limit", str(many), "--verbose")
    assert ran.code == 5, "some could not be read"
    assert {name: row["verdict"] for name, row in rows(ran).items()} == {name: truth(name) for name in rooms.labs}
    assert stops(rooms) == idle_ones(rooms)
    assert {name for name, row in rows(ran).items() if row["outcome"] == "done"} == set(idle_ones(rooms))
    assert all(row["because"] for row in rows(ran).values())
    assert aws.gauge.most <= 16
    no_key_is_told(rooms, isolated_home, logged.getvalue(), ran.out, ran.err)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_stop_idle_the_hosts_zone_does_not_matter(
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
def test_stop_idle_faults_stop_nothing_that_works(
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


def test_stop_idle_a_jupyter_that_hangs_costs_the_others_nothing(
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


def test_stop_idle_more_regions_than_lines(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    labs = mixed(len(KINDS) - 1, but=("slow",))[::3]
    aws, rooms = account(*labs)
    aws.on_wire = True
    regions = [f"eu-west-{number}" for number in range(1, 8)]
    words = [word for region in regions for word in ("--region", region)]
    ran = stop(capsys, "--dry-run", *words)
    assert len(ran.data["notebooks"]) == len(labs) * len(regions)
    assert aws.gauge.most <= 16
    assert stops(rooms) == {}


def test_stop_idle_a_region_that_is_silent_hides_no_other(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
    aws, rooms = account(KINDS["kernel"][1]("kernel-001"))
    aws.fault = lambda operation, region: DENIED if region == "eu-west-1" else None
    ran = stop(capsys, "--region", "us-east-1", "--region", "eu-west-1")
    assert (ran.code, stops(rooms)) == (5, {"kernel-001": 1})
    assert [error["region"] for error in ran.envelope["errors"]] == ["eu-west-1"]


def test_stop_idle_more_than_the_limit_needs_a_yes_and_shows_the_plan(
    account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    _, rooms = account(*[KINDS["kernel"][1](f"kernel-{at:03}") for at in range(3)])
    ran = stop(capsys, "--limit", "2")
    assert (ran.code, stops(rooms)) == (3, {})
    assert [(row["action"], row["outcome"]) for row in ran.data["notebooks"]] == [("stop", "refused")] * 3
    assert [error["code"] for error in ran.envelope["errors"]] == ["over-limit"]
    assert stop(capsys, "--limit", "2", "--dry-run").code == 3
    assert stop(capsys, "--limit", "2", "--yes").code == 0
    assert len(stops(rooms)) == 3


def test_stop_idle_only_what_is_meant_is_looked_at(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
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
def test_stop_idle_what_a_verdict_makes_of_the_exit(
    kind: str, code: int, account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    _, rooms = account(KINDS[kind][1](f"{kind}-001"))
    assert stop(capsys).code == code
    rooms.labs[f"{kind}-001"].tags["opskit:unreadable-ok"] = "its VPC lets nobody in"
    assert stop(capsys).code == 0
    assert stops(rooms) == {}


def test_stop_idle_without_leave_to_look_it_says_what_else_there_is(
    account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws, rooms = account(KINDS["kernel"][1]("kernel-001"))
    denied = "CreatePresignedNotebookInstanceUrl"
    aws.fault = lambda operation, region: DENIED if operation == denied else None
    ran = stop(capsys)
    assert (ran.code, stops(rooms)) == (5, {})
    assert "--evidence logs" in ran.data["notebooks"][0]["because"]


@pytest.mark.parametrize("answer", [{"AuthorizedUrl": None}, {"Other": "x"}, {}, {"AuthorizedUrl": 5}])
def test_stop_idle_an_aws_that_talks_nonsense_is_unreadable(
    answer: Any, account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws, rooms = account(KINDS["kernel"][1]("kernel-001"))
    aws.running["CreatePresignedNotebookInstanceUrl"] = lambda asked: answer
    assert (stop(capsys).code, stops(rooms)) == (5, {})
