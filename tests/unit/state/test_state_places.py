"""State that cannot be kept is said and stops nothing; links in its place are replaced, never followed."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from opskit.core import run_problems
from opskit.core.exceptions import ExitCode
from opskit.increases.store import QUEUE_TABLE
from opskit.schedule.flows.supervisor import ProcessResult
from opskit.schedule.render import JobRun, run_result
from opskit.schedule.store.run_log import append_run
from opskit.state import home, journal, paths
from opskit.state.home import local_home
from opskit.state.store import try_lock
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.unit.state.test_journal import journal_client

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
Run = Callable[..., CliResult]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    return lambda *words: run_opskit(capsys, *words)


@pytest.fixture
def folder(isolated_home: Path) -> Path:
    run_problems.begin_run_problems(lambda problem: None)
    return isolated_home / "state" / "opskit"


def change_something(name: str = "lab") -> None:
    client = journal_client()
    client.session.__dict__["endpoint_id"] = lambda: "aws"
    with journal.journal_action(client, "stop notebook", name, reason="idle"):
        pass


def forbid(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where HOME may not be entered, or is read-only: root may do anything, and the tests may run as root."""
    make = Path.mkdir

    def refuse(self: Path, *args: Any, **named: Any) -> None:
        if self == folder:
            raise PermissionError(13, "Permission denied", str(self))
        make(self, *args, **named)

    monkeypatch.setattr(Path, "mkdir", refuse)


def no_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr("platformdirs.user_state_dir", lambda *_, **named: "~/.local/state/opskit")


def somebody_elses(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)


HINDRANCES = {"forbidden": forbid, "no home": no_home, "somebody else's": somebody_elses}


@pytest.mark.parametrize("hindrance", HINDRANCES)
def test_what_is_not_kept_is_said_and_refuses_nothing(
    hindrance: str, folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    HINDRANCES[hindrance](folder, monkeypatch)
    change_something()
    [problem] = run_problems.run_problems()
    assert problem.code == "state-not-kept"
    assert journal.journal_entries(LONG_AGO)[0].subject == "lab"
    told = run("history", "--since", "1d", "-o", "json")
    assert told.code in (0, 5)
    assert told.data["kept_in"] is None
    assert "state-not-kept" in [each["code"] for each in told.envelope["errors"]]
    assert run("settings").code == 0
    assert list(tmp_path.iterdir()) == []


def test_every_command_that_uses_its_state_tells_programs_where_it_is_kept(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = ProcessResult(0, "{}", "", 1.0)
    monkeypatch.setattr("opskit.schedule.flows.supervisor.run_exclusive", lambda *_: ended)
    asked = ("cron", "run", "mine", "-o", "json", "--", "settings")  # it writes its log
    assert run(*asked).data["kept_in"] == str(paths.kept_state_dir())
    assert "kept_in" not in run("settings", "-o", "json").data
    assert "kept_in" not in run(*asked[:3], "-o", "csv", *asked[5:]).out
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    told = run(*asked)
    assert told.data["kept_in"] is None
    [error] = told.envelope["errors"]
    assert error["code"] == "state-not-kept"
    # The command that it runs, a process of its own, says the same of the same folder.
    monkeypatch.setattr(
        "opskit.schedule.flows.supervisor.run_exclusive",
        lambda *_: ProcessResult(0, json.dumps({"errors": [error]}), "", 1.0),
    )
    assert run(*asked).envelope["errors"] == [error]
    assert run(*asked[:3], "-o", "table", *asked[5:]).err.count("is not kept") == 1


def test_a_table_is_where_it_is_kept_once_it_is_used(folder: Path) -> None:
    paths.state_use.clear()
    with home.use_state_home(replace(local_home(), name="dynamodb://opskit")):
        assert not paths.state_use.is_set()
        home.state_home()
        assert (paths.state_use.is_set(), home.home_kept_in()) == (True, "dynamodb://opskit")
    assert home.home_kept_in() == str(paths.kept_state_dir())


def test_a_ci_job_is_told_that_its_journal_ends_with_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    change_something()
    assert run_problems.run_problems() == (), "whoever names the folder knows"
    at_home = folder.parent.parent / "ci"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(at_home))
    change_something()
    assert [problem.code for problem in run_problems.run_problems()] == ["state-not-kept"]
    assert paths.kept_in() is None
    monkeypatch.delenv("CI")
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "CODEBUILD_BUILD_ID"):
        monkeypatch.delenv(name, raising=False)
    assert str(paths.kept_in()).startswith(str(at_home))


