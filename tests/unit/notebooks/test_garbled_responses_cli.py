"""Where an answer of AWS's lacks anything, no notebook is stopped that would not be, whatever its evidence, and none is
called gone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opskit.notebooks.rules.enums import EvidenceSource
from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import FakeAws
from tests.fakes.fake_jupyter import serve_notebooks
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks
from tests.fakes.garbled_responses import SAMPLE_AND_EVERY_WAY, GarbledRuns
from tests.slow import serves

OLD = timedelta(hours=5)
TEAM = {"team": "blue"}
TRUTH = {"busy": "busy", "kept": "protected", "started": "starting", "stopped": "stopped"}


def labs() -> tuple[FakeNotebook, ...]:
    """Each with a kernel that has been idle for long, and with a reason all the same why it is not to be stopped. By
    each source of evidence that is the same.
    """
    return (
        FakeNotebook("busy", tags=TEAM).kernel("idle", OLD).kernel("busy", OLD),
        FakeNotebook("kept", tags={**TEAM, "opskit:keep": "thesis"}).kernel("idle", OLD),
        FakeNotebook("started", tags=TEAM, since=datetime.now(UTC) - timedelta(minutes=1)).kernel("idle", OLD),
        FakeNotebook("stopped", tags=TEAM, status="Stopped").kernel("idle", OLD),
    )


@pytest.fixture
@serves
def account(fake_aws: FakeAws, no_backoff: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    aws, rooms = FakeAws(), FakeNotebooks.of(*labs())
    rooms.log = {name: datetime.now(UTC) - (timedelta(minutes=1) if name == "busy" else OLD) for name in TRUTH}
    with serve_notebooks(aws, rooms):
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        yield aws, rooms


@pytest.fixture(params=SAMPLE_AND_EVERY_WAY)
def garbled_runs(
    account: tuple[FakeAws, FakeNotebooks], isolated_home: Path, request: pytest.FixtureRequest
) -> GarbledRuns:
    return GarbledRuns(account[0], isolated_home, every_way=request.param)


@pytest.mark.parametrize("chosen", [(), ("--tag", "team=blue")], ids=["all", "by tag"])
@pytest.mark.parametrize("source", EvidenceSource)
def test_nothing_is_stopped_for_what_was_not_told(
    account: tuple[FakeAws, FakeNotebooks],
    garbled_runs: GarbledRuns,
    capsys: pytest.CaptureFixture[str],
    source: EvidenceSource,
    chosen: tuple[str, ...],
) -> None:
    _, rooms = account
    trusts = ("--trust-logs",) if source.is_log else ()

    def stop() -> dict[str, tuple[str, str]]:
        ran = run_opskit(
            capsys, "notebook", "stop", "--idle", "--evidence", source.value, *trusts, *chosen, "-o", "json"
        )
        return {row["name"]: (row["verdict"], row["action"]) for row in ran.data.get("notebooks", ())}

    # Without this a source that the stand-in does not show would be unknown in every run, and nothing would be tested.
    assert stop() == {name: (verdict, "keep") for name, verdict in TRUTH.items()}
    lies = [
        (how, name, verdict, action)
        for how, rows in garbled_runs.each(stop)
        for name, (verdict, action) in rows.items()
        if action != "keep" or verdict not in (TRUTH[name], "unknown")
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
