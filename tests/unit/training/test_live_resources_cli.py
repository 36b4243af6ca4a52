"""Whatever ends a command, and wherever: what runs by then is named, with the command that ends it.

The walk goes through the steps that a run takes once something may have been made (each call of AWS's, before and
after, and for the unforeseen each function of a feature's that is entered) and lets it happen there. `make soak` goes
through all of them; the unit tests let it happen before and after each write, and once at each kind of the others.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

import opskit
from opskit.access.rules.permissions import API_CALLS
from opskit.training.events import StatusChanged
from tests.fakes.account import Account, in_memory
from tests.fakes.billing_accounts import (
    JOB,
    deployed_account,
    empty_account,
    trained_account,
    with_a_notebook,
    with_a_stopped_endpoint,
)
from tests.fakes.cli_runner import CliResult, run_opskit

STOPS = {
    "TrainingJob": "aws sagemaker stop-training-job --training-job-name {} --region us-east-1",
    "TransformJob": "aws sagemaker stop-transform-job --transform-job-name {} --region us-east-1",
    "Endpoint": "aws sagemaker delete-endpoint --endpoint-name {} --region us-east-1",
    "NotebookInstance": "aws sagemaker stop-notebook-instance --notebook-instance-name {} --region us-east-1",
}
pytestmark = pytest.mark.usefixtures("quick_runs")
HOME = Path(opskit.__file__).parent
WALKED = re.compile(rf"{re.escape(str(HOME))}/[a-z_]+/(flows|changes|reads|render|sagemaker_sdk|metrics)\b")
"""What a feature does. What names a resource and says so is below the features: where that fails, nothing is named."""


class Unforeseen(Exception):
    """What nobody thought of."""


@dataclass
class Walk:
    """Counts steps from the first one at which something may run, and fails once: at the step of this number, or at
    the first of this name (None: at none).
    """

    error: BaseException
    fails_at: int | str | None = None
    steps: list[str] = field(default_factory=list)
    has_begun: bool = False
    failed_at: str = ""
    _entered: set[CodeType] = field(default_factory=set)

    def step(self, what: str) -> None:
        """Go on, or fail here."""
        if not self.has_begun:
            return
        self.steps.append(what)
        if not self.failed_at and self.fails_at in (len(self.steps) - 1, what):
            self.failed_at = what
            raise self.error

    def before(self, operation: str) -> None:
        """A call is about to go to AWS."""
        if not self.has_begun and operation.startswith(("Create", "Start", "Delete")):
            self.has_begun = True
            sys.settrace(self.entered if isinstance(self.error, Unforeseen) else None)
        self.step(f"before {operation}")

    def entered(self, frame: FrameType, event: str, _: Any) -> None:
        """A function is entered: a step where it is one of opskit's, the first time."""
        code = frame.f_code
        name = code.co_filename
        if event != "call" or code in self._entered:
            return
        self._entered.add(code)
        if (part := WALKED.match(name)) and not code.co_name.startswith("<"):
            self.step(f"in {part[1]} {Path(name).stem}.{code.co_name}")


@contextmanager
def walk_account(walk: Walk, account: Account) -> Iterator[None]:
    account.before, account.after = walk.before, lambda operation: walk.step(f"after {operation}")
    with in_memory(account):
        try:
            yield
        finally:
            sys.settrace(None)


COMMANDS: dict[str, tuple[Callable[[], Account], tuple[str, ...]]] = {
    "train": (empty_account, ("train", "boston", "--no-guard", "--deploy")),
    "deploy": (trained_account, ("deploy", "boston", "--no-guard")),
    "cleanup": (deployed_account, ("cleanup", "boston", "--yes")),
    "create": (empty_account, ("notebook", "create", "lab", "--no-guard", "--yes", "--wait")),
    "endpoint": (with_a_stopped_endpoint, ("endpoint", "start", "prices", "--no-guard")),
    "start": (with_a_notebook, ("notebook", "start", "lab", "--no-guard", "--wait")),
}


def names_stop_command(ended: CliResult, kind: str, name: str) -> bool:
    """Whether the command that ends it is told."""
    return any(STOPS[kind].format(name) in error["hint"] for error in ended.envelope["errors"])


def said_to_run(ended: CliResult) -> set[str]:
    """What is called running for sure, in the words of the message."""
    told = " ".join(error["message"] for error in ended.envelope["errors"])
    return set(re.findall(r"the ([a-z -]+? \S+) is still running", told, re.IGNORECASE))


