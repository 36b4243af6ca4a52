"""Deployments, predictions and clean-ups, for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opskit.act.endpoints import Removable
from opskit.decide.running import running_records, stop_command
from opskit.errors import ExitCode
from opskit.flows.clean_up import Cleaned
from opskit.flows.deploy import Deployment
from opskit.flows.leftovers import OBJECTS, Item, Leftovers, Objects, Staying
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
    """What would be removed, and what would not, for a prompt or a dry run."""
    lines = [f"Delete the {each.kind.words} {each.name}" for each in left.items]
    if left.going:
        lines.append(f"Wait until {', '.join(left.going)} is gone")
    lines += [f"Delete {len(each.keys)} objects in {each.uri}" for each in left.objects]
    return "\n".join([*lines, *(f"Delete the folder {path}" for path in local)])


def planned(left: Leftovers, local: Sequence[Path]) -> Answer:
    """The answer of ``cleanup --dry-run``."""
    problems = tuple(error.problem for error in left.unread)
    data = {
        "would_remove": _removed_record(left.items, left.objects, local),
        "left": _left_record(left, left.staying),
        "reasons": _reasons(left.staying),
    }
    plan = cleanup_plan(left, local) or f"There is nothing of '{left.workflow}' to remove."
    exit = ExitCode.AWS if left.saw_nothing else ExitCode.PARTLY if problems else ExitCode.DONE
    return Answer(data, exit, problems, notes=(plan, "Nothing was changed.", *staying_notes(left, left.staying)))


def cleaned(done: Cleaned, local: Sequence[Path]) -> Answer:
    """The answer of ``cleanup``."""
    left, staying = done.left, tuple(done.staying.values())
    notes = [f"Deleted the {each.kind.words} {each.name}." for each in done.items]
    notes += [f"Deleted {len(each.keys)} objects in {each.uri}." for each in done.objects]
    notes += [f"Deleted the folder {path}." for path in local]
    if not notes and left.is_empty:
        notes = [f"There is nothing of '{left.workflow}' to remove in {left.region}."]
    kept = [item for item in left.items if item not in done.items]
    data = {
        "removed": _removed_record(done.items, done.objects, local),
        "left": _left_record(left, [*staying, *(Staying(item.kind, item.name, "") for item in kept)]),
        "reasons": _reasons(staying),
    }
    return Answer(data, done.exit, done.problems, notes=(*notes, *staying_notes(left, staying)))


def _removed_record(items: Sequence[Item], objects: Sequence[Objects], local: Sequence[Path]) -> dict[str, Any]:
    named = {f"{kind}s": [item.name for item in items if item.kind is kind] for kind in Removable}
    return {**named, "objects": sum(len(each.keys) for each in objects), "local": [str(path) for path in local]}


def _left_record(left: Leftovers, staying: Sequence[Staying]) -> dict[str, Any]:
    named = {f"{kind}s": list(dict.fromkeys(each.name for each in staying if each.kind == kind)) for kind in Removable}
    objects = sum(each.count for each in staying if each.kind == OBJECTS)
    running = [job.name for job in left.live_jobs]
    return {**named, "objects": objects, "training_jobs": list(left.jobs), "running_jobs": running}


def _reasons(staying: Sequence[Staying]) -> list[dict[str, Any]]:
    """Why each thing is left, for programs."""
    return [{"kind": each.kind, "name": each.name, "count": each.count, "because": each.because} for each in staying]


def staying_notes(left: Leftovers, staying: Sequence[Staying]) -> list[str]:
    """What stays, and why that is no harm, or how to end it."""
    notes = [f"Left: {_staying_words(each)}: {each.because}." for each in staying]
    for job in left.live_jobs:
        stop = stop_command(job)
        notes.append(f"Left: the {job.kind.words} {job.name} is in progress and bills. To stop it: {stop}")
    if left.jobs:
        count = f"{len(left.jobs)} training job{'s' if len(left.jobs) > 1 else ''}"
        notes.append(f"Left: the records and logs of {count}, which cost next to nothing; the bucket.")
    return notes


def _staying_words(each: Staying) -> str:
    if each.kind == OBJECTS:
        return f"{each.count} object{'s' if each.count > 1 else ''} in {each.name}"
    return f"the {each.kind.replace('_', ' ')} {each.name}"
