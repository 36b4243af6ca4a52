"""``opskit history`` narrowed to what one looks for, and where the journal cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.aws.session import AwsSession
from opskit.core.exceptions import AccessDenied
from opskit.state import journal
from tests.fakes.cli_runner import run_opskit
from tests.fakes.stubbed_client import offline_client


@pytest.fixture
def written_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AwsSession, "endpoint_id", lambda self: "aws")
    monkeypatch.setattr(AwsSession, "identity", _deny_identity)
    for region, action in (("us-east-1", "create model"), ("eu-west-1", "create model"), ("eu-west-1", "delete model")):
        with journal.journal_action(offline_client(region), action, "m", reason="a test"):
            pass


def _deny_identity(session: AwsSession) -> None:
    raise AccessDenied("denied", "you may not")


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
    written_journal: None, capsys: pytest.CaptureFixture[str], words: list[str], count: int
) -> None:
    ran = run_opskit(capsys, "history", *words, "-o", "json")
    assert (ran.code, len(ran.data["history"])) == (0, count)


def test_a_damaged_journal_says_what_to_do(capsys: pytest.CaptureFixture[str], isolated_home: Path) -> None:
    folder = isolated_home / "state" / "opskit"
    folder.mkdir(parents=True)
    (folder / "journal.sqlite").write_bytes(b"not a database" * 1000)
    ran = run_opskit(capsys, "history", "-o", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (2, "state-unusable")
    assert f"mv {folder}/journal.sqlite {folder}/journal.sqlite.damaged" in ran.envelope["errors"][0]["hint"]


def test_a_state_folder_that_cannot_be_used_is_told_with_the_reason_alone(
    capsys: pytest.CaptureFixture[str], isolated_home: Path
) -> None:
    folder = isolated_home / "state" / "opskit"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file in its place")
    text = f"opskit's state in {folder} cannot be used: File exists."
    errors = run_opskit(capsys, "history", "-o", "json").envelope["errors"]
    assert [error["message"] for error in errors] == [text]  # nothing of requests: history sends none