def words_of(kind: str, name: str) -> str:
    return f"{re.sub(r'(?<!^)(?=[A-Z])', ' ', kind).lower()} {name}"


def kind_of_step(step: str) -> str:
    """Steps of one kind are much alike: reads of one verb, functions of one layer. Each write is a kind of its own."""
    when, what, *_ = step.split()
    is_read = re.match("Describe|List|Get|Head", what)
    return f"{when} {is_read[0]}" if is_read else f"{when} {what}"


def one_of_each_kind(steps: list[str]) -> list[int | str]:
    return list({kind_of_step(step): step for step in reversed(steps)}.values())


def every_step(steps: list[str]) -> list[int | str]:
    return list(range(len(steps)))


def run_walked(command: str, walk: Walk, capsys: pytest.CaptureFixture[str]) -> tuple[CliResult, Account]:
    make, words = COMMANDS[command]
    account = make()
    with walk_account(walk, account):
        return run_opskit(capsys, *words, "-o", "json"), account


@pytest.mark.parametrize("error", [Unforeseen("nobody thought of this"), KeyboardInterrupt()], ids=["bug", "ctrl-c"])
@pytest.mark.parametrize("choose", [one_of_each_kind, pytest.param(every_step, marks=pytest.mark.soak)])
@pytest.mark.parametrize("command", COMMANDS)
def test_wherever_a_command_ends_what_runs_is_named(
    command: str,
    choose: Callable[[list[str]], list[int | str]],
    error: BaseException,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ran, _ = run_walked(command, unhindered := Walk(error), capsys)
    assert ran.code == 0, ran.out
    chosen = choose(unhindered.steps)
    assert len(chosen) > 3
    for at in chosen:
        ended, account = run_walked(command, walk := Walk(error, at), capsys)
        if ended.code == 0:  # where the SDK or the journal goes on regardless, or a cache leaves a step out
            continue
        assert ended.code == (130 if isinstance(error, KeyboardInterrupt) else 1), walk.failed_at
        for kind, name in account.billing():
            assert names_stop_command(ended, kind, name), (
                f"{walk.failed_at}: {kind} {name} runs and is not named: {ended.out}"
            )
        if not walk.failed_at.startswith("after "):  # then opskit could not know
            assert said_to_run(ended) <= {words_of(*each) for each in account.billing()}, (
                f"{walk.failed_at}: {ended.out}"
            )


@pytest.mark.parametrize("command", COMMANDS)
def test_a_walk_enters_what_a_feature_does(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Folders that were renamed once left a walk that entered no function at all, and was green."""
    run_walked(command, walk := Walk(Unforeseen("never")), capsys)
    assert {"in flows", "in render"} <= {kind_of_step(step) for step in walk.steps}


STARTS = {
    f"sagemaker:{operation}"
    for operation in (
        *("CreateTrainingJob", "CreateTransformJob", "CreateProcessingJob", "CreateHyperParameterTuningJob"),
        *("CreateEndpoint", "UpdateEndpoint", "CreateInferenceComponent", "CreateAutoMLJobV2"),
        *("CreateNotebookInstance", "StartNotebookInstance", "CreateApp", "CreateCluster", "CreateTrainingPlan"),
    )
}
"""What makes something that bills until it ends."""


def test_every_command_that_starts_something_is_walked() -> None:
    starting = {command for command, calls in API_CALLS.items() if calls & STARTS}
    walked_through = {
        next(name for name in API_CALLS if name.split() == list(words[: len(name.split())]))
        for _, words in COMMANDS.values()
    }
    assert starting <= walked_through


@pytest.mark.parametrize(
    "where", ["opskit.output.screen.Screen.show_result", "opskit.training.render.train.train_result"]
)
def test_an_answer_that_cannot_be_shown_names_what_bills(
    where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise Unforeseen("nobody thought of this")

    account = Account()
    with in_memory(account), monkeypatch.context() as patched:
        patched.setattr(where, fail)
        ended = run_opskit(capsys, "train", "boston", "--no-guard", "--deploy")
    assert ended.code == 1
    assert "Unforeseen: nobody thought of this" in ended.err
    assert f"The endpoint {JOB} is still running." in ended.err
    assert STOPS["Endpoint"].format(JOB) in ended.err


@pytest.mark.parametrize(("error", "code"), [(BrokenPipeError(), 130), (SystemExit(3), 1)])
def test_what_ends_a_command_in_silence_elsewhere_is_told_where_something_runs(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def line_of(event: object) -> str:
        if isinstance(event, StatusChanged):
            raise error
        return ""

    account = Account()
    with in_memory(account), monkeypatch.context() as patched:
        patched.setattr("opskit.training.render.progress.format_run_event", line_of)
        ended = run_opskit(capsys, "train", "boston", "--no-guard", "-o", "json")
    assert ended.code == code
    assert names_stop_command(ended, "TrainingJob", JOB)
    assert ended.data["running"] == [{"kind": "training-job", "name": JOB, "sure": True}]


def test_what_came_up_as_asked_is_no_accident_of_another(capsys: pytest.CaptureFixture[str]) -> None:
    account = with_a_notebook()
    account.put("NotebookInstance", "busy", "Stopping", InstanceType="ml.t2.medium")
    with in_memory(account):
        ended = run_opskit(capsys, "notebook", "start", "lab", "busy", "--no-guard", "--wait", "-o", "json")
    assert [error["code"] for error in ended.envelope["errors"]] == ["cannot-start"]


@pytest.mark.parametrize(
    ("kind", "way", "code"),
    [
        ("TrainingJob", ["InProgress", "Failed"], "job-failed"),
        ("TrainingJob", ["InProgress", "Stopped"], "job-failed"),
        ("TransformJob", ["InProgress", "Failed"], "job-failed"),
        ("TransformJob", ["InProgress", "Stopped"], "job-failed"),
        ("Endpoint", ["Creating", "Failed"], "endpoint-failed"),
        ("Endpoint", ["Creating", "Deleting", "gone"], "vanished"),
    ],
)
def test_what_ended_is_never_still_running(
    kind: str, way: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account = Account()
    account.ways[kind] = way
    with in_memory(account):
        ended = run_opskit(capsys, "train", "boston", "--no-guard", "--deploy", "-o", "json")
    assert [error["code"] for error in ended.envelope["errors"]] == [code]
    assert (ended.code, ended.data["running"]) == (4, [])


@pytest.mark.parametrize(
    ("kind", "first"), [("TrainingJob", "InProgress"), ("TransformJob", "InProgress"), ("Endpoint", "Creating")]
)
def test_what_failed_shows_the_last_lines_of_its_log(kind: str, first: str, capsys: pytest.CaptureFixture[str]) -> None:
    account = Account()
    account.ways[kind] = [first, "Failed"]
    with in_memory(account):
        ended = run_opskit(capsys, "train", "boston", "--no-guard", "--deploy", "-o", "json")
    [error] = ended.envelope["errors"]
    assert "The last lines of its log:\n  [0]\ttrain-rmse:19.6" in error["hint"]


@pytest.mark.parametrize("verb", ["create", "start"])
@pytest.mark.parametrize("way", [["Pending", "Failed"], ["Pending", "Stopping", "Stopped"], ["Pending", "gone"]])
def test_a_notebook_that_did_not_come_up_is_never_still_running(
    verb: str, way: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    make, words = COMMANDS[verb]
    account = make()
    account.ways["NotebookInstance"] = way
    with in_memory(account):
        ended = run_opskit(capsys, *words, "-o", "json")
    assert ended.code in (4, 5)
    assert "running" not in "".join(error["message"] for error in ended.envelope["errors"])


@pytest.mark.parametrize("verb", ["create", "start"])
def test_a_notebook_in_a_status_that_is_not_known_may_be_running(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    make, words = COMMANDS[verb]
    account = make()
    account.ways["NotebookInstance"] = ["Pending", "Rehoming"]
    with in_memory(account):
        ended = run_opskit(capsys, *words, "-o", "json")
    last = ended.envelope["errors"][-1]
    assert (last["code"], STOPS["NotebookInstance"].format("lab") in last["hint"]) == ("still-running", True)
    assert "The notebook instance lab may be running." in last["message"]


def test_an_endpoint_that_cannot_be_rolled_back_may_be_running(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account()
    account.ways["Endpoint"] = ["Creating", "UpdateRollbackFailed"]
    with in_memory(account):
        ended = run_opskit(capsys, "train", "boston", "--no-guard", "--deploy", "-o", "json")
    assert [error["code"] for error in ended.envelope["errors"]] == ["endpoint-failed", "still-running"]
    assert f"The endpoint {JOB} may be running." in ended.envelope["errors"][1]["message"]
