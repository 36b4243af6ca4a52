"""The text that names what is still running when a command ends early, and how to stop it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from opskit.core.exceptions import Problem
from opskit.core.live_resources import LiveResource, ResourceKind

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
