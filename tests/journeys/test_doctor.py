"""``opskit doctor`` tells what AWS really allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import served, shell_for


def _by_command(data: dict[str, Any]) -> dict[str, Any]:
    return {each["command"]: each for each in data["commands"]}


@pytest.mark.slow
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
