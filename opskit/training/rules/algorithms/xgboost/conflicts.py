"""Hyperparameters of XGBoost that are allowed by themselves, and fail a job together or with the data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from opskit.training.rules.algorithms.algorithm import SettingFinding
from opskit.training.rules.algorithms.xgboost.parameter_rules import interaction_groups, monotone_directions
from opskit.training.rules.model import Task, Workflow

DEFAULT_OBJECTIVE = "reg:squarederror"

_CONSTRAINT_METHODS: Mapping[str, tuple[str, ...]] = {
    "monotone_constraints": ("exact", "hist"),
    "interaction_constraints": ("exact", "hist", "approx"),
}
_LINEAR_UPDATERS = ("shotgun", "coord_descent")
_GROWING_UPDATERS = ("grow_colmaker", "grow_histmaker", "grow_local_histmaker", "grow_skmaker", "distcol")
# AWS's families with NVIDIA's GPUs.
_GPU_TYPES = re.compile(r"ml\.(p|g|gr)\d")
_PRUNING_UPDATERS = ("prune", "refresh", "sync")


def unquote_values(workflow: Workflow) -> dict[str, str]:
    """The hyperparameters without the quotes that some clients put around text, which the container takes off."""
    return {name: value.strip("\"'") for name, value in workflow.hyperparameters}


def find_conflicts(workflow: Workflow, values: Mapping[str, str]) -> Iterator[SettingFinding]:
    """The hyperparameters that are allowed by themselves and fail together, or on the training's instance type."""
    objective, method = objective_of(values), values.get("tree_method")
    if objective.startswith("multi:") and "num_class" not in values:
        text = f"{objective} needs it: the number of classes."
        yield setting_finding("hyperparameter-missing", "num_class", None, text, "Set num_class in [hyperparameters].")
    if not objective.startswith("multi:") and "num_class" in values:
        text = f"XGBoost fails with num_class and {objective}, which has no such classes."
        yield setting_finding("hyperparameter-conflict", "num_class", values["num_class"], text, "Leave it out.")
    if values.get("csv_weights") == "1":
        text = "XGBoost would take the first feature as weights: opskit writes no column of weights."
        yield setting_finding("hyperparameter-conflict", "csv_weights", "1", text, "Leave it out.")
    if values.get("process_type") == "update":
        text = "It changes the trees of an earlier model, which a workflow does not have."
        yield setting_finding("hyperparameter-conflict", "process_type", "update", text, "Leave it out.")
    yield from _tree_conflicts(workflow.version, values)
    yield from _missing_gpu(workflow, values)
    if wrong := _wrong_base_score(values.get("base_score"), objective):
        yield setting_finding("hyperparameter-conflict", "base_score", values["base_score"], wrong)
    for name, allowed in _CONSTRAINT_METHODS.items():
        if name in values and method not in allowed:
            text = f"It needs tree_method = {' or '.join(allowed)}."
            yield setting_finding("hyperparameter-conflict", name, values[name], text)


def _missing_gpu(workflow: Workflow, values: Mapping[str, str]) -> Iterator[SettingFinding]:
    """What only a GPU can do, on instance types of which one has none."""
    config = workflow.training
    without = [name for name in config.preferences or (config.instance_type,) if not _GPU_TYPES.match(name)]
    if without and values.get("tree_method") == "gpu_hist":
        text = f"gpu_hist needs an instance type with GPUs, and the training is on {without[0]}."
        hint = "Set tree_method = hist, or training.instance_type to a type such as ml.g4dn.xlarge."
        yield setting_finding("hyperparameter-conflict", "tree_method", "gpu_hist", text, hint)


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


def _tree_conflicts(version: str, values: Mapping[str, str]) -> Iterator[SettingFinding]:
    method = values.get("tree_method", "auto")
    # Before version 2, auto is exact for every table that is small enough for a workflow.
    exact = method == "exact" or (method == "auto" and version.startswith(("0.", "1.")))
    if values.get("max_depth") == "0" and exact and values.get("booster") != "gblinear":
        text = "No limit of depth needs tree_method = hist, approx or gpu_hist: exact needs a limit."
        yield setting_finding("hyperparameter-conflict", "max_depth", "0", text)
    if values.get("use_dask_gpu_training") == "true" and method != "gpu_hist":
        text = "It needs tree_method = gpu_hist and an instance type with GPUs."
        yield setting_finding("hyperparameter-conflict", "use_dask_gpu_training", "true", text)
    if "updater" in values and (wrong := _wrong_updater(values["updater"], values.get("booster", ""))):
        yield setting_finding("hyperparameter-conflict", "updater", values["updater"], wrong)


def _wrong_updater(text: str, booster: str) -> str:
    """Why XGBoost cannot learn by these updaters; "" if it can."""
    first, *more = text.split(",")
    if booster == "gblinear":
        fits = first in _LINEAR_UPDATERS and not more
        return "" if fits else f"booster = gblinear takes one of {', '.join(_LINEAR_UPDATERS)}."
    if first not in _GROWING_UPDATERS:
        return f"The first has to grow trees: one of {', '.join(_GROWING_UPDATERS)}."
    if any(each not in _PRUNING_UPDATERS for each in more):
        return f"After {first} only {', '.join(_PRUNING_UPDATERS)} may come, separated by commas."
    return ""


def check_data_shape(workflow: Workflow, features: int, classes: int) -> list[SettingFinding]:
    """What does not fit a table with so many features and classes."""
    values = unquote_values(workflow)
    return [*_wrong_classes(workflow.task, values, classes), *_wrong_features(values, features)]


def _wrong_classes(task: Task, values: Mapping[str, str], classes: int) -> Iterator[SettingFinding]:
    wanted = values.get("num_class")
    match task:
        case Task.MULTICLASS:
            if wanted is not None and wanted != str(classes):
                text = f"num_class is {wanted}, and the data hold {classes} classes."
                hint = f"Set num_class = {classes}."
                yield setting_finding("hyperparameter-conflict", "num_class", wanted, text, hint)
        case Task.REGRESSION | Task.BINARY:
            pass


def _wrong_features(values: Mapping[str, str], features: int) -> Iterator[SettingFinding]:
    monotone, groups = values.get("monotone_constraints"), values.get("interaction_constraints")
    directions = monotone_directions(monotone or "") or ()
    if monotone is not None and len(directions) > features:
        text = f"It has {len(directions)} directions, and the data have {features} features."
        yield setting_finding("hyperparameter-conflict", "monotone_constraints", monotone, text)
    highest = max((each for group in interaction_groups(groups or "") or () for each in group), default=0)
    if groups is not None and highest >= features:
        text = f"It names feature {highest}, and the data have {features}, which are numbered from 0."
        yield setting_finding("hyperparameter-conflict", "interaction_constraints", groups, text)


def objective_of(values: Mapping[str, str]) -> str:
    """The objective, or XGBoost's default."""
    return values.get("objective", DEFAULT_OBJECTIVE)


def setting_finding(code: str, name: str, value: str | None, message: str, hint: str = "") -> SettingFinding:
    """What is wrong with a hyperparameter."""
    return SettingFinding(code, ("hyperparameters", name), value, message, hint)
