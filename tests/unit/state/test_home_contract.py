"""What every home of opskit's state does, shown on both: the folder of this machine and a table in an account."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from opskit.state.change_outcome import ChangeOutcome
from opskit.state.home import StateHome, local_home
from opskit.state.journal_file import ChangeKind, JournalEntry, StopDetails
from opskit.state.records import Record, RecordChanged, RecordTable, Value, replace_partition
from tests.fakes.cli_runner import run_opskit
from tests.fakes.state_table import FaultyDynamoDb, faulty_dynamodb

BEGUN = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
FRUIT = RecordTable(
    name="fruit",
    file="fruit.sqlite",
    schema=(
        "CREATE TABLE IF NOT EXISTS fruit"
        " (place TEXT, name TEXT, size REAL, note TEXT, PRIMARY KEY (place, name, size))",
    ),
    columns=("place", "name", "size", "note"),
    key=("place", "name", "size"),
    partition=1,
    numbers={"size": float},
)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyDynamoDb]:
    with faulty_dynamodb(monkeypatch) as faults:
        yield faults


@pytest.fixture(params=["folder", "table", "throttled table"])
def home(request: pytest.FixtureRequest, isolated_home: Path) -> StateHome:
    if request.param == "folder":
        return local_home()
    faults: FaultyDynamoDb = request.getfixturevalue("table")
    if request.param == "throttled table":
        faults.throttled, faults.lost_before, faults.lost_after = 0.2, 0.1, 0.2
    return faults.new_home()


def entry(number: int, **changed: object) -> JournalEntry:
    made = JournalEntry(
        id=f"id-{number}",
        started_at=BEGUN + timedelta(minutes=number),
        ended_at=None,
        endpoint="aws",
        account="123456789012",
        caller="arn:aws:iam::123456789012:user/ada",
        region="us-east-1",
        action="stop notebook",
        subject="lab",
        reason="idle",
        outcome=ChangeOutcome.STARTED,
        detail="",
    )
    return replace(made, **changed)  # type: ignore[arg-type]


KIND = ChangeKind("aws", "123456789012", "us-east-1", "stop notebook", "lab")


def read_all(home: StateHome) -> list[JournalEntry]:
    part = home.journal.read_entries(BEGUN - timedelta(days=400))
    assert not part.damage
    return list(part.entries)


def test_entries_come_back_as_they_were_written_in_the_order_of_writing(home: StateHome) -> None:
    stop = StopDetails(Decimal("0.0464"), BEGUN - timedelta(hours=3))
    later_by_the_clock = entry(5, stop=stop)
    earlier = entry(1, account=None, caller=None, subject="ünïcode # % \n", started_at=BEGUN - timedelta(days=62))
    home.journal.add_entry(later_by_the_clock)
    home.journal.add_entry(earlier, {"opskit:stopped": "a # tag"})
    assert read_all(home) == [later_by_the_clock, earlier]
    assert home.journal.read_restores() == {earlier.id: {"opskit:stopped": "a # tag"}}
    assert home.journal.read_entries(BEGUN).entries == (later_by_the_clock,)


def test_an_entry_is_written_once_and_ends_once(home: StateHome) -> None:
    begun = entry(1)
    home.journal.add_entry(begun)
    ended = replace(begun, ended_at=BEGUN + timedelta(hours=1), outcome=ChangeOutcome.DONE, detail="Stopping")
    home.journal.end_entry(ended)
    home.journal.add_entry(begun)  # as a move that is run again does
    assert read_all(home) == [ended]


def test_a_recorded_change_takes_as_many_requests_as_the_page_says(table: FaultyDynamoDb) -> None:
    home, begun = table.new_home(), entry(1)
    home.journal.add_entry(begun)
    home.journal.end_entry(replace(begun, ended_at=BEGUN, outcome=ChangeOutcome.DONE))
    # The first PutItem of a process makes sure that the month is known.
    assert table.calls == {"Query": 2, "PutItem": 3, "UpdateItem": 1}


def test_the_newest_unknown_change_of_a_kind_is_confirmed_and_no_other(home: StateHome) -> None:
    others = [entry(10, subject="other"), entry(11, account=None), entry(12, region="eu-west-1"), entry(13)]
    changes = [entry(9), *others, entry(1), entry(2)]  # 1 and 2 come last, whatever the clock says
    for each in changes:
        home.journal.add_entry(each)
    outcomes = [
        ChangeOutcome.UNKNOWN,
        *[ChangeOutcome.UNKNOWN] * 3,
        ChangeOutcome.DONE,
        ChangeOutcome.UNKNOWN,
        ChangeOutcome.STARTED,
    ]
    for each, outcome in zip(changes, outcomes, strict=True):
        if outcome != ChangeOutcome.STARTED:
            home.journal.end_entry(replace(each, outcome=outcome, detail="?"))
    home.journal.confirm_newest(KIND, "Stopped")
    told = {each.id: (each.outcome, each.detail) for each in read_all(home)}
    assert told["id-1"] == (ChangeOutcome.DONE, "Stopped")
    assert [told[f"id-{number}"][0] for number in (9, 10, 11, 12, 13, 2)] == [
        *[ChangeOutcome.UNKNOWN] * 4,
        ChangeOutcome.DONE,
        ChangeOutcome.STARTED,
    ]
    home.journal.confirm_newest(KIND, "Stopped, too")
    assert {each.id: each.detail for each in read_all(home)}["id-9"] == "Stopped, too"
    home.journal.confirm_newest(KIND, "nothing is left")
    assert [each.id for each in read_all(home) if each.detail == "nothing is left"] == []


def test_records_are_read_by_what_their_keys_begin_with(home: StateHome) -> None:
    rows: list[Record] = [
        {"place": "a", "name": "pear", "size": 4.0, "note": None},
        {"place": "a", "name": "pear", "size": 4.5, "note": "x" * 5000},
        {"place": "a", "name": "pear#", "size": 1e-7, "note": "ü"},
        {"place": "a#pear", "name": "", "size": 0.0, "note": ""},
    ]
    home.records.put_records(FRUIT, rows)

    def read(*prefix: str | float) -> list[tuple[Value, Value]]:
        found = home.records.read_records(FRUIT, *prefix)
        return sorted(((each.record["name"], each.record["size"]) for each in found), key=str)

    assert sorted(map(str, (each.record for each in home.records.read_records(FRUIT, "a")))) == sorted(
        map(str, rows[:3])
    )
    assert read("a", "pear") == [("pear", 4.0), ("pear", 4.5)]
    assert read("a", "pear", 4) == [("pear", 4.0)]
    assert (read("a#pear"), read("b"), read("a", "pea")) == ([("", 0.0)], [], [])


def test_a_record_is_written_only_in_place_of_what_was_read(home: StateHome) -> None:
    first: Record = {"place": "a", "name": "pear", "size": 1.0, "note": "first"}
    stored = home.records.write_record(FRUIT, first, None)
    with pytest.raises(RecordChanged):
        home.records.write_record(FRUIT, {**first, "note": "mine"}, None)
    [seen] = home.records.read_records(FRUIT, "a")
    assert (seen.record, seen.version) == (first, stored.version)
    home.records.write_record(FRUIT, {**first, "note": "theirs"}, seen)
    with pytest.raises(RecordChanged):
        home.records.write_record(FRUIT, {**first, "note": "mine"}, seen)
    with pytest.raises(RecordChanged):
        home.records.delete_record(FRUIT, seen)
    [now] = home.records.read_records(FRUIT, "a")
    assert now.record["note"] == "theirs"
    home.records.delete_record(FRUIT, now)
    assert home.records.read_records(FRUIT, "a") == []
    with pytest.raises(RecordChanged):
        home.records.delete_record(FRUIT, now)


def test_a_partition_is_replaced_by_writing_what_differs(home: StateHome) -> None:
    def rows(*numbers: int, note: str = "") -> list[dict[str, str | float | None]]:
        return [{"place": "a", "name": f"n{number}", "size": 1.0, "note": note} for number in numbers]

    home.records.put_records(FRUIT, [{**rows(1)[0], "place": "elsewhere"}])
    replace_partition(home.records, FRUIT, rows(*range(60)), "a")
    replace_partition(home.records, FRUIT, [*rows(*range(30, 58)), *rows(58, 70, note="new")], "a")
    found = {str(each.record["name"]): each.record["note"] for each in home.records.read_records(FRUIT, "a")}
    assert found == {**{f"n{number}": "" for number in range(30, 58)}, "n58": "new", "n70": "new"}
    assert len(home.records.read_records(FRUIT, "elsewhere")) == 1


def test_lock_is_held_by_one_at_a_time_and_is_free_afterwards(home: StateHome) -> None:
    told: list[str] = []
    for key in (("increase", "aws", "1"), ("increase", "aws", "1"), ("increase", "aws", "2")):
        with home.locks.hold_lock(*key, on_wait=lambda: told.append("waits")) as lock:
            lock.check_held()
            home.records.write_record(
                FRUIT, {"place": "a", "name": str(random.random()), "size": 1.0, "note": ""}, None, lock
            )
    assert told == []
    assert len(home.records.read_records(FRUIT, "a")) == 3


def test_history_is_everybodys_and_can_be_one_owners(
    home: StateHome, isolated_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    callers = (
        "arn:aws:iam::123456789012:user/ada",
        "arn:aws:sts::123456789012:assumed-role/opskit/bob@example.com",
        None,
    )
    for number, caller in enumerate(callers):
        home.journal.add_entry(entry(number, caller=caller, started_at=datetime.now(UTC)))
    place = ("--state", home.name) if home.name else ()

    def subjects(*words: str) -> list[str | None]:
        told = run_opskit(capsys, "history", "--all", "-o", "json", *place, *words)
        return [row["caller"] for row in told.data["history"]]

    for name in [name for name in os.environ if name.startswith("AWS_") and not home.name]:
        monkeypatch.delenv(name)
    assert subjects() == list(callers)
    assert subjects("--owner", "ada") == [callers[0]]
    assert subjects("--owner", "bob@example.com") == [callers[1]]
    assert subjects("--owner", str(callers[1])) == [callers[1]]
    assert subjects("--owner", "nobody") == []
