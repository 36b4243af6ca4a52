"""A move from one home to another loses nothing, is killed at any call and run again, and writes nothing twice."""

from __future__ import annotations

import importlib
import pkgutil
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

import opskit
from opskit.increases.store import QUEUE_TABLE
from opskit.kept_state.flows import JOURNAL, MOVED_TABLES, MovedState, merge_entries, merge_records, move_state
from opskit.kept_state.render import move_result
from opskit.state.change_outcome import ChangeOutcome
from opskit.state.home import StateHome, local_home
from opskit.state.journal_file import JournalEntry
from opskit.state.records import Record, RecordTable
from tests.fakes.cli_runner import run_opskit
from tests.fakes.faulty_service_quotas import ProcessKilled
from tests.fakes.state_table import REGION, FaultyDynamoDb, faulty_dynamodb, make_table
from tests.seeds import few_of_many
from tests.unit.state.test_recorded_state import RECORDED

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyDynamoDb]:
    with faulty_dynamodb(monkeypatch) as faults:
        yield faults


@pytest.fixture
def folder(isolated_home: Path) -> Path:
    """A state folder as an older opskit has left it, and a row in each table that it did not have."""
    shutil.copytree(RECORDED / "state", isolated_home / "state", dirs_exist_ok=True)
    for table in MOVED_TABLES:
        row: dict[str, Any] = {
            column: table.numbers.get(column, str)(1) for column in table.columns if column != "instance_type"
        }
        dates = dict.fromkeys(("since", "looked", "read_at", "asked_at", "before"), "2026-11-26T10:00:00+00:00")
        row |= {name: value for name, value in dates.items() if name in row}
        row |= {"instance_type": None, "standing": "queued"} if table is QUEUE_TABLE else {}
        local_home().records.put_records(table, [row])
    return isolated_home / "state" / "opskit"


def contents(home: StateHome, *, queue: bool = True) -> dict[str, Any]:
    """Everything in a home."""
    told: dict[str, Any] = {"journal": home.journal.read_entries(LONG_AGO), "restores": home.journal.read_restores()}
    for table in MOVED_TABLES:
        if queue or table is not QUEUE_TABLE:
            told[table.name] = sorted(str(table.row_of(each.record)) for each in home.records.read_everything(table))
    return told


def test_all_kinds_of_records_are_moved() -> None:
    """Whoever adds one adds it there, or has it here as one that belongs to a machine."""
    found: dict[str, RecordTable] = {}
    for module in pkgutil.walk_packages(opskit.__path__, "opskit."):
        if ".store" in module.name or module.name.startswith("opskit.state."):
            loaded = importlib.import_module(module.name)
            found |= {each.name: each for each in vars(loaded).values() if isinstance(each, RecordTable)}
    assert found == {table.name: table for table in MOVED_TABLES}
    counts = Counter[str]()
    told = move_result(MovedState(counts, counts), "local", "dynamodb://opskit").data["moved"]
    assert {each["what"] for each in told} == {JOURNAL, *found}


