"""What is asked at a terminal, on a real one: an answer is taken, Ctrl-C is an interruption, Ctrl-D a no."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import pytest
import typer

from opskit.cli.command_tree import load_all
from tests.fakes.fake_aws import Entry, FakeAws, serve_fake_aws
from tests.fakes.terminal import CTRL_C, CTRL_D, TerminalResult, run_at_terminal
from tests.journeys.conftest import Shell, forkserver_for, make_shell, run_sandbox
from tests.slow import starts_server
from tests.unit.cli.test_command_tree import command_paths

ROOT = Path(__file__).parents[2]

PROMPTS = {
    "quotas increase": ("ml.m4.xlarge", "--for", "training", "--to", "9"),
    "notebook create": ("lab", "--no-guard"),
    "notebook start": ("--match", "course-stopped", "--no-guard"),
    "notebook keep": ("course-kept", "--for", "1h"),
    "endpoint keep": ("prices-kept", "--for", "1h"),
    "cleanup": ("boston", "--local"),
    "endpoint stop": ("prices-idle",),
}
"""Every command that asks, typed so that it does."""

NO = (CTRL_D, b"\n", b"n\n", b"no\n")
"""The ways of not saying yes."""

ASKS_NOT = {"notebook stop"}
"""Takes --yes, and refuses without it instead of asking."""


@pytest.fixture(scope="module")
@starts_server
def prompt_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with run_sandbox("classroom", has_jupyters=False) as running:
        home = tmp_path_factory.mktemp("home")
        (home / "opskit-runs" / "boston-0123456789-1").mkdir(parents=True)
        yield make_shell(running, home)


@pytest.fixture(scope="module")
@starts_server
def endpoint_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A shell at an account with endpoints, of which the classroom has none."""
    with run_sandbox("endpoints") as running:
        home = tmp_path_factory.mktemp("endpoints")
        (home / "opskit-runs" / "boston-0123456789-1").mkdir(parents=True)
        yield make_shell(running, home)


@pytest.fixture
@starts_server
def asking_shell(command: str, request: pytest.FixtureRequest) -> Shell:
    """The shell in which a command comes to ask."""
    shell: Shell = request.getfixturevalue("endpoint_shell" if command.startswith("endpoint ") else "prompt_shell")
    return shell


def at_terminal(shell: Shell, command: str, *typed: tuple[str, bytes], more: Sequence[str] = ()) -> TerminalResult:
    words = (*command.split(), *PROMPTS[command], *more)
    return run_at_terminal(forkserver_for(words), shell.command(*words), shell.environment, shell.home, typed)


def test_every_command_that_can_be_told_not_to_ask_is_here() -> None:
    tree = typer.main.get_command(load_all())
    asking = set()
    for path in command_paths(tree):
        command = tree
        for word in path:
            command = command.commands[word]  # type: ignore[attr-defined]
        asking |= {" ".join(path)} if any("--yes" in option.opts for option in command.params) else set()
    assert asking == PROMPTS.keys() | ASKS_NOT


@pytest.mark.parametrize("command", PROMPTS)
def test_ctrl_c_is_an_interruption_and_changes_nothing(asking_shell: Shell, command: str) -> None:
    ended = at_terminal(asking_shell, command, ("Go on?", CTRL_C))
    assert ended.exit == 130
    assert "Interrupted." in ended.shown
    assert "bug" not in ended.shown
    assert ended.echoes


@pytest.mark.parametrize(("command", "answer"), list(zip(PROMPTS, cycle(NO), strict=False)))
def test_anything_that_is_not_a_yes_changes_nothing(asking_shell: Shell, command: str, answer: bytes) -> None:
    ended = at_terminal(asking_shell, command, ("Go on?", answer))
    assert ended.exit == 2
    assert "Nothing was changed." in ended.shown
    assert (asking_shell.home / "opskit-runs" / "boston-0123456789-1").is_dir()


def test_nobody_agrees_to_what_they_have_not_seen(prompt_shell: Shell) -> None:
    assert prompt_shell.opskit("history").data["history"] == []  # nothing came of what was not agreed to above
    ended = at_terminal(prompt_shell, "quotas increase", ("Go on?", b"n\n"), more=["--quiet"])
    assert ended.shown.index("Ask AWS in us-east-1: ml.m4.xlarge for training job usage") < ended.shown.index("Go on?")


@pytest.mark.slow
def test_what_is_neither_is_asked_again_and_a_yes_is_taken(tmp_path: Path) -> None:
    with run_sandbox("classroom", has_jupyters=False) as running:
        shell = make_shell(running, tmp_path)
        ended = at_terminal(shell, "quotas increase", ("Go on?", b"perhaps\n"), ("Go on?", CTRL_C))
        assert ended.exit == 130
        ended = at_terminal(shell, "quotas increase", ("Go on?", b"perhaps\n"), ("Go on?", b"Yes\n"))
        assert ended.exit == 0
        assert [each["action"] for each in shell.opskit("history").data["history"]] == ["request increase"]


PROFILE = """[profile mfa]
role_arn = arn:aws:iam::111122223333:role/ds
source_profile = keys
mfa_serial = arn:aws:iam::111122223333:mfa/me
region = us-east-1
[profile keys]
aws_access_key_id = AKIAEXAMPLE
aws_secret_access_key = secret
"""


@pytest.mark.served
@pytest.mark.parametrize("words", [("quotas", "check"), ("notebook", "list"), ("quotas", "list")])
@pytest.mark.parametrize(("key", "code"), [(CTRL_C, 130), (CTRL_D, 4), (b"123456\n", 0)])
def test_the_code_that_botocore_asks_for_is_a_prompt_too(
    tmp_path: Path, words: tuple[str, ...], key: bytes, code: int
) -> None:
    (tmp_path / "config").write_text(PROFILE)
    with serve_fake_aws(FakeAws([Entry("Number of instances across all training jobs", "L-00C91CB5", 30, 4)])) as aws:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_"))},
            **{f"XDG_{kind}_HOME": str(tmp_path) for kind in ("CACHE", "STATE", "CONFIG")},
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_ENDPOINT_URL": aws.url,
        }
        opskit = [str(ROOT / "opskit" / "__main__.py"), *words, "--profile", "mfa"]
        ended = run_at_terminal(forkserver_for(words), opskit, environment, ROOT, [("MFA code", key)])
    assert ended.exit == code
    assert "bug" not in ended.shown
    assert ended.echoes
