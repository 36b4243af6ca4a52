"""`notebook stop --idle` while people work, AWS refuses, throttles or loses answers, and opskit itself is killed."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import opskit.__main__
from opskit.state.journal import journal_entries
from tests.fakes.fake_aws import CLOSED, DENIED, THROTTLED, Fault
from tests.fakes.fake_notebooks import FakeNotebooks, Untidiness
from tests.fakes.notebook_kinds import HOUR, KINDS, MARK, MINUTE, idle_ones, mixed, rows, stop, stops
from tests.prefork import BASE_MODULES, start_forkserver
from tests.seeds import few_of_many

pytestmark = pytest.mark.served


def test_stop_idle_somebody_who_begins_to_work_meanwhile_is_seen(
    account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
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
def test_stop_idle_what_aws_refuses_is_said_and_hinders_no_other(
    fault: Fault, account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws, rooms = account(*(KINDS["kernel"][1](f"kernel-{at:03}") for at in range(2)))
    refused = iter([fault])
    aws.fault = lambda operation, region: next(refused, None) if operation == "StopNotebookInstance" else None
    ran = stop(capsys)
    assert (ran.code, len(stops(rooms))) == (5, 1)
    assert sorted(row["outcome"] for row in ran.data["notebooks"]) == ["done", "refused"]
    assert [error["code"] for error in ran.envelope["errors"]] == ["stop-failed"]


def test_stop_idle_a_stop_whose_answer_is_lost_is_looked_up(account: Any, capsys: pytest.CaptureFixture[str]) -> None:
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
def test_stop_idle_no_throttled_stop_is_sent_again_without_a_whole_look(
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


def test_stop_idle_a_keep_that_is_confirmed_before_the_last_look_wins(
    account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
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


def test_stop_idle_nothing_lies_between_the_last_look_and_the_stop(
    account: Any, capsys: pytest.CaptureFixture[str]
) -> None:
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


Strike = tuple[str, int]
KILLS: list[Strike] = [("done", 2), ("asked", 3), ("looked", 2)]
"""At what of a run its process is killed: the second write that was done, and nobody hears of it; the third that was
asked for, and is done only later; a look at tags, before anything is written.
"""


def random_kills(seed: int) -> list[Strike]:
    """Three, at any call: the so-manieth of all, or of the writes, before or after it was done."""
    dice = random.Random(seed)
    kinds = {"called": 60, "asked": 7, "done": 7}
    return [(what, dice.randint(1, kinds[what])) for what in dice.choices(list(kinds), k=3)]


EVERY_KILL = [
    pytest.param(18, KILLS, id="18"),
    pytest.param(2 * len(KINDS), KILLS, id="all kinds", marks=pytest.mark.soak),
    *(pytest.param(9, random_kills(seed), id=f"seed {seed}", marks=pytest.mark.soak) for seed in range(36)),
]


@pytest.mark.parametrize("grace", [(), ("--grace", "30m")], ids=["at once", "with a grace"])
@pytest.mark.parametrize(("many", "kills"), EVERY_KILL)
def test_stop_idle_killed_at_any_point_and_run_again(
    many: int, kills: list[Strike], grace: tuple[str, ...], account: Any, tmp_path: Path
) -> None:
    """Nothing is lost and nothing doubled: each idle one stops (or is tagged) once, and the journal knows of it."""
    aws, rooms = account(*mixed(many, but=("silent", "broken", "half", "slow")))
    write = "AddTags" if grace else "StopNotebookInstance"
    told = aws.running[write]
    written: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    doomed: list[Any] = []
    strikes = iter(kills)

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
        kill_at("called", strike)
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
    assert codes[:3] == [-signal.SIGKILL] * 3 or (kills is not KILLS and set(codes[:3]) <= {-signal.SIGKILL, 0, 5})
    assert codes[-1] in (0, 5)
    assert "Traceback" not in (tmp_path / "said").read_text()
    if grace:
        assert {name for name, lab in rooms.labs.items() if MARK in lab.tags} == set(idle_ones(rooms))
    else:
        assert stops(rooms) == idle_ones(rooms)
    assert dict(written) == idle_ones(rooms)
    journal = journal_entries(datetime.now(UTC) - HOUR)
    assert {entry.subject for entry in journal} == set(idle_ones(rooms))
    assert max(Counter(entry.subject for entry in journal if entry.outcome == "done").values()) == 1
