"""A module of opskit's is read in one sitting, and is none for a dozen lines."""

from __future__ import annotations

from pathlib import Path

import opskit

HOME = Path(opskit.__file__).parent
LENGTHS = {
    path.relative_to(HOME).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in HOME.rglob("*.py")
}


def test_no_module_has_more_than_350_lines() -> None:
    assert {name: length for name, length in LENGTHS.items() if length > 350} == {}


def test_no_module_is_there_for_a_dozen_lines() -> None:
    """Such lines stand where one would look for them; but a package says in a line what is in it."""
    modules = {name: length for name, length in LENGTHS.items() if not name.endswith("__.py")}
    assert {name: length for name, length in modules.items() if length <= 12} == {}
    assert len(modules) > 400
