"""``opskit notebook create`` on an AWS that answers over HTTP: the quotas are asked first, whatever they answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import CLOSED, DENIED, Entry, FakeAws, Fault

ROLE = "arn:aws:iam::123456789012:role/mine"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/"
TYPE = Entry("ml.t2.medium for notebook instance usage", "L-7B2FD69B", 2.0, 0.0)
TOTAL = Entry("Total number of notebook instances", "L-04CE2E67", 8.0, 8.0)


class Room:
    """The notebooks of a small AWS, made and listed."""

    def __init__(self, aws: FakeAws) -> None:
        self.asked: dict[str, Mapping[str, Any]] = {}
        aws.quotas = [TYPE, TOTAL]
        aws.running["CreateNotebookInstance"] = self.create
        aws.running["DescribeNotebookInstance"] = self.describe
        aws.running["ListNotebookInstances"] = lambda _: {"NotebookInstances": [self.told(n) for n in self.asked]}
        aws.running["GetProducts"] = lambda _: {"PriceList": []}

    def create(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        self.asked[asked["NotebookInstanceName"]] = asked
        return {"NotebookInstanceArn": ARN + asked["NotebookInstanceName"]}

    def describe(self, asked: Mapping[str, Any]) -> dict[str, Any] | Fault:
        name = asked["NotebookInstanceName"]
        return self.told(name) if name in self.asked else Fault(400, "ValidationException", "RecordNotFound")

    def told(self, name: str) -> dict[str, Any]:
        told = {"NotebookInstanceName": name, "NotebookInstanceArn": ARN + name, "NotebookInstanceStatus": "Pending"}
        return {**told, "InstanceType": "ml.t2.medium", "CreationTime": 1.7e9, "LastModifiedTime": 1.7e9}


@pytest.fixture
def room(fake_aws: FakeAws, no_backoff: None) -> Room:
    return Room(fake_aws)


def create(capsys: pytest.CaptureFixture[str], name: str = "lab", *words: str) -> CliResult:
    return run_opskit(capsys, "notebook", "create", name, "--role", ROLE, "-o", "json", *words)


def test_a_notebook_is_created_as_it_was_asked_for(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    ended = create(capsys, "lab", "--git", "https://github.com/udacity/course", "--volume", "20", "--tag", "team=blue")
    [lab] = ended.data["notebooks"]
    assert (ended.code, lab["outcome"], lab["status"], lab["usd_per_hour"]) == (0, "created", "Pending", 0.0464)
    asked = room.asked["lab"]
    assert (asked["VolumeSizeInGB"], asked["DefaultCodeRepository"]) == (20, "https://github.com/udacity/course")
    assert {"Key": "team", "Value": "blue"} in asked["Tags"]


def test_the_quota_ends_at_its_number_and_a_name_is_made_once(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    ended = [create(capsys, name) for name in ("one", "two", "one", "three")]
    assert [ran.code for ran in ended] == [0, 0, 0, 3]
    assert set(room.asked) == {"one", "two"}
    [problem] = ended[-1].envelope["errors"]
    assert problem["code"] == "no-room"
    assert problem["hint"] == "opskit quotas increase ml.t2.medium --for notebook --to 3 --region us-east-1"


def test_the_total_above_all_types_counts_too(
    room: Room, fake_aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_aws.quotas = [TYPE, Entry(TOTAL.name, TOTAL.code, 0.0, 8.0)]
    ended = create(capsys)
    assert (ended.code, room.asked) == (3, {})
    assert "Total number of notebook instances" in ended.envelope["errors"][0]["message"]


@pytest.mark.parametrize(
    ("operations", "fault", "code"), [("ServiceQuota", DENIED, 4), ("ListNotebookInstances", CLOSED, 5)]
)
def test_what_cannot_be_read_is_no_room(
    room: Room,
    fake_aws: FakeAws,
    capsys: pytest.CaptureFixture[str],
    operations: str,
    fault: Fault,
    code: int,
) -> None:
    fake_aws.fault = lambda operation, region: fault if operations in operation else None
    ended = create(capsys)
    assert (ended.code, room.asked) == (code, {})
    assert "--no-guard" in ended.envelope["errors"][0]["hint"]
    assert create(capsys, "lab", "--no-guard").code == 0


def test_a_dry_run_makes_nothing(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    ended = create(capsys, "lab", "--dry-run")
    assert (ended.code, ended.data["notebooks"][0]["outcome"], room.asked) == (0, "planned", {})


@pytest.mark.parametrize("words", [("bad name",), ("lab", "--volume", "1"), ("lab", "--tag", "x"), ("lab", "-t", "t2")])
def test_what_is_mistyped_makes_no_call(
    room: Room, fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert create(capsys, *words).code == 2
    assert fake_aws.calls == []
