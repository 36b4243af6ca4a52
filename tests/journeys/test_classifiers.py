"""Classifiers, from the shell: trained, scored beside a baseline, asked and removed; and a stranger's own workflow."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from sklearn.metrics import roc_auc_score

from tests.journeys.conftest import Shell, make_shell, run_sandbox
from tests.slow import starts_server

WORKFLOWS = Path(__file__).parents[2] / "workflows"


@pytest.fixture(scope="module")
@starts_server
def classroom_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with run_sandbox("classroom", only=("train", "deploy", "predict", "cleanup"), has_jupyters=False) as running:
        yield make_shell(running, tmp_path_factory.mktemp("classifiers"))


def read_matrix(path: Path) -> Any:
    return numpy.genfromtxt(path, delimiter=",")


def direct_auc(folder: Path, positives: list[bool]) -> float:
    """The AUC of XGBoost called directly, with the workflow's hyperparameters, on the rows that the job was given."""
    import xgboost

    train, validation = read_matrix(folder / "train.csv"), read_matrix(folder / "validation.csv")
    parameters = {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "max_depth": 4,
        "eta": 0.1,
        "subsample": 0.8,
        "seed": 7,
        "nthread": 1,
    }
    stopping = xgboost.callback.EarlyStopping(rounds=10, save_best=True)
    booster = xgboost.train(
        parameters,
        xgboost.DMatrix(train[:, 1:], label=train[:, 0]),
        200,
        evals=[(xgboost.DMatrix(validation[:, 1:], label=validation[:, 0]), "validation")],
        callbacks=[stopping],
        verbose_eval=False,
    )
    return float(roc_auc_score(positives, booster.predict(xgboost.DMatrix(read_matrix(folder / "test.csv")))))


def test_a_binary_classifier_is_as_good_as_xgboost_called_directly(classroom_shell: Shell) -> None:
    run = classroom_shell.opskit("train", "breast-cancer", "--deploy")
    assert run.exit == 0, run.stderr
    data = run.data
    assert data["metrics"]["auc"] > 0.95
    assert data["beats_baseline"] is True
    assert (data["baseline"]["auc"], sum(map(sum, data["confusion"]))) == (0.5, 188)
    assert [each["name"] for each in data["classes"]] == ["benign", "malignant"]
    assert Path(data["plot"]).read_bytes().startswith(b"\x89PNG")

    test_set = classroom_shell.opskit("predict", "breast-cancer").data
    assert test_set["metrics"]["auc"] == pytest.approx(data["metrics"]["auc"], abs=1e-6)
    assert set(test_set["predictions"]) == {"benign", "malignant"}
    assert all(sum(row) == pytest.approx(1) for row in test_set["probabilities"])
    positives = [label == "malignant" for label in test_set["truth"]]
    assert data["metrics"]["auc"] == pytest.approx(direct_auc(Path(data["folder"]), positives), abs=0.01)

    again = classroom_shell.opskit("train", "breast-cancer", "--deploy")
    assert (again.data["job"], again.data["metrics"]) == (data["job"], data["metrics"])
    cleaned = classroom_shell.opskit("cleanup", "breast-cancer", "--local", "--yes")
    assert cleaned.data["removed"]["endpoints"] == [data["endpoint"]]


def test_train_scores_a_workflow_of_three_classes(classroom_shell: Shell) -> None:
    run = classroom_shell.opskit("train", "wine")
    assert run.exit == 0, run.stderr
    assert run.data["metrics"]["accuracy"] > 0.8
    assert run.data["metrics"]["log_loss"] < run.data["baseline"]["log_loss"] / 2
    assert [each["rows"] for each in run.data["classes"]] == [20, 23, 16]
    assert classroom_shell.opskit("cleanup", "wine", "--yes").exit == 0


