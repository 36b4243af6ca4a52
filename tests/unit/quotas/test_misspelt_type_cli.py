"""A misspelt instance type, such as the course note's own, is answered with the one that was meant, and no call."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.fakes.cli_runner import run_opskit

BOSTON = Path(__file__).parents[3] / "workflows" / "boston"
PLACES = [
    ("quotas", "check", "{}"),
    ("quotas", "increase", "{}", "--for", "training", "--to", "1"),
    ("quotas", "wait", "{}", "--for", "training", "--to", "1"),
    ("train", "boston", "--instance-type", "{}"),
    ("deploy", "boston", "--instance-type", "{}"),
    ("notebook", "create", "lab", "--instance-type", "{}"),
    ("notebook", "create", "lab", "-t", "{}"),
    ("guard", "--training", "{}", "--", "true"),
    ("guard", "--endpoint", "{}=2", "--", "true"),
]


@pytest.mark.parametrize("place", PLACES, ids=" ".join)
def test_it_is_a_usage_error_with_the_right_type(place: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    typed = [word.format("m1.m4.xlarge") for word in place]
    at = typed.index("--") if "--" in typed else len(typed)
    ended = run_opskit(capsys, *typed[:at], "--region", "us-east-1", "-o", "json", *typed[at:])
    [problem] = ended.envelope["errors"]
    assert (ended.code, problem["code"]) == (2, "bad-instance-type")
    assert "Did you mean ml.m4.xlarge?" in problem["hint"]


@pytest.mark.parametrize("command", ["train", "deploy"])
def test_one_in_a_workflow_is_one_too(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = Path(shutil.copytree(BOSTON, tmp_path / "mine"))
    told = (mine / "workflow.toml").read_text()
    (mine / "workflow.toml").write_text(told.replace("ml.m4.xlarge", "m1.m4.xlarge"))
    ended = run_opskit(capsys, command, str(mine), "--region", "us-east-1", "-o", "json")
    [problem] = ended.envelope["errors"]
    assert (ended.code, problem["hint"]) == (2, "Did you mean ml.m4.xlarge?")
