"""Links in a folder that may be a stranger's lead neither what is written nor what is removed anywhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.training.cli.run import local_run_folders
from opskit.training.render.train import make_run_folder
from opskit.training.workflow import find_workflow

JOB = "boston-61cfa3bc59-1"


def test_a_link_is_no_run_that_cleanup_would_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "precious").mkdir()
    (tmp_path / "opskit-runs").mkdir()
    (tmp_path / "opskit-runs" / JOB).symlink_to(tmp_path / "precious")
    assert local_run_folders(find_workflow("boston")) == []
    (tmp_path / "opskit-runs" / JOB).unlink()
    (tmp_path / "opskit-runs" / JOB).mkdir()
    assert local_run_folders(find_workflow("boston")) == [tmp_path / "opskit-runs" / JOB]


def test_what_is_written_goes_through_no_link(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    folder = tmp_path / "opskit-runs" / JOB
    folder.mkdir(parents=True)
    (folder / "train.csv").symlink_to(precious)
    make_run_folder(folder)
    (folder / "train.csv").write_text("theirs")
    assert precious.read_text() == "mine"
    other = tmp_path / "opskit-runs" / "boston-61cfa3bc59-2"
    (tmp_path / "elsewhere").mkdir()
    other.symlink_to(tmp_path / "elsewhere")
    make_run_folder(other)
    assert not other.is_symlink()
