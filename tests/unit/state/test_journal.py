from __future__ import annotations

import io
import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from opskit.aws.boto3_clients import Boto3Clients
from opskit.aws.client import AwsClient
from opskit.aws.session import AwsSession, CallerIdentity
from opskit.core import run_problems
from opskit.core.exceptions import AccessDenied, OutcomeUnknown, Throttled
from opskit.core.live_resources import ResourceKind
from opskit.state import journal
from opskit.state.journal import prepare_change
from opskit.state.journal_file import ENTRIES_SCHEMA
from tests.seeds import few_of_many

LONG_AGO = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(AwsSession, "endpoint_id", lambda self: "aws")
    return tmp_path / "opskit"


def journal_client(account: str = "123456789012") -> AwsClient:
    identity = CallerIdentity(account, f"arn:aws:iam::{account}:user/ada")
    session = AwsSession(Boto3Clients(None), "us-east-1")
    session.__dict__["identity"] = lambda: identity
    return AwsClient(session, "eu-west-1")


def test_a_change_is_written_before_and_after() -> None:
    with journal.journal_action(journal_client(), "stop notebook", "lab-1", reason="idle for 5 h") as record:
        [before] = journal.journal_entries(LONG_AGO)
        record.detail = "Stopping"
    [after] = journal.journal_entries(LONG_AGO)
    assert (before.outcome, before.ended_at) == ("begun", None)
    assert (after.outcome, after.detail, after.reason) == ("done", "Stopping", "idle for 5 h")
    assert (after.region, after.account, after.caller) == (
        "eu-west-1",
        "123456789012",
        "arn:aws:iam::123456789012:user/ada",
    )
    assert after.ended_at is not None
    assert after.ended_at >= after.started_at


@pytest.mark.parametrize("usd", [Decimal("0.0464"), None])
def test_a_stop_keeps_its_price_to_the_digit_and_an_unknown_one_stays_unknown(usd: Decimal | None) -> None:
    stop = journal.StopDetails(usd, LONG_AGO)
    with journal.journal_action(journal_client(), "stop notebook", "lab-1", reason="idle", stop=stop):
        pass
    with journal.journal_action(journal_client(), "start notebook", "lab-1", reason="asked for"):
        pass
    stopped, started = journal.journal_entries(LONG_AGO)
    assert (stopped.stop, started.stop) == (stop, None)


def test_a_journal_of_an_older_opskit_is_read_and_written_on(state_folder: Path) -> None:
    state_folder.mkdir()
    with closing(sqlite3.connect(state_folder / "journal.sqlite")) as old, old:
        old.execute(ENTRIES_SCHEMA)
        values = (
            "1",
            "2999-01-01T00:00:00+00:00",
            None,
            "aws",
            None,
            None,
            "us-east-1",
            "stop notebook",
            "lab",
            "idle",
        )
        old.execute(f"INSERT INTO entries VALUES ({', '.join('?' * 12)})", (*values, "done", ""))
    with journal.journal_action(
        journal_client(), "stop notebook", "lab", "idle", stop=journal.StopDetails(Decimal(1), LONG_AGO)
    ):
        pass
    older, newer = journal.journal_entries(LONG_AGO)
    assert (older.subject, older.stop) == ("lab", None)
    assert newer.stop == journal.StopDetails(Decimal(1), LONG_AGO)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (OutcomeUnknown("outcome-unknown", "no answer"), "unknown"),
        (AccessDenied("denied", "you may not"), "refused"),
        (KeyboardInterrupt(), "unknown"),
        (ValueError("a bug"), "failed"),
    ],
)
def test_what_went_wrong_is_written_and_passes_through(error: BaseException, outcome: str) -> None:
    with pytest.raises(type(error)), journal.journal_action(journal_client(), "stop notebook", "lab-1", reason="idle"):
        raise error
    assert [entry.outcome for entry in journal.journal_entries(LONG_AGO)] == [outcome]


def test_a_lost_answer_that_a_look_has_found_is_done_and_only_that_one() -> None:
    for name in ("lab-1", "lab-1", "lab-2"):
        with suppress(OutcomeUnknown), journal.journal_action(journal_client(), "stop notebook", name, reason="idle"):
            raise OutcomeUnknown("outcome-unknown", "no answer")
    journal.mark_done(journal_client(), "stop notebook", "lab-1", "Stopping")
    journal.mark_done(journal_client(), "start notebook", "lab-2", "Pending")
    told = [(entry.subject, entry.outcome, entry.detail) for entry in journal.journal_entries(LONG_AGO)]
    assert told == [("lab-1", "unknown", "no answer"), ("lab-1", "done", "Stopping"), ("lab-2", "unknown", "no answer")]


