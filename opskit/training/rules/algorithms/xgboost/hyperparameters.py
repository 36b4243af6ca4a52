"""The hyperparameters of the built-in XGBoost. Its container refuses any other after it was started and paid for.

Sources: "XGBoost hyperparameters" in the Amazon SageMaker guide for the names, and AWS's open-source XGBoost container
(algorithm mode, hyperparameter validation) for the ranges: where the guide says [0, 1] for a share of which XGBoost
itself refuses 0, the container's narrower range holds.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opskit.training.rules.algorithms.algorithm import NumberRange, SettingFinding
from opskit.training.rules.algorithms.xgboost.metric_names import check_eval_metrics
from opskit.training.rules.model import Task, Workflow

_TABLE = "hyperparameters"


@dataclass(frozen=True)
class _Rule:
    """The values a hyperparameter may have: a number in a range, one of some words, or (both None) any text."""

    numbers: NumberRange | None = None
    whole: bool = False
    words: tuple[str, ...] | None = None

    def wrong(self, text: str) -> str:
        """What is wrong with a value; "" if nothing is."""
        if self.words is not None:
            return "" if text in self.words else f"it is one of {', '.join(self.words)}"
        if self.numbers is None:
            return ""
        try:
            value = int(text) if self.whole else float(text)
        except ValueError:
            value = math.nan
        fits = math.isfinite(value) and value in self.numbers
        return "" if fits else f"it is a {'whole number' if self.whole else 'number'} {self.numbers}"


def _whole(low: int | None = None, high: int | None = None) -> _Rule:
    return _Rule(NumberRange(low, high), whole=True)


def _words(*words: str) -> _Rule:
    return _Rule(words=words)


_TEXT = _Rule()
_AT_LEAST_0 = _Rule(NumberRange(0))
_ABOVE_0 = _Rule(NumberRange(0, open_low=True))
_SHARE = _Rule(NumberRange(0, 1))
_SHARE_ABOVE_0 = _Rule(NumberRange(0, 1, open_low=True))
_SWITCH = _whole(0, 1)
_TRUE_FALSE = _words("true", "false")

OBJECTIVE_TASKS: Mapping[str, Task] = {
    "reg:squarederror": Task.REGRESSION,
    "reg:linear": Task.REGRESSION,
    "reg:logistic": Task.REGRESSION,
    "reg:gamma": Task.REGRESSION,
    "reg:absoluteerror": Task.REGRESSION,
    "reg:pseudohubererror": Task.REGRESSION,
    "reg:squaredlogerror": Task.REGRESSION,
    "reg:tweedie": Task.REGRESSION,
    "count:poisson": Task.REGRESSION,
    "binary:logistic": Task.BINARY,
    "multi:softprob": Task.MULTICLASS,
    "multi:softmax": Task.MULTICLASS,
}
"""What each objective predicts, of those whose output opskit can score."""

# Objectives that XGBoost has and opskit cannot score, and what to use in their place.
_UNSCORED: Mapping[str, str] = {
    "binary:logitraw": "it answers with log odds; use binary:logistic, which answers with a probability",
    "binary:hinge": "it answers with 0 or 1 and no probability; use binary:logistic",
    "rank:pairwise": "a ranking needs groups of rows, which a workflow does not have",
    "rank:ndcg": "a ranking needs groups of rows, which a workflow does not have",
    "rank:map": "a ranking needs groups of rows, which a workflow does not have",
    "survival:aft": "survival times need bounds for each label, which a workflow does not have",
    "survival:cox": "it answers with a hazard ratio, not with a time",
}
_DEFAULT_OBJECTIVE = "reg:squarederror"

TASK_PARAMETERS: Mapping[Task, Mapping[str, str]] = {
    Task.REGRESSION: {"objective": "reg:squarederror"},
    Task.BINARY: {"objective": "binary:logistic"},
    Task.MULTICLASS: {"objective": "multi:softprob"},
}

# The labels that an objective can learn from; XGBoost ends a job with any other.
_LABEL_RANGES: Mapping[str, NumberRange] = {
    "reg:logistic": NumberRange(0, 1),
    "reg:gamma": NumberRange(0, open_low=True),
    "reg:tweedie": NumberRange(0),
    "count:poisson": NumberRange(0),
    "reg:squaredlogerror": NumberRange(-1, open_low=True),
}

_RULES: Mapping[str, _Rule] = {
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
    "interaction_constraints": _TEXT,
    "lambda": _AT_LEAST_0,
    "lambda_bias": _SHARE,
    "max_bin": _whole(0),
    "max_cached_hist_node": _whole(1),
    "max_delta_step": _AT_LEAST_0,
    "max_depth": _whole(0),
    "max_leaves": _whole(0),
    "min_child_weight": _AT_LEAST_0,
    "monotone_constraints": _TEXT,
    "normalize_type": _words("tree", "forest"),
    "nthread": _whole(1),
    "num_class": _whole(2),
    "num_feature": _whole(1),
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
    "silent": _SWITCH,
    "single_precision_histogram": _TRUE_FALSE,
    "sketch_eps": _Rule(NumberRange(0, 1, open_low=True, open_high=True)),
    "skip_drop": _SHARE,
    "subsample": _SHARE_ABOVE_0,
    "tree_method": _words("auto", "exact", "approx", "hist", "gpu_hist"),
    "tweedie_variance_power": _Rule(NumberRange(1, 2, open_low=True, open_high=True)),
    "updater": _TEXT,
    "use_dask_gpu_training": _TRUE_FALSE,
    "verbosity": _whole(0, 3),
}
_PLATFORM_PREFIXES = ("sagemaker_", "_")
_SCRIPT_MODE = ("sagemaker_program", "sagemaker_submit_directory")
# The versions of which the guide's list is known to be whole. Of later ones only what looks mistyped is refused.
_LISTED_VERSIONS = ("0.", "1.")


def unquote_values(workflow: Workflow) -> dict[str, str]:
    """The hyperparameters without the quotes that some clients put around text, which the container takes off."""
    return {name: value.strip("\"'") for name, value in workflow.hyperparameters}


def find_task(hyperparameters: Mapping[str, str]) -> Task | None:
    """What the objective predicts; None where its output cannot be scored."""
    objective = hyperparameters.get("objective", _DEFAULT_OBJECTIVE).strip("\"'")
    return OBJECTIVE_TASKS.get(objective)


def label_range(workflow: Workflow) -> NumberRange | None:
    """The labels that the workflow's objective can learn from; None: any number."""
    return _LABEL_RANGES.get(unquote_values(workflow).get("objective", _DEFAULT_OBJECTIVE))


