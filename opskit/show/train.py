"""A run, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opskit.decide.guard import Part, verdict_of
from opskit.decide.headroom import QuotaCheck
from opskit.decide.naming import Follow, Next, Show, Start
from opskit.decide.running import running_records
from opskit.errors import ExitCode, Problem
from opskit.flows.look_ahead import Plan
from opskit.flows.train import Run
from opskit.model import Price, TransformJob, Unread, Usage
from opskit.show.answer import Answer, Cell, Column, Table
from opskit.show.money import money
from opskit.show.plot import draw, sketch
from opskit.show.quotas import record
from opskit.show.requests import increases


@dataclass(frozen=True)
class Kept:
    """A run's files on this machine. None: there are none; ``problem`` says why they could not be written."""

    folder: Path | None = None
    plot: Path | None = None
    problem: Problem | None = None


def keep(run: Run, runs: Path) -> Kept:
    """Write a run's data, its predictions and the plot into a folder of its own below ``runs``."""
    if run.metrics is None or run.sets is None or run.job is None:
        return Kept()
    folder = runs.resolve() / run.job
    plot = folder / "predictions.png"
    contents = {
        "train.csv": run.sets.train,
        "validation.csv": run.sets.validation,
        "test.csv": run.sets.test,
        "test.csv.out": run.predictions,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        draw(plot, f"{run.workflow.name}: {run.job}", run.workflow.target, run.sets.truth, run.predicted)
    except OSError as error:
        hint = "The run is done; the same command in another folder shows it and pays nothing."
        return Kept(problem=Problem("files-not-written", f"{folder} cannot be written: {error}.", hint))
    return Kept(folder, plot)


def answer_of(run: Run, kept: Kept, *, columns: int | None) -> Answer:
    """The answer of ``train``; on a terminal of so many ``columns`` (None: it is none) with the small plot."""
    problems = (*run.problems, *([kept.problem] if kept.problem else []))
    exit = ExitCode.PARTLY if kept.problem and run.exit is ExitCode.DONE else run.exit
    return Answer(_data(run, kept), exit, problems, _tables(run), tuple(_notes(run, kept, columns)))


def _data(run: Run, kept: Kept) -> dict[str, Any]:
    return {
        "job": run.job,
        "model": run.model,
        "transform": run.transform and run.transform.name,
        "artifacts": _artifacts(run.model_uri, run.transform),
        "metrics": run.metrics and {"rmse": run.metrics.rmse, "mae": run.metrics.mae, "r2": run.metrics.r2},
        "plot": kept.plot and str(kept.plot),
        "folder": kept.folder and str(kept.folder),
        "estimate_usd": run.plan and run.plan.estimate_usd,
        "billable_seconds": run.billable_seconds,
        "guard": _guard(run),
        "endpoint": run.endpoint,
        "plan": run.plan and _plan(run.plan),
        "requests": list(increases(run.asked).data["requests"]),
        "running": running_records(run.running),
    }


def _artifacts(model_uri: str | None, transform: TransformJob | None) -> dict[str, str | None]:
    return {
        "model": model_uri,
        "test": transform.input_uri if transform else None,
        "predictions": transform.predictions_uri if transform else None,
    }


def _guard(run: Run) -> dict[str, Any]:
    if run.plan and run.plan.check:
        return guard_record(run.plan.check)
    looked = run.plan is not None and run.wanted.guard
    return {"verdict": "not-needed" if looked else "skipped", "quotas": []}


def guard_record(check: QuotaCheck | None) -> dict[str, Any]:
    """The quotas as a guard saw them; ``skipped`` when it did not look."""
    if check is None:
        return {"verdict": "skipped", "quotas": []}
    return {"verdict": verdict_of(check).value, "quotas": [record(each) for each in check.headrooms]}


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "job": plan.job.name,
        "transform": plan.transform.name,
        "steps": steps_of(plan),
        "image": plan.image,
        "role": plan.role,
        "bucket": plan.bucket,
        "hyperparameters": dict(plan.workflow.hyperparameters),
        "parts": [part_record(part) for part in plan.parts],
    }


