"""``notebook stop --idle --inside`` against an AWS and Jupyters that are not the sandbox's."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opskit.notebooks.reads.instance_command import COMMAND
from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_notebooks import FakeNotebook, Untidiness
from tests.fakes.inside_runs import OLD, Account, at_rest, rows_by_name, stop_idle
from tests.seeds import few_of_many


@pytest.mark.served
@pytest.mark.parametrize("seed", few_of_many(1, 2))
def test_under_throttling_none_is_stopped_whose_job_computes_and_each_at_rest_is(
    seed: int, inside_account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = [None, None, 2.0, 0.0]
    rooms = inside_account(*(at_rest(f"lab-{at:02}", job=jobs[at % 4]) for at in range(24)))
    rooms.untidy = Untidiness(random.Random(seed), throttles=0.5, loses=0.05, forgets=0.05)
    ran = stop_idle(capsys, "--inside", "--limit", "99")
    assert rooms.throttled > 0
    for at, (name, row) in enumerate(sorted(rows_by_name(ran).items())):
        assert row["verdict"] == {None: "idle", 2.0: "busy", 0.0: "unknown"}[jobs[at % 4]]
        assert (rooms.labs[name].stops > 0) <= (jobs[at % 4] is None)
        if row["outcome"] == "done":
            assert 0 <= row["inside_ms_ago"] <= 30_000
    assert all(row["outcome"] in ("done", "unknown") for row in rows_by_name(ran).values() if row["verdict"] == "idle")
    assert {typed for lab in rooms.labs.values() for typed in lab.typed} == {COMMAND}
    looks = [len(lab.typed) for lab in rooms.labs.values()]
    assert max(looks) <= 2, "a throttled stop repeats all but the look inside"
    assert all(lab.terminals == [] for lab in rooms.labs.values())
    assert "a-secret" not in ran.out


@pytest.mark.served
@pytest.mark.parametrize("words", [("stop", "--idle", "--limit", "99"), ("stop", "--idle", "--dry-run"), ("list",)])
def test_looks_inside_open_no_more_connections_than_all_else(
    words: tuple[str, ...], inside_account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    rooms = inside_account(*(at_rest(f"lab-{at:02}") for at in range(20)), on_wire=True)
    rooms.seconds, rooms.inside_seconds = 0.02, lambda: 0.2
    run_opskit(capsys, "notebook", *words, "--inside", "-o", "json")
    assert sum(len(lab.typed) for lab in rooms.labs.values()) >= 20
    assert rooms.most_connections() <= 16


@pytest.mark.served
def test_a_look_a_refusal_and_a_look_again_say_the_same(
    inside_account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    rooms = inside_account(at_rest("lab"), at_rest("waits", job=0.0))
    seen = [rows_by_name(stop_idle(capsys, "--inside", "--dry-run")) for _ in range(3)]
    for row in seen:
        assert {name: each["verdict"] for name, each in row.items()} == {"lab": "idle", "waits": "unknown"}
        assert row["lab"]["idle_seconds"] - seen[0]["lab"]["idle_seconds"] < 600
    assert [len(lab.typed) for lab in rooms.labs.values()] == [3, 3]
    assert rooms.labs["lab"].traffic is not None, "the looks moved what Jupyter says"


@pytest.mark.served
def test_scripts_stay_as_they_are_and_say_what_is_unseen(
    inside_account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    rooms = inside_account(at_rest("lab", job=2.0))
    row = rows_by_name(stop_idle(capsys, "--dry-run"))["lab"]
    assert (row["verdict"], row["inside_ms_ago"]) == ("idle", None)
    assert "so jobs that nohup, tmux, cron or a lifecycle script began are not seen" in row["because"]
    assert rooms.labs["lab"].typed == []


@pytest.mark.served
@pytest.mark.parametrize(
    ("variable", "words", "looks"),
    [("true", (), 1), ("true", ("--no-inside",), 0), ("no", (), 0), ("no", ("--inside",), 1)],
)
def test_what_is_typed_stands_above_the_setting(
    variable: str,
    words: tuple[str, ...],
    looks: int,
    inside_account: Account,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPSKIT_NOTEBOOK_INSIDE", variable)
    rooms = inside_account(at_rest("lab"))
    ran = stop_idle(capsys, "--dry-run", *words)
    assert len(rooms.labs["lab"].typed) == looks
    assert ("--inside takes precedence over the setting" in ran.err) == ((variable, words) == ("no", ("--inside",)))


@pytest.mark.served
def test_on_a_terminal_it_looks_inside_by_itself(
    inside_account: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.output.printing.can_prompt", lambda: True)
    rooms = inside_account(at_rest("lab", job=2.0))
    assert rows_by_name(stop_idle(capsys))["lab"]["verdict"] == "busy"
    assert rooms.labs["lab"].stops == 0


NAMED_LOOKS = [
    pytest.param((), 2.0, (0, "done", "idle", 0), id="not asked for"),
    pytest.param(("--no-inside",), 2.0, (0, "done", "idle", 0), id="refused"),
    pytest.param(("--inside",), None, (0, "done", "idle", 2), id="nothing runs"),
    pytest.param(("--inside",), 2.0, (3, "refused", "busy", 1), id="a job computes"),
    pytest.param(("--inside",), 0.0, (3, "refused", "unknown", 1), id="a job waits"),
    pytest.param(("--inside", "--ignore-background"), 0.0, (0, "done", "idle", 2), id="it waits for nobody"),
    pytest.param(("--inside", "--yes"), 2.0, (0, "done", "busy", 1), id="all the same"),
]


@pytest.mark.served
@pytest.mark.parametrize(("words", "job", "ends"), NAMED_LOOKS)
def test_a_stop_by_name_looks_inside_where_it_is_asked_to(
    words: tuple[str, ...],
    job: float | None,
    ends: tuple[int, str, str, int],
    inside_account: Account,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Once for the plan, so that who is asked hears of it, and once more right before the stop."""
    lab = inside_account(at_rest("lab", job=job)).labs["lab"]
    dry = run_opskit(capsys, "notebook", "stop", "lab", "--dry-run", "-o", "json", *words)
    assert (dry.code, lab.stops, len(lab.typed)) == (ends[0], 0, min(ends[3], 1))
    lab.typed.clear()
    ran = run_opskit(capsys, "notebook", "stop", "lab", "-o", "json", *words)
    row = rows_by_name(ran)["lab"]
    assert (ran.code, row["outcome"], row["verdict"], len(lab.typed)) == ends
    assert lab.stops == (row["outcome"] == "done")
    assert (row["inside_ms_ago"] is not None) == (ends[3] == 2)
    if ends[0] == 3:
        assert "train (of ec2-user" in row["because"]
        assert "--yes" in ran.envelope["errors"][0]["hint"]


