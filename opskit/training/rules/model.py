"""The values of the training feature: a workflow, its split ratios, its scores."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.core.model import InstanceConfig


@dataclass(frozen=True)
class SplitRatios:
    """How a workflow's rows are split: the share of the test set, then the validation set's share of the rest."""

    test: float
    validation: float
    seed: int


@dataclass(frozen=True)
class Workflow:
    """A workflow: data, split, algorithm, instances. ``folder`` holds its files, and ``cli_ref`` names it on the
    command line: its name if opskit or a package provides it, else its folder as it was typed.

    ``data_file`` is relative to ``folder``; ``skip_lines`` is the number of lines above the header; ``volume_gb`` is
    the size of the training volume.
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


@dataclass(frozen=True)
class Metrics:
    """The quality of predictions: root mean squared and mean absolute error in the target's unit, and R²."""

    rmse: float
    mae: float
    r2: float
