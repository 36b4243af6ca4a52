"""Checks the hyperparameters of the built-in XGBoost. Its container refuses any other after it was started and paid
for.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from opskit.training.rules.algorithms.algorithm import NumberRange, SettingFinding
from opskit.training.rules.algorithms.xgboost.conflicts import (
    DEFAULT_OBJECTIVE,
    find_conflicts,
    objective_of,
    setting_finding,
    unquote_values,
)
from opskit.training.rules.algorithms.xgboost.metric_names import check_eval_metrics
from opskit.training.rules.algorithms.xgboost.parameter_rules import (
    CONTAINER_PARAMETERS,
    PARAMETER_ALIASES,
    PARAMETER_RULES,
)
from opskit.training.rules.model import Task, Workflow

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
_UNSCORED_OBJECTIVES: Mapping[str, str] = {
    "binary:logitraw": "it answers with log odds; use binary:logistic, which answers with a probability",
    "binary:hinge": "it answers with 0 or 1 and no probability; use binary:logistic",
    "rank:pairwise": "a ranking needs groups of rows, which a workflow does not have",
    "rank:ndcg": "a ranking needs groups of rows, which a workflow does not have",
    "rank:map": "a ranking needs groups of rows, which a workflow does not have",
    "survival:aft": "survival times need bounds for each label, which a workflow does not have",
    "survival:cox": "it answers with a hazard ratio, not with a time",
}

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

_PLATFORM_PREFIX = "sagemaker_"
_SCRIPT_MODE = ("sagemaker_program", "sagemaker_submit_directory")
# The versions of which the guide's list is known to be whole. Of later ones only what looks mistyped is refused.
_LISTED_VERSIONS = ("0.", "1.")


def find_task(hyperparameters: Mapping[str, str]) -> Task | None:
    """What the objective predicts; None where its output cannot be scored."""
    objective = hyperparameters.get("objective", DEFAULT_OBJECTIVE).strip("\"'")
    return OBJECTIVE_TASKS.get(objective)


def label_range(workflow: Workflow) -> NumberRange | None:
    """The labels that the workflow's objective can learn from; None: any number."""
    return _LABEL_RANGES.get(unquote_values(workflow).get("objective", DEFAULT_OBJECTIVE))


def check_hyperparameters(workflow: Workflow) -> list[SettingFinding]:
    """The hyperparameters with which a job would fail, or give predictions that cannot be scored."""
    values = unquote_values(workflow)
    return [
        *_unknown_names(workflow, values),
        *_missing_names(values),
        *_wrong_values(values),
        *_wrong_objective(workflow, values),
        *find_conflicts(workflow, values),
    ]


def _unknown_names(workflow: Workflow, values: Mapping[str, str]) -> Iterator[SettingFinding]:
    for name, value in values.items():
        if name in _SCRIPT_MODE:
            text = "opskit runs XGBoost as the built-in algorithm, not with a script of your own."
            yield setting_finding("script-mode-unsupported", name, value, text, "Leave it out.")
        elif not _is_known(name) and _is_refused(name, workflow.version):
            yield setting_finding(
                "hyperparameter-unknown", name, value, "XGBoost has no such hyperparameter.", _name_suggestion(name)
            )


def _missing_names(values: Mapping[str, str]) -> Iterator[SettingFinding]:
    if "num_round" not in values:
        text = "XGBoost needs it: the number of rounds to train."
        yield setting_finding("hyperparameter-missing", "num_round", None, text, "Set num_round in [hyperparameters].")


def _wrong_values(values: Mapping[str, str]) -> Iterator[SettingFinding]:
    for name, value in values.items():
        rule = PARAMETER_RULES.get(PARAMETER_ALIASES.get(name, name))
        if rule and (wrong := rule.wrong(value)):
            yield setting_finding("hyperparameter-invalid", name, value, f"'{value}' is not allowed: {wrong}.")
    if "eval_metric" in values and (wrong := check_eval_metrics(values["eval_metric"], objective_of(values))):
        yield setting_finding("hyperparameter-invalid", "eval_metric", values["eval_metric"], wrong)


def _wrong_objective(workflow: Workflow, values: Mapping[str, str]) -> Iterator[SettingFinding]:
    objective = objective_of(values)
    if objective in _UNSCORED_OBJECTIVES:
        text = f"opskit cannot score what {objective} predicts: {_UNSCORED_OBJECTIVES[objective]}."
        yield setting_finding(
            "objective-unscored", "objective", objective, text, f"It scores: {', '.join(OBJECTIVE_TASKS)}."
        )
    elif objective not in OBJECTIVE_TASKS:
        close = difflib.get_close_matches(objective, OBJECTIVE_TASKS, n=1)
        hint = f"Did you mean '{close[0]}'?" if close else f"opskit scores: {', '.join(OBJECTIVE_TASKS)}."
        yield setting_finding("hyperparameter-invalid", "objective", objective, "XGBoost has no such objective.", hint)
    elif OBJECTIVE_TASKS[objective] is not workflow.task:
        wanted = TASK_PARAMETERS[workflow.task]["objective"]
        text = f"The objective {objective} does not fit task = '{workflow.task}'."
        yield setting_finding(
            "objective-mismatch", "objective", objective, text, f"Set objective = '{wanted}', or the task."
        )


def _is_known(name: str) -> bool:
    known = name in PARAMETER_RULES or name in PARAMETER_ALIASES or name in CONTAINER_PARAMETERS
    return known or name.startswith(_PLATFORM_PREFIX)


def _is_refused(name: str, version: str) -> bool:
    return version.startswith(_LISTED_VERSIONS) or bool(_close_names(name))


def _close_names(name: str) -> list[str]:
    return difflib.get_close_matches(
        name.lower().replace("-", "_"), sorted((*PARAMETER_RULES, *PARAMETER_ALIASES)), n=1, cutoff=0.75
    )


def _name_suggestion(name: str) -> str:
    close = _close_names(name)
    return f"Did you mean '{close[0]}'?" if close else f"'{name}' is not in AWS's list of XGBoost's hyperparameters."
