"""`train`, `deploy` and `cleanup` whose process is killed anywhere, and run again: nothing is made twice, nothing that
was begun is forgotten, and no run ends unforeseen.

Each run is a process of its own that ends itself with SIGKILL, so that nothing tidies up after it: at a call of AWS's,
before or after it takes effect, or where a function of opskit's is entered. What AWS has by then is told to the next.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from opskit.cli import main
from tests.fakes.account import Account
from tests.fakes.billing_accounts import JOB
from tests.fakes.cli_runner import run_opskit
from tests.seeds import few_of_many
from tests.unit.training.test_live_resources_cli import COMMANDS, Unforeseen, Walk, walk_account

pytestmark = pytest.mark.usefixtures("quick_runs")

JOBS = {"TrainingJob", "TransformJob"}
LEFT = {
    "train": JOBS | {"Model", "EndpointConfig", "Endpoint"},
    "deploy": {"Model", "EndpointConfig", "Endpoint"},
    "cleanup": JOBS,  # which nobody can delete
}
"""What there is in the end, one of each."""


class DyingWalk(Walk):
    """Counts steps from the first change of the account, and at the one of a number tells somebody who ends it all."""

    def __init__(self, dies_at: int = -1, die: Callable[[], None] = lambda: None) -> None:
        super().__init__(Unforeseen("never"))  # which lets it enter functions
        self.dies_at, self.die = dies_at, die

    def before(self, operation: str) -> None:
        self.has_begun |= operation == "PutObject"
        super().before(operation)

    def step(self, what: str) -> None:
        super().step(what)
        if self.has_begun and len(self.steps) - 1 == self.dies_at:
            self.die()


def new_account(command: str, capsys: pytest.CaptureFixture[str]) -> Account:
    """What a command finds: for a cleanup, all that a run of train has left."""
    if command != "cleanup":
        return COMMANDS[command][0]()
    with walk_account(DyingWalk(), account := Account()):
        assert run_opskit(capsys, *COMMANDS["train"][1]).code == 0
    return account


_STEPS: dict[str, int] = {}


def count_steps(command: str, capsys: pytest.CaptureFixture[str]) -> int:
    """How many steps a whole run takes. It loads, once, what each of the killed runs would load anew, step by step."""
    if command not in _STEPS:
        with walk_account(walk := DyingWalk(), new_account(command, capsys)):
            assert run_opskit(capsys, *COMMANDS[command][1]).code == 0
        _STEPS[command] = len(walk.steps)
    return _STEPS[command]


@dataclass(frozen=True)
class Ended:
    """How a run ended (below zero: the signal that ended it), and what it printed."""

    code: int
    out: str
    err: str


def run_alone(command: str, account: Account, dies_at: int, folder: Path) -> Ended:
    """Run a command in a process of its own that is killed at a step (-1: at none), and leave the account as it did."""
    kept = folder / "kept"
    child = os.fork()
    if child == 0:
        _run_as_child(COMMANDS[command][1], account, dies_at, kept)
    _, status = os.waitpid(child, 0)
    account.things, account.objects = pickle.loads(kept.read_bytes())
    return Ended(os.waitstatus_to_exitcode(status), (folder / "out").read_text(), (folder / "err").read_text())


def _run_as_child(words: tuple[str, ...], account: Account, dies_at: int, kept: Path) -> NoReturn:
    def keep() -> None:
        kept.write_bytes(pickle.dumps((account.things, account.objects)))

    def die() -> None:
        sys.settrace(None)
        keep()
        os.kill(os.getpid(), signal.SIGKILL)

    code: Any = 99
    try:
        with _printing_to(kept.parent), walk_account(DyingWalk(dies_at, die), account):
            try:
                main((*words, "-o", "json"))
            except SystemExit as ended:
                code = ended.code or 0
        keep()
    finally:
        os._exit(code)


@contextmanager
def _printing_to(folder: Path) -> Iterator[None]:
    streams = [io.TextIOWrapper((folder / name).open("wb"), encoding="utf-8") for name in ("out", "err")]
    sys.stdout, sys.stderr = streams
    yield
    for each in streams:
        each.flush()


@pytest.mark.parametrize("seed", few_of_many(2, 270))
def test_killed_anywhere_and_run_again_nothing_is_doubled_or_forgotten(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(seed)
    command = list(LEFT)[seed % len(LEFT)]
    steps, account = count_steps(command, capsys), new_account(command, capsys)
    killed = [run_alone(command, account, dice.randrange(steps), tmp_path) for _ in range(3)]
    last = run_alone(command, account, -1, tmp_path)
    codes = [each.code for each in killed]
    assert codes[0] == -signal.SIGKILL
    assert set(codes) <= {-signal.SIGKILL, 0}, killed  # where much is done already, there is no such step any more
    assert (last.code, json.loads(last.out)["status"]) == (0, "ok"), last
    assert "Traceback" not in "".join(each.err for each in (*killed, last))
    assert sorted(account.things) == sorted((kind, JOB) for kind in LEFT[command])
    assert bool(account.objects) is (command == "train")
