"""The hyperparameters the built-in XGBoost accepts, with the messages its container refuses the others with.

Source: the algorithm mode of AWS's open-source XGBoost container, and "XGBoost hyperparameters" in the SageMaker guide.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opskit.sandbox.container.failure import UserError

PLATFORM_PREFIX = "sagemaker_"
"""Hyperparameters of this prefix are the platform's own words to the container, not the algorithm's."""

SCRIPT_MODE = ("sagemaker_program", "sagemaker_submit_directory")


@dataclass(frozen=True)
class Interval:
    """The numbers from ``low`` to ``high``, without an end where that end is open."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def __str__(self) -> str:
        low = "(-inf" if self.low == -math.inf else f"{'(' if self.open_low else '['}{self.low:g}"
        high = "+inf)" if self.high == math.inf else f"{self.high:g}{')' if self.open_high else ']'}"
        return f"{low}, {high}"


@dataclass(frozen=True)
class HyperparameterRule:
    """How one hyperparameter is read from its text, and the values that are ``allowed``; None: all are."""

    parse: Callable[[str], Any]
    allowed: Interval | tuple[str, ...] | tuple[int, ...] | None = None
    applies_to_items: bool = False
    """The value is a list, and ``allowed`` is for each of its items."""

    def check_value(self, name: str, value: Any) -> None:
        """Raise UserError when a value is not among the allowed ones."""
        if self.allowed is None:
            return
        shown = str(self.allowed) if isinstance(self.allowed, Interval) else list(self.allowed)
        if not self.applies_to_items and value not in self.allowed:
            raise UserError(f"Hyperparameter {name}: {value} is not in {shown}")
        if self.applies_to_items and any(item not in self.allowed for item in _flatten_value(value)):
            raise UserError(f"Hyperparameter {name}: value {value} not in range {shown}")


def _flatten_value(value: Any) -> list[Any]:
    return [item for part in value for item in _flatten_value(part)] if isinstance(value, list | tuple) else [value]


def _integer_rule(low: float = -math.inf, high: float = math.inf) -> HyperparameterRule:
    return HyperparameterRule(int, Interval(low, high))


def _number_rule(
    low: float = -math.inf, high: float = math.inf, *, above: bool = False, below: bool = False
) -> HyperparameterRule:
    return HyperparameterRule(float, Interval(low, high, above, below))


def _choice_rule(*values: str) -> HyperparameterRule:
    return HyperparameterRule(str, values)


def _split_list(text: str) -> list[str]:
    return text.split(",")


def _parse_literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(str(error)) from error


MAXIMISED = (
    "accuracy", "auc", "aucpr", "balanced_accuracy", "f1", "f1_binary", "f1_macro", "map", "ndcg", "precision",
    "precision_macro", "precision_micro", "r2", "recall", "recall_macro", "recall_micro",
)  # fmt: skip
MINIMISED = (
    "aft-nloglik", "cox-nloglik", "error", "gamma-deviance", "gamma-nloglik", "interval-regression-accuracy",
    "logloss", "mae", "mape", "merror", "mlogloss", "mphe", "mse", "poisson-nloglik", "rmse", "rmsle",
    "tweedie-nloglik",
)  # fmt: skip
OBJECTIVES = (
    "aft_loss_distribution", "binary:logistic", "binary:logitraw", "binary:hinge", "count:poisson", "multi:softmax",
    "multi:softprob", "rank:pairwise", "rank:ndcg", "rank:map", "reg:absoluteerror", "reg:linear",
    "reg:squarederror", "reg:logistic", "reg:gamma", "reg:pseudohubererror", "reg:squaredlogerror", "reg:tweedie",
    "survival:aft", "survival:cox",
)  # fmt: skip
_TREE_UPDATERS = (
    "grow_colmaker", "distcol", "grow_histmaker", "grow_local_histmaker", "grow_quantile_histmaker",
    "grow_skmaker", "sync", "refresh", "prune",
)  # fmt: skip
_LINEAR_UPDATERS = ("shotgun", "coord_descent")
_THRESHOLDED = ("error", "ndcg", "map")

