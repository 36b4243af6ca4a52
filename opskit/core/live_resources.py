"""Resources that keep running, and billing, if a command ends early.

Every write that creates such a resource goes through the journal (``state/journal.py``), which records it here before
the write is sent. Code that watches a resource records what it reads. So however a command ends, ``cli/command.py`` can
name what is still running, without any command having to remember it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class ResourceKind(StrEnum):
    """The resources that can be left running, as the AWS CLI calls them."""

    TRAINING_JOB = "training-job"
    TRANSFORM_JOB = "transform-job"
    ENDPOINT = "endpoint"
    NOTEBOOK = "notebook-instance"

    @property
    def label(self) -> str:
        """The resource as people write it."""
        return self.value.replace("-", " ")

    @property
    def stop_verb(self) -> str:
        """The AWS CLI verb that ends it."""
        match self:
            case ResourceKind.TRAINING_JOB | ResourceKind.TRANSFORM_JOB | ResourceKind.NOTEBOOK:
                return "stop"
            case ResourceKind.ENDPOINT:
                return "delete"


@dataclass(frozen=True)
class LiveResource:
    """A running resource. ``confirmed`` is False until AWS has confirmed its creation; ``reached`` tells that it is in
    the requested state, and so is the command's result rather than a leftover.
    """

    kind: ResourceKind
    name: str
    region: str
    confirmed: bool = False
    reached: bool = False


@dataclass
class LiveResources:
    """The resources that a session has created or watches and that have not ended.

    Threads may record concurrently: each change is a single dict operation, which is atomic in CPython.
    """

    _resources: dict[tuple[ResourceKind, str, str], LiveResource] = field(default_factory=dict)

    def note_running(self, running: LiveResource) -> None:
        """Record what is known of a resource now."""
        self._resources[running.kind, running.name, running.region] = running

    def note_reached(self, kind: ResourceKind, name: str, region: str) -> None:
        """Record that a resource is in the requested state."""
        self.note_running(LiveResource(kind, name, region, confirmed=True, reached=True))

    def note_ended(self, kind: ResourceKind, name: str, region: str) -> None:
        """Record that a resource has ended, was refused, or is ending: nobody has to stop it."""
        self._resources.pop((kind, name, region), None)

    def running_resources(self, *, unreached: bool = False) -> tuple[LiveResource, ...]:
        """All resources that run or may run, oldest first; ``unreached`` leaves out those in their requested state."""
        return tuple(
            live_resource
            for live_resource in tuple(self._resources.values())
            if not (unreached and live_resource.reached)
        )
