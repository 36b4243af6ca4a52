"""``make pythons``: every version that pyproject.toml names is tested if it is there, and named if it is not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import python_versions


def test_each_version_is_tested_or_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    there = {"3.11": "/there/python3.11", "3.12": "/there/python3.12"}
    codes = {"3.11": 0, "3.12": 2}
    monkeypatch.setattr(python_versions, "supported_versions", lambda: ["3.11", "3.12", "3.13"])
    monkeypatch.setattr(python_versions, "find_interpreter", there.get)
    monkeypatch.setattr(python_versions, "run_unit_tests", lambda version, interpreter: codes[version])
    assert python_versions.main() == 1
    told = capsys.readouterr().out.splitlines()
    assert told[-3:-1] == ["Python 3.11: passed", "Python 3.12: failed"]
    assert told[-1].startswith("Python 3.13: not tested: there is no python3.13 here")
    codes["3.12"] = 0
    assert python_versions.main() == 0
    there.clear()
    assert python_versions.main() == 1  # nothing was tested


def test_interpreters_are_found_by_variable_path_or_among_pyenv_s(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert running in python_versions.supported_versions()
    assert python_versions.find_interpreter(running) == sys.executable
    shim, kept = tmp_path / "bin" / "python3.99", tmp_path / "versions" / "3.99.1" / "bin" / "python3.99"
    for file, text in ((shim, "echo 'not switched on' >&2; exit 127"), (kept, "echo 3.99")):
        file.parent.mkdir(parents=True)
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "elsewhere"))
    assert python_versions.find_interpreter("3.99") is None
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert python_versions.find_interpreter("3.99") == str(kept)
    monkeypatch.setenv("PYTHON3_99", "/nowhere/python")
    assert python_versions.find_interpreter("3.99") is None
    monkeypatch.setenv("PYTHON3_99", str(kept))
    assert python_versions.find_interpreter("3.99") == str(kept)
