"""`--heartbeat`: a sign of life is given only where all went well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opskit.core.exceptions import ExitCode, UsageError
from opskit.output.result import CommandResult
from tests.fakes.notified_run import PATH, STOPPED, notify_of
from tests.fakes.webhook_servers import WebhookRecord


@pytest.mark.parametrize("heartbeat", ["/no/such/folder/file", "/dev/null", "/tmp", "https://", "gopher://host"])
def test_a_heartbeat_that_cannot_be_is_said_before_anything_is_done(heartbeat: str) -> None:
    with pytest.raises(UsageError):
        notify_of(lambda: pytest.fail("it was done"), heartbeat=heartbeat)


def test_a_heartbeat_file_says_when_and_what_and_only_when_all_went_well(tmp_path: Path) -> None:
    file = tmp_path / "alive"
    notify_of(CommandResult(STOPPED, ExitCode.PARTIAL), heartbeat=file)
    notify_of(CommandResult({"skipped": True}), heartbeat=file)
    assert not file.exists()
    assert notify_of(CommandResult(STOPPED), heartbeat=file).exit is ExitCode.OK
    beat = json.loads(file.read_text())
    assert (beat["command"], beat["exit"]) == (list(PATH), 0)
    assert beat["time"].endswith("Z")
    assert [each.name for each in tmp_path.iterdir()] == ["alive"]


def test_a_heartbeat_address_is_fetched_only_when_all_went_well(webhook_server: WebhookRecord) -> None:
    notify_of(CommandResult(STOPPED, ExitCode.AWS_ERROR), heartbeat=webhook_server.url)
    assert webhook_server.came == []
    notify_of(CommandResult(STOPPED), heartbeat=webhook_server.url)
    assert [(method, path) for method, path, _ in webhook_server.came] == [("GET", "/T0/sssh?token=sssh")]
    webhook_server.status = 404
    failed = notify_of(CommandResult(STOPPED), heartbeat=webhook_server.url)
    assert failed.exit is ExitCode.PARTIAL
    assert "sssh" not in repr(failed)


def test_no_sign_of_life_when_the_news_did_not_arrive(webhook_server: WebhookRecord, tmp_path: Path) -> None:
    webhook_server.status = 500
    notify_of(CommandResult(STOPPED), notify=webhook_server.url, heartbeat=tmp_path / "alive")
    assert not (tmp_path / "alive").exists()


def test_the_address_of_a_heartbeat_may_stand_in_a_file(webhook_server: WebhookRecord, tmp_path: Path) -> None:
    file = tmp_path / "address"
    file.write_text(webhook_server.url)
    file.chmod(0o600)
    notify_of(CommandResult(STOPPED), heartbeat=f"@{file}")
    assert len(webhook_server.came) == 1
    file.chmod(0o644)
    with pytest.raises(UsageError, match="other users can read"):
        notify_of(CommandResult(STOPPED), heartbeat=f"@{file}")
