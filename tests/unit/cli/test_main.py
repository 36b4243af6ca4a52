"""The program as such."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from opskit.cli import main
from opskit.cli.safe_run import run_safely
from opskit.core.exceptions import ExitCode
from opskit.output.result import CommandResult


def test_a_terminal_that_lacks_a_character_gets_its_answer_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", out)
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    out.write("⠿\n")
    out.flush()
    assert (ended.value.code, out.buffer.getvalue()[-2:]) == (0, b"?\n")


@pytest.mark.parametrize("module", ["fcntl", "pwd"])
def test_what_only_linux_and_macos_have_is_no_bug_on_windows(module: str) -> None:
    def needs_it() -> CommandResult:
        raise ModuleNotFoundError(f"No module named '{module}'", name=module)

    result = run_safely(needs_it, verbose=False)
    assert result.exit is ExitCode.USAGE
    assert [problem.code for problem in result.problems] == ["no-posix"]
    assert "WSL" in result.problems[0].hint


def test_a_module_that_is_missing_for_another_reason_is_a_bug() -> None:
    def needs_it() -> CommandResult:
        raise ModuleNotFoundError("No module named 'nothing'", name="nothing")

    assert run_safely(needs_it, verbose=False).exit is ExitCode.BUG


def test_what_a_command_keeps_is_not_looked_at_for_garbage_again_and_again() -> None:
    """boto3's models are 300,000 objects."""
    program = """
import atexit, gc
from opskit.cli import main

atexit.register(lambda: print(gc.get_freeze_count() > 100_000))
try:
    main(["--version"])
except SystemExit:
    before = gc.get_stats()[0]["collections"]
kept = [[number] for number in range(300_000)]
print(gc.get_stats()[0]["collections"] - before < 10)  # 428 by default
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split()[2:] == ["True", "True"]
