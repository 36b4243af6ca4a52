"""A profile that does not exist is told as that, whatever else the environment settles before the files are read."""

from __future__ import annotations

from itertools import chain, combinations
from pathlib import Path

import pytest

from opskit.aws.session import open_session
from opskit.core.exceptions import UsageError
from tests.fakes.cli_runner import run_opskit

# Each of these settles something for which boto3 would read the files when it makes a session.
SETTLED = {
    "AWS_DATA_PATH": "/nowhere",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "AKIA0000000000000001",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
}
ENVIRONMENTS = [*chain.from_iterable(combinations(SETTLED, length) for length in range(len(SETTLED) + 1))]


@pytest.fixture(params=ENVIRONMENTS, ids=" ".join)
def settled_environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile home]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in SETTLED:
        monkeypatch.delenv(name, raising=False)
    for name in request.param:
        monkeypatch.setenv(name, SETTLED[name])
    if "AWS_ACCESS_KEY_ID" in request.param:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.usefixtures("settled_environment")
def test_a_profile_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="nowhere-to-be-found") as failed:
        open_session(profile="nowhere-to-be-found")
    assert failed.value.problem.code == "profile-not-found"
    monkeypatch.setenv("AWS_PROFILE", "nowhere-to-be-found")
    with pytest.raises(UsageError, match="nowhere-to-be-found"):
        open_session()


@pytest.mark.parametrize("command", [["doctor"], ["quotas", "check"], ["costs"], ["train", "boston", "--dry-run"]])
def test_commands_tell_it_and_exit_with_2(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in SETTLED.items():
        monkeypatch.setenv(name, value)
    ran = run_opskit(capsys, *command, "--profile", "nowhere-to-be-found", "-o", "json")
    assert ran.code == 2
    assert "nowhere-to-be-found" in ran.out