def check_hyperparameters(workflow: Workflow) -> list[SettingFinding]:
    """The hyperparameters with which a job would fail, or give predictions that cannot be scored."""
    values = unquote_values(workflow)
    return [
        *_unknown_names(workflow, values),
        *_missing_names(values),
        *_wrong_values(values),
        *_wrong_objective(workflow, values),
        *_wrong_combinations(values),
    ]


def check_classes(workflow: Workflow, classes: int) -> list[SettingFinding]:
    """Whether num_class is the number of classes in the data."""
    wanted = unquote_values(workflow).get("num_class")
    match workflow.task:
        case Task.MULTICLASS:
            if wanted is None or wanted == str(classes):
                return []
            text = f"num_class is {wanted}, and the data hold {classes} classes."
            return [_finding("hyperparameter-conflict", "num_class", wanted, text, f"Set num_class = {classes}.")]
        case Task.REGRESSION | Task.BINARY:
            return []


def _unknown_names(workflow: Workflow, values: Mapping[str, str]) -> Iterator[SettingFinding]:
    for name, value in values.items():
        if name in _SCRIPT_MODE:
            text = "opskit runs XGBoost as the built-in algorithm, not with a script of your own."
            yield _finding("script-mode-unsupported", name, value, text, "Leave it out.")
        elif name not in _RULES and not name.startswith(_PLATFORM_PREFIXES) and _is_refused(name, workflow.version):
            yield _finding("hyperparameter-unknown", name, value, "XGBoost has no such hyperparameter.", _meant(name))


def _missing_names(values: Mapping[str, str]) -> Iterator[SettingFinding]:
    if "num_round" not in values:
        text = "XGBoost needs it: the number of rounds to train."
        yield _finding("hyperparameter-missing", "num_round", None, text, "Set num_round in [hyperparameters].")


