"""The hyperparameters of the built-in XGBoost, as AWS's guide lists them. Its container refuses any other after it was
started and paid for.
"""

from __future__ import annotations

import difflib

from opskit.core.exceptions import UsageError
from opskit.training.rules.model import Workflow

_FRAMEWORK = "xgboost"
_NAMES = frozenset(
    [
        "alpha",
        "aft_loss_distribution",
        "aft_loss_distribution_scale",
        "base_score",
        "booster",
        "colsample_bylevel",
        "colsample_bynode",
        "colsample_bytree",
        "csv_weights",
        "deterministic_histogram",
        "dsplit",
        "early_stopping_rounds",
        "eta",
        "eval_metric",
        "gamma",
        "grow_policy",
        "interaction_constraints",
        "lambda",
        "lambda_bias",
        "max_bin",
        "max_cached_hist_node",
        "max_delta_step",
        "max_depth",
        "max_leaves",
        "min_child_weight",
        "monotone_constraints",
        "normalize_type",
        "nthread",
        "num_class",
        "num_feature",
        "num_parallel_tree",
        "num_round",
        "objective",
        "one_drop",
        "predictor",
        "process_type",
        "rate_drop",
        "refresh_leaf",
        "sample_type",
        "sampling_method",
        "save_model_on_termination",
        "scale_pos_weight",
        "seed",
        "silent",
        "single_precision_histogram",
        "sketch_eps",
        "skip_drop",
        "subsample",
        "tree_method",
        "tweedie_variance_power",
        "updater",
        "use_dask_gpu_training",
        "verbosity",
    ]
)
_PLATFORM_PREFIXES = ("sagemaker_", "_")
# The versions of which the guide's list is known to be whole. Of later ones only what looks mistyped is refused.
_LISTED_VERSIONS = ("0.", "1.")
_SEVERAL_A_ROW = frozenset({"multi:softprob"})


def check_hyperparameters(workflow: Workflow) -> None:
    """Refuse hyperparameters with which a job would fail, or give predictions that cannot be scored.

    Raises:
        UsageError: a name is unknown to the algorithm, the required one is missing, or the objective predicts several
            numbers a row.
    """
    if workflow.framework != _FRAMEWORK:
        return
    values = {name: value.strip("\"'") for name, value in workflow.hyperparameters}
    names = [name for name in values if not name.startswith(_PLATFORM_PREFIXES)]
    unknown = [name for name in names if name not in _NAMES and _is_refused(name, workflow.version)]
    if unknown:
        quoted = ", ".join(f"'{name}'" for name in unknown)
        text = f"XGBoost has no hyperparameter {quoted}."
        raise UsageError("hyperparameter-unknown", text, f"{' '.join(map(_suggestion, unknown))}{_WHERE}")
    if "num_round" not in values:
        text = "XGBoost needs the hyperparameter 'num_round', the number of rounds to train."
        raise UsageError("hyperparameter-missing", text, "Set num_round in [hyperparameters] of workflow.toml.")
    if values.get("objective") in _SEVERAL_A_ROW:
        text = f"The objective {values['objective']} predicts several numbers a row, which cannot be scored."
        raise UsageError("objective-unscored", text, "Use multi:softmax, which predicts the class.")


_WHERE = " They stand in [hyperparameters] of workflow.toml."


def _is_refused(name: str, version: str) -> bool:
    return version.startswith(_LISTED_VERSIONS) or bool(_close_names(name))


def _close_names(name: str) -> list[str]:
    return difflib.get_close_matches(name.lower().replace("-", "_"), sorted(_NAMES), n=1, cutoff=0.75)


def _suggestion(name: str) -> str:
    close = _close_names(name)
    return f"Did you mean '{close[0]}'?" if close else f"'{name}' is not in AWS's list."
