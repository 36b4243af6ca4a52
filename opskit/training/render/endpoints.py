"""The results of ``deploy``, ``predict`` and ``cleanup`` for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opskit.core.cost import usd_per_day
from opskit.core.exceptions import ExitCode
from opskit.core.live_resources import aws_stop_command, running_records
from opskit.core.model import InstanceConfig, Unknown
from opskit.core.owners import made_for_record, made_for_text
from opskit.guards.render.guard import guard_record, why_skipped
from opskit.output.cost import cost_lines
from opskit.output.result import Cell, Column, CommandResult, Table
from opskit.training.flows.cleanup import CleanupResult
from opskit.training.flows.deploy import Deployment
from opskit.training.flows.predict_file import FilePredictions
from opskit.training.render.scores import format_scores, score_lines, scores_record, shown_numbers
from opskit.training.render.train import cost_item_record, endpoint_notes, left_out_notes, left_out_records
from opskit.training.rules.model import Workflow
from opskit.training.rules.scores import Outputs, Scores, class_probabilities, predicted_classes
from opskit.training.rules.workflow_resources import (
    OBJECTS,
    DeletableKind,
    KeptResource,
    ResourceRef,
    S3Objects,
    WorkflowResources,
)


def deploy_result(done: Deployment) -> CommandResult:
    """The result of ``deploy``."""
    data = {
        "endpoint": done.endpoint,
        "model": done.model,
        "instance_type": None if isinstance(done.fleet, Unknown) else done.fleet.instance_type,
        "any_of": [] if isinstance(done.fleet, Unknown) else list(done.fleet.preferences),
        "left_out": left_out_records(done.left_out),
        "guard": guard_record(done.check, why_skipped(guard=done.guard, exists=done.exists)),
        "parts": [cost_item_record(done.cost_item)] if done.cost_item else [],
        "others": list(done.notes),
        "owner": made_for_record(done.owner),
        "running": running_records(done.running),
        "deployed_until": done.until,
        "usd_per_day": usd_per_day((done.bills,)) if done.bills else None,
        "stop_with": f"opskit cleanup {done.workflow.cli_ref}" if done.endpoint else None,
    }
    notes = cost_lines((done.cost_item,)) if done.cost_item else []
    if done.is_plan and done.model and not done.problems:
        verb = "is there already" if done.exists else "would be made"
        told = f"The endpoint {done.model} on {_fleet_text(done.fleet)} {verb}."
        notes.append(f"{told} {made_for_text(done.owner)} Nothing was changed.")
    if done.endpoint:
        notes += endpoint_notes(done.endpoint, done.workflow.cli_ref, done.bills)
    if done.until and (done.endpoint or done.is_plan):
        notes.append(
            f"It is meant until {done.until:%Y-%m-%d %H:%M} UTC. Then `opskit endpoint stop --idle` stops it "
            "after an hour without a request."
        )
    notes += left_out_notes(done.left_out)
    notes += [f"The endpoint {name} of an older model bills too." for name in done.notes]
    return CommandResult(data, done.exit, tuple(done.problems), notes=tuple(notes))


def _fleet_text(fleet: InstanceConfig | Unknown) -> str:
    if isinstance(fleet, Unknown):
        return f"instances that are not known ({fleet.reason})"
    return f"{fleet.count} x {fleet.types_text}"


def predict_result(
    workflow: Workflow,
    endpoint: str,
    outputs: Outputs,
    classes: Sequence[str] = (),
    truth: Sequence[float] = (),
    scores: Scores | None = None,
) -> CommandResult:
    """The result of ``predict``; for the test set with the true values beside the predictions."""
    predictions = prediction_values(workflow, outputs, classes)
    data: dict[str, Any] = {
        "endpoint": endpoint,
        "task": workflow.task.value,
        "predictions": predictions,
        "rows": len(predictions),
        "out": None,
    }
    columns = [Column("Row", right=True), Column("Prediction", right=True)]
    rows = [[Cell(str(at)), Cell(_shown_value(value))] for at, value in enumerate(predictions, 1)]
    if probabilities := class_probabilities(workflow.task, outputs, len(classes)):
        data |= {"class_names": list(classes), "probabilities": [list(row) for row in probabilities]}
        columns.append(Column("Probability", right=True))
        rows = [[*row, Cell(f"{max(each):.3f}")] for row, each in zip(rows, probabilities, strict=True)]
    notes: tuple[str, ...] = ()
    if scores is not None:
        true_values: list[float | str] = [classes[int(label)] if classes else label for label in truth]
        columns.append(Column("True", right=True))
        rows = [[*row, Cell(_shown_value(value))] for row, value in zip(rows, true_values, strict=True)]
        data |= {"truth": true_values, **scores_record(scores)}
        notes = (format_scores(scores.metrics), *score_lines(scores))
    table = Table(tuple(columns), tuple(tuple(row) for row in rows))
    return CommandResult(data, tables=(table,), notes=notes, records="predictions")


def file_predictions_result(workflow: Workflow, done: FilePredictions, classes: Sequence[str]) -> CommandResult:
    """The result of ``predict`` for a file."""
    if done.written is None:
        return predict_result(workflow, done.endpoint, done.outputs, classes)
    data: dict[str, Any] = {
        "endpoint": done.endpoint,
        "task": workflow.task.value,
        "predictions": [],
        "rows": done.rows,
        "out": str(done.written.resolve()),
    }
    return CommandResult(data, notes=(f"{done.rows} rows with their predictions: {done.written}",))


def prediction_values(workflow: Workflow, outputs: Outputs, classes: Sequence[str]) -> list[float | str]:
    """What is predicted for each row: a number, or the name of a class."""
    if workflow.task.has_classes:
        return [classes[each] for each in predicted_classes(workflow.task, outputs, len(classes))]
    return [*shown_numbers(outputs)]


def _shown_value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.2f}"


def cleanup_prompt(resources: WorkflowResources, local: Sequence[Path]) -> str:
    """What would be deleted, for a prompt or a dry run."""
    lines = [f"Delete the {resource_ref.resource_kind.label} {resource_ref.name}" for resource_ref in resources.items]
    if resources.going:
        lines.append(f"Wait until {', '.join(resources.going)} is gone")
    lines += [f"Delete {len(s3_objects.keys)} objects in {s3_objects.uri}" for s3_objects in resources.objects]
    return "\n".join([*lines, *(f"Delete the folder {path}" for path in local)])


def cleanup_plan_result(resources: WorkflowResources, local: Sequence[Path]) -> CommandResult:
    """The result of ``cleanup --dry-run``."""
    problems = tuple(error.problem for error in resources.read_errors)
    data = {
        "would_remove": _removed_record(resources.items, resources.objects, local),
        "left": _left_record(resources, resources.staying),
        "owner": made_for_record(resources.scope.owner),
        "reasons": _kept_records(resources.staying),
    }
    plan = cleanup_prompt(resources, local) or f"There is nothing to remove for '{resources.workflow}'."
    exit = ExitCode.AWS_ERROR if resources.saw_nothing else ExitCode.PARTIAL if problems else ExitCode.OK
    return CommandResult(
        data, exit, problems, notes=(plan, "Nothing was changed.", *kept_notes(resources, resources.staying))
    )


def cleanup_result(done: CleanupResult, local: Sequence[Path]) -> CommandResult:
    """The result of ``cleanup``."""
    resources, staying = done.resources, tuple(done.staying.values())
    notes = [f"Deleted the {resource_ref.resource_kind.label} {resource_ref.name}." for resource_ref in done.items]
    notes += [f"Deleted {len(s3_objects.keys)} objects in {s3_objects.uri}." for s3_objects in done.objects]
    notes += [f"Deleted the folder {path}." for path in local]
    if not notes and resources.is_empty:
        notes = [f"There is nothing to remove for '{resources.workflow}' in {resources.region}."]
    kept = [item for item in resources.items if item not in done.items]
    data = {
        "removed": _removed_record(done.items, done.objects, local),
        "left": _left_record(
            resources, [*staying, *(KeptResource(item.resource_kind, item.name, "") for item in kept)]
        ),
        "owner": made_for_record(resources.scope.owner),
        "reasons": _kept_records(staying),
    }
    return CommandResult(data, done.exit, done.problems, notes=(*notes, *kept_notes(resources, staying)))


def _removed_record(
    items: Sequence[ResourceRef], objects: Sequence[S3Objects], local: Sequence[Path]
) -> dict[str, Any]:
    named = {f"{kind}s": [item.name for item in items if item.resource_kind is kind] for kind in DeletableKind}
    return {
        **named,
        "objects": sum(len(s3_objects.keys) for s3_objects in objects),
        "local": [str(path) for path in local],
    }


def _left_record(resources: WorkflowResources, staying: Sequence[KeptResource]) -> dict[str, Any]:
    named = {
        f"{kind}s": list(
            dict.fromkeys(kept_resource.name for kept_resource in staying if kept_resource.resource_kind == kind)
        )
        for kind in DeletableKind
    }
    objects = sum(kept_resource.count for kept_resource in staying if kept_resource.resource_kind == OBJECTS)
    running = [job.name for job in resources.live_jobs]
    return {**named, "objects": objects, "training_jobs": list(resources.jobs), "running_jobs": running}


def _kept_records(staying: Sequence[KeptResource]) -> list[dict[str, Any]]:
    """Why each resource is left, for JSON."""
    return [
        {
            "kind": kept_resource.resource_kind,
            "name": kept_resource.name,
            "count": kept_resource.count,
            "because": kept_resource.reason,
        }
        for kept_resource in staying
    ]


def kept_notes(resources: WorkflowResources, staying: Sequence[KeptResource]) -> list[str]:
    """What stays, and why that is harmless, or how to end it."""
    notes = [f"Left: {_kept_text(kept_resource)}: {kept_resource.reason}." for kept_resource in staying]
    for job in resources.live_jobs:
        stop = aws_stop_command(job)
        notes.append(f"Left: the {job.kind.label} {job.name} is in progress and bills. To stop it: {stop}")
    if resources.jobs:
        count = f"{len(resources.jobs)} training job{'s' if len(resources.jobs) > 1 else ''}"
        notes.append(f"Left: the records and logs of {count}, which cost next to nothing; the bucket.")
    return notes


def _kept_text(kept_resource: KeptResource) -> str:
    if kept_resource.resource_kind == OBJECTS:
        return f"{kept_resource.count} object{'s' if kept_resource.count > 1 else ''} in {kept_resource.name}"
    return f"the {kept_resource.resource_kind.replace('_', ' ')} {kept_resource.name}"