def steps_of(plan: Plan) -> list[str]:
    """What the run would do, in order, in words."""
    steps = [f"make the bucket {plan.bucket}"] if plan.makes_bucket else []
    steps += [f"upload train.csv and validation.csv to {plan.bucket}"] if isinstance(plan.job, Start) else []
    steps.append(f"{_verb(plan.job)} the training job {plan.job.name}")
    if isinstance(plan.transform, Start):
        steps += ["make its model, unless it is there", f"upload test.csv to {plan.bucket}"]
    steps.append(f"{_verb(plan.transform)} the transform job {plan.transform.name}")
    steps.append("fetch test.csv.out and score it")
    return steps + ([f"put the model behind the endpoint {plan.job.name}"] if plan.deploys else [])


def _verb(next: Next) -> str:
    match next:
        case Start():
            return "start"
        case Follow():
            return "follow"
        case Show():
            return "show"


def part_record(part: Part) -> dict[str, Any]:
    """What is paid for, for programs."""

    return {
        "usage": part.usage.value,
        "instance_type": part.fleet.instance_type,
        "instance_count": part.fleet.count,
        "max_seconds": part.fleet.max_seconds,
        "usd_per_hour": part.price.usd_per_hour if isinstance(part.price, Price) else None,
        "price_source": part.price.source if isinstance(part.price, Price) else part.price.because,
    }


def _tables(run: Run) -> tuple[Table, ...]:
    """What would be paid for, where the run is a plan or was refused."""
    if run.plan is None or not run.plan.parts or not (run.wanted.dry_run or run.plan.in_the_way):
        return ()
    rows = tuple(
        (
            Cell(part.usage.value),
            Cell(f"{part.fleet.count} x {part.fleet.instance_type}"),
            Cell(f"{part.fleet.max_seconds} s" if part.fleet.max_seconds else "until cleanup"),
            Cell("?" if isinstance(part.price, Unread) else f"{part.price.usd_per_hour}"),
            Cell(part.price.because if isinstance(part.price, Unread) else part.price.source),
        )
        for part in run.plan.parts
    )
    columns = (
        Column("Would start"),
        Column("On"),
        Column("At most"),
        Column("USD/h", right=True),
        Column("Price by", wrap=True, from_width=70),
    )
    return (Table(columns, rows),)


def _notes(run: Run, kept: Kept, columns: int | None) -> list[str]:
    notes = []
    if run.plan and run.wanted.dry_run:
        notes += [f"{at}. {step}" for at, step in enumerate(steps_of(run.plan), 1)]
        notes.append(f"Role {run.plan.role or 'not known'}. Nothing was changed.")
    if run.plan and not run.metrics:
        notes += money(run.plan.parts)
    if run.metrics and run.sets:
        if columns and (drawn := sketch(run.workflow.target, run.sets.truth, run.predicted, columns)):
            notes.append(drawn)
        scores = f"RMSE {run.metrics.rmse:.3f}  MAE {run.metrics.mae:.3f}  R2 {run.metrics.r2:.3f}"
        notes.append(f"{run.job}: {scores} on {len(run.predicted)} rows it never saw.")
    return notes + _after_the_run(run, kept)


def _after_the_run(run: Run, kept: Kept) -> list[str]:
    """What was paid, where the files are, and what stays."""
    word, notes = run.workflow.word, []
    if run.billable_seconds is not None:
        notes.append(f"AWS bills {run.billable_seconds} s of training{_billed(run)}.")
    if kept.folder:
        notes.append(f"Data, predictions and plot: {kept.folder}")
    if run.problems and run.uploaded and not run.running:
        files = ", ".join(uri.rpartition("/")[2] for uri in run.uploaded)
        # A cleanup goes by the tags of jobs: of files that no job was made for it does not know whose they are.
        home = run.uploaded[0].rsplit("/", 2)[0]
        remove = f"opskit cleanup {word}" if run.job else f"aws s3 rm --recursive {home}/"
        notes.append(f"Left in S3 for the next try: {files}. To remove what there is: {remove}")
    return notes + (endpoint_notes(run.endpoint, word) if run.endpoint else [])


def _billed(run: Run) -> str:
    """What the training did cost, where this run started it and knows the price."""
    for part in run.plan.parts if run.plan else ():
        if part.usage is Usage.TRAINING and isinstance(part.price, Price) and run.billable_seconds is not None:
            usd = part.price.usd_per_hour * part.fleet.count * run.billable_seconds / 3600
            return f", {usd:.4f} USD"
    return ""


def endpoint_notes(name: str, workflow: str) -> list[str]:
    """What to know of an endpoint that answers. ``workflow`` is the word that leads to it."""
    return [f"The endpoint {name} answers (opskit predict {workflow}) and bills until", f"  opskit cleanup {workflow}"]
