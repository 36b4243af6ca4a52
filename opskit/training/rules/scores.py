"""What predictions are worth, as values, and how a model's answer is read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opskit.training.rules.model import Task

Outputs = tuple[tuple[float, ...], ...]
"""What a model answered: for each row one number, or one for each class."""

# Some versions of the container write several numbers a row as a Python list.
_SEPARATORS = re.compile(r"[\s,\[\]]+")


@dataclass(frozen=True)
class ClassScore:
    """How well one class is told from the others. ``rows`` are those of the test set that belong to it; ``roc`` the
    points of its curve (share of the others that are taken for it, share of its own that are found); empty where the
    model gives no probabilities.
    """

    name: str
    precision: float
    recall: float
    f1: float
    rows: int
    roc: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Scores:
    """The scores of a run, and beside them those of a model that has learnt nothing but the labels' distribution: the
    mean, or the share of each class, in the training set. None: the model's answer does not allow this score.

    ``beats_baseline``: its error on the test set is smaller, and by more than chance would make it.
    ``confusion`` counts test rows: true classes down, predicted classes across.
    """

    task: Task
    metrics: Mapping[str, float | None]
    baseline: Mapping[str, float | None]
    beats_baseline: bool
    classes: tuple[ClassScore, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()


def parse_outputs(text: str, rows: int, per_row: int) -> Outputs:
    """A model's answer to a number of rows.

    Raises:
        ValueError: it is not ``per_row`` finite numbers for each of ``rows`` rows.
    """
    numbers = [float(word) for word in _SEPARATORS.split(text) if word]
    if len(numbers) != rows * per_row:
        raise ValueError(f"{len(numbers)} numbers for {rows} rows of {per_row}")
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError("a number is not finite")
    return tuple(tuple(numbers[at : at + per_row]) for at in range(0, len(numbers), per_row))


def class_probabilities(task: Task, outputs: Outputs, classes: int) -> Outputs | None:
    """The probability of each class for each row; None where the model answers with classes alone.

    Raises:
        ValueError: a number is no probability.
    """
    match task:
        case Task.REGRESSION:
            return None
        case Task.BINARY:
            return _checked_probabilities(tuple((1 - row[0], row[0]) for row in outputs), classes)
        case Task.MULTICLASS:
            # multi:softmax answers with the number of the class.
            return None if outputs and len(outputs[0]) == 1 else _checked_probabilities(outputs, classes)


def _checked_probabilities(rows: Outputs, classes: int) -> Outputs:
    if any(not 0 <= number <= 1 for row in rows for number in row) or any(len(row) != classes for row in rows):
        raise ValueError(f"a row is not {classes} probabilities")
    return rows


def predicted_classes(task: Task, outputs: Outputs, classes: int) -> list[int]:
    """The number of the class that is predicted for each row.

    Raises:
        ValueError: a row has none of the classes.
    """
    probabilities = class_probabilities(task, outputs, classes)
    chosen = (
        [int(row[0]) for row in outputs] if probabilities is None else [row.index(max(row)) for row in probabilities]
    )
    if any(not 0 <= each < classes for each in chosen):
        raise ValueError(f"a class is not one of {classes}")
    return chosen


def is_clearly_lower(errors: Sequence[float], others: Sequence[float]) -> bool:
    """Whether errors, row by row, are lower than others by more than twice the standard error of the difference."""
    gains = [other - error for error, other in zip(errors, others, strict=True)]
    mean = math.fsum(gains) / len(gains)
    if len(gains) < 2:
        return mean > 0
    variance = math.fsum((gain - mean) ** 2 for gain in gains) / (len(gains) - 1)
    return mean > 2 * math.sqrt(variance / len(gains))
