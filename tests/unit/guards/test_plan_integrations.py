"""The GitHub Action and the pre-commit hook: their scripts run here, with a program in opskit's place."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ACTION = yaml.safe_load((ROOT / "actions/guard/action.yml").read_text())
HOOK = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())[0]


def stand_in(folder: Path, code: int) -> Path:
    """A program called opskit that notes its words, prints a line and ends with a code."""
    program = folder / "opskit/bin/opskit"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {folder}/words\necho "| a table |"\nexit {code}\n')
    program.chmod(0o755)
    return program


def run_action(folder: Path, code: int, **inputs: str) -> tuple[int, list[str], str, str]:
    stand_in(folder, code)
    step = next(each for each in ACTION["runs"]["steps"] if each.get("id") == "guard")
    given = {name: inputs.get(name, str(spec.get("default", ""))) for name, spec in ACTION["inputs"].items()}
    variables = {name: given[text.split("inputs.")[1].split(" ")[0]] for name, text in step["env"].items()}
    places = {name: str(folder / name.lower()) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    environment = {**os.environ, **variables, **places, "RUNNER_TEMP": str(folder)}
    ran = subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], env=environment, check=False)
    words = (folder / "words").read_text().splitlines()
    return (
        ran.returncode,
        words,
        Path(places["GITHUB_STEP_SUMMARY"]).read_text(),
        Path(places["GITHUB_OUTPUT"]).read_text(),
    )


@pytest.mark.parametrize(
    ("code", "allow", "ends"), [(0, "false", 0), (3, "true", 3), (4, "true", 4), (5, "false", 5), (5, "true", 0)]
)
def test_the_action_ends_as_opskit_does(tmp_path: Path, code: int, allow: str, ends: int) -> None:
    ended, words, summary, output = run_action(tmp_path, code, file="plan.json", **{"allow-unknown": allow})
    assert ended == ends
    assert words == ["guard", "--from", "plan.json", "--hours", "24", "--output", "markdown"]
    assert (summary, output) == ("| a table |\n", f"exit-code={code}\n")


def test_the_action_passes_its_inputs_on_word_by_word(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "file": "a b.yaml",
        "max-usd": "5",
        "region": "eu-west-1",
        "parameters": "A=x y\n\nB=$(z)\n",
    }
    _, words, _, _ = run_action(tmp_path, 0, **given)
    assert words[1:3] == ["--from", "a b.yaml"]
    assert words[-8:] == ["--max-usd", "5", "--region", "eu-west-1", "--parameter", "A=x y", "--parameter", "B=$(z)"]


def test_the_hook_checks_each_file_and_stops_at_the_first_that_does_not_fit(tmp_path: Path) -> None:
    program = stand_in(tmp_path, 3)
    environment = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    command = f"{HOOK['entry']} 'a b.json' c.json"
    assert subprocess.run(["sh", "-c", command], env=environment, check=False).returncode == 3
    assert (tmp_path / "words").read_text().splitlines() == ["guard", "--from", "a b.json"]
