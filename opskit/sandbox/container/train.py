"""``python -m opskit.sandbox.container.train FOLDER``: one training run over an ``/opt/ml``-shaped folder."""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from opskit.sandbox.container import hyperparameters, tables
from opskit.sandbox.container.failure import UserError, load_xgboost, write_failure
from opskit.sandbox.container.hyperparameters import MAXIMISED
from opskit.sandbox.container.metrics import CUSTOM_METRICS, custom_evaluation

_CONTAINER_PARAMETERS = (
    "num_round", "early_stopping_rounds", "csv_weights", "eval_metric", "save_model_on_termination", "predictor",
    "dsplit", "sketch_eps", "silent", "num_feature", "deterministic_histogram", "_tuning_objective_metric",
)  # fmt: skip
_CHANNELS = ("train", "validation", "code")
# The tables are small, and several jobs train side by side.
_MAX_THREADS = 2


# A SystemExit, which no `except Exception` on its way holds up.
class Terminated(SystemExit):
    """The platform asked the algorithm to end (SIGTERM)."""


def write_log(message: str, level: str = "INFO") -> None:
    """One line in the container's own format."""
    write_line(f"[{datetime.now(UTC):%Y-%m-%d:%H:%M:%S}:{level}] {message}")


def write_line(line: str) -> None:
    """One line on standard output, at once: the platform's log shows it while the algorithm runs."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def train_model(folder: Path) -> int:
    """Train; 0 when ``model/xgboost-model`` is there, 1 when ``output/failure`` says why not."""
    signal.signal(signal.SIGTERM, _raise_terminated)
    warnings.simplefilter("ignore")
    try:
        _run_algorithm(folder)
    except UserError as error:
        return _report_failure(folder, f"framework error: \nUserError: {error}")
    except Exception as error:
        text = str(error).partition("\nStack trace:")[0]
        return _report_failure(
            folder, f"framework error: \nAlgorithmError: XGB train call failed with exception:\n {text}"
        )
    return 0


def _raise_terminated(*_: object) -> None:
    raise Terminated(0)


def _report_failure(folder: Path, message: str) -> int:
    write_log("Reporting training FAILURE", "ERROR")
    for line in message.splitlines():
        write_log(line, "ERROR")
    write_failure(folder, message)
    return 1


def _run_algorithm(folder: Path) -> None:
    write_log("Running XGBoost Sagemaker in algorithm mode")
    texts = _read_config_file(folder, "hyperparameters")
    if any(name in texts for name in hyperparameters.SCRIPT_MODE):
        raise UserError("The sandbox runs XGBoost's algorithm mode alone, not a script of the user's own.")
    first_image = os.environ.get("XGBOOST_FIRST_IMAGE") == "1"
    config = hyperparameters.validate_hyperparameters(texts, first_image=first_image)
    if "_kfold" in config or "_num_cv_round" in config:
        raise UserError("The sandbox does not cross-validate: leave out _kfold and _num_cv_round.")
    train, validation = _load_channels(folder, weighted=config.get("csv_weights") == 1)
    _train_booster(folder, config, train, validation)


def _read_config_file(folder: Path, name: str) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads((folder / "input" / "config" / f"{name}.json").read_text()))


def _load_channels(folder: Path, *, weighted: bool) -> tuple[Any, Any]:
    channels = _read_config_file(folder, "inputdataconfig")
    if "train" not in channels:
        raise UserError("Missing required channel: train")
    for name in channels:
        if name not in _CHANNELS:
            raise UserError(f"Extraneous channel found: {name}")
    data_format = tables.parse_data_format(channels["train"].get("ContentType"))
    train = _load_matrix(folder, "train", data_format, weighted=weighted)
    return train, _load_matrix(folder, "validation", data_format) if "validation" in channels else None


def _load_matrix(folder: Path, channel: str, data_format: tables.DataFormat, *, weighted: bool = False) -> Any:
    path = folder / "input" / "data" / channel
    table = tables.read_channel(path, data_format, weighted=weighted)
    if table is None:
        channel_label = "training" if channel == "train" else channel
        raise UserError(f"No data in {channel_label} channel path /opt/ml/input/data/{channel}")
    return table.to_matrix()


def _xgboost_parameters(config: dict[str, Any]) -> dict[str, Any]:
    parameters = {name: value for name, value in config.items() if name not in _CONTAINER_PARAMETERS}
    if parameters.get("objective") == "reg:linear":
        write_log("reg:linear is now deprecated in favor of reg:squarederror.", "WARNING")
        parameters["objective"] = "reg:squarederror"
    if parameters.get("tree_method") == "gpu_hist":
        write_log("No GPUs detected: training with tree_method hist on the CPU.", "WARNING")
        parameters["tree_method"] = "hist"
    if "updater" in parameters:
        parameters["updater"] = ",".join(parameters["updater"])
    metrics = [name for name in config.get("eval_metric", []) if name not in CUSTOM_METRICS]
    # Before 2.0 xgboost started every prediction at 0.5; it estimates the start now, which draws another curve.
    start = {"base_score": 0.5} if _starts_at_half(parameters.get("objective", "reg:squarederror")) else {}
    threads = min(config.get("nthread", 1), _MAX_THREADS)
    return {**start, **parameters, "nthread": threads, **({"eval_metric": metrics} if metrics else {})}


def _starts_at_half(objective: str) -> bool:
    return objective.startswith(("reg:", "binary:", "count:"))


def _train_booster(folder: Path, config: dict[str, Any], train: Any, validation: Any) -> None:
    write_log("Single node training.")
    write_log(f"Train matrix has {train.num_row()} rows and {train.num_col()} columns")
    watched = [(train, "train")]
    if validation is not None:
        write_log(f"Validation matrix has {validation.num_row()} rows")
        watched.append((validation, "validation"))
    parameters = _xgboost_parameters(config)
    custom = [name for name in config.get("eval_metric", []) if name in CUSTOM_METRICS]
    latest: list[Any] = []
    try:
        booster = load_xgboost().train(
            parameters,
            train,
            config["num_round"],
            evals=watched,
            custom_metric=custom_evaluation(custom) if custom else None,
            callbacks=[_round_logger(latest), *_early_stopping_callbacks(config)],
            verbose_eval=False,
        )
    except Terminated:
        if latest and config.get("save_model_on_termination") == "true":
            _save_model(folder, latest[0])
        raise
    _save_model(folder, booster)


def _early_stopping_callbacks(config: dict[str, Any]) -> list[Any]:
    rounds = config.get("early_stopping_rounds")
    if rounds is None:
        return []
    # Linear models have no trees that could be cut off after the best round.
    has_trees = config.get("booster") != "gblinear"
    # xgboost stops on the last metric, and knows for its own alone whether more is better.
    deciding_metric = next((name for name in reversed(config.get("eval_metric", [])) if name in CUSTOM_METRICS), None)
    higher_is_better = deciding_metric in MAXIMISED if deciding_metric else None
    stopping = load_xgboost().callback.EarlyStopping(rounds=rounds, save_best=has_trees, maximize=higher_is_better)
    return [stopping]


def _round_logger(latest: list[Any]) -> Any:
    """A callback that prints each round as the platform's log shows it (a tab arrives there as ``#011``)."""

    class Rounds(load_xgboost().callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, dict[str, list[Any]]]) -> bool:
            latest[:] = [model]
            scores = [
                f"{data}-{metric}:{_metric_value(values[-1]):g}"
                for data, metrics in evals_log.items()
                for metric, values in metrics.items()
            ]
            write_line("#011".join([f"[{epoch}]", *scores]))
            return False

    return Rounds()


def _metric_value(value: Any) -> float:
    return float(value[0] if isinstance(value, tuple) else value)


def _save_model(folder: Path, booster: Any) -> None:
    model = folder / "model"
    model.mkdir(exist_ok=True)
    (model / "xgboost-model").write_bytes(booster.save_raw("ubj"))


if __name__ == "__main__":
    sys.exit(train_model(Path(sys.argv[1])))
