"""Splits a workflow's rows and scores its predictions. The only module that imports pandas and scikit-learn.

Both take seconds to import, so they are imported inside the functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opskit.core.exceptions import UsageError
from opskit.training.rules.model import Task, Workflow
from opskit.training.rules.scores import (
    ClassScore,
    Outputs,
    Scores,
    class_probabilities,
    is_clearly_lower,
    predicted_classes,
)
from opskit.training.rules.table_cells import cell_number, class_name, column_names, csv_rows, feature_line

# The probability below which a log loss counts no further, as one wrong certainty would make it infinite.
_LEAST_PROBABILITY = 1e-15


@dataclass(frozen=True)
class DataSplits:
    """A workflow's data, split and written as the built-in algorithms read it: CSV, no header, label first.

    ``test`` has only the features, as a transform job takes them; ``truth`` has its labels in the same order;
    ``train_labels`` those of the training set; ``rows`` the sizes of the three parts. Labels are the numbers of
    ``classes``, where there are any.
    """

    train: bytes
    validation: bytes
    test: bytes
    truth: tuple[float, ...]
    rows: tuple[int, int, int]
    train_labels: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()


def split_rows(workflow: Workflow, content: bytes, classes: tuple[str, ...] = ()) -> DataSplits:
    """Split the data by the workflow's ratios; each class has the same share in every part. The same seed gives the
    same rows.

    Raises:
        UsageError: the data has no such target column, too few rows, or a last feature that no row of the training set
            has.
    """
    from sklearn.model_selection import train_test_split

    frame = _load_frame(workflow, content, classes)
    rule = workflow.split
    try:
        rest, test = train_test_split(
            frame, test_size=rule.test, random_state=rule.seed, stratify=frame.iloc[:, 0] if classes else None
        )
        train, validation = train_test_split(
            rest, test_size=rule.validation, random_state=rule.seed, stratify=rest.iloc[:, 0] if classes else None
        )
    except ValueError as error:
        raise UsageError("data-too-small", f"{workflow.data_file} cannot be split: {error}") from error
    if train.iloc[:, -1].isna().all():
        # The algorithm counts the features by the last one that a row of the training set has.
        text = (
            f"{workflow.data_file}: no row of the training set has a value in '{train.columns[-1]}', the last column."
        )
        raise UsageError(
            "data-empty-column", text, "Leave it out with data.ignore, or write it before another feature."
        )
    return DataSplits(
        train=_frame_csv(train),
        validation=_frame_csv(validation),
        test=_features_csv(test.iloc[:, 1:]),
        # Kept locally: a transform job gets features only, and its output has nothing but predictions.
        truth=_labels(test),
        rows=(len(train), len(validation), len(test)),
        train_labels=_labels(train),
        classes=classes,
    )


def _load_frame(workflow: Workflow, content: bytes, classes: tuple[str, ...]) -> Any:
    """The data with its label first: numbers only, classes as their numbers."""
    import pandas

    rows = csv_rows(content.decode("utf-8-sig"), workflow.skip_lines)
    header = next(rows, None)
    names = column_names(header.cells) if header else []
    if header is None or workflow.target not in names:
        text = f"{workflow.data_file} has no column '{workflow.target}'."
        raise UsageError("target-missing", text, f"It has: {', '.join(names)}.")
    # Read as the check reads it, and not by pandas, which finds other rows and other gaps in some files.
    # A row may end in a comma, and then has one cell more; one that ends early lacks its last values.
    whole = [[*row.cells[: len(names)], *[""] * (len(names) - len(row.cells))] for row in rows]
    columns = {name: [row[at] for row in whole] for at, name in enumerate(names)}
    cells = {name: column for name, column in columns.items() if name not in workflow.ignore}
    labels = cells.pop(workflow.target)
    if classes:
        numbers = {name: number for number, name in enumerate(classes)}
        target = pandas.Series([numbers[class_name(cell)] for cell in labels])
    else:
        target = _numeric_column(labels)
    return pandas.DataFrame(
        {workflow.target: target, **{name: _numeric_column(column) for name, column in cells.items()}}
    )


def _numeric_column(cells: Sequence[str]) -> Any:
    """A column as numbers: whole ones without a point, as they are written."""
    import pandas

    column = pandas.Series([cell_number(cell) for cell in cells], dtype=float)
    # Up to 2**53 a float holds every whole number; above it, it would change them.
    is_whole = bool((column % 1 == 0).all() and (column.abs() < 2**53).all())
    return column.astype("int64") if is_whole else column


def _labels(frame: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in frame.iloc[:, 0])


def _frame_csv(frame: Any) -> bytes:
    return str(frame.to_csv(header=False, index=False, lineterminator="\n")).encode()


def _features_csv(frame: Any) -> bytes:
    """Rows as a model takes them."""
    if frame.shape[1] > 1:
        return _frame_csv(frame)
    return "".join(f"{feature_line([number])}\n" for number in frame.iloc[:, 0]).encode()


def score_outputs(task: Task, sets: DataSplits, outputs: Outputs) -> Scores:
    """The scores that the task deserves, and the baseline's.

    Raises:
        ValueError: the number of predictions differs from that of the true values, or one is none that the task has.
    """
    if len(outputs) != len(sets.truth):
        raise ValueError(f"{len(outputs)} predictions for {len(sets.truth)} rows")
    match task:
        case Task.REGRESSION:
            return _score_regression(sets, [row[0] for row in outputs])
        case Task.BINARY | Task.MULTICLASS:
            return _score_classes(task, sets, outputs)


def _score_regression(sets: DataSplits, predicted: Sequence[float]) -> Scores:
    mean = math.fsum(sets.train_labels) / len(sets.train_labels)
    constant = [mean] * len(sets.truth)
    return Scores(
        Task.REGRESSION,
        _regression_metrics(sets.truth, predicted),
        _regression_metrics(sets.truth, constant),
        is_clearly_lower(_squared_errors(sets.truth, predicted), _squared_errors(sets.truth, constant)),
    )


def _squared_errors(truth: Sequence[float], predicted: Sequence[float]) -> list[float]:
    return [(value - true) ** 2 for value, true in zip(predicted, truth, strict=True)]


def _regression_metrics(truth: Sequence[float], predicted: Sequence[float]) -> dict[str, float | None]:
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    return {
        "rmse": float(root_mean_squared_error(truth, predicted)),
        "mae": float(mean_absolute_error(truth, predicted)),
        "r2": float(r2_score(truth, predicted)),
    }


def _score_classes(task: Task, sets: DataSplits, outputs: Outputs) -> Scores:
    from sklearn.metrics import confusion_matrix

    count, truth = len(sets.classes), [int(label) for label in sets.truth]
    probabilities = class_probabilities(task, outputs, count)
    chosen = predicted_classes(task, outputs, count)
    shares = tuple(sets.train_labels.count(float(number)) / len(sets.train_labels) for number in range(count))
    usual = [shares.index(max(shares))] * len(truth)
    constant = tuple(shares for _ in truth)
    if probabilities is None:
        errors, others = _class_errors(truth, chosen), _class_errors(truth, usual)
    else:
        errors, others = _log_errors(truth, probabilities), _log_errors(truth, constant)
    return Scores(
        task,
        _class_metrics(task, truth, chosen, probabilities, count),
        _class_metrics(task, truth, usual, constant if probabilities else None, count),
        is_clearly_lower(errors, others),
        _score_each_class(sets.classes, truth, chosen, probabilities),
        tuple(tuple(map(int, row)) for row in confusion_matrix(truth, chosen, labels=list(range(count)))),
    )


def _class_errors(truth: Sequence[int], chosen: Sequence[int]) -> list[float]:
    return [float(true != each) for true, each in zip(truth, chosen, strict=True)]


def _log_errors(truth: Sequence[int], probabilities: Outputs) -> list[float]:
    rows = zip(truth, probabilities, strict=True)
    return [-math.log(max(row[true] / sum(row), _LEAST_PROBABILITY)) for true, row in rows]


def _class_metrics(
    task: Task, truth: Sequence[int], chosen: Sequence[int], probabilities: Outputs | None, count: int
) -> Mapping[str, float | None]:
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    average, labels = ("macro", list(range(count))) if count > 2 else ("binary", None)
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, chosen, labels=labels, average=average, zero_division=0
    )
    errors = _log_errors(truth, probabilities) if probabilities else []
    return {
        "auc": _area_under_roc(truth, probabilities, count) if probabilities else None,
        "log_loss": math.fsum(errors) / len(errors) if errors else None,
        "accuracy": float(accuracy_score(truth, chosen)),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
    }


def _area_under_roc(truth: Sequence[int], probabilities: Outputs, count: int) -> float:
    """The area under the ROC curve; with several classes the mean over each against the others."""
    from sklearn.metrics import roc_auc_score

    areas = [
        float(roc_auc_score([true == number for true in truth], [row[number] for row in probabilities]))
        for number in (range(count) if count > 2 else [1])
    ]
    return math.fsum(areas) / len(areas)


def _score_each_class(
    classes: Sequence[str], truth: Sequence[int], chosen: Sequence[int], probabilities: Outputs | None
) -> tuple[ClassScore, ...]:
    from sklearn.metrics import precision_recall_fscore_support

    numbers = list(range(len(classes)))
    columns = precision_recall_fscore_support(truth, chosen, labels=numbers, zero_division=0)
    return tuple(
        ClassScore(
            name, float(precision), float(recall), float(f1), int(rows), _roc_points(number, truth, probabilities)
        )
        for number, name, precision, recall, f1, rows in zip(numbers, classes, *columns, strict=True)
    )


def _roc_points(number: int, truth: Sequence[int], probabilities: Outputs | None) -> tuple[tuple[float, float], ...]:
    from sklearn.metrics import roc_curve

    if probabilities is None:
        return ()
    wrong, right, _ = roc_curve([true == number for true in truth], [row[number] for row in probabilities])
    return tuple(zip(map(float, wrong), map(float, right), strict=True))
