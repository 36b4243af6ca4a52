"""Data sets and settings that are wrong in one way each, on an AWS that counts what is made: nothing is."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.fakes.account import Account, in_memory
from tests.fakes.cli_runner import CliResult, run_opskit

BOSTON = Path(__file__).parents[3] / "workflows" / "boston"
HEADER = "rooms,age,price"
ROWS = [f"{at * 7 % 11},{at * 5 % 13},{at * 3 % 17}" for at in range(40)]
_MAKING = re.compile("Create|Put|Start|Delete|Update|Add")


def _with(at: int, row: str) -> list[str]:
    return [*ROWS[:at], row, *ROWS[at + 1 :]]


DATA_SETS: dict[str, tuple[str, list[str], str, str | None, int | None, str | None]] = {
    # what is wrong: header, rows, the finding's code, column, line and value
    "words": (HEADER, _with(8, "7,old,3"), "data-not-numeric", "age", 10, "old"),
    "dates": (HEADER, _with(8, "7,2020-01-31,3"), "data-date", "age", 10, "2020-01-31"),
    "missing label": (HEADER, _with(8, "7,1,"), "data-missing-label", "price", 10, ""),
    "infinite": (HEADER, _with(8, "-inf,1,3"), "data-infinite", "rooms", 10, "-inf"),
    "index": (
        f",{HEADER}",
        [f"{at},{row}" for at, row in enumerate(ROWS)],
        "data-index-column",
        "Unnamed: 0",
        2,
        "0",
    ),
    "constant": (HEADER, [f"{row.rpartition(',')[0]},5" for row in ROWS], "data-constant-target", "price", 2, "5"),
    "too few": (HEADER, ROWS[:6], "data-too-small", None, 7, None),
    "ragged": (HEADER, _with(8, "7,1,3,9"), "data-ragged", None, 10, None),
    "no header": (ROWS[0], ROWS[1:], "data-no-header", None, 1, "0"),
    "no target": ("rooms,age,rent", ROWS, "target-missing", "price", 1, None),
    "twice the name": ("age,age,price", ROWS, "data-duplicate-column", "age", 1, "age"),
    "mixed": (HEADER, _with(8, "7,True,3"), "data-mixed-column", "age", 10, "True"),
    "semicolons": (
        HEADER.replace(",", ";"),
        [row.replace(",", ";") for row in ROWS],
        "target-missing",
        "price",
        1,
        None,
    ),
    "classes in words": (
        HEADER,
        [f"{row.rpartition(',')[0]},cheap" for row in ROWS],
        "data-not-numeric",
        "price",
        2,
        "cheap",
    ),
}
SETTINGS: dict[str, tuple[str, str, str, str | None]] = {
    # what is wrong: the line, what is written in its place, the finding's code and value
    "unknown": ("max_depth = 5", "max_deph = 5", "hyperparameter-unknown", "5"),
    "out of range": ("eta = 0.2", "eta = 2", "hyperparameter-invalid", "2"),
    "missing": ("num_round = 200", "", "hyperparameter-missing", None),
    "unscored": (
        'objective = "reg:squarederror".*',
        'objective = "rank:pairwise"',
        "objective-unscored",
        "rank:pairwise",
    ),
    "wrong task": ("num_round = 200", 'num_round = 200\neval_metric = "auc"', "hyperparameter-invalid", "auc"),
}


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)


def train_counted(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[CliResult, list[str]]:
    """What came of it, and the calls that make something."""
    calls: list[str] = []
    account = Account()
    account.before = calls.append
    with in_memory(account):
        ended = run_opskit(capsys, "train", *words, "--no-guard", "-o", "json")
    return ended, [call for call in calls if _MAKING.match(call)]


def write_workflow(folder: Path, header: str, rows: list[str], *changes: tuple[str, str]) -> None:
    (folder / "data").mkdir(parents=True)
    content = "\n".join([header, *rows, ""]).encode()
    (folder / "data" / "houses.csv").write_bytes(content)
    text = (BOSTON / "workflow.toml").read_text()
    for pattern, by in (
        ("^file = .*", 'file = "data/houses.csv"'),
        ("^sha256 = .*", f'sha256 = "{hashlib.sha256(content).hexdigest()}"'),
        ("^skip_lines.*", ""),
        ("^target = .*", 'target = "price"'),
        *changes,
    ):
        text, count = re.subn(pattern, by, text, flags=re.MULTILINE)
        assert count == 1, pattern
    (folder / "workflow.toml").write_text(text)


@pytest.mark.parametrize("wrong", DATA_SETS)
def test_data_that_are_wrong_in_one_way_cost_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, wrong: str
) -> None:
    header, rows, code, column, line, value = DATA_SETS[wrong]
    write_workflow(tmp_path / "mine", header, rows)
    ended, made = train_counted(capsys, "./mine")
    assert made == []
    assert ended.code == 2
    (found,) = ended.data["findings"]
    told = (found["code"], found["file"], found["column"], found["line"], found["value"])
    assert told == (code, "data/houses.csv", column, line, value)
    (error,) = ended.envelope["errors"]
    assert error["code"] == code
    assert "again" not in error["hint"]


@pytest.mark.parametrize("wrong", SETTINGS)
def test_settings_that_are_wrong_in_one_way_cost_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, wrong: str
) -> None:
    line, by, code, value = SETTINGS[wrong]
    write_workflow(tmp_path / "mine", HEADER, ROWS, (f"^{line}", by))
    ended, made = train_counted(capsys, "./mine")
    assert made == []
    assert ended.code == 2
    (found,) = ended.data["findings"]
    assert (found["code"], found["file"], found["value"]) == (code, "workflow.toml", value)
    if by:
        text = (tmp_path / "mine" / "workflow.toml").read_text().splitlines()
        assert text[found["line"] - 1].startswith(by.splitlines()[-1])


def test_a_framework_that_is_refused_costs_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_workflow(tmp_path / "mine", HEADER, ROWS, ('^framework = "xgboost"', 'framework = "pytorch"'))
    ended, made = train_counted(capsys, "./mine", "--dry-run")
    assert (ended.code, made) == (2, [])
    assert ended.envelope["errors"][0]["code"] == "framework-unsupported"


def test_what_is_well_is_trained(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The same count finds what is made, so that none is no accident."""
    write_workflow(tmp_path / "mine", HEADER, ROWS)
    ended, made = train_counted(capsys, "./mine")
    assert ended.code == 0, ended.err
    assert "CreateTrainingJob" in made
    assert ended.data["task"] == "regression"
    assert set(ended.data["metrics"]) == {"rmse", "mae", "r2"} == set(ended.data["baseline"])
    assert ended.data["beats_baseline"] is False  # this AWS predicts the same for every row
    shutil.rmtree(tmp_path / "opskit-runs")
