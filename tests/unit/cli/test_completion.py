"""``opskit completion``, and what it makes shells ask."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from opskit.cli.completion import Shell

# A shell as its user has it, with an `opskit` on the PATH that is this one.
_BASH = """
eval "$COMPLETION"
COMP_WORDS=({words}); COMP_CWORD={index}
_opskit_completion opskit
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@functools.cache
def _bash_completion() -> str:
    """What `opskit completion bash` prints, for all tests."""
    command = [sys.executable, "-m", "opskit", "completion", "bash"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _environment(folder: Path) -> dict[str, str]:
    program = folder / "opskit"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m opskit "$@"\n')
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "index", "offered"),
    [
        ("opskit quo", 1, ["quotas"]),
        ("opskit quotas ch", 2, ["check"]),
        ("opskit train --instance-c", 2, ["--instance-count"]),
        ("opskit train bo", 2, ["boston"]),
        ("opskit quotas check ml.p3.1", 3, ["ml.p3.16xlarge"]),
        ("opskit quotas check ml.m4.xlarge --for tran", 5, ["transform"]),
        ("opskit quotas increase --via supp", 4, ["support"]),
    ],
)
def test_bash_completes_commands_options_and_names(words: str, index: int, offered: list[str], tmp_path: Path) -> None:
    script = _BASH.format(words=words, index=index)
    environment = {**_environment(tmp_path), "COMPLETION": _bash_completion()}
    ran = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert [word.strip() for word in ran.stdout.split()] == offered
    assert not ran.stderr


@pytest.mark.parametrize("shell", list(Shell))
def test_every_shell_has_a_script_that_asks_opskit(shell: Shell, tmp_path: Path) -> None:
    environment = _environment(tmp_path)
    ran = subprocess.run(["opskit", "completion", shell], env=environment, capture_output=True, text=True, check=True)
    assert f"_OPSKIT_COMPLETE=complete_{shell}" in ran.stdout


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_zsh_and_fish_are_answered(shell: str, tmp_path: Path) -> None:
    asked = {"_TYPER_COMPLETE_ARGS": "opskit notebook unk", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    environment = {**_environment(tmp_path), **asked, "_OPSKIT_COMPLETE": f"complete_{shell}"}
    ran = subprocess.run(["opskit"], env=environment, capture_output=True, text=True, check=False)
    assert "unkeep" in ran.stdout
    assert "Remove a notebook's protection" in ran.stdout.replace("''", "'")
