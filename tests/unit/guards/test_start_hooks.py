"""The guard that is on by default: start-up files that come with a plan and go without a trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opskit.cli import main
from opskit.core.exceptions import UsageError
from opskit.guards.rules.start_hooks import (
    GuardArguments,
    HookTarget,
    hook_content,
    is_off,
    is_opskits_own,
    parse_variable,
)

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Folders of the test's own for both files."""
    packages = tmp_path / "site-packages"
    packages.mkdir()
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.setattr("opskit.guards.store.sysconfig.get_path", lambda name: str(packages))
    return {
        "ipython": tmp_path / "ipython/profile_default/startup/50-opskit-guard.py",
        "python": packages / "zz-opskit-guard.pth",
        "claude-code": tmp_path / "claude/settings.json",
        "cursor": tmp_path / "home/.cursor/hooks.json",
        "codex": tmp_path / "codex/hooks.json",
    }


@pytest.fixture
def run(places: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> Run:
    def once(*words: str) -> tuple[int, dict[str, Any]]:
        with pytest.raises(SystemExit) as ended:
            main(["guard", *words, "-o", "json"])
        return int(ended.value.code or 0), json.loads(capsys.readouterr().out)

    return once


def outcomes(envelope: dict[str, Any]) -> dict[str, tuple[bool, str | None]]:
    return {hook["target"]: (hook["installed"], hook["outcome"]) for hook in envelope["data"]["hooks"]}


def test_a_guard_is_installed_once_and_removed_without_a_trace(
    run: Run, places: dict[str, Path], tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    code, envelope = run("install", "ipython", "python", "--max-usd", "5")
    assert (code, envelope["command"]) == (0, ["guard", "install"])
    assert outcomes(envelope) == {"ipython": (True, "done"), "python": (True, "done")}
    assert "opskit.guard(max_usd='5', first_look=False)" in places["ipython"].read_text()
    assert outcomes(run("install", "ipython", "--max-usd", "5")[1]) == {"ipython": (True, "already")}
    assert outcomes(run("install", "ipython", "--max-usd", "9")[1]) == {"ipython": (True, "done")}
    assert outcomes(run("status")[1]) == {
        "ipython": (True, None),
        "python": (True, None),
        "claude-code": (False, None),
        "cursor": (False, None),
        "codex": (False, None),
    }
    assert outcomes(run("remove", "ipython", "python")[1]) == {"ipython": (False, "done"), "python": (False, "done")}
    assert outcomes(run("remove", "ipython")[1]) == {"ipython": (False, "absent")}
    assert sorted(tmp_path.rglob("*")) == before


def test_a_dry_run_writes_nothing_and_removes_nothing(run: Run, places: dict[str, Path], tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert outcomes(run("install", "ipython", "--dry-run")[1]) == {"ipython": (False, "planned")}
    assert sorted(tmp_path.rglob("*")) == before
    run("install", "ipython")
    assert outcomes(run("remove", "ipython", "--dry-run")[1]) == {"ipython": (True, "planned")}
    assert places["ipython"].exists()


def test_a_file_of_somebody_else_is_left_alone(run: Run, places: dict[str, Path]) -> None:
    places["ipython"].parent.mkdir(parents=True)
    places["ipython"].write_text("print('mine')\n")
    for word in ("install", "remove"):
        code, envelope = run(word, "python", "ipython")
        assert (code, envelope["errors"][0]["code"]) == (3, "foreign-file")
    assert places["ipython"].read_text() == "print('mine')\n"
    assert not places["python"].exists()


def test_what_others_have_in_the_folder_stays(run: Run, places: dict[str, Path]) -> None:
    run("install", "ipython")
    other = places["ipython"].with_name("00-mine.py")
    other.write_text("x = 1\n")
    run("remove", "ipython")
    assert other.exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("install", "vim"), "bad-target"),
        (("install", "ipython", "--max-usd", "five"), "bad-amount"),
        (("install", "ipython", "--hours", "0"), "bad-hours"),
        (("install", "ipython", "--on-unknown", "ignore"), "bad-choice"),
    ],
)
def test_what_is_typed_wrong(run: Run, places: dict[str, Path], words: tuple[str, ...], code: str) -> None:
    ended, envelope = run(*words)
    assert (ended, envelope["errors"][0]["code"]) == (2, code)
    assert not places["ipython"].exists()


