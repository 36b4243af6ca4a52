"""The evaluation metrics of the built-in XGBoost (source: AWS's open-source XGBoost container, its constants), and the
boosting rounds in its log, for the progress display.
"""

from __future__ import annotations

import difflib
import re

from opskit.training.rules.algorithms.algorithm import TrainingRound

_METRICS = (
    "accuracy", "aft-nloglik", "auc", "aucpr", "balanced_accuracy", "cox-nloglik", "error", "f1", "f1_binary",
    "f1_macro", "gamma-deviance", "gamma-nloglik", "interval-regression-accuracy", "logloss", "mae", "map", "mape",
    "merror", "mlogloss", "mphe", "mse", "ndcg", "poisson-nloglik", "precision", "precision_macro", "precision_micro",
    "r2", "recall", "recall_macro", "recall_micro", "rmse", "rmsle", "tweedie-nloglik",
)  # fmt: skip
# Tried with XGBoost: training fails with these, after it has begun.
_MULTICLASS_ONLY = ("merror", "mlogloss")
_NOT_MULTICLASS = (
    "error", "logloss", "rmse", "mae", "mape", "rmsle", "gamma-deviance", "gamma-nloglik", "poisson-nloglik",
)  # fmt: skip
_RANKING_METRICS = ("map", "ndcg")
# The one is for survival times, which a workflow does not have; the other needs a number that the container forbids.
_UNUSABLE_METRICS = ("interval-regression-accuracy", "tweedie-nloglik")
# Those that take a threshold, as in error@0.3.
_THRESHOLD_METRICS = ("error", "map", "ndcg")


def check_eval_metrics(text: str, objective: str) -> str:
    """What is wrong with a list of metrics such as "rmse,mae"; "" if nothing is."""
    for metric in text.split(","):
        name, separator, threshold = metric.partition("@")
        if separator and (name not in _THRESHOLD_METRICS or not _is_number(threshold)):
            return (
                f"'{metric}' is not an XGBoost metric: only {', '.join(_THRESHOLD_METRICS)} take a threshold, a number."
            )
        if name not in _METRICS:
            close = difflib.get_close_matches(name, _METRICS, n=1)
            return f"'{metric}' is not an XGBoost metric." + (f" Did you mean '{close[0]}'?" if close else "")
        if name == "auc" and not objective.startswith(("binary:", "rank:")):
            return f"XGBoost does not compute auc for {objective}."
        if name in _UNUSABLE_METRICS or (name in _MULTICLASS_ONLY) > objective.startswith("multi:"):
            return f"XGBoost does not compute {name} for {objective}."
        if name in _NOT_MULTICLASS and objective.startswith("multi:"):
            return f"XGBoost does not compute {name} for {objective}; merror and mlogloss are for several classes."
        if name in _RANKING_METRICS and not objective.startswith(("binary:", "rank:")):
            return f"XGBoost does not compute {name} for {objective}."
        if name == "aft-nloglik" and objective != "survival:aft":
            return f"XGBoost does not compute aft-nloglik for {objective}."
    return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# `[12]#011train-rmse:1.2#011validation-rmse:2.5`, where #011 is how CloudWatch shows a tab.
_ROUND = re.compile(r"(?:^|\s)\[(?P<number>\d+)\](?P<scores>(?:\s+[\w@-]+:[-+.\deinfa]+)+)\s*$")


def parse_round(line: str) -> TrainingRound | None:
    """The round in a log line; None for any other line."""
    match = _ROUND.search(line.replace("#011", "\t"))
    if match is None:
        return None
    try:
        scores = {name: float(value) for name, _, value in (part.rpartition(":") for part in match["scores"].split())}
    except ValueError:
        return None
    return TrainingRound(int(match["number"]), scores)
