"""XGBoost as one of the algorithms: CSV in and out, label first, the same image for training and serving."""

from __future__ import annotations

from collections.abc import Mapping

from opskit.training.rules.algorithms.algorithm import Algorithm, ImageRequest
from opskit.training.rules.algorithms.xgboost.conflicts import check_data_shape, unquote_values
from opskit.training.rules.algorithms.xgboost.hyperparameters import (
    TASK_PARAMETERS,
    check_hyperparameters,
    find_task,
    label_range,
)
from opskit.training.rules.algorithms.xgboost.metric_names import parse_round
from opskit.training.rules.model import Workflow


def _training_image(workflow: Workflow) -> ImageRequest:
    return ImageRequest(workflow.framework, workflow.version, "training")


def _serving_image(workflow: Workflow) -> ImageRequest:
    return ImageRequest(workflow.framework, workflow.version, "inference")


def _hashed_inputs(workflow: Workflow) -> Mapping[str, object]:
    return {
        "image": [workflow.framework, workflow.version],
        "hyperparameters": dict(workflow.hyperparameters),
    }


def _planned_rounds(workflow: Workflow) -> int | None:
    rounds = unquote_values(workflow).get("num_round", "")
    return int(rounds) if rounds.isdecimal() else None


def _outputs_per_row(workflow: Workflow) -> int:
    values = unquote_values(workflow)
    return int(values["num_class"]) if values.get("objective") == "multi:softprob" else 1


XGBOOST = Algorithm(
    name="xgboost",
    label="XGBoost",
    # Without a content type the container reads libsvm.
    training_content_type="text/csv",
    serving_content_type="text/csv",
    serving_accept="text/csv",
    training_image=_training_image,
    serving_image=_serving_image,
    find_task=find_task,
    check_settings=check_hyperparameters,
    check_data_shape=check_data_shape,
    label_range=label_range,
    hashed_inputs=_hashed_inputs,
    planned_rounds=_planned_rounds,
    parse_log_line=parse_round,
    outputs_per_row=_outputs_per_row,
    objective_for=TASK_PARAMETERS,
)
