"""A run, a deployment, predictions and a clean-up, for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opskit.decide.guard import Part, verdict_of
from opskit.errors import ExitCode
from opskit.flows.serve import Deployed, Leftovers
from opskit.flows.train import Run
from opskit.model import Price, Unread, Usage
from opskit.show.answer import Answer, Cell, Column, Table
from opskit.show.plot import draw, sketch
from opskit.show.quotas import record
from opskit.show.requests import increases


def answer_of(run: Run, folder: Path | None, *, terminal: bool) -> Answer:
    """The answer of ``train``. With scores and a ``folder``, the plot is drawn there."""
    plot = _plotted(run, folder) if folder and run.metrics else None
    data = {
        "job": run.job,
        "model": run.model,
        "transform": run.transform,
        "artifacts": {"model": run.model_uri, "test": run.test_uri, "predictions": run.predictions_uri},
        "metrics": run.metrics and {"rmse": run.metrics.rmse, "mae": run.metrics.mae, "r2": run.metrics.r2},
        "plot": plot and str(plot),
        "folder": str(folder) if folder and run.metrics else None,
        "estimate_usd": run.estimate_usd,
        "guard": _guard(run),
        "endpoint": run.endpoint,
        "plan": _plan(run),
        "requests": list(increases(run.asked).data["requests"]),
    }
    return Answer(data, run.exit, tuple(run.problems), _tables(run), tuple(_notes(run, plot, terminal)))


def _guard(run: Run) -> dict[str, Any]:
    if run.check is None:
        return {"verdict": "skipped", "quotas": []}
    return {"verdict": verdict_of(run.check).value, "quotas": [record(each) for each in run.check.headrooms]}


def _plan(run: Run) -> dict[str, Any]:
    return {
        "job": run.next.name if run.next else None,
        "role": run.role,
        "bucket": run.bucket,
        "parts": [
            {
                "usage": part.usage.value,
                "instance_type": part.fleet.instance_type,
                "instance_count": part.fleet.count,
                "max_seconds": part.fleet.max_seconds,
                "usd_per_hour": part.price.usd_per_hour if isinstance(part.price, Price) else None,
                "price_source": part.price.source if isinstance(part.price, Price) else part.price.because,
            }
            for part in run.parts
        ],
    }


def _plotted(run: Run, folder: Path) -> Path:
    """Keep the data and the predictions beside the plot."""
    assert run.sets is not None
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("train", run.sets.train), ("validation", run.sets.validation), ("test", run.sets.test)):
        (folder / f"{name}.csv").write_bytes(content)
    (folder / "test.csv.out").write_text("".join(f"{value}\n" for value in run.predicted), encoding="utf-8")
    path = folder / "predictions.png"
    draw(path, f"{run.workflow.name}: {run.job}", run.sets.truth, run.predicted)
    return path


def _tables(run: Run) -> tuple[Table, ...]:
    if not run.wanted.dry_run:
        return ()
    rows = tuple(
        (
            Cell(part.usage.value),
            Cell(f"{part.fleet.count} x {part.fleet.instance_type}"),
            Cell(f"{part.fleet.max_seconds} s" if part.fleet.max_seconds else "until cleanup"),
            Cell("?" if isinstance(part.price, Unread) else f"{part.price.usd_per_hour}"),
            Cell(part.price.because if isinstance(part.price, Unread) else part.price.source),
        )
        for part in run.parts
    )
    columns = (Column("Would start"), Column("On"), Column("At most"), Column("USD/h", right=True), Column("Price by"))
    return (Table(columns, rows),)


def _notes(run: Run, plot: Path | None, terminal: bool) -> list[str]:
    notes = []
    if run.wanted.dry_run and run.next:
        notes.append(f"Job {run.next.name}, role {run.role}, bucket {run.bucket}. Nothing was changed.")
    notes += _money(run)
    if run.metrics and run.sets:
        if terminal:
            notes.append(sketch(run.sets.truth, run.predicted))
        scores = f"RMSE {run.metrics.rmse:.3f}  MAE {run.metrics.mae:.3f}  R2 {run.metrics.r2:.3f}"
        notes.append(f"{run.job}: {scores} on {len(run.predicted)} rows it never saw.")
    if plot:
        notes.append(f"Data, predictions and plot: {plot.parent}")
    if run.endpoint:
        notes.append(f"Endpoint {run.endpoint} answers (opskit predict {run.workflow.name}) and bills until")
        notes.append(f"  opskit cleanup {run.workflow.name}")
    return notes


def _money(run: Run) -> list[str]:
    if not run.parts:
        return []
    if run.estimate_usd is None:
        why = next((part.price.because for part in run.parts if isinstance(part.price, Unread)), "")
        return [f"What this costs at most is not known: {why}."]
    prices = {part.price.source for part in run.parts if isinstance(part.price, Price)}
    hourly = [part.price.usd_per_hour for part in run.parts if _is_hosting(part) and isinstance(part.price, Price)]
    extra = "".join(f", and {usd} USD per hour while deployed" for usd in hourly)
    return [f"At most {run.estimate_usd} USD{extra} (prices: {'; '.join(sorted(prices))})."]


def _is_hosting(part: Part) -> bool:
    return part.usage is Usage.ENDPOINT


def deployed(result: Deployed) -> Answer:
    """The answer of ``deploy``."""
    quotas = [record(each) for each in result.check.headrooms] if result.check else []
    verdict = verdict_of(result.check).value if result.check else "skipped"
    data = {"endpoint": result.endpoint, "guard": {"verdict": verdict, "quotas": quotas}}
    return Answer(data, notes=(f"Endpoint {result.endpoint} answers. It bills until cleanup.",))


def predictions(endpoint: str, values: Sequence[float]) -> Answer:
    """The answer of ``predict``."""
    table = Table(
        (Column("Row", right=True), Column("Prediction", right=True)),
        tuple((Cell(str(at)), Cell(f"{value:.2f}")) for at, value in enumerate(values, 1)),
    )
    return Answer({"endpoint": endpoint, "predictions": list(values)}, tables=(table,))


def cleanup_plan(left: Leftovers) -> str:
    """What would be removed, for a prompt."""
    named = [*left.endpoints, *left.configs, *left.models]
    return f"Remove {', '.join(named) or 'no resources'} and {len(left.keys)} objects in s3://{left.bucket}/opskit/."


def cleaned(left: Leftovers, local: Sequence[Path]) -> Answer:
    """The answer of ``cleanup``."""
    removed = {
        "endpoints": list(left.endpoints),
        "endpoint_configs": list(left.configs),
        "models": list(left.models),
        "objects": len(left.keys),
        "local": [str(path) for path in local],
    }
    kept = {"training_jobs": list(left.jobs), "bucket": left.bucket}
    counts = f"{len(left.endpoints)} endpoints, {len(left.configs)} endpoint configs, {len(left.models)} models"
    notes = ["There was nothing to remove."] if left.is_empty else [f"Removed {counts}, {len(left.keys)} objects."]
    notes += [f"Removed {path}" for path in local]
    if left.jobs:
        notes.append(
            f"Left: the records of {len(left.jobs)} training jobs and their logs (they cost nothing), the bucket."
        )
    return Answer({"removed": removed, "left": kept}, ExitCode.DONE, notes=tuple(notes))