def test_a_folder_moves_into_a_table_and_back_without_a_loss(
    folder: Path, db: FaultyDynamoDb, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = contents(local_home())
    moved = move_state(local_home(), db.new_home())
    assert moved.found == moved.written
    assert moved.found["journal"] == 23
    assert moved.found["asked"] >= 6
    assert contents(db.new_home()) == before
    assert contents(local_home()) == {**before, "asked": []}
    again = move_state(local_home(), db.new_home())
    assert set(again.written.values()) == {0}
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    move_state(db.new_home(), local_home())
    assert contents(local_home()) == before


@pytest.fixture
def small_folder(folder: Path) -> Path:
    """The same with one entry of the journal for each outcome, so that a move takes a third of the calls."""
    with closing(sqlite3.connect(folder / "journal.sqlite")) as journal, journal:
        journal.execute("DELETE FROM entries WHERE id NOT IN (SELECT min(id) FROM entries GROUP BY outcome)")
    return folder


@pytest.mark.usefixtures("small_folder")
@pytest.mark.parametrize("at", few_of_many(0, 71, also=range(1, 71, 24)))
def test_a_move_that_is_killed_goes_on_when_it_is_run_again(at: int, db: FaultyDynamoDb) -> None:
    before = contents(local_home())
    db.throttled, db.lost_before, db.lost_after = 0.1, 0.05, 0.1
    db.before_call = die_at(at)
    killed = False
    try:
        move_state(local_home(), db.new_home())
    except ProcessKilled:
        killed = True
    db.before_call = lambda name: None
    assert killed or sum(db.calls.values()) < at
    there = contents(db.without_faults().new_home())
    left = set(contents(local_home())["asked"])
    assert left | set(there["asked"]) == set(before["asked"])
    move_state(local_home(), db.new_home())
    assert contents(db.new_home()) == before
    assert contents(local_home())["asked"] == []


def die_at(call: int) -> Callable[[str], None]:
    """A process that is killed at its so many-eth call."""
    made = 0

    def count(name: str) -> None:
        nonlocal made
        made += 1
        if made >= call:
            raise ProcessKilled

    return count


def test_what_was_queued_meanwhile_moves_too(folder: Path, db: FaultyDynamoDb) -> None:
    [first, *_] = local_home().records.read_everything(QUEUE_TABLE)
    attempted = {**first.record, "standing": "attempted", "since": "2026-11-26T12:00:00+00:00"}
    is_changed = False

    def change_once(name: str) -> None:
        nonlocal is_changed
        # After the first copy another run of this machine sends it.
        if name == "PutItem" and not is_changed and db.calls["PutItem"] > 55:
            is_changed = True
            local_home().records.put_records(QUEUE_TABLE, [attempted])

    db.before_call = change_once
    move_state(local_home(), db.new_home())
    assert is_changed
    found = {
        QUEUE_TABLE.key_of(each.record): each.record for each in db.new_home().records.read_everything(QUEUE_TABLE)
    }
    assert found[QUEUE_TABLE.key_of(attempted)]["standing"] == "attempted"
    assert local_home().records.read_everything(QUEUE_TABLE) == []


def entry(outcome: str, detail: str = "") -> JournalEntry:
    return JournalEntry(
        "1", LONG_AGO, None, "aws", None, None, "us-east-1", "stop notebook", "lab", "", outcome, detail
    )


@pytest.mark.parametrize(
    ("theirs", "ours", "is_ours"),
    [
        (ChangeOutcome.STARTED, ChangeOutcome.DONE, True),
        (ChangeOutcome.STARTED, ChangeOutcome.UNKNOWN, True),
        (ChangeOutcome.UNKNOWN, ChangeOutcome.DONE, True),
        ("refused", ChangeOutcome.STARTED, False),
        (ChangeOutcome.DONE, ChangeOutcome.UNKNOWN, False),
        (ChangeOutcome.DONE, ChangeOutcome.DONE, False),
        (ChangeOutcome.STARTED, ChangeOutcome.STARTED, False),
    ],
)
def test_the_better_known_outcome_of_a_change_stays(theirs: str, ours: str, is_ours: bool) -> None:
    merged = merge_entries(entry(theirs, "theirs"), entry(ours, "ours"))
    assert merged == (entry(ours, "ours") if is_ours else None)


def test_an_entry_that_ended_after_it_was_moved_ends_there_too(folder: Path, db: FaultyDynamoDb) -> None:
    begun = replace(entry(ChangeOutcome.STARTED), id="begun-here", started_at=LONG_AGO + timedelta(days=1))
    local_home().journal.add_entry(begun, {"opskit:stopped": "x"})
    move_state(local_home(), db.new_home())
    ended = replace(begun, ended_at=LONG_AGO + timedelta(days=2), outcome=ChangeOutcome.UNKNOWN, detail="?")
    local_home().journal.end_entry(ended)
    assert move_state(local_home(), db.new_home()).written["journal"] == 1
    there = db.new_home().journal
    assert ended in there.read_entries(LONG_AGO).entries
    assert there.read_restores()["begun-here"] == {"opskit:stopped": "x"}


@pytest.mark.parametrize(
    ("theirs", "ours", "standing"),
    [
        (("queued", "2"), ("filed", "1"), "queued"),
        (("queued", "1"), ("filed", "2"), "filed"),
        (("queued", "2"), ("attempted", "1"), "attempted"),
        (("attempted", "1"), ("queued", "2"), "attempted"),
        (("attempted", "1"), ("filed", "2"), "attempted"),
    ],
)
def test_what_may_be_at_aws_stays_so(theirs: tuple[str, str], ours: tuple[str, str], standing: str) -> None:
    rows: list[Record] = [{"standing": state, "since": since} for state, since in (theirs, ours)]
    assert merge_records("asked", *rows)["standing"] == standing


def test_the_command_moves_and_says_what(folder: Path, db: FaultyDynamoDb, capsys: pytest.CaptureFixture[str]) -> None:
    make_table(boto3.client("dynamodb", region_name=REGION), "ours")
    plan = run_opskit(capsys, "state", "move", "--to", "dynamodb://ours", "--dry-run", "-o", "json")
    assert plan.code == 0
    assert {each["what"]: each["written"] for each in plan.data["moved"]}["journal"] == 23
    assert db.calls["PutItem"] == 0
    told = run_opskit(capsys, "state", "move", "--to", "dynamodb://ours", "-o", "json")
    assert (told.code, told.data["from"], told.data["to"]) == (0, "local", "dynamodb://ours")
    assert told.data["moved"] == plan.data["moved"]
    again = run_opskit(capsys, "state", "move", "--to", "dynamodb://ours")
    assert "0 of " in again.out
    same = run_opskit(capsys, "state", "move", "--state", "dynamodb://ours", "--to", "dynamodb://ours", "-o", "json")
    assert (same.code, same.envelope["errors"][0]["code"]) == (2, "same-state")
    missing = run_opskit(capsys, "state", "move", "--to", "dynamodb://none-there", "-o", "json")
    assert missing.code == 4
    assert missing.envelope["errors"][0]["code"] == "state-unusable"
    assert "opskit state template" in missing.envelope["errors"][0]["hint"]
