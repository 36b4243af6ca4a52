"""Splits a workflow's rows and scores its predictions. The only module that imports pandas and scikit-learn.

Both take seconds to import, so they are imported inside the functions.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opskit.core.exceptions import UsageError
from opskit.training.rules.model import Metrics, Workflow


@dataclass(frozen=True)
class DataSplits:
    """A workflow's data, split and written as the built-in algorithms read it: CSV, no header, label first.

    ``test`` has only the features, as a transform job takes them; ``truth`` has its labels in the same order; ``rows``
    the sizes of the three parts.
    """

    train: bytes
    validation: bytes
    test: bytes
    truth: tuple[float, ...]
    rows: tuple[int, int, int]


def split_rows(workflow: Workflow, content: bytes) -> DataSplits:
    """Split the data by the workflow's ratios. The same seed gives the same rows.

    Raises:
        UsageError: the data has no such target column, or too few rows.
    """
    from sklearn.model_selection import train_test_split

    frame = _load_frame(workflow, content)
    rule = workflow.split
    try:
        rest, test = train_test_split(frame, test_size=rule.test, random_state=rule.seed)
        train, validation = train_test_split(rest, test_size=rule.validation, random_state=rule.seed)
    except ValueError as error:
        raise UsageError("data-too-small", f"{workflow.data_file} cannot be split: {error}") from error
    # Kept locally: a transform job gets features only, and its output has nothing but predictions.
    truth = tuple(float(value) for value in test.iloc[:, 0])
    sizes = (len(train), len(validation), len(test))
    return DataSplits(_frame_csv(train), _frame_csv(validation), _frame_csv(test.iloc[:, 1:]), truth, sizes)


def score_predictions(truth: Sequence[float], predicted: Sequence[float]) -> Metrics:
    """RMSE, MAE and R² of predictions.

    Raises:
        ValueError: the number of predictions differs from that of the true values, or one is not a number.
    """
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    return Metrics(
        rmse=float(root_mean_squared_error(truth, predicted)),
        mae=float(mean_absolute_error(truth, predicted)),
        r2=float(r2_score(truth, predicted)),
    )


def _load_frame(workflow: Workflow, content: bytes) -> Any:
    """The data with its label first."""
    import pandas

    frame = pandas.read_csv(io.BytesIO(content), skiprows=workflow.skip_lines)
    if workflow.target not in frame.columns:
        text = f"{workflow.data_file} has no column '{workflow.target}'."
        raise UsageError("target-missing", text, f"It has: {', '.join(map(str, frame.columns))}.")
    frame.insert(0, workflow.target, frame.pop(workflow.target))
    return frame


def _frame_csv(frame: Any) -> bytes:
    return str(frame.to_csv(header=False, index=False, lineterminator="\n")).encode()
