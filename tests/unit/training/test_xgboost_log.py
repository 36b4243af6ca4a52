"""The boosting rounds in a log."""

from __future__ import annotations

import pytest

from opskit.training.rules.algorithms.algorithm import TrainingRound
from opskit.training.rules.algorithms.xgboost.metric_names import parse_round


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "[0]#011train-rmse:19.6015#011validation-rmse:19.9713",
            TrainingRound(0, {"train-rmse": 19.6015, "validation-rmse": 19.9713}),
        ),
        ("[102]\ttrain-rmse:1e-05", TrainingRound(102, {"train-rmse": 1e-05})),
        ("[2026-11-24:02:38:18:INFO] Running XGBoost Sagemaker in algorithm mode", None),
        ("[12] no scores", None),
        ("", None),
    ],
)
def test_a_round_is_read_and_nothing_else(line: str, expected: TrainingRound | None) -> None:
    assert parse_round(line) == expected
