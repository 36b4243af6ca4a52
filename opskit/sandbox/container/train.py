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
from opskit.sandbox.container.boosting import xgboost
from opskit.sandbox.container.failure import UserError, report
from opskit.sandbox.container.hyperparameters import MAXIMISED
from opskit.sandbox.container.metrics import CUSTOM, evaluation

_NOT_FOR_XGBOOST = (
    "num_round", "early_stopping_rounds", "csv_weights", "eval_metric", "save_model_on_termination", "predictor",
    "dsplit", "sketch_eps", "silent", "num_feature", "deterministic_histogram", "_tuning_objective_metric",
)  # fmt: skip
_CHANNELS = ("train", "validation", "code")
_MOST_THREADS = 2


class Terminated(SystemExit):
    """The platform asked the algorithm to end (SIGTERM)."""


def log(message: str, level: str = "INFO") -> None:
    """One line in the container's own format."""
    say(f"[{datetime.now(UTC):%Y-%m-%d:%H:%M:%S}:{level}] {message}")


def say(line: str) -> None:
    """One line on standard output, at once: the platform's log shows it while the algorithm runs."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(folder: Path) -> int:
    """Train; 0 when ``model/xgboost-model`` is there, 1 when ``output/failure`` says why not."""
    signal.signal(signal.SIGTERM, _terminate)
    warnings.simplefilter("ignore")
    try:
        _run(folder)
    except UserError as error:
        return _failed(folder, f"framework error: \nUserError: {error}")
    except Exception as error:
        text = str(error).partition("\nStack trace:")[0]
        return _failed(folder, f"framework error: \nAlgorithmError: XGB train call failed with exception:\n {text}")
    return 0


def _terminate(*_: object) -> None:
    raise Terminated(0)


def _failed(folder: Path, message: str) -> int:
    log("Reporting training FAILURE", "ERROR")
    for line in message.splitlines():
        log(line, "ERROR")
    report(folder, message)
    return 1


def _run(folder: Path) -> None:
    log("Running XGBoost Sagemaker in algorithm mode")
    given = _read(folder, "hyperparameters")
    if any(name in given for name in hyperparameters.SCRIPT_MODE):
        raise UserError("The sandbox runs XGBoost's algorithm mode alone, not a script of the user's own.")
    of_old = os.environ.get("XGBOOST_OF_OLD") == "1"
    config = hyperparameters.validated(given, of_old=of_old)
    if "_kfold" in config or "_num_cv_round" in config:
        raise UserError("The sandbox does not cross-validate: leave out _kfold and _num_cv_round.")
    train, validation = _data(folder, weighted=config.get("csv_weights") == 1)
    _boost(folder, config, train, validation)


def _read(folder: Path, name: str) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads((folder / "input" / "config" / f"{name}.json").read_text()))


def _data(folder: Path, *, weighted: bool) -> tuple[Any, Any]:
    channels = _read(folder, "inputdataconfig")
    if "train" not in channels:
        raise UserError("Missing required channel: train")
    for name in channels:
        if name not in _CHANNELS:
            raise UserError(f"Extraneous channel found: {name}")
    kind = tables.format_of(channels["train"].get("ContentType"))
    train = _matrix(folder, "train", kind, weighted=weighted)
    return train, _matrix(folder, "validation", kind) if "validation" in channels else None


def _matrix(folder: Path, channel: str, kind: str, *, weighted: bool = False) -> Any:
    path = folder / "input" / "data" / channel
    table = tables.channel(path, kind, weighted=weighted)
    if table is None:
        what = "training" if channel == "train" else channel
        raise UserError(f"No data in {what} channel path /opt/ml/input/data/{channel}")
    return table.matrix()


def _parameters(config: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in config.items() if name not in _NOT_FOR_XGBOOST}
    if kept.get("objective") == "reg:linear":
        log("reg:linear is now deprecated in favor of reg:squarederror.", "WARNING")
        kept["objective"] = "reg:squarederror"
    if kept.get("tree_method") == "gpu_hist":
        log("No GPUs detected: training with tree_method hist on the CPU.", "WARNING")
        kept["tree_method"] = "hist"
    if "updater" in kept:
        kept["updater"] = ",".join(kept["updater"])
    metrics = [name for name in config.get("eval_metric", []) if name not in CUSTOM]
    # Before 2.0 xgboost started every prediction at 0.5; it estimates the start now, which draws another curve.
    start = {"base_score": 0.5} if _starts_at_half(kept.get("objective", "reg:squarederror")) else {}
    threads = min(config.get("nthread", 1), _MOST_THREADS)
    return {**start, **kept, "nthread": threads, **({"eval_metric": metrics} if metrics else {})}


def _starts_at_half(objective: str) -> bool:
    return objective.startswith(("reg:", "binary:", "count:"))


def _boost(folder: Path, config: dict[str, Any], train: Any, validation: Any) -> None:
    log("Single node training.")
    log(f"Train matrix has {train.num_row()} rows and {train.num_col()} columns")
    watched = [(train, "train")]
    if validation is not None:
        log(f"Validation matrix has {validation.num_row()} rows")
        watched.append((validation, "validation"))
    parameters = _parameters(config)
    custom = [name for name in config.get("eval_metric", []) if name in CUSTOM]
    latest: list[Any] = []
    try:
        booster = xgboost().train(
            parameters,
            train,
            config["num_round"],
            evals=watched,
            custom_metric=evaluation(custom) if custom else None,
            callbacks=[_rounds(latest), *_early_stopping(config)],
            verbose_eval=False,
        )
    except Terminated:
        if latest and config.get("save_model_on_termination") == "true":
            _save(folder, latest[0])
        raise
    _save(folder, booster)


def _early_stopping(config: dict[str, Any]) -> list[Any]:
    rounds = config.get("early_stopping_rounds")
    if rounds is None:
        return []
    sliceable = config.get("booster") != "gblinear"
    judged = next((name for name in reversed(config.get("eval_metric", [])) if name in CUSTOM), None)
    higher_is_better = judged in MAXIMISED if judged else None
    stopping = xgboost().callback.EarlyStopping(rounds=rounds, save_best=sliceable, maximize=higher_is_better)
    return [stopping]


def _rounds(latest: list[Any]) -> Any:
    """A callback that prints each round as the platform's log shows it (a tab arrives there as ``#011``)."""

    class Rounds(xgboost().callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, dict[str, list[Any]]]) -> bool:
            latest[:] = [model]
            scores = [
                f"{data}-{metric}:{_score(values[-1]):g}"
                for data, metrics in evals_log.items()
                for metric, values in metrics.items()
            ]
            say("#011".join([f"[{epoch}]", *scores]))
            return False

    return Rounds()


def _score(value: Any) -> float:
    return float(value[0] if isinstance(value, tuple) else value)


def _save(folder: Path, booster: Any) -> None:
    model = folder / "model"
    model.mkdir(exist_ok=True)
    (model / "xgboost-model").write_bytes(booster.save_raw("ubj"))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
