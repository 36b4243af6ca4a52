"""Deployments, predictions and clean-ups, for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opskit.act.endpoints import Removable
from opskit.decide.running import running_records, stop_command
from opskit.errors import ExitCode
from opskit.flows.clean_up import Cleaned, Item, Leftovers
from opskit.flows.deploy import Deployment
from opskit.model import Metrics
from opskit.show.answer import Answer, Cell, Column, Table
from opskit.show.money import money
from opskit.show.train import endpoint_notes, guard_record, part_record


def deployed(done: Deployment) -> Answer:
    """The answer of ``deploy``."""
    data = {
        "endpoint": done.endpoint,
        "model": done.model,
        "instance_type": done.fleet.instance_type,
        "guard": guard_record(done.check),
        "parts": [part_record(done.part)] if done.part else [],
        "others": list(done.others),
        "running": running_records(done.running),
    }
    notes = money((done.part,)) if done.part else []
    if done.is_plan and done.model and not done.problems:
        verb = "would be made" if done.part else "is there already"
        fleet = f"{done.fleet.count} x {done.fleet.instance_type}"
        notes.append(f"The endpoint {done.model} on {fleet} {verb}. Nothing was changed.")
    if done.endpoint:
        notes += endpoint_notes(done.endpoint, done.workflow.word)
    notes += [f"The endpoint {name} of an older model bills too." for name in done.others]
    return Answer(data, done.exit, tuple(done.problems), notes=tuple(notes))


def predictions(
    endpoint: str, values: Sequence[float], truth: Sequence[float] | None = None, metrics: Metrics | None = None
) -> Answer:
    """The answer of ``predict``; for the test set with the ``truth`` beside it."""
    columns = [Column("Row", right=True), Column("Prediction", right=True)]
    rows = [[Cell(str(at)), Cell(f"{value:.2f}")] for at, value in enumerate(values, 1)]
    data: dict[str, Any] = {"endpoint": endpoint, "predictions": list(values)}
    notes: tuple[str, ...] = ()
    if truth is not None and metrics is not None:
        columns.append(Column("True", right=True))
        rows = [[*row, Cell(f"{value:.2f}")] for row, value in zip(rows, truth, strict=True)]
        data |= {"truth": list(truth), "metrics": {"rmse": metrics.rmse, "mae": metrics.mae, "r2": metrics.r2}}
        notes = (f"RMSE {metrics.rmse:.3f}  MAE {metrics.mae:.3f}  R2 {metrics.r2:.3f}",)
    table = Table(tuple(columns), tuple(tuple(row) for row in rows))
    return Answer(data, tables=(table,), notes=notes, records="predictions")


def cleanup_plan(left: Leftovers, local: Sequence[Path]) -> str:
    """What would be removed, for a prompt or a dry run."""
    lines = [f"Delete the {each.kind.replace('_', ' ')} {each.name}" for each in left.items]
    lines += [f"Delete {len(each.keys)} objects in s3://{each.bucket}/opskit/{left.workflow}/" for each in left.objects]
    return "\n".join([*lines, *(f"Delete the folder {path}" for path in local)])


def planned(left: Leftovers, local: Sequence[Path]) -> Answer:
    """The answer of ``cleanup --dry-run``."""
    problems = tuple(error.problem for error in left.unread)
    data = {"would_remove": _record(left.items, left, local), "left": _left(left, left.items)}
    plan = cleanup_plan(left, local) or f"There is nothing of '{left.workflow}' to remove."
    exit = ExitCode.PARTLY if problems else ExitCode.DONE
    return Answer(data, exit, problems, notes=(plan, "Nothing was changed.", *_staying(left, left.items)))


def cleaned(done: Cleaned, local: Sequence[Path]) -> Answer:
    """The answer of ``cleanup``."""
    left = done.left
    removed = {
        **_named(done.items),
        "objects": sum(len(each.keys) for each in done.objects),
        "local": [str(path) for path in local],
    }
    notes = [f"Deleted the {each.kind.replace('_', ' ')} {each.name}." for each in done.items]
    notes += [
        f"Deleted {len(each.keys)} objects in s3://{each.bucket}/opskit/{left.workflow}/." for each in done.objects
    ]
    notes += [f"Deleted the folder {path}." for path in local]
    if not notes and left.is_empty:
        notes = [f"There is nothing of '{left.workflow}' to remove in {left.region}."]
    data = {"removed": removed, "left": _left(left, done.items)}
    return Answer(data, done.exit, tuple(done.problems), notes=(*notes, *_staying(left, done.items)))


def _record(items: Sequence[Item], left: Leftovers, local: Sequence[Path]) -> dict[str, Any]:
    return {
        **_named(items),
        "objects": sum(len(each.keys) for each in left.objects),
        "local": [str(path) for path in local],
    }


def _named(items: Sequence[Item]) -> dict[str, list[str]]:
    return {f"{kind}s": [item.name for item in items if item.kind is kind] for kind in Removable}


def _left(left: Leftovers, gone: Sequence[Item]) -> dict[str, Any]:
    kept = [item for item in left.items if item not in gone]
    return {**_named(kept), "training_jobs": list(left.jobs), "running_jobs": [job.name for job in left.live_jobs]}


def _staying(left: Leftovers, gone: Sequence[Item]) -> list[str]:
    """What stays, and why that is no harm, or how to end it."""
    notes = [f"Left: the {item.kind.replace('_', ' ')} {item.name}." for item in left.items if item not in gone]
    for job in left.live_jobs:
        stop = stop_command(job)
        notes.append(f"Left: the {job.kind.words} {job.name} is in progress and bills. To stop it: {stop}")
    if left.jobs:
        count = f"{len(left.jobs)} training job{'s' if len(left.jobs) > 1 else ''}"
        notes.append(f"Left: the records and logs of {count}, which cost next to nothing; the bucket.")
    return notes
