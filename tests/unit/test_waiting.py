"""No test is a race: what takes its time is waited for, and nobody looks at a clock to judge it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import waiting
from tests.waiting import wait_until

TESTS = Path(__file__).parents[1]
STOPWATCHES = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "thread_time"}
SLEEPERS = {
    "waiting.py": "the one way to wait",
    "fakes/fake_aws.py": "an AWS that takes its time",
    "fakes/direct_calls.py": "the same, without a connection",
    "fakes/fake_jupyter.py": "a Jupyter that takes its time",
    "fakes/fake_notebooks.py": "one that takes its time",
    "journeys/test_cron.py": "whether cron runs anything here, which it does once a minute or never",
    "unit/notebooks/test_jupyter_connections.py": "a server that drips",
}


def parsed_files(names: set[str]) -> Iterator[tuple[str, ast.Module]]:
    """The files in which one of these names stands, parsed, which takes far longer than to look for it."""
    for path in sorted(TESTS.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if any(f".{name}" in text for name in names):
            yield path.relative_to(TESTS).as_posix(), ast.parse(text)


def files_calling(names: set[str]) -> set[str]:
    """The files that call one of these functions of the module time."""
    return {
        name
        for name, tree in parsed_files(names)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in names
        if isinstance(node.value, ast.Name) and node.value.id == "time"
    }


def test_nobody_measures_how_long_something_took() -> None:
    assert files_calling(STOPWATCHES) <= {
        "waiting.py",
        "processor_time.py",  # two sizes against each other, in the processor's time
        "journeys/test_cron.py",
        "journeys/jupyter_lab.py",  # the end of a session, which its caller sets
        "journeys/test_inspect_inside.py",  # the same of a look
        "fakes/fake_aws.py",
        "fakes/fake_notebooks.py",
    }


def test_nobody_sleeps_but_in_the_one_way_to_wait() -> None:
    assert files_calling({"sleep"}) == set(SLEEPERS)


def test_what_is_seen_at_last_comes_back() -> None:
    left = [3, 2, 1]
    assert wait_until(left.pop, lambda seen: seen == 3) == 3
    assert left == []


def test_what_hangs_fails_and_says_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "HANGS_AFTER_SECONDS", 0)
    with pytest.raises(AssertionError, match="last seen: 'Pending'"):
        wait_until(lambda: "Pending", lambda seen: seen == "InService")
