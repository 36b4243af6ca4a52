"""The shipped workflow, and a change to a copy of it."""

from __future__ import annotations

import re
from pathlib import Path

BOSTON = Path(__file__).parents[2] / "workflows" / "boston"


def rewrite_file(folder: Path, pattern: str, by: str) -> None:
    path = folder / "workflow.toml"
    text, count = re.subn(pattern, by, path.read_text(), flags=re.MULTILINE)
    assert count
    path.write_text(text)
