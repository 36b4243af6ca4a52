"""``make pythons``: every version that pyproject.toml names is tested if it is there, and named if it is not."""

from __future__ import annotations

import sys

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


def test_interpreters_are_found_by_variable_path_or_as_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert running in python_versions.supported_versions()
    assert python_versions.find_interpreter(running) == sys.executable
    monkeypatch.setenv("PATH", "/nowhere")
    assert python_versions.find_interpreter("3.99") is None
    monkeypatch.setenv("PYTHON3_99", "/elsewhere/python")
    assert python_versions.find_interpreter("3.99") == "/elsewhere/python"
