"""The address that opens a notebook is a key: it goes to standard output where it was asked for, and nowhere else."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

import pytest

from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import FakeAws, Fault

URL = "https://lab.notebook.us-east-1.sagemaker.aws/?authToken=eyJhbGciOiJIUzI1NiJ9.secret"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/lab"


@pytest.fixture
def lab(fake_aws: FakeAws) -> FakeAws:
    """A small AWS with a notebook in service."""
    is_in(fake_aws, "InService")
    fake_aws.running["CreatePresignedNotebookInstanceUrl"] = lambda _: {"AuthorizedUrl": URL}
    return fake_aws


def is_in(aws: FakeAws, status: str) -> None:
    told = {"NotebookInstanceName": "lab", "NotebookInstanceArn": ARN, "NotebookInstanceStatus": status}
    known = {**told, "InstanceType": "ml.t2.medium", "CreationTime": 1.7e9, "LastModifiedTime": 1.7e9}
    aws.running["DescribeNotebookInstance"] = lambda _: known


def opened(capsys: pytest.CaptureFixture[str], *words: str) -> CliResult:
    return run_opskit(capsys, "notebook", "open", "lab", "--verbose", *words)


def test_in_a_pipe_the_address_is_the_answer(lab: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    ended = opened(capsys)
    assert (ended.code, ended.out) == (0, f"{URL}\n")
    assert "authToken" not in ended.err


def test_a_program_finds_it_under_url(lab: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    ended = opened(capsys, "-o", "json")
    assert ended.data == {"region": "us-east-1", "name": "lab", "url": URL, "expires_in_seconds": 300}


@pytest.mark.parametrize("opens", [True, False])
def test_on_a_terminal_a_browser_has_it_and_the_screen_does_not(
    lab: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, opens: bool
) -> None:
    browsed: list[str] = []

    def browse(url: str) -> bool:
        browsed.append(url)
        return opens

    monkeypatch.setattr(webbrowser, "open", browse)
    capsys.readouterr()
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)
    ended = opened(capsys)
    assert browsed == [URL]
    assert ended.code == (0 if opens else 2)
    assert "authToken" not in ended.out + ended.err
    assert ("--print" in ended.err) is not opens


def test_one_that_is_off_says_how_to_start_it(lab: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    is_in(lab, "Stopped")
    ended = opened(capsys, "-o", "json")
    [problem] = ended.envelope["errors"]
    assert (ended.code, problem["code"]) == (3, "not-in-service")
    assert "opskit notebook start lab" in problem["hint"]
    assert lab.count("CreatePresignedNotebookInstanceUrl") == 0


def test_it_is_written_down_nowhere(lab: FakeAws, isolated_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened(capsys)
    kept = [file.read_bytes() for file in isolated_home.rglob("*") if file.is_file()]
    assert not any(b"authToken" in content for content in kept)


def test_a_refusal_is_said_without_it(lab: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    lab.running["CreatePresignedNotebookInstanceUrl"] = lambda _: Fault(400, "AccessDeniedException", "not authorized")
    ended = opened(capsys, "-o", "json")
    assert (ended.code, ended.envelope["errors"][0]["code"]) == (4, "denied")
