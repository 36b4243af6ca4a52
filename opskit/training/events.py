"""Progress events of a workflow's run, as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opskit.core.cost import CostItem
from opskit.core.events import Message, ReadFailed
from opskit.core.live_resources import ResourceKind
from opskit.core.model import InstanceConfig
from opskit.training.rules.job_names import JobAction


@dataclass(frozen=True)
class CostEstimated:
    """What this run is about to pay for; empty if everything exists already."""

    parts: tuple[CostItem, ...]


@dataclass(frozen=True)
class JobSelected:
    """The job that this run starts, follows or reuses, and its instances."""

    resource_kind: ResourceKind
    action: JobAction
    config: InstanceConfig


@dataclass(frozen=True)
class Uploaded:
    """An object was uploaded."""

    uri: str
    size_bytes: int


@dataclass(frozen=True)
class StatusChanged:
    """The status of a resource has changed."""

    resource_kind: ResourceKind
    name: str
    status: str


@dataclass(frozen=True)
class LogLine:
    """A line of a job's log."""

    text: str


@dataclass(frozen=True)
class RowsPredicted:
    """So many rows of a file have their predictions."""

    done: int
    total: int


RunEvent = CostEstimated | JobSelected | Uploaded | StatusChanged | LogLine | RowsPredicted | ReadFailed | Message
RunEventSink = Callable[[RunEvent], None]


def deduplicate_events(emit: RunEventSink) -> RunEventSink:
    """A sink that passes events on, but a status or a failed read only if it differs from the last one of the same
    name.
    """
    last: dict[tuple[type, str], RunEvent] = {}

    def emit_changes(event: RunEvent) -> None:
        match event:
            case StatusChanged(name=subject) | ReadFailed(subject=subject):
                if last.get((type(event), subject)) == event:
                    return
                last[type(event), subject] = event
            case CostEstimated() | JobSelected() | Uploaded() | LogLine() | RowsPredicted() | Message():
                pass
        emit(event)

    return emit_changes
