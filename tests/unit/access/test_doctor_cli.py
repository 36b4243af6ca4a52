"""``opskit doctor`` where nothing is well: it says what it saw, in time, and never crashes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, GARBLED, THROTTLED, FakeAws, Fault
from tests.fakes.xml_answers import XML_ANSWERS
from tests.slow import serves


def run_doctor(capsys: pytest.CaptureFixture[str]) -> CliResult:
    return run_opskit(capsys, "doctor", "-o", "json")


def check_states(ran: CliResult) -> dict[str, str]:
    return {each["what"]: each["state"] for each in ran.data["checks"]}


def test_without_credentials_the_rest_is_told(
    fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    ran = run_doctor(capsys)
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (4, "no-credentials")
    assert len(ran.envelope["errors"]) == 1
    assert check_states(ran) == {
        "credentials": "wrong",
        "region": "well",
        "endpoint": "note",
        "state folder": "well",
        "cache folder": "well",
    }
    assert ran.data["region_from"] == "AWS_DEFAULT_REGION"
    assert ran.data["versions"]["boto3"]


def test_without_a_region_it_says_so(
    fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    ran = run_doctor(capsys)
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (2, "no-region")
    assert check_states(ran)["region"] == "wrong"


@pytest.fixture
@serves
def silent_endpoint(monkeypatch: pytest.MonkeyPatch, fake_aws: FakeAws) -> Iterator[None]:
    """An endpoint that takes every connection and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
        monkeypatch.setenv("OPSKIT_READ_TIMEOUT", "200ms")
        yield


def test_an_endpoint_that_hangs_is_named(silent_endpoint: None, capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_doctor(capsys)
    assert ran.code == 4
    assert "no answer within 0.2 s" in ran.envelope["errors"][0]["message"]


@pytest.mark.parametrize("fault", [BROKEN, CLOSED, DENIED, GARBLED, THROTTLED])
def test_whatever_aws_answers_it_is_no_bug(
    fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], no_backoff: None, fault: Fault
) -> None:
    fake_aws.fault = lambda called, region: fault
    assert run_doctor(capsys).code in (4, 5)


def test_a_folder_that_cannot_be_used_is_named(
    fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    ran = run_doctor(capsys)
    assert check_states(ran)["state folder"] == "wrong"
    assert "XDG_STATE_HOME" in next(each["hint"] for each in ran.data["checks"] if each["what"] == "state folder")


def test_a_region_that_botocore_does_not_know_is_noted(fake_aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    checks = run_opskit(capsys, "doctor", "--region", "us-esat-1", "-o", "json").data["checks"]
    region = next(each for each in checks if each["what"] == "region")
    assert (region["state"], "did you mean 'us-east-1'?" in region["hint"]) == ("note", True)


def test_a_damaged_file_of_the_state_is_named_with_what_to_do(
    fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    queue = tmp_path / "opskit" / "queue.sqlite"
    queue.parent.mkdir()
    queue.write_bytes(b"not a database" * 1000)
    move = f"mv {queue} {queue}.damaged"
    ran = run_doctor(capsys)
    assert (ran.code, check_states(ran)["state folder"]) == (5, "wrong")
    assert move in next(each["hint"] for each in ran.data["checks"] if each["what"] == "state folder")
    refused = run_opskit(capsys, "quotas", "increase", "--resume")
    assert (refused.code, move in refused.err) == (2, True)
    queue.rename(f"{queue}.damaged")
    assert run_opskit(capsys, "quotas", "increase", "--resume").code == 0


def test_doctor_points_to_what_bills(fake_aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_opskit(capsys, "doctor")
    assert "how to stop it: opskit costs" in ran.out + ran.err


NO_TABLE = Fault(400, "ResourceNotFoundException", "Requested resource not found: Table: opskit not found")
NO_ITEMS = {"Items": [], "Count": 0, "ScannedCount": 0}
KEYS = (("pk", "HASH"), ("sk", "RANGE"))


def table(keys: tuple[tuple[str, str], ...] = KEYS, status: str = "ACTIVE", kind: str = "S") -> dict[str, Any]:
    return {
        "Table": {
            "TableName": "opskit",
            "TableStatus": status,
            "KeySchema": [{"AttributeName": name, "KeyType": key} for name, key in keys],
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, _ in keys],
        }
    }


@pytest.mark.parametrize(
    ("described", "query", "state", "says"),
    [
        (table(), NO_ITEMS, "unknown", "dynamodb://opskit can be read; whether it can be written is not known"),
        (table(), DENIED, "wrong", "dynamodb:Query"),
        (NO_TABLE, {}, "wrong", "not found"),
        (DENIED, {}, "wrong", "dynamodb:DescribeTable"),
        (BROKEN, {}, "unknown", "dynamodb:DescribeTable"),
        (table((("id", "HASH"),)), {}, "wrong", "its key is id"),
        (table(status="DELETING"), {}, "wrong", "it is DELETING"),
        (table(kind="N"), {}, "wrong", "its key pk holds no text"),
    ],
)
def test_the_table_of_the_state_is_looked_at(
    described: dict[str, Any] | Fault,
    query: dict[str, Any] | Fault,
    state: str,
    says: str,
    fake_aws: FakeAws,
    no_backoff: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake_aws.running |= {"DescribeTable": lambda _: described, "Query": lambda _: query}
    ran = run_opskit(capsys, "doctor", "--state", "dynamodb://opskit", "-o", "json")
    [found] = [each for each in ran.data["checks"] if each["what"] == "state table"]
    assert (found["state"], says in found["says"]) == (state, True), found
    assert ran.data["kept_in"] == "dynamodb://opskit"
    assert "state table" not in check_states(run_doctor(capsys))


def test_a_table_that_may_be_written_is_well(
    fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The root of an account may do everything, so that nothing is simulated."""
    by_somebody = XML_ANSWERS["GetCallerIdentity"]
    monkeypatch.setitem(
        XML_ANSWERS, "GetCallerIdentity", lambda aws, form: by_somebody(aws, form).replace("user/somebody", "root")
    )
    fake_aws.running |= {"DescribeTable": lambda _: table(), "Query": lambda _: NO_ITEMS}
    ran = run_opskit(capsys, "doctor", "--state", "dynamodb://opskit", "-o", "json")
    assert check_states(ran)["state table"] == "well"
