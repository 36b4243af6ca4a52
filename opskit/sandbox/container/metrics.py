"""The evaluation metrics that AWS's container has beyond xgboost's own, such as ``accuracy``, ``f1`` and ``r2``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Metric = Callable[[Any, Any], float]


def _predicted_labels(predictions: Any) -> Any:
    """Predicted classes: the likeliest column, or the side of a half."""
    import numpy

    if predictions.ndim > 1 and predictions.shape[1] > 1:
        return numpy.argmax(predictions, axis=-1)
    flat = predictions.ravel()
    # Numbers outside of 0 to 1 are no probabilities but classes already.
    probabilities = flat.size == 0 or (flat.min() >= 0 and flat.max() <= 1)
    return (flat > 0.5).astype(int) if probabilities else flat.astype(int)


def _class_counts(predictions: Any, truth: Any) -> tuple[Any, Any, Any]:
    """Per class that occurs: right ones, predicted ones, true ones."""
    import numpy

    guessed, true = _predicted_labels(predictions), truth.astype(int)
    classes = numpy.union1d(guessed, true)
    right = numpy.array([((guessed == label) & (true == label)).sum() for label in classes], dtype=float)
    predicted = numpy.array([(guessed == label).sum() for label in classes], dtype=float)
    actual = numpy.array([(true == label).sum() for label in classes], dtype=float)
    return right, predicted, actual


def _ratio_or_zero(part: Any, whole: Any) -> Any:
    import numpy

    return numpy.divide(part, whole, out=numpy.zeros_like(part), where=whole > 0)


def _accuracy_score(predictions: Any, truth: Any) -> float:
    return float((_predicted_labels(predictions) == truth.astype(int)).mean())


def _precision_scores(predictions: Any, truth: Any) -> Any:
    right, predicted, _ = _class_counts(predictions, truth)
    return _ratio_or_zero(right, predicted)


def _recall_scores(predictions: Any, truth: Any) -> Any:
    right, _, actual = _class_counts(predictions, truth)
    return _ratio_or_zero(right, actual)


def _f1_scores(predictions: Any, truth: Any) -> Any:
    right, predicted, actual = _class_counts(predictions, truth)
    return _ratio_or_zero(2 * right, predicted + actual)


def _balanced_accuracy(predictions: Any, truth: Any) -> float:
    right, _, actual = _class_counts(predictions, truth)
    return float((right[actual > 0] / actual[actual > 0]).mean())


def _mean_of(scores: Callable[[Any, Any], Any]) -> Metric:
    return lambda predictions, truth: float(scores(predictions, truth).mean())


def _second_class_of(scores: Callable[[Any, Any], Any]) -> Metric:
    """The score of class 1, as metrics of two classes are meant; 0 where it never occurs."""

    def score_second_class(predictions: Any, truth: Any) -> float:
        class_scores = scores(predictions, truth)
        return float(class_scores[-1]) if len(class_scores) else 0.0

    return score_second_class


def _mean_squared_error(predictions: Any, truth: Any) -> float:
    return float(((predictions.ravel() - truth) ** 2).mean())


def _r2_score(predictions: Any, truth: Any) -> float:
    spread = ((truth - truth.mean()) ** 2).sum()
    return float(1 - ((predictions.ravel() - truth) ** 2).sum() / spread) if spread else 0.0


CUSTOM_METRICS: Mapping[str, Metric] = {
    "accuracy": _accuracy_score,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _mean_of(_f1_scores),
    "f1_binary": _second_class_of(_f1_scores),
    "f1_macro": _mean_of(_f1_scores),
    "mse": _mean_squared_error,
    "precision": _second_class_of(_precision_scores),
    "precision_macro": _mean_of(_precision_scores),
    "precision_micro": _accuracy_score,
    "r2": _r2_score,
    "recall": _second_class_of(_recall_scores),
    "recall_macro": _mean_of(_recall_scores),
    "recall_micro": _accuracy_score,
}
"""By the names of the ``eval_metric`` hyperparameter. Precision and recall over all decisions are the accuracy."""


def custom_evaluation(names: list[str]) -> Callable[[Any, Any], list[tuple[str, float]]]:
    """What xgboost calls after each round for the custom metrics among ``names``."""

    def evaluate_metrics(predictions: Any, matrix: Any) -> list[tuple[str, float]]:
        return [(name, CUSTOM_METRICS[name](predictions, matrix.get_label())) for name in names]

    return evaluate_metrics
