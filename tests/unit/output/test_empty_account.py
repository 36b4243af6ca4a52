"""A command that lists what an account has says on its standard output that nothing is there, where that is so."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.access.rules.grants import CHANGE, grants_of_commands
from opskit.access.rules.permissions import API_CALLS, FLAGS
from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import Entry, FakeAws
from tests.unit.output.test_hostile_names_cli import WALK

READ_OTHERWISE = {
    **dict.fromkeys(("fleet check", "fleet idle", "fleet costs"), "each of its accounts is a row, whatever is there"),
    **dict.fromkeys(("notebook open", "predict", "quotas wait"), "what it is about is named, and is not there"),
    **dict.fromkeys(("guard", "guard hook"), "it judges another command"),
    "doctor": "each check is a row, whatever it finds",
}
"""Commands that read and list nothing of an account, and why."""


def reads_only(command: str) -> bool:
    """Whether a command calls AWS, and changes nothing there apart from telling somebody of its result."""
    changes = {grant.action for grant in grants_of_commands([command], FLAGS) if grant.kind == CHANGE}
    return bool(API_CALLS[command]) and changes <= {"sns:Publish"}


READS = {command for command in WALK if reads_only(command)}


def test_what_reads_otherwise_reads() -> None:
    assert READ_OTHERWISE.keys() <= READS


@pytest.mark.usefixtures("isolated_home")
@pytest.mark.parametrize("command", sorted(READS - READ_OTHERWISE.keys()))
def test_a_read_says_that_nothing_is_there(
    command: str, fake_aws: FakeAws, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fake_aws.quotas = [Entry("ml.m4.xlarge for training job usage", "L-A373146E", 1)]  # an account has always some
    ran = run_opskit(capsys, *command.split(), *WALK[command][0])
    assert ran.code == 0, ran.err
    advice = "add a note that says so to its CommandResult (or the command to READ_OTHERWISE, with the reason)"
    assert ran.out.strip(), f"`opskit {command}` prints nothing where nothing is: {advice}"
