"""``opskit history`` narrowed to what one looks for, and where the journal cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.aws import Connection, Door
from opskit.errors import Denied
from opskit.state import journal
from tests.unit.cli.running import run


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "endpoint", lambda self: "aws")
    monkeypatch.setattr(Connection, "caller", _nobody)
    for region, action in (("us-east-1", "create model"), ("eu-west-1", "create model"), ("eu-west-1", "delete model")):
        with journal.record(Door(Connection(None, region), region), action, "m", because="a test"):
            pass


def _nobody(connection: Connection) -> None:
    raise Denied("denied", "you may not")


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ([], 3),
        (["--action", "delete"], 1),
        (["--action", "CREATE"], 2),
        (["--region", "eu-west-1"], 2),
        (["--region", "eu-west-1", "--action", "create"], 1),
        (["--region", "all"], 3),
        (["--action", "nothing"], 0),
    ],
)
def test_only_what_was_asked_for(
    written: None, capsys: pytest.CaptureFixture[str], words: list[str], count: int
) -> None:
    ran = run(capsys, "history", *words, "-o", "json")
    assert (ran.code, len(ran.data["history"])) == (0, count)


def test_a_damaged_journal_says_what_to_do(capsys: pytest.CaptureFixture[str], own_folders: Path) -> None:
    folder = own_folders / "state" / "opskit"
    folder.mkdir(parents=True)
    (folder / "journal.sqlite").write_bytes(b"not a database" * 1000)
    ran = run(capsys, "history", "-o", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (2, "state-unusable")
    assert f"move it away from {folder}" in ran.envelope["errors"][0]["hint"]
