"""Where an answer of AWS's lacks anything, no notebook is stopped that would not be, and none is called gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.small_aws import SmallAws
from benchmarks.small_notebooks import Lab, SmallNotebooks, serve_notebooks
from tests.unit.cli.half_answers import Garbling
from tests.unit.cli.running import Ran, run

OLD = timedelta(hours=5)


def labs() -> tuple[Lab, ...]:
    """Each with a kernel that has been idle for long, and with a reason all the same why it is not to be stopped."""
    return (
        Lab("busy").kernel("idle", OLD).kernel("busy", OLD),
        Lab("kept", tags={"opskit:keep": "thesis"}).kernel("idle", OLD),
        Lab("started", since=datetime.now(UTC) - timedelta(minutes=1)).kernel("idle", OLD),
        Lab("stopped", status="Stopped").kernel("idle", OLD),
    )


@pytest.fixture
def account(small_aws: SmallAws, impatient: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    aws, rooms = SmallAws(), SmallNotebooks.of(*labs())
    with serve_notebooks(aws, rooms):
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        yield aws, rooms


Asks = Callable[[pytest.CaptureFixture[str]], Ran]
ASKED: dict[str, Asks] = {
    "stop --idle": lambda capsys: run(capsys, "notebook", "stop", "--idle", "-o", "json"),
    "stop --tag": lambda capsys: run(capsys, "notebook", "stop", "--idle", "--tag", "team=blue", "-o", "json"),
}


@pytest.mark.parametrize("asks", ASKED.values(), ids=ASKED)
def test_nothing_is_stopped_for_what_was_not_told(
    account: tuple[SmallAws, SmallNotebooks], own_folders: Path, capsys: pytest.CaptureFixture[str], asks: Asks
) -> None:
    aws, rooms = account

    def stop() -> dict[str, tuple[str, str]]:
        rows = asks(capsys).data.get("notebooks", ())
        return {row["name"]: (row["verdict"], row["action"]) for row in rows}

    assert all(action == "keep" for _, action in stop().values())
    truth = {"busy": "busy", "kept": "protected", "started": "starting", "stopped": "stopped"}
    lies = [
        (how, name, verdict, action)
        for how, rows in Garbling(aws, own_folders).each(stop)
        for name, (verdict, action) in rows.items()
        if action != "keep" or verdict not in (truth[name], "unknown")
    ]
    assert lies == []
    assert [lab.stops for lab in rooms.labs.values()] == [0] * 4


@pytest.mark.parametrize(
    "words", [("keep", "busy", "--for", "1h"), ("start", "stopped", "--dry-run"), ("stop", "stopped")]
)
def test_a_notebook_that_is_there_is_not_said_to_be_missing(
    account: tuple[SmallAws, SmallNotebooks],
    own_folders: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    aws, rooms = account
    nobody = run(capsys, "notebook", words[0], "nobody", *words[2:], "-o", "json")
    [missing] = {error["code"] for error in nobody.envelope["errors"]}

    def ask() -> set[str]:
        ran = run(capsys, "notebook", words[0], words[1], *words[2:], "-o", "json")
        return {error["code"] for error in ran.envelope["errors"]}

    assert "no" in missing
    assert missing not in ask()
    assert [how for how, codes in Garbling(aws, own_folders).each(ask, deepest=1) if missing in codes] == []
    assert sum(lab.stops for lab in rooms.labs.values()) == 0
