"""The address that opens a notebook is a key: it goes to standard output where it was asked for, and nowhere else."""

from __future__ import annotations

import html
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


SEES = """#!/bin/sh
printf '%s\\n' "$@" > "$SEEN/argv"
file=$(printf '%s' "$1" | sed 's|^file://||')
stat -c '%a' "$file" "$(dirname "$file")" > "$SEEN/modes"
cat "$file" > "$SEEN/page"
"""


@pytest.fixture
def on_desktop(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal on a desktop."""
    capsys.readouterr()
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")


def has_browser(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Its browser is this script."""
    browser = folder / "browser"
    browser.write_text(script)
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    monkeypatch.setenv("SEEN", str(folder))
    monkeypatch.setattr(webbrowser, "_tryorder", None)  # $BROWSER is read once


@pytest.mark.usefixtures("on_desktop")
def test_on_a_terminal_a_browser_has_it_and_no_screen_or_command_line_does(
    lab: FakeAws, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    has_browser(monkeypatch, tmp_path, SEES)
    ended = opened(capsys)
    assert ended.code == 0
    assert "authToken" not in ended.out + ended.err + (tmp_path / "argv").read_text()
    assert html.escape(URL) in (tmp_path / "page").read_text()
    assert (tmp_path / "modes").read_text().split() == ["600", "700"]
    page = Path((tmp_path / "argv").read_text().strip().removeprefix("file://"))
    assert not page.parent.exists()


@pytest.mark.usefixtures("on_desktop")
def test_a_page_that_nobody_reads_is_taken_away(
    lab: FakeAws, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.output.browser.READ_SECONDS", 0.3)
    has_browser(monkeypatch, tmp_path, '#!/bin/sh\nprintf "%s" "$1" > "$SEEN/argv"\n')
    assert opened(capsys).code == 0
    assert not Path((tmp_path / "argv").read_text().removeprefix("file://")).exists()


@pytest.mark.usefixtures("on_desktop")
def test_a_browser_that_does_not_start_names_the_command(
    lab: FakeAws, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    has_browser(monkeypatch, tmp_path, "#!/bin/sh\nexit 3\n")
    ended = opened(capsys, "--region", "us-east-1")
    assert ended.code == 2
    assert "opskit notebook open lab --print --region us-east-1" in ended.err


@pytest.mark.usefixtures("on_desktop")
def test_without_a_desktop_no_key_is_made_and_the_command_is_named(
    lab: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    ended = opened(capsys)
    assert ended.code == 2
    assert "opskit notebook open lab --print" in ended.err
    assert lab.count("CreatePresignedNotebookInstanceUrl") == 0


@pytest.mark.parametrize("allows", [True, False])
@pytest.mark.parametrize("status", ["PendingMaintenance", "InMaintenance"])
def test_whether_one_in_maintenance_opens_aws_says(
    lab: FakeAws, capsys: pytest.CaptureFixture[str], status: str, allows: bool
) -> None:
    is_in(lab, status)
    if not allows:
        said = f"Status ({status}) not in ([InService]) for Notebook Instance ({ARN})."
        lab.running["CreatePresignedNotebookInstanceUrl"] = lambda _: Fault(400, "ValidationException", said)
    ended = opened(capsys, "-o", "json")
    assert ended.code == (0 if allows else 3)
    assert allows or ended.envelope["errors"][0]["code"] == "not-in-service"


def test_one_that_is_updated_is_started_when_it_is_stopped(lab: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    is_in(lab, "Updating")
    ended = opened(capsys, "-o", "json")
    assert (ended.code, ended.envelope["errors"][0]["hint"].partition(":")[0]) == (3, "When it is Stopped")


def test_one_that_is_off_says_how_to_start_it(lab: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    is_in(lab, "Stopped")
    ended = opened(capsys, "-o", "json")
    [problem] = ended.envelope["errors"]
    assert (ended.code, problem["code"]) == (3, "not-in-service")
    assert "opskit notebook start lab" in problem["hint"]
    assert lab.count("CreatePresignedNotebookInstanceUrl") == 0


def test_the_presigned_url_is_written_down_nowhere(
    lab: FakeAws, isolated_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened(capsys)
    kept = [file.read_bytes() for file in isolated_home.rglob("*") if file.is_file()]
    assert not any(b"authToken" in content for content in kept)


def test_a_refusal_is_said_without_it(lab: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    lab.running["CreatePresignedNotebookInstanceUrl"] = lambda _: Fault(400, "AccessDeniedException", "not authorized")
    ended = opened(capsys, "-o", "json")
    assert (ended.code, ended.envelope["errors"][0]["code"]) == (4, "denied")