RULES: Mapping[str, HyperparameterRule] = {
    "num_round": _integer_rule(1),
    "csv_weights": _integer_rule(0, 1),
    "early_stopping_rounds": _integer_rule(1),
    "booster": _choice_rule("gbtree", "gblinear", "dart"),
    "verbosity": _integer_rule(0, 3),
    "nthread": _integer_rule(1),
    "eta": _number_rule(0, 1),
    "gamma": _number_rule(0),
    "max_depth": _integer_rule(0),
    "min_child_weight": _number_rule(0),
    "max_delta_step": _number_rule(0),
    "subsample": _number_rule(0, 1, above=True),
    "sampling_method": _choice_rule("uniform", "gradient_based"),
    "colsample_bytree": _number_rule(0, 1, above=True),
    "colsample_bylevel": _number_rule(0, 1, above=True),
    "colsample_bynode": _number_rule(0, 1, above=True),
    "lambda": _number_rule(0),
    "alpha": _number_rule(0),
    "tree_method": _choice_rule("auto", "exact", "approx", "hist", "gpu_hist"),
    "sketch_eps": _number_rule(0, 1, above=True, below=True),
    "scale_pos_weight": _number_rule(0, above=True),
    "updater": HyperparameterRule(_split_list, (*_TREE_UPDATERS, *_LINEAR_UPDATERS), applies_to_items=True),
    "dsplit": _choice_rule("row", "col"),
    "refresh_leaf": _integer_rule(0, 1),
    "process_type": _choice_rule("default", "update"),
    "grow_policy": _choice_rule("depthwise", "lossguide"),
    "max_leaves": _integer_rule(0),
    "max_bin": _integer_rule(0),
    "predictor": _choice_rule("auto", "cpu_predictor", "gpu_predictor"),
    "monotone_constraints": HyperparameterRule(_parse_literal, (-1, 0, 1), applies_to_items=True),
    "interaction_constraints": HyperparameterRule(_parse_literal, Interval(1), applies_to_items=True),
    "sample_type": _choice_rule("uniform", "weighted"),
    "normalize_type": _choice_rule("tree", "forest"),
    "rate_drop": _number_rule(0, 1),
    "one_drop": _integer_rule(0, 1),
    "skip_drop": _number_rule(0, 1),
    "lambda_bias": _number_rule(0, 1),
    "tweedie_variance_power": _number_rule(1, 2, above=True, below=True),
    "objective": HyperparameterRule(str, OBJECTIVES),
    "num_class": _integer_rule(2),
    "base_score": _number_rule(0),
    "_kfold": _integer_rule(2),
    "_num_cv_round": _integer_rule(1),
    "_tuning_objective_metric": HyperparameterRule(str),
    "eval_metric": HyperparameterRule(_split_list),
    "seed": _integer_rule(-(2**31) + 1, 2**31 - 2),
    "num_parallel_tree": _integer_rule(1),
    "save_model_on_termination": _choice_rule("true", "false"),
    "aft_loss_distribution": _choice_rule("normal", "logistic", "extreme"),
    "aft_loss_distribution_scale": _number_rule(0, above=True),
    "deterministic_histogram": _choice_rule("true", "false"),
    "max_cached_hist_node": _integer_rule(1),
}
# Accepted beside RULES by the first image (``xgboost:1``, xgboost 0.72) alone.
_FIRST_IMAGE_RULES: Mapping[str, HyperparameterRule] = {
    "silent": _integer_rule(0, 1),
    "sketch_eps": _number_rule(0, 1),
    "num_feature": _integer_rule(1),
}