def test_what_is_seen_in_one_account_proves_nothing_of_another() -> None:
    with (
        suppress(OutcomeUnknown),
        journal.journal_action(journal_client("999999999999"), "stop notebook", "lab-1", reason="idle"),
    ):
        raise OutcomeUnknown("outcome-unknown", "no answer")
    journal.mark_done(journal_client(), "stop notebook", "lab-1", "Stopping")
    assert [entry.outcome for entry in journal.journal_entries(LONG_AGO)] == ["unknown"]


def test_an_unwritable_journal_stops_nothing_and_says_so_once(
    state_folder: Path, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO
) -> None:
    state_folder.write_text("a file where the folder should be")
    run_problems.begin_run_problems(run_problems.log_problem)
    done = []
    for name in ("one", "two"):
        with journal.journal_action(journal_client(), "stop notebook", name, reason="idle"):
            done.append(name)
    assert done == ["one", "two"]
    assert logged.getvalue().count("cannot be written") == 1


def test_a_broken_file_stops_nothing(state_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state_folder.mkdir()
    (state_folder / "journal.sqlite").write_bytes(b"not a database" * 1000)
    with journal.journal_action(journal_client(), "stop notebook", "one", reason="idle") as record:
        record.detail = "went on"
    with pytest.raises(sqlite3.Error):
        journal.journal_entries(LONG_AGO)


def test_no_secret_is_kept() -> None:
    url = "https://x.notebook.aws/?authToken=eyJhbGciOi&X-Amz-Signature=deadbeef"
    with journal.journal_action(journal_client(), "open notebook", "lab", reason=f"see {url} as AKIAIOSFODNN7EXAMPLE"):
        pass
    [entry] = journal.journal_entries(LONG_AGO)
    assert not any(secret in entry.reason for secret in ("eyJ", "deadbeef", "AKIA"))


WRITER = """
import sys
from opskit.aws.session import CallerIdentity, AwsSession; from opskit.aws.client import AwsClient
from opskit.aws.boto3_clients import Boto3Clients
from opskit.state import journal
AwsSession.endpoint_id = lambda self: "aws"
AwsSession.identity = lambda self: CallerIdentity("1", "arn")
door = AwsClient(AwsSession(Boto3Clients(None), "x"), "us-east-1")
for number in range(int(sys.argv[2])):
    with journal.journal_action(door, "stop notebook", f"{sys.argv[1]}-{number}", reason="test"):
        pass
    print(number, flush=True)
"""


def start_writer(name: str, count: int) -> subprocess.Popen[str]:
    command: list[Any] = [sys.executable, "-c", WRITER, name, str(count)]
    return subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(Path.cwd())}, stdout=subprocess.PIPE, text=True
    )


def test_two_processes_write_and_nothing_is_lost() -> None:
    writers = [start_writer(name, 40) for name in ("a", "b", "c")]
    for one in writers:
        one.communicate()
    assert [one.returncode for one in writers] == [0, 0, 0]
    outcomes = [entry.outcome for entry in journal.journal_entries(LONG_AGO)]
    assert outcomes == ["done"] * 120


@pytest.mark.parametrize("seed", few_of_many(1, 20))
def test_kills_at_any_point_lose_nothing_that_was_said_and_break_nothing(state_folder: Path, seed: int) -> None:
    """A writer says a number once its outcome is written down. Two write at once, and both are killed."""
    chance = random.Random(seed)
    victims = {name: start_writer(name, 10_000) for name in ("a", "b")}
    said = {name: _killed_after(victim, chance.randrange(1, 30)) for name, victim in victims.items()}
    with journal.journal_action(journal_client(), "stop notebook", "survivor", reason="life goes on"):
        pass
    with closing(sqlite3.connect(state_folder / "journal.sqlite")) as session:
        assert session.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    entries = journal.journal_entries(LONG_AGO)
    done = {entry.subject for entry in entries if entry.outcome == "done"}
    assert {f"{name}-{number}" for name, numbers in said.items() for number in numbers} < done
    assert "survivor" in done
    begun = [entry.subject for entry in entries if entry.outcome != "done"]
    assert len(begun) <= len(victims)
    assert all(entry.outcome in ("begun", "done") for entry in entries)


