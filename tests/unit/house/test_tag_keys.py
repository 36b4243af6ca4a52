"""Each tag key of opskit's stands once, in ``core/tags.py``."""

from __future__ import annotations

import re
from pathlib import Path

import opskit
from opskit.core import tags

HOME = Path(opskit.__file__).parent
OWN_KEY = re.compile(r"""["']opskit:[a-z]""")


def test_tag_keys_stand_in_one_module() -> None:
    """But in the sandbox, which shares nothing with the rest."""
    files = [path.relative_to(HOME) for path in HOME.rglob("*.py") if OWN_KEY.search(path.read_text(encoding="utf-8"))]
    assert [path for path in files if path.parts[0] != "sandbox"] == [Path("core/tags.py")]


def test_tag_keys_are_what_stands_in_accounts() -> None:
    """Each stands in users' accounts: one that changes makes opskit blind to what it wrote."""
    keys = {value for value in vars(tags).values() if isinstance(value, str) and value.startswith("opskit:")}
    assert {key.removeprefix("opskit:") for key in keys} == {
        *("keep", "keep-until", "keep-reason", "unreadable-ok", "no-inside", "jupyter-only", "idle-since"),
        *("made-by", "workflow", "owner", "deployed-until", "stopped-endpoint", "restore-"),
    }