def validate_hyperparameters(texts: Mapping[str, str], *, first_image: bool = False) -> dict[str, Any]:
    """The typed hyperparameters, in the order the container judges them: missing, unknown, unreadable, out of range.

    Raises:
        UserError: in the container's words.
    """
    rules = {**RULES, **_FIRST_IMAGE_RULES} if first_image else RULES
    decoded = {name: _decode_text(text) for name, text in texts.items() if not name.startswith(PLATFORM_PREFIX)}
    if "num_round" not in decoded:
        raise UserError("Missing required hyperparameter: num_round")
    values = {name: _parse_hyperparameter(rules, name, text) for name, text in decoded.items()}
    for name, value in values.items():
        rules[name].check_value(name, value)
    _check_combinations(values)
    return values


def _decode_text(text: str) -> str:
    """Clients send values bare (``0.2``, ``reg:linear``) or as JSON (``"reg:linear"``); the container reads both."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def _parse_hyperparameter(rules: Mapping[str, HyperparameterRule], name: str, text: str) -> Any:
    if name not in rules:
        raise UserError(f"Extraneous hyperparameter found: {name}")
    try:
        return rules[name].parse(text)
    except (ValueError, TypeError) as error:
        raise UserError(f"Hyperparameter {name}: could not parse value (caused by {type(error).__name__})") from error


def _check_combinations(values: Mapping[str, Any]) -> None:
    objective = values.get("objective", "reg:squarederror")
    if objective in ("multi:softmax", "multi:softprob") and "num_class" not in values:
        raise UserError("Require input for parameter 'num_class' for multi-classification")
    _check_metric_objectives(values.get("eval_metric", []), objective)
    _check_constraints(values)
    _check_updater(values)


def _check_metric_objectives(metrics: list[str], objective: str) -> None:
    for metric in metrics:
        _check_metric_name(metric)
    if "auc" in metrics and not objective.startswith(("binary:", "rank:")):
        raise UserError("Metric 'auc' can only be applied for classification and ranking problems.")
    if "aft-nloglik" in metrics and objective != "survival:aft":
        raise UserError("Metric 'aft-nloglik' can only be applied for 'survival:aft' objective.")


def _check_metric_name(metric: str) -> None:
    name, separator, threshold = (part.strip() for part in metric.partition("@"))
    if not separator:
        if metric not in (*MAXIMISED, *MINIMISED):
            raise UserError(f"Hyperparameter eval_metric: value {[metric]} not in range {[*MAXIMISED, *MINIMISED]}")
        return
    if name not in _THRESHOLDED:
        raise UserError(
            f"Metric '{metric}' is not supported. Parameter 'eval_metric' with customized threshold should "
            "be one of these options: 'error', 'ndcg', 'map'."
        )
    try:
        float(threshold)
    except ValueError as error:
        raise UserError(f"Threshold value 't' in '{name}@t' expects float input.") from error


def _check_constraints(values: Mapping[str, Any]) -> None:
    method = values.get("tree_method")
    if "monotone_constraints" in values and method not in ("exact", "hist"):
        raise UserError(
            "monotone_constraints can be used only when the tree_method parameter is set to either 'exact' or 'hist'."
        )
    if "interaction_constraints" in values and method not in ("exact", "hist", "approx"):
        raise UserError(
            "interaction_constraints can be used only when the tree_method parameter is set to "
            "either 'exact', 'hist' or 'approx'."
        )


def _check_updater(values: Mapping[str, Any]) -> None:
    updaters = values.get("updater", [])
    if not updaters:
        return
    allowed: tuple[str, ...]
    if values.get("booster") == "gblinear":
        allowed, updater_type = _LINEAR_UPDATERS, "Linear"
    elif values.get("process_type") == "update":
        allowed, updater_type = ("refresh", "prune"), "Process type 'update'"
    else:
        allowed, updater_type = _TREE_UPDATERS, "Tree"
    if not all(updater in allowed for updater in updaters):
        names = ", ".join(f"'{name}'" for name in allowed)
        raise UserError(f"{updater_type} updater should be selected from these options: {names}.")
