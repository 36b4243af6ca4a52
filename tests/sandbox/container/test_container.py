"""The algorithm by itself: its hyperparameters, its data, its metrics."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest

from opskit.sandbox.container.failure import XGBOOST_MISSING, UserError
from opskit.sandbox.container.hyperparameters import Interval, validate_hyperparameters
from opskit.sandbox.container.metrics import CUSTOM_METRICS
from opskit.sandbox.container.tables import DataFormat, parse_data_format, read_channel, read_request_body


def test_values_come_bare_or_as_json() -> None:
    given = {"num_round": "5", "objective": '"reg:linear"', "eta": "0.2", "sagemaker_region": '"us-east-1"'}
    assert validate_hyperparameters(given) == {"num_round": 5, "objective": "reg:linear", "eta": 0.2}


REFUSED = [
    ({"eta": "0.2"}, "Missing required hyperparameter: num_round"),
    ({"num_rounds": "5", "num_round": "5"}, "Extraneous hyperparameter found: num_rounds"),
    ({"num_round": "0"}, "Hyperparameter num_round: 0 is not in [1, +inf)"),
    ({"num_round": "1.5"}, "Hyperparameter num_round: could not parse value (caused by ValueError)"),
    ({"num_round": "5", "subsample": "0"}, "Hyperparameter subsample: 0.0 is not in (0, 1]"),
    ({"num_round": "5", "gamma": "nan"}, "Hyperparameter gamma: nan is not in [0, +inf)"),
    ({"num_round": "5", "booster": "tree"}, "Hyperparameter booster: tree is not in ['gbtree', 'gblinear', 'dart']"),
    ({"num_round": "5", "objective": "multi:softmax"}, "Require input for parameter 'num_class'"),
    ({"num_round": "5", "eval_metric": "auc"}, "Metric 'auc' can only be applied for classification"),
    ({"num_round": "5", "eval_metric": "guess"}, "Hyperparameter eval_metric: value ['guess'] not in range"),
    ({"num_round": "5", "eval_metric": "rmse@3"}, "Metric 'rmse@3' is not supported."),
    ({"num_round": "5", "eval_metric": "error@x"}, "Threshold value 't' in 'error@t' expects float input."),
    ({"num_round": "5", "monotone_constraints": "(1,0)"}, "monotone_constraints can be used only when"),
    ({"num_round": "5", "monotone_constraints": "(2,)", "tree_method": "hist"}, "value (2,) not in range [-1, 0, 1]"),
    ({"num_round": "5", "monotone_constraints": "(1,", "tree_method": "hist"}, "could not parse value"),
    ({"num_round": "5", "interaction_constraints": "[[0, 1]]", "tree_method": "hist"}, "not in range [1, +inf)"),
    ({"num_round": "5", "updater": "magic"}, "Hyperparameter updater: value ['magic'] not in range"),
    ({"num_round": "5", "updater": "shotgun"}, "Tree updater should be selected from these options"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_hyperparameters_are_refused_in_the_container_s_words(given: dict[str, str], message: str) -> None:
    with pytest.raises(UserError) as caught:
        validate_hyperparameters(given)
    assert message in str(caught.value)


def test_the_first_image_takes_silent() -> None:
    assert validate_hyperparameters({"num_round": "5", "silent": "0"}, first_image=True)["silent"] == 0


def test_an_interval_shows_its_ends() -> None:
    assert str(Interval(0, 1, open_low=True)) == "(0, 1]"
    assert 0 not in Interval(0, 1, open_low=True)
    assert 1 not in Interval(0, 1, open_high=True)


def test_data_formats_are_parsed_from_content_types() -> None:
    assert [parse_data_format(kind) for kind in (None, "csv", "text/csv; label_size=1", "text/x-libsvm")] == [
        "libsvm",
        "csv",
        "csv",
        "libsvm",
    ]
    for kind in ("application/json", "text/csv;label_size=2"):
        with pytest.raises(UserError, match="is not an accepted"):
            parse_data_format(kind)


def test_a_request_s_rows() -> None:
    dense = read_request_body("\n1,,3\n4,5,6\n\n", DataFormat.CSV, 3)
    assert dense.shape == (2, 3)
    assert numpy.isnan(dense[0, 1])
    assert read_request_body("1 0:2.5", DataFormat.LIBSVM, 4).shape == (1, 4)
    for body in ("a,b", "1,2\n3", "1,2\n\n3,4", "-1e-05\n2"):
        with pytest.raises(UserError, match="please ensure data is in csv format"):
            read_request_body(body, DataFormat.CSV, 2)


def test_one_feature_alone_is_read_as_aws_s_container_does() -> None:
    """What separates the cells is found in the first line, and an empty line at an end of the body is no row."""
    assert read_request_body("5.1\n\n6.2\n", DataFormat.CSV, 1).shape == (3, 1)
    assert read_request_body("\n5.1\n\n", DataFormat.CSV, 1).shape == (1, 1)
    assert read_request_body("nan\n-0.00001", DataFormat.CSV, 1).shape == (2, 1)


def test_a_last_column_without_values_is_no_column_of_the_training_data(tmp_path: Path) -> None:
    for name, rows, width in (("last", "1,2,\n0,3,\n", 1), ("first", "1,,2\n0,,3\n", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "train.csv").write_text(rows)
        table = read_channel(tmp_path / name, DataFormat.CSV)
        assert table is not None
        assert table.features.shape == (2, width)


def test_the_container_s_own_metrics() -> None:
    truth, guess = numpy.array([1.0, 0, 1, 1]), numpy.array([0.9, 0.8, 0.7, 0.1])
    scores = {name: round(metric(guess, truth), 4) for name, metric in CUSTOM_METRICS.items()}
    assert (scores["accuracy"], scores["balanced_accuracy"]) == (0.5, 0.3333)
    assert (scores["precision"], scores["recall"], scores["f1_binary"]) == (0.6667, 0.6667, 0.6667)
    assert (scores["precision_macro"], scores["precision_micro"]) == (0.3333, 0.5)
    assert CUSTOM_METRICS["r2"](truth, truth) == 1.0
    assert CUSTOM_METRICS["mse"](guess, truth) == pytest.approx(0.3875)


def folder_with(tmp_path: Path, parameters: dict[str, str], rows: str) -> Path:
    config, data = tmp_path / "input" / "config", tmp_path / "input" / "data" / "train"
    config.mkdir(parents=True)
    data.mkdir(parents=True)
    (config / "hyperparameters.json").write_text(json.dumps(parameters))
    (config / "inputdataconfig.json").write_text(json.dumps({"train": {"ContentType": "csv"}}))
    (data / "train.csv").write_text(rows)
    return tmp_path


def run_module(module: str, folder: Path, before: str = "") -> Any:
    main = {"train": "train_model", "serve": "serve_model"}[module]
    script = f"import sys, pathlib; {before}from opskit.sandbox.container.{module} import {main}; "
    script += f"sys.exit({main}(pathlib.Path({str(folder)!r})))"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_classification_with_metrics_of_the_container_s_own(tmp_path: Path) -> None:
    rows = "".join(f"{number % 2},{number % 2 + 0.1},{number}\n" for number in range(60))
    parameters = {
        "num_round": "40",
        "objective": "binary:logistic",
        "eval_metric": "auc,accuracy",
        "early_stopping_rounds": "3",
    }
    done = run_module("train", folder_with(tmp_path, parameters, rows))
    assert done.returncode == 0, done.stdout
    rounds = [line for line in done.stdout.splitlines() if line.startswith("[") and "#011" in line]
    assert rounds[0] == "[0]#011train-auc:1#011train-accuracy:1"
    assert len(rounds) == 4, "accuracy cannot get better than 1, so it stops three rounds later"
    assert (tmp_path / "model" / "xgboost-model").exists()


@pytest.mark.parametrize("module", ["train", "serve"])
def test_without_xgboost_one_sentence_says_how_to_get_it(tmp_path: Path, module: str) -> None:
    folder = folder_with(tmp_path, {"num_round": "5"}, "1,2\n3,4\n")
    (folder / "model").mkdir()
    (folder / "model" / "xgboost-model").write_bytes(b"{}")
    done = run_module(module, folder, "sys.modules['xgboost'] = None; ")
    assert done.returncode == 1
    assert XGBOOST_MISSING in (folder / "output" / "failure").read_text()
    assert "Traceback" not in done.stdout + done.stderr


def test_a_model_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "xgboost-model").write_bytes(b"no model")
    done = run_module("serve", tmp_path)
    assert done.returncode == 1
    assert "xgboost-model is no xgboost model" in (tmp_path / "output" / "failure").read_text()
