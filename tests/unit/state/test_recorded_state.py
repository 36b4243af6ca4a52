"""A state folder that an older opskit has written is read as it was: what is in ``recorded`` came from the opskit of
November 2026, before its modules were put in folders by feature.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import boto3
import pytest

from opskit.aws.boto3_clients import Boto3Clients
from opskit.aws.client import AwsClient
from opskit.aws.session import AwsSession, CallerIdentity
from opskit.increases.flows.plan import last_submission
from opskit.increases.rules.channel import Channel
from opskit.increases.store import QueueState, load_snapshots, pending_requests, submitted_requests
from opskit.notebooks.rules.enums import NotebookAction
from opskit.quotas.reads.code_cache import load_cache
from opskit.state.change_outcome import ChangeOutcome
from opskit.state.journal import JournalEntry, journal_entries

RECORDED = Path(__file__).with_name("recorded")
ENDPOINT, ACCOUNT, CALLER = "http://127.0.0.1:45913", "123456789012", "arn:aws:iam::123456789012:user/default_user"
WRITTEN_AT = datetime(2026, 11, 26, 10, 15, 50, tzinfo=UTC)


@pytest.fixture
def recorded_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AwsClient:
    """One at the endpoint and account that the folder was written for."""
    shutil.copytree(RECORDED, tmp_path / "recorded")
    for kind in ("state", "cache"):
        monkeypatch.setenv(f"XDG_{kind.upper()}_HOME", str(tmp_path / "recorded" / kind))
    monkeypatch.setenv("AWS_ENDPOINT_URL", ENDPOINT)
    monkeypatch.setattr(AwsSession, "identity", lambda _: CallerIdentity(ACCOUNT, CALLER))
    clients = Boto3Clients(boto3.Session("testing", "testing", region_name="us-east-1"))
    return AwsSession(clients, "us-east-1").client()


def test_journal_of_an_older_opskit_is_read(recorded_client: AwsClient) -> None:
    entries = journal_entries(datetime(2026, 11, 1, tzinfo=UTC))
    assert len(entries) == 23
    assert Counter(entry.outcome for entry in entries) == {ChangeOutcome.DONE: 15, "filed": 3, "queued": 5}
    assert {(entry.endpoint, entry.account, entry.caller) for entry in entries} == {(ENDPOINT, ACCOUNT, CALLER)}
    assert all(entry.ended_at and entry.ended_at > entry.started_at for entry in entries)
    stop = single_entry(entries, NotebookAction.STOP)
    assert (stop.subject, stop.reason) == ("course-idle", "asked for by name")
    assert stop.stop
    assert stop.stop.usd_per_hour == Decimal("0.0464")
    assert stop.stop.running_since == datetime(2026, 11, 26, 5, 9, 58, 87835, tzinfo=UTC)
    assert single_entry(entries, NotebookAction.START).subject == "course-idle"
    assert single_entry(entries, NotebookAction.UNTAG).subject == "course-idle"


def single_entry(entries: tuple[JournalEntry, ...], action: NotebookAction) -> JournalEntry:
    [entry] = [entry for entry in entries if entry.action == action]
    return entry


def test_queue_of_an_older_opskit_is_read(recorded_client: AwsClient) -> None:
    waiting = pending_requests(recorded_client)
    assert [request.instance_type for request in waiting if request.state is QueueState.QUEUED] == [
        "ml.m5.large",
        "ml.m5.xlarge",
        "ml.c4.xlarge",
        "ml.c5.2xlarge",
        "ml.g4dn.xlarge",
    ]
    [filed] = submitted_requests(recorded_client, "ml.p3.2xlarge for training job usage", WRITTEN_AT)
    assert (filed.channel, filed.desired_value, filed.id) == (
        Channel.SUPPORT,
        4.0,
        "case-123456789012-muen-2026-d0fccdce50494b7a",
    )
    submission = last_submission(recorded_client, "ml.m4.xlarge for training job usage", Channel.AUTO, WRITTEN_AT)
    assert submission
    assert submission.id == "ad98c281bd55467c9c3cdd226d5949b1C191323"


def test_last_look_of_an_older_opskit_is_read(recorded_client: AwsClient) -> None:
    assert {(look.status, look.value) for look in load_snapshots(recorded_client).values()} == {
        ("APPROVED", 40.0),
        ("APPROVED", 2.0),
    }


def test_quota_codes_of_an_older_opskit_are_read(recorded_client: AwsClient) -> None:
    cache = load_cache(recorded_client, WRITTEN_AT)
    seen = cache.get("ml.m4.xlarge for training job usage")
    assert seen
    assert (seen.code, seen.applied, seen.value) == ("L-A373146E", True, 2.0)
    assert cache.listed_at


def test_log_of_an_older_opskit_has_the_fields_that_are_promised() -> None:
    [line] = (RECORDED / "state/opskit/runs.jsonl").read_text().splitlines()
    assert json.loads(line).keys() >= {"time", "job", "command", "exit", "status", "seconds", "stopped", "errors"}
