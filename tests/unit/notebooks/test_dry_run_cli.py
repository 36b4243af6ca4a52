"""What a dry run refuses is what the run refuses: whatever speaks against a command, both end with the same code, and
the dry run changes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import CLOSED, DENIED, Entry, FakeAws
from tests.fakes.fake_jupyter import serve_jupyters
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks

pytestmark = pytest.mark.served

WRITES = (
    "AddTags",
    "DeleteTags",
    "StopNotebookInstance",
    "StartNotebookInstance",
    "CreateNotebookInstance",
    "CreateRole",
    "PutRolePolicy",
)
OLD = timedelta(hours=5)
ROLE = ("--role", "arn:aws:iam::123456789012:role/mine")
TYPE = Entry("ml.t2.medium for notebook instance usage", "L-7B2FD69B", 2.0, 0.0)
TOTAL = Entry("Total number of notebook instances", "L-04CE2E67", 8.0, 8.0)


def idle(name: str = "idle") -> FakeNotebook:
    return FakeNotebook(name).kernel("idle", OLD)


def in_status(status: str) -> Callable[[], FakeNotebook]:
    return lambda: FakeNotebook("lab", status=status)


def kept() -> FakeNotebook:
    return FakeNotebook("kept", tags={"opskit:keep": "thesis"}).kernel("idle", OLD)


def kept_until_next_year() -> FakeNotebook:
    return FakeNotebook("kept", tags={"opskit:keep-until": (datetime.now(UTC) + timedelta(days=365)).isoformat()})


def busy() -> FakeNotebook:
    return FakeNotebook("busy").kernel("busy", OLD)


def with_terminal() -> FakeNotebook:
    return FakeNotebook("terminal").kernel("idle", OLD).terminal(OLD)


def silent() -> FakeNotebook:
    return FakeNotebook("silent", fault=lambda what: CLOSED)


def just_started_and_silent() -> FakeNotebook:
    return FakeNotebook("silent", since=datetime.now(UTC), fault=lambda what: CLOSED)


@dataclass(frozen=True)
class Situation:
    """A command, the notebooks that are there, and how it ends."""

    words: str
    labs: Sequence[Callable[[], FakeNotebook]] = ()
    code: int = 3
    denied: str = ""
    quotas: Sequence[Entry] = field(default=(TYPE, TOTAL))

    @property
    def id(self) -> str:
        return f"{self.words} [{' '.join(make().name + ':' + make().status for make in self.labs)}] {self.denied}"


FULL = (Entry(TYPE.name, TYPE.code, 0.0, 0.0), TOTAL)
SITUATIONS = [
    Situation("stop busy", [busy]),
    Situation("stop kept", [kept]),
    Situation("stop terminal", [with_terminal]),
    Situation("stop silent", [silent]),
    Situation("stop silent", [just_started_and_silent]),
    Situation("stop lab", [in_status("Pending")]),
    Situation("stop lab", [in_status("InMaintenance")]),
    Situation("stop busy idle", [busy, idle]),
    Situation("stop busy idle --limit 1", [busy, idle]),
    Situation("stop nobody", [idle], 2),
    Situation("stop nobody busy", [busy]),
    Situation("stop nobody idle", [idle], 5),
    Situation("stop idle", [idle], 4, denied="ListNotebookInstances"),
    Situation("stop idle", [idle], denied="ListTags"),
    Situation("stop idle", [idle], denied="CreatePresignedNotebookInstanceUrl"),
    Situation("stop --idle --limit 1", [idle, lambda: idle("idle2")]),
    Situation("stop --idle --match idle* --limit 1", [idle, lambda: idle("idle2")]),
    Situation("stop --idle", [silent], 5),
    Situation("stop --idle", [idle], 4, denied="ListNotebookInstances"),
    Situation("stop --idle", [idle], 5, denied="ListTags"),
    Situation("stop --idle --grace 30m", [silent], 5),
    Situation("stop", [], 2),
    Situation("start lab", [in_status("Stopped")], quotas=FULL),
    Situation("start lab", [in_status("Stopping")]),
    Situation("start lab", [in_status("Updating")]),
    Situation("start lab", [in_status("Deleting")]),
    Situation("start lab", [in_status("Novel")]),
    Situation("start nobody", [], 2),
    Situation("start lab", [in_status("Stopped")], 4, denied="DescribeNotebookInstance"),
    Situation("start lab", [in_status("Stopped")], 4, denied="ServiceQuota"),
    Situation("start lab nobody", [in_status("Stopped")], 5),
    Situation("create idle -t ml.m5.xlarge --role arn:aws:iam::123456789012:role/mine", [idle]),
    Situation("create lab --role arn:aws:iam::123456789012:role/mine", [in_status("Deleting")]),
    Situation("create lab --role arn:aws:iam::123456789012:role/mine", quotas=FULL),
    Situation("create lab --role arn:aws:iam::123456789012:role/mine", [], 4, denied="ServiceQuota"),
    Situation("create lab", [], 2),
    Situation("create bad_name", [], 2),
    Situation("keep kept --for 1h", [kept], 2),
    Situation("keep kept --for 1h", [kept_until_next_year], 2),
    Situation("keep idle --for 1h", [idle], 2, denied="ListTags"),
    Situation("keep nobody --for 1h", [], 2),
    Situation("keep idle --for 0s", [idle], 2),
    Situation("keep idle", [idle], 4, denied="DescribeNotebookInstance"),
    Situation("unkeep nobody", [], 2),
    Situation("unkeep kept", [kept], 4, denied="DescribeNotebookInstance"),
]


@pytest.fixture
def account(fake_aws: FakeAws, no_backoff: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """An account in which nobody waits: without notebooks, prices and roles."""
    monkeypatch.setattr("opskit.aws.pacing.FIRST_PER_SECOND", 200.0)
    monkeypatch.setattr("opskit.notebooks.flows.create.find_role", lambda *_: None)
    fake_aws.running["GetProducts"] = lambda _: {"PriceList": []}
    yield fake_aws


def run(capsys: pytest.CaptureFixture[str], words: str, *more: str) -> CliResult:
    return run_opskit(capsys, "notebook", *words.split(), "-o", "json", *more)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.id)
def test_a_dry_run_ends_as_the_run_does_and_changes_nothing(
    situation: Situation, account: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    rooms = FakeNotebooks.of(*(make() for make in situation.labs))
    account.quotas = list(situation.quotas)
    account.fault = lambda operation, region: DENIED if situation.denied and situation.denied in operation else None
    with serve_jupyters(account, rooms):
        dry = run(capsys, situation.words, "--dry-run")
        assert [write for write in WRITES if account.count(write)] == []
        real = run(capsys, situation.words)
    codes = [[error["code"] for error in ran.envelope["errors"]] for ran in (dry, real)]
    assert (dry.code, real.code, codes[0]) == (situation.code, situation.code, codes[1])


@pytest.mark.parametrize("words", ["stop busy", "stop kept", "stop terminal", "stop silent"])
def test_with_yes_both_go_on(words: str, account: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    rooms = FakeNotebooks.of(busy(), kept(), with_terminal(), silent())
    with serve_jupyters(account, rooms):
        dry = run(capsys, words, "--yes", "--dry-run")
        assert (dry.code, account.count("StopNotebookInstance")) == (0, 0)
        real = run(capsys, words, "--yes")
        assert (real.code, account.count("StopNotebookInstance")) == (0, 1)


@pytest.mark.parametrize(("answer", "code"), [(True, 0), (False, 2)])
def test_on_a_terminal_a_stop_asks_and_a_dry_run_says_that_it_would(
    answer: bool, code: int, account: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ask(question: str) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr("opskit.output.printing.can_prompt", lambda: True)
    monkeypatch.setattr("opskit.output.printing.ask_yes_or_no", ask)
    with serve_jupyters(account, FakeNotebooks.of(busy(), idle())) as rooms:
        dry = run(capsys, "stop busy idle", "--dry-run")
        assert (dry.code, asked) == (0, [])
        assert "busy is at work" in dry.err
        assert run(capsys, "stop busy idle").code == code
    assert "busy is at work" in asked[0]
    assert {name: lab.stops for name, lab in rooms.labs.items()} == dict.fromkeys(("busy", "idle"), int(answer))


def test_a_yes_about_one_notebook_stops_no_other_that_began_to_work_meanwhile(
    account: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = FakeNotebooks.of(busy(), idle())

    def begin_and_agree(question: str) -> bool:
        assert "idle is" not in question
        rooms.labs["idle"].kernels = rooms.labs["busy"].kernels
        return True

    monkeypatch.setattr("opskit.output.printing.can_prompt", lambda: True)
    monkeypatch.setattr("opskit.output.printing.ask_yes_or_no", begin_and_agree)
    with serve_jupyters(account, rooms):
        ran = run(capsys, "stop busy idle")
    assert {name: lab.stops for name, lab in rooms.labs.items()} == {"busy": 1, "idle": 0}
    assert ran.code == 3


def test_a_limit_counts_what_would_be_stopped_and_not_what_is_refused(
    account: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    rooms = FakeNotebooks.of(busy(), idle())
    with serve_jupyters(account, rooms):
        ran = run(capsys, "stop busy idle --limit 1")
    assert {name: lab.stops for name, lab in rooms.labs.items()} == {"busy": 0, "idle": 1}
    assert (ran.code, {error["code"] for error in ran.envelope["errors"]}) == (3, {"busy"})


def test_what_needs_nobody_is_stopped_beside_what_is_refused(
    account: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve_jupyters(account, FakeNotebooks.of(busy(), idle(), kept())) as rooms:
        ran = run(capsys, "stop busy idle kept")
    outcomes = {row["name"]: (row["action"], row["outcome"]) for row in ran.data["notebooks"]}
    assert outcomes == {"busy": ("stop", "refused"), "idle": ("stop", "done"), "kept": ("stop", "refused")}
    assert {name: lab.stops for name, lab in rooms.labs.items()} == {"busy": 0, "idle": 1, "kept": 0}
    assert (ran.code, {error["code"] for error in ran.envelope["errors"]}) == (3, {"busy", "kept"})


@pytest.mark.parametrize("regions", [("us-east-1",), ("us-east-1", "eu-west-1")])
def test_a_narrow_terminal_tells_rows_of_several_regions_apart(
    regions: tuple[str, ...],
    account: FakeAws,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    capsys.readouterr()
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)
    flags = [word for region in regions for word in ("--region", region)]
    with serve_jupyters(account, FakeNotebooks.of(idle())):
        told = run_opskit(capsys, "notebook", "stop", "--idle", "--dry-run", "--no-inside", *flags).out
    assert all(region in told for region in regions)


def test_what_begins_to_work_after_it_was_planned_is_not_stopped_by_its_name(
    account: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = idle()
    rooms = FakeNotebooks.of(lab)
    looks = []

    def wakes(what: str) -> None:
        looks.append(what)
        if looks.count("enter") == 2:
            lab.start_work()

    lab.fault = wakes
    with serve_jupyters(account, rooms):
        ran = run(capsys, "stop idle")
    assert (lab.stops, ran.data["notebooks"][0]["outcome"]) == (0, "refused")
    assert "not so when it was planned" in ran.data["notebooks"][0]["because"]
