"""What is left running when a command ends early, and how to stop it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from opskit.errors import Problem


class Kind(StrEnum):
    """What can be left running, in the AWS CLI's words."""

    TRAINING_JOB = "training-job"
    TRANSFORM_JOB = "transform-job"
    ENDPOINT = "endpoint"

    @property
    def words(self) -> str:
        """As people say it."""
        return self.value.replace("-", " ")


@dataclass(frozen=True)
class Running:
    """Something of ours that runs. ``sure`` is False while AWS has not answered whether it was made."""

    kind: Kind
    name: str
    sure: bool = False


def stop_command(running: Running, region: str, profile: str | None = None) -> str:
    """The AWS CLI command that ends it."""
    verb = "delete" if running.kind is Kind.ENDPOINT else "stop"
    words = ["aws", "sagemaker", f"{verb}-{running.kind}", f"--{running.kind}-name", running.name, "--region", region]
    return " ".join(words + (["--profile", profile] if profile else []))


def interrupted(running: Sequence[Running], region: str, profile: str | None) -> Problem:
    """What to say when the user pressed Ctrl-C."""
    if not running:
        return Problem("interrupted", "Interrupted. Nothing of this run is running.")
    return Problem("interrupted", f"Interrupted, but {_list(running)}.", _how_to_stop(running, region, profile), region)


def still_running(running: Sequence[Running], region: str, profile: str | None) -> Problem:
    """What to say when opskit cannot go on, but AWS does."""
    told = _list(running)
    text = f"{told[0].upper()}{told[1:]}."
    return Problem("still-running", text, _how_to_stop(running, region, profile), region)


def _list(running: Sequence[Running]) -> str:
    return " and ".join(
        f"the {each.kind.words} {each.name} {'is still running' if each.sure else 'may be running'}" for each in running
    )


def _how_to_stop(running: Sequence[Running], region: str, profile: str | None) -> str:
    commands = "; ".join(stop_command(each, region, profile) for each in running)
    later = " (AWS refuses that while the endpoint is being made; opskit cleanup waits for it)"
    note = later if any(each.kind is Kind.ENDPOINT for each in running) else ""
    return f"To stop: {commands}{note}. To go on: the same opskit command again."
