"""Resources that keep running, and billing, if a command ends early, and how to stop them.

Every write that creates such a resource goes through the journal (``state/journal.py``), which records it here before
the write is sent. Code that watches a resource records what it reads. So however a command ends, ``cli/command.py`` can
name what is still running, without any command having to remember it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from opskit.core.exceptions import Problem


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


NOTHING_RUNS = Problem("interrupted", "Interrupted. Nothing of this run is running.")
"""The message for Ctrl-C when the run left nothing running."""


def aws_stop_command(running: LiveResource, profile: str | None = None) -> str:
    """The AWS CLI command that ends a resource."""
    arguments = ["aws", "sagemaker", f"{running.kind.stop_verb}-{running.kind}", f"--{running.kind}-name", running.name]
    # Quoted for a shell, since people paste it: the name and the profile come from outside.
    return shlex.join([*arguments, "--region", running.region, *(["--profile", profile] if profile else [])])


def interrupted_problem(running: Sequence[LiveResource], profile: str | None) -> Problem:
    """The message for Ctrl-C when something is still running."""
    text = f"Interrupted, but {_join_resource_names(running)}."
    return Problem("interrupted", text, _stop_commands(running, profile), running[0].region)


def still_running_problem(running: Sequence[LiveResource], profile: str | None) -> Problem:
    """The message when opskit cannot go on while resources keep running."""
    sentence = _join_resource_names(running)
    text = f"{sentence[0].upper()}{sentence[1:]}."
    return Problem("still-running", text, _stop_commands(running, profile), running[0].region)


def running_records(running: Sequence[LiveResource]) -> list[dict[str, str | bool]]:
    """What is left running, for JSON."""
    return [
        {"kind": live_resource.kind.value, "name": live_resource.name, "sure": live_resource.confirmed}
        for live_resource in running
    ]


def _join_resource_names(running: Sequence[LiveResource]) -> str:
    return " and ".join(
        f"the {live_resource.kind.label} {live_resource.name} "
        f"{'is still running' if live_resource.confirmed else 'may be running'}"
        for live_resource in running
    )


# What to expect while the resource is still starting: AWS refuses these calls then.
_REFUSED_MEANWHILE = {
    ResourceKind.TRAINING_JOB: "",
    ResourceKind.TRANSFORM_JOB: "",
    ResourceKind.ENDPOINT: "AWS refuses that while the endpoint is being made; opskit cleanup waits for it",
    ResourceKind.NOTEBOOK: "AWS refuses that until the notebook instance is in service",
}


def _stop_commands(running: Sequence[LiveResource], profile: str | None) -> str:
    commands = "; ".join(aws_stop_command(live_resource, profile) for live_resource in running)
    kinds = dict.fromkeys(live_resource.kind for live_resource in running)
    notes = "; ".join(_REFUSED_MEANWHILE[kind] for kind in kinds if _REFUSED_MEANWHILE[kind])
    return f"To stop: {commands}{f' ({notes})' if notes else ''}. To resume, run the same command again."
