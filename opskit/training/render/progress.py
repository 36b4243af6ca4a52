"""Progress of a run for people: its jobs, its log, and its rounds of training."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from typing import assert_never

from opskit.core.events import Message, ReadFailed
from opskit.core.live_resources import ResourceKind
from opskit.output.cost import cost_lines
from opskit.output.progress import Stage, format_event, watch_stages
from opskit.output.screen import Screen
from opskit.training.events import (
    CostEstimated,
    JobSelected,
    LogLine,
    RowsPredicted,
    RunEvent,
    RunEventSink,
    StatusChanged,
    Uploaded,
)
from opskit.training.rules.algorithms.algorithm import TrainingRound
from opskit.training.rules.algorithms.table import algorithm_of
from opskit.training.rules.job_names import Attach, Create, Reuse
from opskit.training.rules.model import Workflow


def watch_run(screen: Screen, workflow: Workflow) -> AbstractContextManager[RunEventSink]:
    """A sink that shows a run's events, and the rounds of training as the workflow's algorithm tells them."""
    return watch_stages(screen, format_run_event, partial(_run_stage, workflow))


def format_run_event(event: RunEvent) -> str:
    """An event as a line; an empty one is not shown."""
    match event:
        case CostEstimated(cost_items):
            return "\n".join(cost_lines(cost_items))
        case JobSelected():
            return _format_selection(event)
        case Uploaded(uri, size):
            return f"Uploaded {uri} ({size:,} bytes)."
        case StatusChanged(kind, name, state):
            return f"{name}: {_STATUS_PREFIXES[kind]}{state}"
        case LogLine(text):
            return f"  {text}"
        case RowsPredicted():
            return ""  # a bar on a terminal says it; elsewhere the answer does
        case ReadFailed() | Message():
            return format_event(event)
        case _:
            assert_never(event)


_STAGE_NAMES = {
    ResourceKind.TRAINING_JOB: "Training",
    ResourceKind.TRANSFORM_JOB: "Batch transform",
    ResourceKind.ENDPOINT: "Endpoint",
    ResourceKind.NOTEBOOK: "Notebook",
}


_STATUS_PREFIXES = {
    ResourceKind.TRAINING_JOB: "",
    ResourceKind.TRANSFORM_JOB: "transform ",
    ResourceKind.ENDPOINT: "endpoint ",
    ResourceKind.NOTEBOOK: "notebook ",
}


def _format_selection(event: JobSelected) -> str:
    config, name = event.config, event.action.name
    match event.action:
        case Create(_, after):
            again = f" The attempt before, {after[0]}, is {after[1].value.lower()}." if after else ""
            return f"{_STAGE_NAMES[event.resource_kind]} {name} on {config.count} x {config.types_text}.{again}"
        case Attach():
            return f"The {event.resource_kind.label} {name} is in progress already; following it."
        case Reuse():
            return f"The {event.resource_kind.label} {name} already exists: nothing is paid for twice."
        case _:
            assert_never(event.action)


def _run_stage(workflow: Workflow, event: RunEvent) -> Stage | None:
    match event:
        case LogLine(text):
            algorithm = algorithm_of(workflow)
            round_ = algorithm.parse_log_line(text)
            planned = algorithm.planned_rounds(workflow)
            return Stage(_format_scores(round_), round_.number + 1, planned) if round_ else None
        case RowsPredicted(done, total):
            return Stage(f"{done:,} of {total:,} rows", done, total)
        case JobSelected(kind):
            return Stage(_STAGE_NAMES[kind])
        case StatusChanged(kind, status=status):
            return Stage(f"{_STAGE_NAMES[kind]}: {status}")
        case CostEstimated() | Uploaded() | ReadFailed() | Message():
            return None


def _format_scores(round_: TrainingRound) -> str:
    return "  ".join([f"round {round_.number}", *(f"{name} {value:g}" for name, value in round_.scores.items())])
