"""Hyperparameters that a job would fail on are refused before it is paid for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opskit.training.rules.algorithms.algorithm import SettingFinding
from opskit.training.rules.algorithms.table import ALGORITHMS
from opskit.training.rules.algorithms.xgboost.conflicts import check_data_shape
from opskit.training.rules.algorithms.xgboost.hyperparameters import check_hyperparameters
from opskit.training.rules.model import Task
from opskit.training.workflow import find_workflow

BOSTON = find_workflow("boston")


def check(version: str = "1.7-1", task: Task = Task.REGRESSION, **values: str) -> list[SettingFinding]:
    return check_hyperparameters(replace(BOSTON, version=version, task=task, hyperparameters=tuple(values.items())))


@pytest.mark.parametrize("name", ["boston", "breast-cancer", "wine"])
def test_those_of_the_shipped_workflows_are_taken(name: str) -> None:
    assert check_hyperparameters(find_workflow(name)) == []


@pytest.mark.parametrize(
    ("values", "code", "name", "says"),
    [
        ({"num_rounds": "5", "num_round": "5"}, "hyperparameter-unknown", "num_rounds", "'num_round'"),
        ({"max_dept": "3", "num_round": "5"}, "hyperparameter-unknown", "max_dept", "'max_depth'"),
        ({"learning-rate": "1", "num_round": "5"}, "hyperparameter-unknown", "learning-rate", "'learning_rate'"),
        ({"colour": "1", "num_round": "5"}, "hyperparameter-unknown", "colour", "AWS's list"),
        ({"silent": "1", "num_round": "5"}, "hyperparameter-unknown", "silent", "no such hyperparameter"),
        ({"_mine": "1", "num_round": "5"}, "hyperparameter-unknown", "_mine", "no such hyperparameter"),
        ({"learning_rate": "2", "num_round": "5"}, "hyperparameter-invalid", "learning_rate", "from 0 up to 1"),
        ({"num_round": "2147483648"}, "hyperparameter-invalid", "num_round", "32 bits"),
        ({"num_round": "5", "alpha": "1e39"}, "hyperparameter-invalid", "alpha", "32 bits"),
        ({"num_round": "5", "subsample": "1e-50"}, "hyperparameter-invalid", "subsample", "32 bits"),
        ({"num_round": "5", "max_bin": "1"}, "hyperparameter-invalid", "max_bin", "at least 2"),
        ({"num_round": "5", "max_depth": "0"}, "hyperparameter-conflict", "max_depth", "tree_method = hist"),
        ({"num_round": "5", "updater": "prune"}, "hyperparameter-conflict", "updater", "has to grow trees"),
        ({"num_round": "5", "updater": "grow_colmaker,shotgun"}, "hyperparameter-conflict", "updater", "prune"),
        (
            {"num_round": "5", "booster": "gblinear", "updater": "prune"},
            "hyperparameter-conflict",
            "updater",
            "shotgun, coord_descent",
        ),
        (
            {"num_round": "5", "use_dask_gpu_training": "true"},
            "hyperparameter-conflict",
            "use_dask_gpu_training",
            "gpu_hist",
        ),
        (
            {"num_round": "5", "tree_method": "hist", "monotone_constraints": "1,0"},
            "hyperparameter-invalid",
            "monotone_constraints",
            "(1,0,-1)",
        ),
        (
            {"num_round": "5", "tree_method": "hist", "interaction_constraints": "[0,1]"},
            "hyperparameter-invalid",
            "interaction_constraints",
            "[[0,1],[2,3]]",
        ),
        ({"eta": "1"}, "hyperparameter-missing", "num_round", "number of rounds"),
        ({"num_round": "0"}, "hyperparameter-invalid", "num_round", "whole number at least 1"),
        ({"num_round": "5.5"}, "hyperparameter-invalid", "num_round", "whole number at least 1"),
        ({"num_round": "5", "eta": "1.5"}, "hyperparameter-invalid", "eta", "a number from 0 up to 1"),
        ({"num_round": "5", "eta": "fast"}, "hyperparameter-invalid", "eta", "'fast' is not allowed"),
        ({"num_round": "5", "eta": "nan"}, "hyperparameter-invalid", "eta", "'nan' is not allowed"),
        ({"num_round": "5", "subsample": "0"}, "hyperparameter-invalid", "subsample", "above 0 up to 1"),
        ({"num_round": "5", "booster": "tree"}, "hyperparameter-invalid", "booster", "gbtree, gblinear, dart"),
        ({"num_round": "5", "eval_metric": "rsme"}, "hyperparameter-invalid", "eval_metric", "Did you mean 'rmse'?"),
        ({"num_round": "5", "eval_metric": "auc"}, "hyperparameter-invalid", "eval_metric", "does not compute auc"),
        ({"num_round": "5", "eval_metric": "rmse,mlogloss"}, "hyperparameter-invalid", "eval_metric", "mlogloss for"),
        ({"num_round": "5", "eval_metric": "ndcg"}, "hyperparameter-invalid", "eval_metric", "ndcg for"),
        ({"num_round": "5", "eval_metric": "tweedie-nloglik"}, "hyperparameter-invalid", "eval_metric", "tweedie"),
        (
            {"num_round": "5", "objective": "reg:logistic", "base_score": "5"},
            "hyperparameter-conflict",
            "base_score",
            "between 0 and 1",
        ),
        (
            {"num_round": "5", "objective": "reg:gamma", "base_score": "0"},
            "hyperparameter-conflict",
            "base_score",
            "above 0",
        ),
        ({"num_round": "5", "eval_metric": "mae@3"}, "hyperparameter-invalid", "eval_metric", "take a threshold"),
        ({"num_round": "5", "csv_weights": "1"}, "hyperparameter-conflict", "csv_weights", "first feature"),
        ({"num_round": "5", "process_type": "update"}, "hyperparameter-conflict", "process_type", "earlier model"),
        ({"num_round": "5", "num_class": "3"}, "hyperparameter-conflict", "num_class", "no such classes"),
        ({"num_round": "5", "monotone_constraints": "(1,)"}, "hyperparameter-conflict", "monotone_constraints", "hist"),
        ({"num_round": "5", "sagemaker_program": "t.py"}, "script-mode-unsupported", "sagemaker_program", "script"),
        ({"num_round": "5", "objective": "rank:ndcg"}, "objective-unscored", "objective", "groups of rows"),
        ({"num_round": "5", "objective": "binary:hinge"}, "objective-unscored", "objective", "binary:logistic"),
        ({"num_round": "5", "objective": "reg:squared"}, "hyperparameter-invalid", "objective", "'reg:squarederror'"),
        ({"num_round": "5", "objective": "binary:logistic"}, "objective-mismatch", "objective", "task = 'regression'"),
    ],
)
def test_what_a_job_would_fail_on_is_named(values: dict[str, str], code: str, name: str, says: str) -> None:
    (found,) = check_hyperparameters(replace(BOSTON, hyperparameters=tuple(values.items())))
    assert (found.code, found.key, found.value) == (code, ("hyperparameters", name), values.get(name))
    assert says in f"{found.message} {found.hint}"


@pytest.mark.parametrize(
    ("types", "fits"),
    [
        (("ml.m5.xlarge",), False),
        (("ml.g4dn.xlarge",), True),
        (("ml.p3.2xlarge", "ml.gr6.4xlarge"), True),
        (("ml.p3.2xlarge", "ml.c5.xlarge"), False),
    ],
)
def test_a_gpu_is_asked_of_the_instance_types(types: tuple[str, ...], fits: bool) -> None:
    workflow = replace(BOSTON, hyperparameters=(("num_round", "5"), ("tree_method", "gpu_hist")))
    preferences = types if len(types) > 1 else ()
    workflow = replace(workflow, training=replace(workflow.training, instance_type=types[0], preferences=preferences))
    assert (check_hyperparameters(workflow) == []) is fits


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = check(max_dept="3", eta="7", objective="survival:cox")
    assert [each.key[1] for each in found] == ["max_dept", "num_round", "eta", "objective"]


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rate": "0.3", "reg_lambda": "1", "reg_alpha": "0", "min_split_loss": "0"},
        {"single_precision_histogram": "true"},
        {"max_depth": "0", "tree_method": "hist"},
        {"max_depth": "0", "booster": "gblinear"},
        {"updater": "grow_colmaker,prune"},
        {"booster": "gblinear", "updater": "shotgun"},
        {"tree_method": "hist", "monotone_constraints": "(1, 0,-1)", "interaction_constraints": "[[0, 1],[2]]"},
        {"seed": "-5", "alpha": "0"},
    ],
)
def test_what_the_container_and_xgboost_take_is_taken(values: dict[str, str]) -> None:
    taken = {"num_round": "5", **values}
    assert check_hyperparameters(replace(BOSTON, hyperparameters=tuple(taken.items()))) == []


def test_constraints_name_features_that_the_data_have() -> None:
    settings = {"monotone_constraints": "(1,0,1)", "interaction_constraints": "[[0,1],[2]]"}
    workflow = replace(BOSTON, hyperparameters=tuple(settings.items()))
    assert check_data_shape(workflow, 3, 0) == []
    assert [each.key[1] for each in check_data_shape(workflow, 2, 0)] == list(settings)


def test_the_number_of_classes_is_needed_and_that_of_the_data() -> None:
    (found,) = check(task=Task.MULTICLASS, num_round="5", objective="multi:softprob")
    assert (found.code, found.key[1]) == ("hyperparameter-missing", "num_class")
    wine = find_workflow("wine")
    assert check_data_shape(wine, 13, 3) == []
    (found,) = check_data_shape(wine, 13, 4)
    assert (found.value, found.hint) == ("3", "Set num_class = 4.")


def test_what_a_later_version_may_know_is_left_to_it_unless_it_looks_mistyped() -> None:
    assert check("3.0-5", num_round="5", device="cuda") == []
    assert [each.key[1] for each in check("3.0-5", num_rounds="5", num_round="5")] == ["num_rounds"]
    assert check(num_round="5", _tuning_objective_metric="y", objective='"reg:linear"') == []


@pytest.mark.parametrize("algorithm", ALGORITHMS.values(), ids=list(ALGORITHMS))
def test_every_algorithm_knows_a_way_to_each_task(algorithm: object) -> None:
    assert isinstance(algorithm, type(ALGORITHMS["xgboost"]))
    for task in Task:
        assert algorithm.find_task(algorithm.objective_for[task]) is task


@pytest.mark.parametrize("metric", ["logloss", "error", "rmse", "ndcg", "gamma-nloglik"])
def test_check_eval_metrics_refuses_for_several_classes_what_fails_there(metric: str) -> None:
    several = {"num_round": "5", "objective": "multi:softprob", "num_class": "3"}
    (found,) = check(task=Task.MULTICLASS, **several, eval_metric=metric)
    assert (found.key, metric in found.message) == (("hyperparameters", "eval_metric"), True)
    assert check(task=Task.MULTICLASS, **several, eval_metric="merror,mlogloss,accuracy") == []
