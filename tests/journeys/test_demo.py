"""The demo ends with 0 only if every step truly happened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.conftest import CompletedCommand


@pytest.mark.slow
def test_every_step_of_the_demo_happens(tmp_path: Path) -> None:
    picture = tmp_path / "demo.svg"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-m", "opskit", "demo", "-o", "json", "--picture", str(picture)]
    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=tmp_path, env=environment)
    ended = CompletedCommand(done.returncode, done.stdout, done.stderr)
    assert ended.exit == 0, ended.stdout
    assert len(ended.data["steps"]) == 11
    assert picture.read_text().startswith("<svg")
