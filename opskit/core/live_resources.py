"""What goes on at AWS, and bills, when a command ends early: noted where it is made, forgotten where it is seen to end.

Every write that makes something that runs passes through the journal (``state/journal.py``), which notes it here before
it is sent. Who watches a thing notes what it sees. So whatever ends a command, and wherever, the front door
(``cli/command.py``) can name what is left, and no command has to remember to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class ResourceKind(StrEnum):
    """What can be left running, in the AWS CLI's words."""

    TRAINING_JOB = "training-job"
    TRANSFORM_JOB = "transform-job"
    ENDPOINT = "endpoint"
    NOTEBOOK = "notebook-instance"

    @property
    def label(self) -> str:
        """As people say it."""
        return self.value.replace("-", " ")

    @property
    def stop_verb(self) -> str:
        """How the AWS CLI calls what ends it."""
        match self:
            case ResourceKind.TRAINING_JOB | ResourceKind.TRANSFORM_JOB | ResourceKind.NOTEBOOK:
                return "stop"
            case ResourceKind.ENDPOINT:
                return "delete"


@dataclass(frozen=True)
class LiveResource:
    """Something of ours that runs. ``confirmed`` is False while AWS has not answered whether it was made;
    ``reached`` tells that it is as it was asked for: then it is the command's result, and no accident.
    """

    kind: ResourceKind
    name: str
    region: str
    confirmed: bool = False
    reached: bool = False


@dataclass
class LiveResources:
    """All that a connection has made or watches and that has not ended. Several threads may note at once: each touch
    of the dict is one step of Python's own.
    """

    _found: dict[tuple[ResourceKind, str, str], LiveResource] = field(default_factory=dict)

    def note_running(self, running: LiveResource) -> None:
        """What is known of one thing now, in place of what was known before."""
        self._found[running.kind, running.name, running.region] = running

    def note_reached(self, kind: ResourceKind, name: str, region: str) -> None:
        """It is there, as it was asked for."""
        self.note_running(LiveResource(kind, name, region, confirmed=True, reached=True))

    def note_ended(self, kind: ResourceKind, name: str, region: str) -> None:
        """It has ended, was refused, or is on its way out: nobody has to stop it."""
        self._found.pop((kind, name, region), None)

    def running_resources(self, *, unreached: bool = False) -> tuple[LiveResource, ...]:
        """Everything that runs or may run, the oldest first; ``unreached``: without what is as it was asked for."""
        return tuple(
            live_resource for live_resource in tuple(self._found.values()) if not (unreached and live_resource.reached)
        )
