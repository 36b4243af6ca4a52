"""What a command ends with where its answer cannot be written, or Ctrl-C comes before it has begun."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

OPSKIT = (sys.executable, "-c", "from opskit.cli import main; main()")
# Each prints by another way: help, a text, a table, JSON, CSV.
ANSWERS = (
    ("--help",),
    ("quotas", "check", "--help"),
    ("settings",),
    ("workflow", "list", "-o", "json"),
    ("workflow", "list", "-o", "csv"),
    ("iam", "policy", "train"),
    ("completion", "bash"),
)


@pytest.mark.parametrize(
    ("words", "place"), [*((words, "> /dev/full") for words in ANSWERS), (ANSWERS[0], ">&-"), (ANSWERS[3], ">&-")]
)
def test_an_answer_that_cannot_be_written_is_told_as_that(words: tuple[str, ...], place: str) -> None:
    ran = in_shell(words, place)
    reason = {"> /dev/full": "No space left on device", ">&-": "Bad file descriptor"}[place]
    assert ran.returncode == 1
    assert f"opskit: stdout could not be written: {reason}.\n" in ran.stderr
    assert "bug" not in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_usage_error_that_cannot_be_written_to_stdout_is_told_on_stderr() -> None:
    ran = in_shell(("quotas", "chek", "-o", "json"), "> /dev/full")
    assert ran.returncode == 2
    assert ran.stderr.startswith("opskit: No such command 'chek'.")


@pytest.mark.parametrize(
    ("words", "code", "place"),
    [
        (("quotas", "chek"), 2, "2> /dev/full"),
        (("quotas", "chek"), 2, "2>&-"),
        (("workflow", "list", "-o", "json"), 0, "2>&- <&-"),
    ],
)
def test_a_message_that_cannot_be_written_changes_nothing(words: tuple[str, ...], code: int, place: str) -> None:
    ran = in_shell(words, place)
    assert ran.returncode == code
    assert not ran.stdout or json.loads(ran.stdout)["exit"] == code


def test_a_file_that_is_opened_later_does_not_get_the_answer() -> None:
    program = "import opskit.output.printing as p; p.prepare_streams(); print(open('/dev/zero').fileno() > 2)"
    ran = subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" 2>&- <&-', sys.executable, program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "True\n"


@pytest.mark.parametrize("words", [("settings",), ("settings", "-ojson"), ("quotas", "check", "--output=json")])
def test_an_interrupt_while_opskit_is_still_loading_is_told_as_any(words: tuple[str, ...]) -> None:
    """Ctrl-C right behind Enter: the signal comes with the first import of Typer."""
    program = """
import os, signal, sys

class Interrupts:
    def find_spec(self, name, path, target=None):
        if name == "typer":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

from opskit.cli import main
sys.meta_path.insert(0, Interrupts())
main()
"""
    ran = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 128 + signal.SIGINT
    assert "Traceback" not in ran.stderr
    if words == ("settings",):
        assert (ran.stdout, ran.stderr) == ("", "opskit: Interrupted.\n")
    else:
        assert [each["code"] for each in json.loads(ran.stdout)["errors"]] == ["interrupted"]


def in_shell(words: tuple[str, ...], place: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {place}', "sh", *OPSKIT, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
    )
