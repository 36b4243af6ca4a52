"""A checkout has the same bytes on every system, also where Git is told to give text the line ends of Windows."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOSTON = "workflows/boston"
SOME = (".ci/run", "Makefile", "opskit/__init__.py", "docs/demo.svg", "README.md", "constraints.txt")


def data_files() -> list[str]:
    """Every data file of the package and the workflows, by its path from the root."""
    found = [*ROOT.glob("opskit/**/*.csv"), *ROOT.glob("workflows/**/*.csv"), *ROOT.glob("workflows/**/*.toml")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


@pytest.fixture
def crlf_checkout(tmp_path: Path) -> Path:
    """The files as somebody gets them who cloned with ``core.autocrlf``."""
    if shutil.which("git") is None:
        pytest.skip("Git is not here: nothing is known of what it does to line ends")
    ctx, there = tmp_path / "origin", tmp_path / "clone"

    def git(*words: str) -> None:
        known = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "core.safecrlf=false")
        subprocess.run(["git", *known, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "origin")
    for name in (".gitattributes", *SOME, *data_files()):
        (ctx / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, ctx / name)
    git("-C", "origin", "-c", "core.autocrlf=true", "add", "-A")
    git("-C", "origin", "commit", "-m", "all")
    git("clone", "-c", "core.autocrlf=true", "origin", "clone")
    return there


def test_every_file_has_the_bytes_it_was_given(crlf_checkout: Path) -> None:
    names = (*SOME, *data_files())
    assert len(names) > 10
    assert [name for name in names if (crlf_checkout / name).read_bytes() != (ROOT / name).read_bytes()] == []


def test_the_shipped_workflow_still_knows_its_data(crlf_checkout: Path) -> None:
    told = tomllib.loads((crlf_checkout / BOSTON / "workflow.toml").read_text())["data"]
    assert hashlib.sha256((crlf_checkout / BOSTON / told["file"]).read_bytes()).hexdigest() == told["sha256"]