def start_python(folder: Path, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A Python that runs the .pth files of a folder as at its start."""
    environment = {name: value for name, value in os.environ.items() if name != "OPSKIT_GUARD"}
    script = f"import site, sys; site.addsitedir({str(folder)!r}); {code}"
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**environment, **variables}, check=True
    )


LOADED = "print(sorted({'opskit', 'boto3', 'botocore'} & sys.modules.keys()))"
GUARDED = "from botocore.client import BaseClient; print(BaseClient._emit_api_params.__module__)"


def test_python_starts_as_before_where_the_variable_is_not_set(run: Run, places: dict[str, Path]) -> None:
    run("install", "python")
    for variables in ({}, {"OPSKIT_GUARD": ""}):
        ran = start_python(places["python"].parent, LOADED, **variables)
        assert (ran.stdout.strip(), ran.stderr) == ("[]", "")


def test_python_starts_with_the_guard_on_where_the_variable_is_set(run: Run, places: dict[str, Path]) -> None:
    run("install", "python")
    code = f"{GUARDED}; import opskit.guards.python as made; print(made.current_guard())"
    ran = start_python(places["python"].parent, code, OPSKIT_GUARD="max_usd=5,on_unknown=warn")
    assert ran.stderr == ""
    assert "<opskit.guard(max_usd=5) on_unknown=warn>" in ran.stdout


START = """
import boto3
client = boto3.client("sagemaker", region_name="us-east-1", endpoint_url="http://127.0.0.1:9",
                      aws_access_key_id="a", aws_secret_access_key="b")
try:
    client.start_notebook_instance(NotebookInstanceName="n")
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("text", ["max_euro=5", "max_usd=five"])
def test_a_variable_that_is_not_understood_refuses_calls_and_ends_no_program(
    run: Run, places: dict[str, Path], text: str
) -> None:
    run("install", "python")
    # A program that puts a guard on by itself is guarded by that one.
    own = f"import opskit; opskit.guard(first_look=False); opskit.unguard(); exec({START!r})"
    code = f"exec({START!r}); print('goes on'); {own}"
    ran = start_python(places["python"].parent, code, OPSKIT_GUARD=text)
    refused, goes_on, with_its_own = ran.stdout.partition("goes on")
    assert goes_on
    assert "GuardRefused StartNotebookInstance was not sent" in refused
    assert "Set OPSKIT_GUARD so that it can be understood" in refused
    assert text.partition("=")[2] in ran.stderr
    assert "EndpointConnectionError" in with_its_own
    assert "GuardRefused" not in with_its_own


def test_the_start_file_of_ipython_puts_the_guard_on() -> None:
    content = hook_content(HookTarget.IPYTHON, GuardArguments("5", None, None, "warn"))
    code = f"{content}\nimport opskit.guards.python as made; print(made.current_guard())"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "<opskit.guard(max_usd=5) on_unknown=warn>"
    assert ran.stderr == ""


@pytest.mark.parametrize(
    ("text", "arguments"),
    [("1", {}), ("on", {}), ("max_usd=5", {"max_usd": "5"}), ("hours=8, max_usd=5", {"hours": "8", "max_usd": "5"})],
)
def test_guard_variable_is_parsed(text: str, arguments: dict[str, str]) -> None:
    assert parse_variable(text) == arguments
    assert not is_off(text)


@pytest.mark.parametrize("text", ["5", "yess", "max_usd", "budget=5", "max_usd=5,,"])
def test_what_the_variable_cannot_be(text: str) -> None:
    with pytest.raises(UsageError, match="OPSKIT_GUARD"):
        parse_variable(text)


@pytest.mark.parametrize(
    ("command", "own"),
    [
        (["python", "/venv/bin/opskit", "quotas", "check"], True),
        (["python", "-m", "opskit", "costs"], True),
        (["python", "-m", "opskit.sandbox.jobs"], True),
        (["python", "train.py", "--name", "opskit"], False),
        (["python", "-c", "import opskit"], False),
        (["python"], False),
    ],
)
def test_opskit_itself_is_not_guarded(command: list[str], own: bool) -> None:
    assert is_opskits_own(command) is own


@pytest.mark.parametrize("agent", ["claude-code", "cursor", "codex"])
def test_the_settings_of_an_agent_are_added_to_and_left_as_they_were(
    run: Run, places: dict[str, Path], tmp_path: Path, agent: str
) -> None:
    before, place = sorted(tmp_path.rglob("*")), places[agent]
    assert outcomes(run("install", agent, "--max-usd", "5", "--dry-run")[1]) == {agent: (False, "planned")}
    assert sorted(tmp_path.rglob("*")) == before
    assert outcomes(run("install", agent, "--max-usd", "5")[1]) == {agent: (True, "done")}
    assert "--max-usd 5" in place.read_text()
    assert outcomes(run("install", agent, "--max-usd", "5")[1]) == {agent: (True, "already")}
    assert outcomes(run("remove", agent)[1]) == {agent: (False, "done")}
    assert sorted(tmp_path.rglob("*")) == before
    mine = json.dumps({"version": 1, "model": "x"}, indent=4) + "\n"
    dotfile = tmp_path / "dotfile.json"
    dotfile.write_text(mine)
    dotfile.chmod(0o600)
    place.parent.mkdir()
    place.symlink_to(dotfile)
    run("install", agent, "--on-unknown", "warn")
    assert (place.is_symlink(), dotfile.stat().st_mode & 0o777) == (True, 0o600)
    run("remove", agent)
    assert (place.is_symlink(), place.read_text()) == (True, mine)


def test_status_tells_what_was_installed_with_which_arguments(run: Run, places: dict[str, Path]) -> None:
    words = ("--max-usd", "5", "--max-usd-hour", "2", "--hours", "8", "--on-unknown", "warn")
    run("install", *places, *words)
    hooks = run("status")[1]["data"]["hooks"]
    assert {hook["target"]: hook["state"] for hook in hooks} == dict.fromkeys(places, "installed")
    given = {"max_usd": "5", "max_usd_hour": "2", "hours": "8", "on_unknown": "warn"}
    # Those for Python are in the variable.
    assert {hook["target"]: hook["arguments"] for hook in hooks} == {**dict.fromkeys(places, given), "python": {}}
    older = places["ipython"].read_text().replace("else:", "if True:")
    places["ipython"].write_text(older)
    state = {hook["target"]: hook["state"] for hook in run("status")[1]["data"]["hooks"]}
    assert state["ipython"] == "outdated"
