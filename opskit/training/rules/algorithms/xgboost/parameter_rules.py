"""The values that the built-in XGBoost takes for each hyperparameter.

Sources: "XGBoost hyperparameters" in the Amazon SageMaker guide for the names, and AWS's open-source XGBoost container
(algorithm mode, hyperparameter validation) for the ranges and aliases: where the guide says [0, 1] for a share of which
XGBoost itself refuses 0, the container's narrower range holds, and where XGBoost refuses more, XGBoost's.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opskit.training.rules.algorithms.algorithm import NumberRange

# XGBoost's parameters are C++'s: an int of 32 bits, and the largest and the smallest normal float.
_LARGEST_WHOLE = 2**31 - 1
_LARGEST, _SMALLEST = 3.4028235e38, 1.1754944e-38
_MONOTONE = re.compile(r"\(\s*(?:-?[01]\s*(?:,\s*-?[01]\s*)*,?)?\s*\)")


@dataclass(frozen=True)
class ParameterRule:
    """The values a hyperparameter may have: a number in a range, one of some words, and what ``check`` says nothing
    against. None for ``numbers``, ``words`` and ``check``: it is not restricted in that way.
    """

    numbers: NumberRange | None = None
    whole: bool = False
    words: tuple[str, ...] | None = None
    check: Callable[[str], str] | None = None

    def wrong(self, text: str) -> str:
        """What is wrong with a value; "" if nothing is."""
        if self.words is not None:
            return "" if text in self.words else f"it is one of {', '.join(self.words)}"
        if self.check is not None:
            return self.check(text)
        if self.numbers is None:
            return ""
        try:
            value = int(text) if self.whole else float(text)
        except ValueError:
            value = math.nan
        kind = "whole number" if self.whole else "number"
        if value not in self.numbers:
            return f"it is a {kind} {self.numbers}"
        fits = abs(value) <= _LARGEST_WHOLE if self.whole else _fits_single(value)
        return "" if fits else f"it does not fit a {kind} of 32 bits"


def _fits_single(value: float) -> bool:
    """Whether a number is one of XGBoost's, which have 32 bits: it refuses those too large, or too small to be told
    from 0.
    """
    return value == 0 or _SMALLEST <= abs(value) <= _LARGEST


def _whole(low: int | None = None, high: int | None = None) -> ParameterRule:
    return ParameterRule(NumberRange(low, high), whole=True)


def _words(*words: str) -> ParameterRule:
    return ParameterRule(words=words)


_TEXT = ParameterRule()
_AT_LEAST_0 = ParameterRule(NumberRange(0))
_ABOVE_0 = ParameterRule(NumberRange(0, open_low=True))
_SHARE = ParameterRule(NumberRange(0, 1))
_SHARE_ABOVE_0 = ParameterRule(NumberRange(0, 1, open_low=True))
_SWITCH = _whole(0, 1)
_TRUE_FALSE = _words("true", "false")


def monotone_directions(text: str) -> tuple[int, ...] | None:
    """The directions in a text such as (1,0,-1), one for a feature; None: it is none."""
    if not _MONOTONE.fullmatch(text):
        return None
    return tuple(int(each) for each in re.findall(r"-?[01]", text))


def interaction_groups(text: str) -> tuple[tuple[int, ...], ...] | None:
    """The groups of features by their numbers in a text such as [[0,1],[2,3]]; None: it is none."""
    try:
        groups = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(groups, list) or not all(isinstance(group, list) for group in groups):
        return None
    if not all(type(each) is int and 0 <= each <= _LARGEST_WHOLE for group in groups for each in group):
        return None
    return tuple(tuple(group) for group in groups)


def _wrong_monotone(text: str) -> str:
    return "" if monotone_directions(text) is not None else "it is a direction (-1, 0 or 1) for each feature: (1,0,-1)"


def _wrong_interactions(text: str) -> str:
    return "" if interaction_groups(text) is not None else "it is groups of features, by their numbers: [[0,1],[2,3]]"


PARAMETER_RULES: Mapping[str, ParameterRule] = {
    "aft_loss_distribution": _words("normal", "logistic", "extreme"),
    "aft_loss_distribution_scale": _ABOVE_0,
    "alpha": _AT_LEAST_0,
    "base_score": _AT_LEAST_0,
    "booster": _words("gbtree", "gblinear", "dart"),
    "colsample_bylevel": _SHARE_ABOVE_0,
    "colsample_bynode": _SHARE_ABOVE_0,
    "colsample_bytree": _SHARE_ABOVE_0,
    "csv_weights": _SWITCH,
    "deterministic_histogram": _TRUE_FALSE,
    "dsplit": _words("row", "col"),
    "early_stopping_rounds": _whole(1),
    "eta": _SHARE,
    "eval_metric": _TEXT,
    "gamma": _AT_LEAST_0,
    "grow_policy": _words("depthwise", "lossguide"),
    "interaction_constraints": ParameterRule(check=_wrong_interactions),
    "lambda": _AT_LEAST_0,
    "lambda_bias": _SHARE,
    "max_bin": _whole(2),
    "max_delta_step": _AT_LEAST_0,
    "max_depth": _whole(0),
    "max_leaves": _whole(0),
    "min_child_weight": _AT_LEAST_0,
    "monotone_constraints": ParameterRule(check=_wrong_monotone),
    "normalize_type": _words("tree", "forest"),
    "nthread": _whole(1),
    "num_class": _whole(2),
    "num_parallel_tree": _whole(1),
    "num_round": _whole(1),
    "objective": _TEXT,
    "one_drop": _SWITCH,
    "predictor": _words("auto", "cpu_predictor", "gpu_predictor"),
    "process_type": _words("default", "update"),
    "rate_drop": _SHARE,
    "refresh_leaf": _SWITCH,
    "sample_type": _words("uniform", "weighted"),
    "sampling_method": _words("uniform", "gradient_based"),
    "save_model_on_termination": _TRUE_FALSE,
    "scale_pos_weight": _ABOVE_0,
    "seed": _whole(-(2**31) + 1, 2**31 - 2),
    "single_precision_histogram": _TRUE_FALSE,
    "sketch_eps": ParameterRule(NumberRange(0, 1, open_low=True, open_high=True)),
    "skip_drop": _SHARE,
    "subsample": _SHARE_ABOVE_0,
    "tree_method": _words("auto", "exact", "approx", "hist", "gpu_hist"),
    "tweedie_variance_power": ParameterRule(NumberRange(1, 2, open_low=True, open_high=True)),
    "updater": _TEXT,
    "use_dask_gpu_training": _TRUE_FALSE,
    "verbosity": _whole(0, 3),
}

PARAMETER_ALIASES: Mapping[str, str] = {
    "learning_rate": "eta",
    "min_split_loss": "gamma",
    "reg_alpha": "alpha",
    "reg_lambda": "lambda",
}
"""XGBoost's other names for some, which the container takes too."""

CONTAINER_PARAMETERS = frozenset({"_kfold", "_num_cv_round", "_tuning_objective_metric"})
"""The container's own, which SageMaker's tuning and cross-validation set."""
