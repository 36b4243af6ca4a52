"""Files that are no plan: each is refused as the user's mistake, with its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.core.exceptions import UsageError
from opskit.guards.reads.plan_files import read_plan_file


@pytest.mark.parametrize(("head", "why"), [("", "nested too deep"), ("Resources: ", "recursion")])
def test_what_is_nested_too_deep_is_no_plan(tmp_path: Path, head: str, why: str) -> None:
    file = tmp_path / "plan.json"
    file.write_text(f"{head}{'[' * 5000}{']' * 5000}")
    with pytest.raises(UsageError, match=rf"plan\.json' is .*{why}"):
        read_plan_file(str(file))
