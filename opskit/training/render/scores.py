"""Scores for people and programs, with the baseline beside each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opskit.output.result import Cell, Column, Table
from opskit.training.rules.model import Task
from opskit.training.rules.scores import Scores

_LABELS = {
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R2",
    "auc": "AUC",
    "log_loss": "log loss",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}
_BASELINES = {
    Task.REGRESSION: "the mean of the training set",
    Task.BINARY: "the share of each class in the training set",
    Task.MULTICLASS: "the share of each class in the training set",
}


def scores_record(scores: Scores | None) -> dict[str, Any]:
    """The scores in JSON. ``metrics`` null: nothing was scored."""
    if scores is None:
        return {"metrics": None, "baseline": None, "beats_baseline": None, "classes": [], "confusion": []}
    return {
        "metrics": dict(scores.metrics),
        "baseline": dict(scores.baseline),
        "beats_baseline": scores.beats_baseline,
        "classes": [
            {
                "name": each.name,
                "precision": each.precision,
                "recall": each.recall,
                "f1": each.f1,
                "rows": each.rows,
            }
            for each in scores.classes
        ],
        "confusion": [list(row) for row in scores.confusion],
    }


def score_lines(scores: Scores) -> list[str]:
    """The baseline in a line, and a warning where the model is not better than it."""
    lines = [f"Baseline ({_BASELINES[scores.task]}): {format_scores(scores.baseline)}."]
    if not scores.beats_baseline:
        lines.append(
            "The model is not clearly better than the baseline: it has learnt nothing that holds for new rows."
        )
    return lines


def format_scores(metrics: Mapping[str, float | None]) -> str:
    """Scores in a line; those that the model's answer does not allow are left out."""
    return "  ".join(f"{_LABELS[name]} {value:.3f}" for name, value in metrics.items() if value is not None)


def class_table(scores: Scores | None) -> tuple[Table, ...]:
    """How well each class is told from the others; no table for a regression."""
    if scores is None or not scores.classes:
        return ()
    columns = (
        Column("Class", key=True),
        Column("Precision", right=True),
        Column("Recall", right=True),
        Column("F1", right=True),
        Column("Test rows", right=True),
    )
    rows = tuple(
        (
            Cell(each.name),
            Cell(f"{each.precision:.3f}"),
            Cell(f"{each.recall:.3f}"),
            Cell(f"{each.f1:.3f}"),
            Cell(str(each.rows)),
        )
        for each in scores.classes
    )
    return (Table(columns, rows),)


def shown_numbers(rows: Sequence[Sequence[float]]) -> list[float]:
    """The first number of each row: the prediction of a regression."""
    return [row[0] for row in rows]