def test_with_shuffled_labels_the_baseline_tells(classroom_shell: Shell) -> None:
    folder = Path(shutil.copytree(WORKFLOWS / "breast-cancer", classroom_shell.home / "shuffled"))
    path = folder / "data" / "breast_cancer.csv"
    header, *rows = csv.reader(path.read_text().splitlines())
    labels = [row[-1] for row in rows]
    random.Random(11).shuffle(labels)
    lines = [",".join(header), *(",".join([*row[:-1], label]) for row, label in zip(rows, labels, strict=True)), ""]
    path.write_text("\n".join(lines))
    toml = folder / "workflow.toml"
    toml.write_text(toml.read_text().replace('name = "breast-cancer"', 'name = "shuffled"'))
    assert classroom_shell.opskit("workflow", "check", "./shuffled", "--update").exit == 0
    run = classroom_shell.opskit("train", "./shuffled")
    assert run.exit == 0, run.stderr
    assert run.data["beats_baseline"] is False
    assert abs(run.data["metrics"]["auc"] - run.data["baseline"]["auc"]) < 0.15
    assert run.data["metrics"]["log_loss"] > run.data["baseline"]["log_loss"] - 0.02
    again = classroom_shell.opskit("train", "./shuffled", json_output=False)
    assert "not clearly better than the baseline" in again.stdout + again.stderr
    assert classroom_shell.opskit("cleanup", "./shuffled", "--yes").exit == 0


def test_a_strangers_own_data_from_init_to_cleanup(classroom_shell: Shell) -> None:
    chance = random.Random(3)
    homes = [(chance.uniform(20, 200), chance.choice(["True", "False"]), chance.randint(1, 9)) for _ in range(300)]
    rows = [
        f"{at},{area:.1f},{garden},{rooms},{area * 3 + (50 if garden == 'True' else 0) + chance.gauss(0, 5):.1f}"
        for at, (area, garden, rooms) in enumerate(homes)
    ]
    (classroom_shell.home / "homes.csv").write_text("\n".join(["id,area,garden,rooms,price", *rows, ""]))
    words = ("workflow", "init", "homes", "--data", "homes.csv", "--target", "price", "--instance-type", "ml.m4.xlarge")
    assert classroom_shell.opskit(*words).exit == 0
    checked = classroom_shell.opskit("workflow", "check", "./homes")
    assert (checked.exit, checked.data["findings"]) == (0, [])
    run = classroom_shell.opskit("train", "./homes", "--deploy")
    assert run.exit == 0, run.stderr
    assert run.data["metrics"]["r2"] > 0.8
    assert run.data["beats_baseline"] is True
    asked = [row.rsplit(",", 1)[0] for row in rows[:700]] * 3
    (classroom_shell.home / "new.csv").write_text("\n".join(["id,area,garden,rooms", *asked, ""]))
    predicted = classroom_shell.opskit("predict", "./homes", "new.csv", "--out", "predicted.csv")
    assert (predicted.exit, predicted.data["rows"]) == (0, 900)
    written = (classroom_shell.home / "predicted.csv").read_text().splitlines()
    assert [line.rsplit(",", 1)[0] for line in written[1:]] == asked
    cleaned = classroom_shell.opskit("cleanup", "./homes", "--local", "--yes")
    assert (cleaned.exit, cleaned.data["removed"]["endpoints"]) == (0, [run.data["endpoint"]])


@pytest.fixture
@starts_server
def two_types_shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell at an account in which two instance types can train and transform."""
    with run_sandbox("classroom", approve_after="1s", has_jupyters=False) as running:
        shell = make_shell(running, tmp_path)
        wanted = ("ml.m5.xlarge", "--for", "training", "--for", "transform", "--to", "1")
        assert shell.opskit("quotas", "increase", *wanted, "--yes").exit == 0
        assert shell.opskit("quotas", "wait", *wanted, "--timeout", "10m").exit == 0
        yield shell


def test_of_a_list_with_a_short_type_the_others_are_sent(two_types_shell: Shell) -> None:
    types = "ml.c5.xlarge,ml.m5.xlarge,ml.m4.xlarge"
    run = two_types_shell.opskit("train", "wine", "--any-of", types)
    assert run.exit == 0, run.stderr
    assert run.data["selected_type"] == "ml.m5.xlarge"
    left_out = run.data["plan"]["left_out"]
    assert {(each["usage"], each["instance_type"]) for each in left_out} == {
        ("training", "ml.c5.xlarge"),
        ("transform", "ml.c5.xlarge"),
    }
    (part,) = [part for part in run.data["plan"]["parts"] if part["usage"] == "training"]
    assert part["any_of"] == ["ml.m5.xlarge", "ml.m4.xlarge"]
    again = two_types_shell.opskit("train", "wine", "--any-of", types)
    assert again.data["job"] == run.data["job"]
