"""What a run is called. Asking twice for the same thing finds the first job instead of paying for a second.

A job's name is the workflow's, a hash of what decides the model (data, split, algorithm, hyperparameters, instances),
and the attempt. Role and bucket are not in the hash: they change where a model lies, not what it is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from opskit.core.aws_statuses import JobStatus
from opskit.core.model import InstanceConfig
from opskit.training.rules.model import Workflow

_HASH_LENGTH = 10

WORKFLOW_TAG = "opskit:workflow"
"""On everything that opskit makes for a workflow; its value is the workflow's name. A name alone proves nothing."""


@dataclass(frozen=True)
class Attach:
    """A job that is in progress: watch it."""

    name: str


@dataclass(frozen=True)
class Reuse:
    """A job that is completed: nothing is left to pay for."""

    name: str


@dataclass(frozen=True)
class Create:
    """A job to be made. ``previous`` is the attempt before it and how that ended; None for the first."""

    name: str
    previous: tuple[str, JobStatus] | None = None


JobAction = Attach | Reuse | Create


def base_name(workflow: Workflow, config: InstanceConfig) -> str:
    """The workflow's name and a hash of everything that decides what comes out and what it is trained on."""
    inputs = {
        "data": workflow.sha256,
        "skip_lines": workflow.skip_lines,
        "target": workflow.target,
        "split": [workflow.split.test, workflow.split.validation, workflow.split.seed],
        "image": [workflow.framework, workflow.version],
        "hyperparameters": dict(workflow.hyperparameters),
        "instances": [config.instance_type, config.count],
    }
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    return f"{workflow.name}-{digest[:_HASH_LENGTH]}"


def choose_job(stem: str, jobs: Mapping[str, JobStatus], *, again: bool, usable: Collection[str] = ()) -> JobAction:
    """Follow what runs, show the newest completed job whose model is still there (``usable``), or start the next
    attempt.
    """
    attempts = list_attempts(stem, jobs)
    return _choose_action(attempts, jobs, f"{stem}-{_highest_number(attempts)}", () if again else usable)


def choose_transform(job: str, jobs: Mapping[str, JobStatus], usable: Collection[str] = ()) -> JobAction:
    """The same for the transforms of a training job: the first has its name, later ones a number behind it."""
    later = list_attempts(job, jobs)
    attempts = later + [job] * (job in jobs)
    number = max(2, _highest_number(later))
    return _choose_action(attempts, jobs, f"{job}-{number}" if attempts else job, usable)


def _choose_action(attempts: list[str], jobs: Mapping[str, JobStatus], new: str, usable: Collection[str]) -> JobAction:
    live = [name for name in attempts if not jobs[name].is_finished]
    if live:
        return Attach(live[0])
    shown = [name for name in attempts if jobs[name].is_completed and name in usable]
    if shown:
        return Reuse(shown[0])
    return Create(new, (attempts[0], jobs[attempts[0]]) if attempts else None)


def is_owned_name(workflow: str, name: str) -> bool:
    """Whether a resource's name is one that opskit gave for this workflow."""
    return re.fullmatch(rf"{re.escape(workflow)}-[0-9a-f]{{{_HASH_LENGTH}}}-\d+(-\d+)?", name) is not None


def is_tagged_for(workflow: str, tags: Mapping[str, str]) -> bool:
    """Whether tags say that opskit made something for this workflow."""
    return tags.get(WORKFLOW_TAG) == workflow


def training_job_of(name: str) -> str:
    """The training job that a resource of such a name hangs together with: models and endpoints have the job's own
    name, later configurations and transforms a number behind it.
    """
    found = re.fullmatch(rf"(.*-[0-9a-f]{{{_HASH_LENGTH}}}-\d+)-\d+", name)
    return found[1] if found else name


def list_attempts(stem: str, names: Collection[str]) -> list[str]:
    """The attempts at a stem among names, the newest first."""
    ours = [name for name in names if re.fullmatch(rf"{re.escape(stem)}-\d+", name)]
    return sorted(ours, key=_attempt_number, reverse=True)


def _highest_number(attempts: list[str]) -> int:
    return _attempt_number(attempts[0]) + 1 if attempts else 1


def _attempt_number(name: str) -> int:
    return int(name.rpartition("-")[2])