def _killed_after(victim: subprocess.Popen[str], lines: int) -> list[int]:
    """All that a writer said before it was killed, some time after so many lines."""
    assert victim.stdout is not None
    said = [victim.stdout.readline() for _ in range(lines)]
    victim.kill()
    rest, _ = victim.communicate()
    whole = "".join(said) + rest
    return [int(line) for line in whole[: whole.rfind("\n") + 1].split()]


FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
"""


def test_a_full_disk_is_said_once_and_stops_nothing() -> None:
    command: list[Any] = [sys.executable, "-c", FULL + WRITER, "full", "20"]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    ended = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert ended.stdout.split() == [str(number) for number in range(20)]
    assert ended.stderr.count("The journal cannot be written") == 1
    assert "Traceback" not in ended.stderr


def test_a_journal_of_a_newer_opskit_is_read_and_written_on(state_folder: Path) -> None:
    with journal.journal_action(journal_client(), "stop notebook", "before", reason="idle"):
        pass
    with closing(sqlite3.connect(state_folder / "journal.sqlite")) as newer, newer:
        newer.execute("ALTER TABLE entries ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'")
        newer.execute("ALTER TABLE stops ADD COLUMN mood TEXT")
    with journal.journal_action(
        journal_client(), "stop notebook", "after", "idle", stop=journal.StopDetails(Decimal(1), LONG_AGO)
    ):
        pass
    assert [entry.subject for entry in journal.journal_entries(LONG_AGO)] == ["before", "after"]


def test_a_journal_nobody_understands_stops_nothing_and_says_so(
    state_folder: Path, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO
) -> None:
    state_folder.mkdir()
    with closing(sqlite3.connect(state_folder / "journal.sqlite")) as other, other:
        other.execute("CREATE TABLE entries (something TEXT)")
    run_problems.begin_run_problems(run_problems.log_problem)
    with journal.journal_action(journal_client(), "stop notebook", "lab", reason="idle") as record:
        record.detail = "went on"
    assert logged.getvalue().count("cannot be written") == 1


def test_only_its_user_can_read_it(state_folder: Path) -> None:
    before = os.umask(0)
    try:
        with journal.journal_action(journal_client(), "stop notebook", "lab", reason="idle"):
            pass
        (state_folder / "journal.sqlite").chmod(0o644)  # as an older opskit left it
        with journal.journal_action(journal_client(), "stop notebook", "lab", reason="idle"):
            pass
    finally:
        os.umask(before)
    assert state_folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o077 for path in state_folder.iterdir()} == {"journal.sqlite": 0}


def test_what_a_message_holds_is_kept_without_its_secrets(state_folder: Path) -> None:
    refusal = AccessDenied(
        "denied", "no: Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE, Signature=deadbeef"
    )
    url = "https://x.notebook.us-east-1.sagemaker.aws/?authToken=eyJhbGciOi"
    with (
        pytest.raises(AccessDenied),
        journal.journal_action(journal_client(), "open notebook", f"lab at {url}", reason=f"see {url}"),
    ):
        raise refusal
    content = b"".join(path.read_bytes() for path in state_folder.iterdir())
    assert not any(secret in content for secret in (b"eyJ", b"deadbeef", b"AKIA"))
    assert b"lab at https://x.notebook.us-east-1.sagemaker.aws/" in content


@pytest.mark.parametrize(
    ("sends", "outcome", "may_run"),
    [
        (None, "dropped", False),
        (Throttled("throttled", "slow down"), "dropped", False),
        (KeyboardInterrupt(), "unknown", True),
    ],
    ids=["before it is sent", "after it was throttled", "before its answer"],
)
def test_what_an_interrupted_start_left_running(sends: BaseException | None, outcome: str, may_run: bool) -> None:
    client = journal_client()

    def send() -> None:
        assert sends is not None
        raise sends

    recorded = journal.journal_action(client, "start notebook", "lab-1", reason="asked", starts=ResourceKind.NOTEBOOK)
    with pytest.raises(KeyboardInterrupt), prepare_change(recorded, send) as pending:
        if sends is not None:
            with suppress(Throttled):
                pending.send_change()
        raise KeyboardInterrupt
    [entry] = journal.journal_entries(LONG_AGO)
    assert entry.outcome == outcome
    assert bool(client.live_resources.running_resources()) == may_run