def _wrong_values(values: Mapping[str, str]) -> Iterator[SettingFinding]:
    for name, value in values.items():
        if name in _RULES and (wrong := _RULES[name].wrong(value)):
            yield _finding("hyperparameter-invalid", name, value, f"'{value}' is not allowed: {wrong}.")
    if "eval_metric" in values and (wrong := check_eval_metrics(values["eval_metric"], _objective(values))):
        yield _finding("hyperparameter-invalid", "eval_metric", values["eval_metric"], wrong)


def _wrong_objective(workflow: Workflow, values: Mapping[str, str]) -> Iterator[SettingFinding]:
    objective = _objective(values)
    if objective in _UNSCORED:
        text = f"opskit cannot score what {objective} predicts: {_UNSCORED[objective]}."
        yield _finding("objective-unscored", "objective", objective, text, f"It scores: {', '.join(OBJECTIVE_TASKS)}.")
    elif objective not in OBJECTIVE_TASKS:
        close = difflib.get_close_matches(objective, OBJECTIVE_TASKS, n=1)
        hint = f"Did you mean '{close[0]}'?" if close else f"opskit scores: {', '.join(OBJECTIVE_TASKS)}."
        yield _finding("hyperparameter-invalid", "objective", objective, "XGBoost has no such objective.", hint)
    elif OBJECTIVE_TASKS[objective] is not workflow.task:
        wanted = TASK_PARAMETERS[workflow.task]["objective"]
        text = f"The objective {objective} does not fit task = '{workflow.task}'."
        yield _finding("objective-mismatch", "objective", objective, text, f"Set objective = '{wanted}', or the task.")


def _wrong_combinations(values: Mapping[str, str]) -> Iterator[SettingFinding]:
    objective, method = _objective(values), values.get("tree_method")
    if objective.startswith("multi:") and "num_class" not in values:
        text = f"{objective} needs it: the number of classes."
        yield _finding("hyperparameter-missing", "num_class", None, text, "Set num_class in [hyperparameters].")
    if not objective.startswith("multi:") and "num_class" in values:
        text = f"XGBoost fails with num_class and {objective}, which has no such classes."
        yield _finding("hyperparameter-conflict", "num_class", values["num_class"], text, "Leave it out.")
    if values.get("csv_weights") == "1":
        text = "XGBoost would take the first feature as weights: opskit writes no column of weights."
        yield _finding("hyperparameter-conflict", "csv_weights", "1", text, "Leave it out.")
    if values.get("process_type") == "update":
        text = "It changes the trees of an earlier model, which a workflow does not have."
        yield _finding("hyperparameter-conflict", "process_type", "update", text, "Leave it out.")
    if wrong := _wrong_base_score(values.get("base_score"), objective):
        yield _finding("hyperparameter-conflict", "base_score", values["base_score"], wrong)
    for name, allowed in _CONSTRAINT_METHODS.items():
        if name in values and method not in allowed:
            text = f"It needs tree_method = {' or '.join(allowed)}."
            yield _finding("hyperparameter-conflict", name, values[name], text)


def _wrong_base_score(value: str | None, objective: str) -> str:
    """Why XGBoost fails with a base score and an objective; "" if it does not."""
    try:
        score = float(value) if value is not None else None
    except ValueError:  # told as a wrong value
        return ""
    if score is None:
        return ""
    if objective in ("binary:logistic", "reg:logistic") and not 0 < score < 1:
        return f"{objective} needs a base_score between 0 and 1."
    if objective == "reg:gamma" and score <= 0:
        return f"{objective} needs a base_score above 0."
    return ""


_CONSTRAINT_METHODS: Mapping[str, tuple[str, ...]] = {
    "monotone_constraints": ("exact", "hist"),
    "interaction_constraints": ("exact", "hist", "approx"),
}


def _objective(values: Mapping[str, str]) -> str:
    return values.get("objective", _DEFAULT_OBJECTIVE)


def _finding(code: str, name: str, value: str | None, message: str, hint: str = "") -> SettingFinding:
    return SettingFinding(code, (_TABLE, name), value, message, hint)


def _is_refused(name: str, version: str) -> bool:
    return version.startswith(_LISTED_VERSIONS) or bool(_close_names(name))


def _close_names(name: str) -> list[str]:
    return difflib.get_close_matches(name.lower().replace("-", "_"), sorted(_RULES), n=1, cutoff=0.75)


def _meant(name: str) -> str:
    close = _close_names(name)
    return f"Did you mean '{close[0]}'?" if close else f"'{name}' is not in AWS's list of XGBoost's hyperparameters."
