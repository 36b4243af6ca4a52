"""``opskit doctor`` tells what AWS really allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.journeys.conftest import Shell, served, shell_for


def _by_command(data: dict[str, Any]) -> dict[str, Any]:
    return {each["command"]: each for each in data["commands"]}


def test_all_is_well_where_all_is_allowed(fresh_shell: Shell) -> None:
    ended = fresh_shell.opskit("doctor")
    assert ended.exit == 0, ended.stdout
    assert {each["allowed"] for each in ended.data["commands"]} == {True}
    assert (ended.data["support_plan"], ended.data["region"]) == (False, "us-east-1")
    assert abs(ended.data["clock_ahead_seconds"]) < 30
    assert "every command is allowed" in fresh_shell.opskit("doctor", json_output=False).stdout


def test_what_is_denied_is_named_with_the_policy_that_allows_it(tmp_path: Path) -> None:
    with served(only=("quotas check", "doctor")) as running:
        ended = shell_for(running, tmp_path).opskit("doctor")
    assert ended.exit == 5
    told = _by_command(ended.data)
    assert (told["quotas check"]["allowed"], told["doctor"]["allowed"]) == (True, True)
    assert "sagemaker:StopNotebookInstance" in told["notebook stop"]["denied"]
    assert {"iam:PassRole", "s3:PutObject", "support:DescribeCases"} <= set(told["train"]["denied"])
    assert not any(each["unknown"] for each in told.values())
    assert "opskit iam policy" in ended.envelope["errors"][0]["hint"]


def test_without_the_simulator_a_change_is_not_known(tmp_path: Path) -> None:
    with served(only=("notebook stop",)) as running:
        ended = shell_for(running, tmp_path).opskit("doctor")
    assert ended.exit == 5
    stop = _by_command(ended.data)["notebook stop"]
    assert (stop["allowed"], stop["denied"]) == (None, [])
    assert "sagemaker:StopNotebookInstance" in stop["unknown"]
    assert "iam:SimulatePrincipalPolicy" in stop["because"]
