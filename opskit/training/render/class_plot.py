"""Pictures of a classification: confusion matrix and ROC curves as a PNG, the matrix as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opskit.output.printing import visible_line
from opskit.training.rules.model import Task
from opskit.training.rules.scores import ClassScore, Scores

# With more classes neither the matrix nor the curves can be read.
_MAX_CLASSES_DRAWN = 12
_LONGEST_NAME = 14


def save_class_plot(path: Path, title: str, target: str, scores: Scores) -> None:
    """Write the confusion matrix, and the ROC curves where the model gives probabilities, as a PNG.

    Raises:
        OSError: it cannot be written.
    """
    from matplotlib.figure import Figure

    curves = [score for score in _drawn_curves(scores) if score.roc]
    figure = Figure(figsize=(12, 5.5) if curves else (6, 5.5), layout="constrained")
    axes = figure.subplots(1, 2 if curves else 1, squeeze=False)[0]
    figure.suptitle(visible_line(title), parse_math=False)  # a $ in a name begins no formula
    _draw_confusion(axes[0], target, scores)
    if curves:
        _draw_curves(axes[1], curves)
    figure.savefig(path, dpi=120)


def _drawn_curves(scores: Scores) -> Sequence[ClassScore]:
    """With two classes the curve of the second says all."""
    match scores.task:
        case Task.BINARY:
            return scores.classes[-1:]
        case Task.MULTICLASS | Task.REGRESSION:
            return scores.classes[:_MAX_CLASSES_DRAWN]


def _draw_confusion(axes: Any, target: str, scores: Scores) -> None:
    names = [_short_name(score.name) for score in scores.classes]
    highest = max(max(row) for row in scores.confusion)
    axes.imshow(scores.confusion, cmap="Blues")
    if len(names) <= _MAX_CLASSES_DRAWN:
        for down, row in enumerate(scores.confusion):
            for across, count in enumerate(row):
                color = "white" if count > highest / 2 else "black"
                axes.text(across, down, str(count), ha="center", va="center", color=color)
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right", parse_math=False)
        axes.set_yticks(range(len(names)), names, parse_math=False)
    shown = visible_line(target)
    axes.set_xlabel(f"{shown}, predicted", parse_math=False)
    axes.set_ylabel(f"{shown}, true", parse_math=False)
    axes.set_title("Test rows")


def _draw_curves(axes: Any, curves: Sequence[ClassScore]) -> None:
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="guessing")
    for score in curves:
        axes.plot(*zip(*score.roc, strict=True), label=_short_name(score.name))
    axes.set_xlabel("Share of the others that are taken for the class")
    axes.set_ylabel("Share of the class that is found")
    axes.set_title("ROC")
    axes.set_aspect("equal")
    for text in axes.legend(loc="lower right", frameon=False).get_texts():
        text.set_parse_math(False)


def confusion_text(scores: Scores, columns: int) -> str:
    """The confusion matrix as text, for a terminal of ``columns`` characters; empty if that is too narrow."""
    names = [_short_name(score.name) for score in scores.classes]
    counts = [[str(count) for count in row] for row in scores.confusion]
    widths = [max(len(name), *(len(row[at]) for row in counts)) for at, name in enumerate(names)]
    head = max(map(len, [*names, "true"]))
    if len(names) > _MAX_CLASSES_DRAWN or head + sum(width + 2 for width in widths) > columns:
        return ""
    lines = [f"{'true':<{head}}" + "".join(f"  {name:>{width}}" for name, width in zip(names, widths, strict=True))]
    for name, row in zip(names, counts, strict=True):
        lines.append(f"{name:<{head}}" + "".join(f"  {each:>{width}}" for each, width in zip(row, widths, strict=True)))
    return "\n".join(["Test rows, predicted class across:", *lines])


def _short_name(name: str) -> str:
    shown = visible_line(name)
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 1]}…"
