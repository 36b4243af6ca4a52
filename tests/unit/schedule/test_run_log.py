"""The log of runs: whole lines, whoever writes at once, and files that do not grow for ever."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from opskit.schedule.store import run_log
from opskit.schedule.store.run_log import append_run


def log_lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_is_one_object_and_only_its_user_reads_it() -> None:
    path = append_run({"job": "check", "because": "two\nlines", "häuser": 1})
    assert append_run({"job": "resume"}) == path
    assert [line["job"] for line in log_lines(path)] == ["check", "resume"]
    assert log_lines(path)[0]["because"] == "two\nlines"
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_is_turned_and_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_log, "MAX_BYTES", 100)
    for number in range(100):
        path = append_run({"number": number})
    files = sorted(path.parent.glob("runs.jsonl*"), reverse=True)
    assert [file.name for file in files] == ["runs.jsonl.3", "runs.jsonl.2", "runs.jsonl.1", "runs.jsonl"]
    assert all(file.stat().st_size <= 100 for file in files)
    numbers = [line["number"] for file in files for line in log_lines(file)]
    assert numbers == list(range(100))[-len(numbers) :]


def test_nothing_is_lost_between_two_who_write_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_log, "MAX_BYTES", 3000)
    writers = [
        threading.Thread(target=lambda name=name: [append_run({"writer": name}) for _ in range(40)]) for name in "abcd"
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    path = append_run({})
    written = [line.get("writer") for file in path.parent.glob("runs.jsonl*") for line in log_lines(file)]
    assert {name: written.count(name) for name in "abcd"} == dict.fromkeys("abcd", 40)
