"""The values of the training feature: a workflow, its task, its split ratios, and what its jobs are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from opskit.core.model import InstanceConfig


class Task(StrEnum):
    """What a model predicts: a number, one of two classes, or one of several."""

    REGRESSION = "regression"
    BINARY = "binary"
    MULTICLASS = "multiclass"

    @property
    def has_classes(self) -> bool:
        """Whether the target holds classes rather than numbers on a scale."""
        match self:
            case Task.BINARY | Task.MULTICLASS:
                return True
            case Task.REGRESSION:
                return False


@dataclass(frozen=True)
class SplitRatios:
    """How a workflow's rows are split: the share of the test set, then the validation set's share of the rest."""

    test: float
    validation: float
    seed: int


@dataclass(frozen=True)
class JobSettings:
    """What an organisation's policy may demand of jobs, models and endpoints.

    ``volume_kms_key`` encrypts the volumes, ``s3_kms_key`` what is written to S3; None: AWS's default. ``tags`` come
    beside opskit's own. ``environment`` are variables of the training container. ``keep_alive_seconds`` is how long the
    instances stay as a warm pool after the training, which is billed; None: not at all.
    """

    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    network_isolation: bool = False
    volume_kms_key: str | None = None
    s3_kms_key: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    keep_alive_seconds: int | None = None


@dataclass(frozen=True)
class Workflow:
    """A workflow: data, split, algorithm, instances. ``folder`` holds its files, and ``cli_ref`` names it on the
    command line: its name if opskit or a package provides it, else its folder as it was typed.

    ``data_file`` is relative to ``folder``; ``skip_lines`` is the number of lines above the header; ``volume_gb`` is
    the size of the training volume. ``ignore`` are columns that are left out, ``keep`` columns that look like an index
    and are features all the same. ``positive`` is the class that counts as 1 in a binary classification; None: the
    last in order.
    """

    name: str
    cli_ref: str
    title: str
    folder: str
    data_file: str
    sha256: str
    skip_lines: int
    target: str
    split: SplitRatios
    framework: str
    version: str
    hyperparameters: tuple[tuple[str, str], ...]
    training: InstanceConfig
    transform: InstanceConfig
    endpoint: InstanceConfig
    volume_gb: int
    task: Task = Task.REGRESSION
    ignore: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    positive: str | None = None
    settings: JobSettings = field(default_factory=JobSettings)


@dataclass(frozen=True)
class TrainingFiles:
    """Where a training job reads (channel name to S3 URI) and writes: the S3 URI above its model."""

    channels: Mapping[str, str]
    output_uri: str