@pytest.mark.served
@pytest.mark.parametrize(
    ("more", "unseen"),
    [
        (
            {"tags": {"opskit:no-inside": ""}},
            "jobs that nohup, tmux, cron or a lifecycle script began are not seen: tagged opskit:no-inside",
        ),
        ({"has_terminals": False}, "the instance was not inspected: Jupyter"),
    ],
    ids=["forbidden", "no terminals"],
)
def test_a_stop_by_name_says_that_nobody_may_look_inside(
    more: dict[str, Any], unseen: str, inside_account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = inside_account(at_rest("lab", **more)).labs["lab"]
    for words, ends in ((("--dry-run",), (0, "planned")), ((), (1, "done"))):
        row = rows_by_name(run_opskit(capsys, "notebook", "stop", "lab", "--inside", "-o", "json", *words))["lab"]
        assert (lab.stops, row["outcome"]) == ends
        assert row["because"].startswith("asked for by name; ")
        assert unseen in row["because"]
    assert lab.typed == []


@pytest.mark.served
def test_a_stop_by_name_looks_inside_what_has_just_started(
    inside_account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    young = datetime.now(UTC) - timedelta(minutes=30)
    lab = inside_account(FakeNotebook("lab", since=young, used=young, has_terminals=True, job=2.0)).labs["lab"]
    ran = run_opskit(capsys, "notebook", "stop", "lab", "--inside", "-o", "json")
    assert (ran.code, rows_by_name(ran)["lab"]["verdict"], lab.stops) == (3, "busy", 0)


@pytest.mark.served
def test_a_job_that_begins_after_the_plan_keeps_what_was_named(
    inside_account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    rooms = inside_account(at_rest("lab"))
    lab = rooms.labs["lab"]

    def begin_a_job_after_the_first_look() -> float:
        lab.job = 2.0 if len(lab.typed) > 1 else None
        return 0.0

    rooms.inside_seconds = begin_a_job_after_the_first_look
    ran = run_opskit(capsys, "notebook", "stop", "lab", "--inside", "-o", "json")
    assert (ran.code, lab.stops, len(lab.typed)) == (3, 0, 2)
    assert "That was not so when it was planned" in rows_by_name(ran)["lab"]["because"]


def test_a_stop_by_name_cannot_look_inside_where_only_logs_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_opskit(capsys, "notebook", "stop", "lab", "--inside", "--evidence", "logs", "-o", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (2, "no-way-inside")


@pytest.mark.served
def test_a_tag_that_comes_meanwhile_is_heeded(inside_account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    rooms = inside_account(at_rest("lab", tags={"opskit:no-inside": ""}), at_rest("kept", tags={"opskit:keep": "mine"}))
    ran = rows_by_name(stop_idle(capsys, "--inside"))
    assert (ran["lab"]["outcome"], ran["kept"]["verdict"]) == ("done", "protected")
    assert "the instance was not inspected" in ran["lab"]["because"]
    assert [lab.typed for lab in rooms.labs.values()] == [[], []]


@pytest.mark.served
@pytest.mark.parametrize(
    ("words", "tags", "verdict"),
    [
        ((), {}, "unknown"),
        (("--trust-jupyter",), {}, "idle"),
        ((), {"opskit:jupyter-only": ""}, "idle"),
    ],
)
def test_a_lifecycle_configuration_where_nobody_can_look_inside(
    words: tuple[str, ...],
    tags: dict[str, str],
    verdict: str,
    inside_account: Account,
    capsys: pytest.CaptureFixture[str],
) -> None:
    used = datetime.now(UTC) - OLD
    inside_account(FakeNotebook("lab", used=used, since=used - OLD, tags=tags, lifecycle_config="nightly"))
    ran = stop_idle(capsys, "--inside", "--dry-run", *words)
    assert (ran.code, rows_by_name(ran)["lab"]["verdict"]) == (0, verdict)


def test_a_policy_says_that_the_key_to_notebooks_is_a_shell(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_opskit(capsys, "iam", "policy", "notebook", "stop", "-o", "json")
    told = {error["code"]: error["message"] for error in ran.envelope["errors"]}
    assert ran.code == 0
    assert "CreatePresignedNotebookInstanceUrl is a shell" in told["opens-shells"]
    others = run_opskit(capsys, "iam", "policy", "train", "-o", "json").envelope["errors"]
    assert "opens-shells" not in {error["code"] for error in others}


@pytest.mark.served
def test_the_state_folder_cannot_be_used(
    inside_account: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a look moves could not be told from somebody's work, so there is none."""
    rooms = inside_account(at_rest("lab"))
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(file))
    ran = stop_idle(capsys, "--inside", "--dry-run")
    assert (ran.code, rows_by_name(ran)["lab"]["verdict"]) == (5, "unknown")
    assert rooms.labs["lab"].typed == []
