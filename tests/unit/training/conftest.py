"""A workflow that a test may break."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.fakes.workflow_files import BOSTON


@pytest.fixture
def workflow_copy(tmp_path: Path) -> Path:
    """A copy of the shipped workflow that a test may break."""
    return Path(shutil.copytree(BOSTON, tmp_path / "mine"))
