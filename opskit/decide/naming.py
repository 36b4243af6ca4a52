"""What a run is called. Asking twice for the same thing finds the first job instead of paying for a second."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from opskit.model import Fleet, JobStatus, Workflow

_HASH_LENGTH = 10


@dataclass(frozen=True)
class Follow:
    """A job that is in progress: watch it."""

    name: str


@dataclass(frozen=True)
class Show:
    """A job that is completed: nothing is left to pay for."""

    name: str


@dataclass(frozen=True)
class Start:
    """A job to be made."""

    name: str


Next = Follow | Show | Start


def stem(workflow: Workflow, fleet: Fleet) -> str:
    """The workflow's name and a hash of everything that decides what comes out and what it is trained on."""
    inputs = {
        "data": workflow.sha256,
        "skip_lines": workflow.skip_lines,
        "target": workflow.target,
        "split": [workflow.split.test, workflow.split.validation, workflow.split.seed],
        "image": [workflow.framework, workflow.version],
        "hyperparameters": dict(workflow.hyperparameters),
        "instances": [fleet.instance_type, fleet.count],
    }
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    return f"{workflow.name}-{digest[:_HASH_LENGTH]}"


def next_job(stem: str, jobs: Mapping[str, JobStatus], *, again: bool, usable: Iterable[str] = ()) -> Next:
    """Follow what runs, show the newest completed job whose model is still there (``usable``), or start the next
    attempt.
    """
    attempts = _attempts(stem, jobs)
    for name in attempts:
        if not jobs[name].is_over:
            return Follow(name)
    kept = set(usable)
    completed = [name for name in attempts if jobs[name] is JobStatus.COMPLETED and name in kept]
    if completed and not again:
        return Show(completed[0])
    newest = _number(attempts[0]) if attempts else 0
    return Start(f"{stem}-{newest + 1}")


def belongs_to(workflow: str, name: str) -> bool:
    """Whether a resource's name is one that opskit gave for this workflow."""
    return re.fullmatch(rf"{re.escape(workflow)}-[0-9a-f]{{{_HASH_LENGTH}}}-\d+(-\d+)?", name) is not None


def _attempts(stem: str, jobs: Mapping[str, JobStatus]) -> list[str]:
    """The attempts among the jobs, the newest first."""
    ours = [name for name in jobs if re.fullmatch(rf"{re.escape(stem)}-\d+", name)]
    return sorted(ours, key=_number, reverse=True)


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])
