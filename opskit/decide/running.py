"""How to say what is left running when a command ends early, and how to stop it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from opskit.errors import Problem
from opskit.left_running import Kind, Running

NOTHING_RUNS = Problem("interrupted", "Interrupted. Nothing of this run is running.")
"""What to say when the user pressed Ctrl-C in a run that had nothing running."""


def stop_command(running: Running, profile: str | None = None) -> str:
    """The AWS CLI command that ends it."""
    verb = "delete" if running.kind is Kind.ENDPOINT else "stop"
    words = ["aws", "sagemaker", f"{verb}-{running.kind}", f"--{running.kind}-name", running.name]
    return shlex.join([*words, "--region", running.region, *(["--profile", profile] if profile else [])])


def interrupted(running: Sequence[Running], profile: str | None) -> Problem:
    """What to say when the user pressed Ctrl-C and something goes on."""
    text = f"Interrupted, but {_list(running)}."
    return Problem("interrupted", text, _how_to_stop(running, profile), running[0].region)


def still_running(running: Sequence[Running], profile: str | None) -> Problem:
    """What to say when opskit cannot go on, but AWS does."""
    told = _list(running)
    text = f"{told[0].upper()}{told[1:]}."
    return Problem("still-running", text, _how_to_stop(running, profile), running[0].region)


def running_records(running: Sequence[Running]) -> list[dict[str, str | bool]]:
    """What is left running, for programs."""
    return [{"kind": each.kind.value, "name": each.name, "sure": each.sure} for each in running]


def _list(running: Sequence[Running]) -> str:
    return " and ".join(
        f"the {each.kind.words} {each.name} {'is still running' if each.sure else 'may be running'}" for each in running
    )


_REFUSED_MEANWHILE = {
    Kind.ENDPOINT: "AWS refuses that while the endpoint is being made; opskit cleanup waits for it",
    Kind.NOTEBOOK: "AWS refuses that until the notebook instance is in service",
}


def _how_to_stop(running: Sequence[Running], profile: str | None) -> str:
    commands = "; ".join(stop_command(each, profile) for each in running)
    kinds = dict.fromkeys(each.kind for each in running)
    notes = "; ".join(_REFUSED_MEANWHILE[kind] for kind in kinds if kind in _REFUSED_MEANWHILE)
    return f"To stop: {commands}{f' ({notes})' if notes else ''}. To go on: the same opskit command again."
