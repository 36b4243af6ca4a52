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
    steps = ended.data["steps"]
    assert len(steps) == 11
    told = ["\n".join(step["told"]) for step in steps]
    assert "(one endpoint)" in told[0]  # the table that the command prints on a terminal
    assert "opskit: Insufficient quota" in told[1]
    assert "predicted (up) over true (right)" in told[7]
    assert "more lines" in told[8]
    assert picture.read_text().startswith("<svg")
    assert "opskit&#160;doctor" in picture.read_text()