def test_links_are_replaced_and_never_followed(folder: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    with try_lock("one"):
        pass
    lock = next((folder / "locks").iterdir())
    append_run({"job": "one"})
    change_something()
    for path in (lock, folder / "runs.jsonl", folder / "journal.sqlite", folder / "journal.sqlite-wal"):
        path.unlink(missing_ok=True)
        path.symlink_to(precious)
    with try_lock("one") as held:
        assert held is not None
    append_run({"job": "two"})
    change_something("after")
    assert precious.read_text() == "mine"
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    assert stat.S_IMODE((folder / "runs.jsonl").stat().st_mode) == 0o600
    assert [entry.subject for entry in journal.journal_entries(LONG_AGO)] == ["after"]


def test_history_reads_a_journal_that_cannot_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change_something()
    with closing(sqlite3.connect(folder / "journal.sqlite")) as session:
        session.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK and access(path, mode))
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert [entry.subject for entry in journal.journal_entries(LONG_AGO)] == ["lab"]
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_history_shows_what_is_whole_and_says_what_is_not(folder: Path, run: Run) -> None:
    for name in ("one", "two", "three"):
        change_something(name)
    with closing(sqlite3.connect(folder / "journal.sqlite")) as session, session:
        session.execute("UPDATE entries SET ended = 'broken' WHERE subject = 'two'")
    assert [entry.subject for entry in journal.journal_entries(LONG_AGO)] == ["one", "three"]
    told = run("history", "-o", "json")
    assert "journal-partly-unreadable" in [each["code"] for each in told.envelope["errors"]]


def test_an_unwritten_journal_is_told_under_cron_though_all_else_is_well() -> None:
    errors = [{"code": "journal-unwritten", "message": "The journal cannot be written.", "hint": ""}]
    envelope = json.dumps({"opskit": 1, "exit": 0, "status": "ok", "data": {}, "errors": errors})
    job = JobRun("stop-idle", ("notebook", "stop"), LONG_AGO, LONG_AGO - LONG_AGO, ProcessResult(0, envelope, "", 1.0))
    told = run_result(job, "/log", quiet=True)
    assert (told.exit, [problem.code for problem in told.problems]) == (ExitCode.OK, ["journal-unwritten"])


def test_a_run_says_that_its_command_succeeded_not_that_all_is_well() -> None:
    envelope = json.dumps({"opskit": 1, "exit": 0, "status": "ok", "data": {}, "errors": []})
    job = JobRun("stop-idle", ("notebook", "stop"), LONG_AGO, LONG_AGO - LONG_AGO, ProcessResult(0, envelope, "", 1.0))
    # Its notification, which may fail, comes after that.
    notes = run_result(job, "/log", quiet=False).notes
    assert notes == ("stop-idle: the command succeeded after 1.0 s. The log: /log",)


@pytest.mark.parametrize("hindrance", ["newer row", "more columns"])
def test_a_newer_queue_is_a_sentence(
    hindrance: str, folder: Path, run: Run, fake_aws: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "queue.sqlite")) as session, session:
        session.execute(QUEUE_TABLE.schema[0])
        if hindrance == "more columns":
            session.execute("ALTER TABLE asked ADD COLUMN priority INTEGER")
        else:
            endpoint = fake_aws.environment()["AWS_ENDPOINT_URL"]
            row = (endpoint, "123456789012", "us-east-1", "q", None, "telepathy", 4.0, "auto", "", "queued",
                   "2026-11-26T00:00:00+00:00", "", None)  # fmt: skip
            session.execute(f"INSERT INTO asked VALUES ({', '.join('?' * len(row))})", row)
    told = run("quotas", "increase", "--resume", "-o", "json")
    assert told.code == (0 if hindrance == "more columns" else 2)
    assert hindrance == "more columns" or told.envelope["errors"][0]["code"] == "queue-newer"
