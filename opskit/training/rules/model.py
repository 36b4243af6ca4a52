"""The nouns of a workflow, as frozen values: a workflow, how its rows are split, its scores."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.core.model import InstanceConfig


@dataclass(frozen=True)
class SplitRatios:
    """How a workflow's rows are divided: the share for the test, then the validation's share of the rest."""

    test: float
    validation: float
    seed: int


@dataclass(frozen=True)
class Workflow:
    """A workflow as a value: data, split, algorithm, instances. ``folder`` is where its files are, and ``cli_ref`` what
    leads to it on the command line: its name where opskit or a package brings it, else its folder as it was typed.

    ``data_file`` is relative to ``folder``; ``skip_lines`` stand above its column names; ``volume_gb`` is the size of
    the training volume.
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
    """How well predictions meet the truth: root mean squared and mean absolute error in the target's unit, and R²."""

    rmse: float
    mae: float
    r2: float
