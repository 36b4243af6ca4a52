"""The names of jobs. Running the same thing twice finds the first job instead of paying for a second.

A job's name is the workflow's name, a hash of whose it is and of what determines the model (data, split, algorithm,
hyperparameters, instances), and the number of the attempt. So two people who run one workflow in one account share no
job, and no model, endpoint or file either, which are named after it. Role and bucket are not hashed: they change where
a model is stored, not what it is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from opskit.core.job_statuses import JobStatus
from opskit.core.model import InstanceConfig
from opskit.core.tags import WORKFLOW
from opskit.training.rules.algorithms.table import algorithm_of
from opskit.training.rules.model import Workflow

# SageMaker's names end at 63 characters: 32 for the workflow, 10 for the hash, the rest for numbers.
_HASH_LENGTH = 10

WORKFLOW_TAG = WORKFLOW
"""The tag of every resource that opskit creates for a workflow; its value is the workflow's name. A name alone proves
nothing.
"""


@dataclass(frozen=True)
class Attach:
    """A job that is running: follow it."""

    is_new: ClassVar[bool] = False
    is_completed: ClassVar[bool] = False
    name: str


@dataclass(frozen=True)
class Reuse:
    """A job that is completed: nothing is left to pay for."""

    is_new: ClassVar[bool] = False
    is_completed: ClassVar[bool] = True
    name: str


@dataclass(frozen=True)
class Create:
    """A job to be created. ``previous`` is the attempt before it and its status; None for the first."""

    is_new: ClassVar[bool] = True
    is_completed: ClassVar[bool] = False
    name: str
    previous: tuple[str, JobStatus] | None = None


JobAction = Attach | Reuse | Create
"""What a run does about a job: whether it ``is_new``, and whether it ``is_completed`` already, each says itself."""


def base_name(workflow: Workflow, config: InstanceConfig, owner: str) -> str:
    """The workflow's name and a hash of everything that determines the model, how it is trained, and whose it is."""
    inputs = {
        "owner": owner,
        "data": workflow.sha256,
        "skip_lines": workflow.skip_lines,
        "target": workflow.target,
        "split": [workflow.split.test, workflow.split.validation, workflow.split.seed],
        "instances": [config.instance_type, config.count],
        **algorithm_of(workflow).hashed_inputs(workflow),
        **_later_inputs(workflow, config),
    }
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    return f"{workflow.name}-{digest[:_HASH_LENGTH]}"


def _later_inputs(workflow: Workflow, config: InstanceConfig) -> dict[str, object]:
    """What workflows could not say at first. It is hashed only where it is said, so that jobs keep their names."""
    inputs: dict[str, object] = {
        "classes": [workflow.task.value, workflow.positive] if workflow.task.has_classes else None,
        "ignore": sorted(workflow.ignore),
        "environment": dict(workflow.settings.environment),
        "any_of": list(config.preferences),
    }
    return {name: value for name, value in inputs.items() if value}


def choose_job(stem: str, jobs: Mapping[str, JobStatus], *, again: bool, usable: Collection[str] = ()) -> JobAction:
    """Follow a running job, reuse the newest completed one whose model still exists (``usable``), or start the next
    attempt.
    """
    attempts = list_attempts(stem, jobs)
    return _choose_action(attempts, jobs, f"{stem}-{_highest_number(attempts)}", () if again else usable)


def choose_transform(job: str, jobs: Mapping[str, JobStatus], usable: Collection[str] = ()) -> JobAction:
    """The same for the transforms of a training job: the first has its name, later ones an additional number."""
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
    """Whether a resource's name is one that opskit gives for this workflow."""
    return re.fullmatch(rf"{re.escape(workflow)}-[0-9a-f]{{{_HASH_LENGTH}}}-\d+(-\d+)?", name) is not None


def is_tagged_for(workflow: str, tags: Mapping[str, str]) -> bool:
    """Whether tags say that opskit created a resource for this workflow."""
    return tags.get(WORKFLOW_TAG) == workflow


def training_job_of(name: str) -> str:
    """The training job that a resource with such a name belongs to: models and endpoints have the job's own name, later
    configurations and transforms an additional number.
    """
    match = re.fullmatch(rf"(.*-[0-9a-f]{{{_HASH_LENGTH}}}-\d+)-\d+", name)
    return match[1] if match else name


def list_attempts(stem: str, names: Collection[str]) -> list[str]:
    """The attempts with this base name among names, newest first."""
    attempts = [name for name in names if re.fullmatch(rf"{re.escape(stem)}-\d+", name)]
    return sorted(attempts, key=_attempt_number, reverse=True)


def _highest_number(attempts: list[str]) -> int:
    return _attempt_number(attempts[0]) + 1 if attempts else 1


def _attempt_number(name: str) -> int:
    return int(name.rpartition("-")[2])
