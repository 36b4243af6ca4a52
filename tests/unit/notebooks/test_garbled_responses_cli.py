"""Where an answer of AWS's lacks anything, no notebook is stopped that would not be, and none is called gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import FakeAws
from tests.fakes.fake_jupyter import serve_notebooks
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks
from tests.fakes.garbled_responses import SAMPLE_AND_EVERY_WAY, GarbledRuns
from tests.slow import serves

OLD = timedelta(hours=5)


def labs() -> tuple[FakeNotebook, ...]:
    """Each with a kernel that has been idle for long, and with a reason all the same why it is not to be stopped."""
    return (
        FakeNotebook("busy").kernel("idle", OLD).kernel("busy", OLD),
        FakeNotebook("kept", tags={"opskit:keep": "thesis"}).kernel("idle", OLD),
        FakeNotebook("started", since=datetime.now(UTC) - timedelta(minutes=1)).kernel("idle", OLD),
        FakeNotebook("stopped", status="Stopped").kernel("idle", OLD),
    )


@pytest.fixture
@serves
def account(fake_aws: FakeAws, no_backoff: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    aws, rooms = FakeAws(), FakeNotebooks.of(*labs())
    with serve_notebooks(aws, rooms):
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        yield aws, rooms


@pytest.fixture(params=SAMPLE_AND_EVERY_WAY)
def garbled_runs(
    account: tuple[FakeAws, FakeNotebooks], isolated_home: Path, request: pytest.FixtureRequest
) -> GarbledRuns:
    return GarbledRuns(account[0], isolated_home, every_way=request.param)


Asks = Callable[[pytest.CaptureFixture[str]], CliResult]
ASKED: dict[str, Asks] = {
    "stop --idle": lambda capsys: run_opskit(capsys, "notebook", "stop", "--idle", "-o", "json"),
    "stop --tag": lambda capsys: run_opskit(capsys, "notebook", "stop", "--idle", "--tag", "team=blue", "-o", "json"),
}


@pytest.mark.parametrize("asks", ASKED.values(), ids=ASKED)
def test_nothing_is_stopped_for_what_was_not_told(
    account: tuple[FakeAws, FakeNotebooks], garbled_runs: GarbledRuns, capsys: pytest.CaptureFixture[str], asks: Asks
) -> None:
    _, rooms = account

    def stop() -> dict[str, tuple[str, str]]:
        rows = asks(capsys).data.get("notebooks", ())
        return {row["name"]: (row["verdict"], row["action"]) for row in rows}

    assert all(action == "keep" for _, action in stop().values())
    truth = {"busy": "busy", "kept": "protected", "started": "starting", "stopped": "stopped"}
    lies = [
        (how, name, verdict, action)
        for how, rows in garbled_runs.each(stop)
        for name, (verdict, action) in rows.items()
        if action != "keep" or verdict not in (truth[name], "unknown")
    ]
    assert lies == []
    assert [lab.stops for lab in rooms.labs.values()] == [0] * 4


@pytest.mark.parametrize(
    "words", [("keep", "busy", "--for", "1h"), ("start", "stopped", "--dry-run"), ("stop", "stopped")]
)
def test_a_notebook_that_is_there_is_not_said_to_be_missing(
    account: tuple[FakeAws, FakeNotebooks],
    garbled_runs: GarbledRuns,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    _, rooms = account
    nobody = run_opskit(capsys, "notebook", words[0], "nobody", *words[2:], "-o", "json")
    [missing] = {error["code"] for error in nobody.envelope["errors"]}

    def ask() -> set[str]:
        ran = run_opskit(capsys, "notebook", words[0], words[1], *words[2:], "-o", "json")
        return {error["code"] for error in ran.envelope["errors"]}

    assert "no" in missing
    assert missing not in ask()
    assert [how for how, codes in garbled_runs.each(ask, deepest=1) if missing in codes] == []
    assert sum(lab.stops for lab in rooms.labs.values()) == 0
