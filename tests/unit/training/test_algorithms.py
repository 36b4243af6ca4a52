"""An algorithm is a folder and a row of one table: nothing else names one, and what is sent is what it says."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from opskit.training.rules.algorithms.algorithm import ImageRequest
from opskit.training.rules.algorithms.table import ALGORITHMS
from opskit.training.rules.algorithms.xgboost.algorithm import XGBOOST
from tests.fakes.account import Account, in_memory
from tests.fakes.cli_runner import run_opskit

TRAINING = Path(__file__).parents[3] / "opskit" / "training"
BOSTON = Path(__file__).parents[3] / "workflows" / "boston"


def test_only_its_folder_and_the_table_name_an_algorithm() -> None:
    allowed = ("rules/algorithms/", "rules/workflow_draft.py", "rules/workflow_shape.py")
    named = [
        str(path.relative_to(TRAINING))
        for path in TRAINING.rglob("*.py")
        if re.search(r"[\"'](text/csv|xgboost|reg:|binary:|multi:|num_round)", path.read_text())
    ]
    assert [path for path in named if not path.startswith(allowed)] == []


def test_a_second_algorithm_is_one_more_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its images, content types and what of it is in the job's name are its own."""
    other = replace(
        XGBOOST,
        name="linear-learner",
        label="Linear Learner",
        training_content_type="text/csv;label_size=1",
        serving_accept="text/csv;precision=9",
        training_image=lambda workflow: ImageRequest("linear-learner", "1", "training"),
        serving_image=lambda workflow: ImageRequest("linear-learner", "1", "inference"),
        check_settings=lambda workflow: [],
        hashed_inputs=lambda workflow: {"learner": workflow.version},
    )
    monkeypatch.setitem(ALGORITHMS, "linear-learner", other)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    shutil.copytree(BOSTON, tmp_path / "mine")
    toml = tmp_path / "mine" / "workflow.toml"
    toml.write_text(toml.read_text().replace('framework = "xgboost"', 'framework = "linear-learner"'))
    account = Account()
    with in_memory(account):
        ended = run_opskit(capsys, "train", "./mine", "--no-guard", "-o", "json")
    assert ended.code == 0, ended.err
    made = {thing.kind: thing.params for thing in account.things.values()}
    assert "linear-learner:1" in made["TrainingJob"]["AlgorithmSpecification"]["TrainingImage"]
    assert made["TrainingJob"]["InputDataConfig"][0]["ContentType"] == "text/csv;label_size=1"
    assert "linear-learner:1" in made["Model"]["PrimaryContainer"]["Image"]
    assert made["TransformJob"]["TransformOutput"]["Accept"] == "text/csv;precision=9"
    assert not ended.data["job"].startswith("boston-61cfa3bc59")
