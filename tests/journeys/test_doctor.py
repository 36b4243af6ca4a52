"""``opskit doctor`` tells what AWS really allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import make_shell, run_sandbox


def _by_command(data: dict[str, Any]) -> dict[str, Any]:
    return {each["command"]: each for each in data["commands"]}


@pytest.mark.slow
def test_what_is_denied_is_named_with_the_policy_that_allows_it(tmp_path: Path) -> None:
    with run_sandbox(only=("quotas check", "doctor")) as running:
        ended = make_shell(running, tmp_path).opskit("doctor")
    assert ended.exit == 5
    response = _by_command(ended.data)
    assert (response["quotas check"]["allowed"], response["doctor"]["allowed"]) == (True, True)
    assert "sagemaker:StopNotebookInstance" in response["notebook stop"]["denied"]
    assert {"iam:PassRole", "s3:PutObject"} <= set(response["train"]["denied"])
    assert not any(each["unknown"] for each in response.values())
    assert "opskit iam policy" in ended.envelope["errors"][0]["hint"]
