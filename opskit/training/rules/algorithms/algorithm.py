"""What the rest of the training feature asks of an algorithm. Nothing outside an algorithm's folder names one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opskit.training.rules.model import Task, Workflow


@dataclass(frozen=True)
class ImageRequest:
    """The container image that the SageMaker SDK is asked for, in its words. ``scope`` is "training" or
    "inference".
    """

    framework: str
    version: str
    scope: str


@dataclass(frozen=True)
class SettingFinding:
    """What is wrong with a setting; ``key`` is its path in workflow.toml, such as ("hyperparameters", "eta").
    ``value`` None: it is missing.
    """

    code: str
    key: tuple[str, ...]
    value: str | None
    message: str
    hint: str = ""


@dataclass(frozen=True)
class NumberRange:
    """The numbers from ``low`` to ``high``; None: no such end. An open end is not part of it."""

    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        above = self.low is None or (value > self.low if self.open_low else value >= self.low)
        below = self.high is None or (value < self.high if self.open_high else value <= self.high)
        return above and below

    def __str__(self) -> str:
        if self.low is None and self.high is None:
            return "of any size"
        if self.high is None:
            return f"{'above' if self.open_low else 'at least'} {self.low:g}"
        if self.low is None:
            return f"{'below' if self.open_high else 'at most'} {self.high:g}"
        low = f"above {self.low:g}" if self.open_low else f"from {self.low:g}"
        return f"{low} {'and below' if self.open_high else 'up to'} {self.high:g}"


@dataclass(frozen=True)
class TrainingRound:
    """One round of training and its scores by name, as the log tells them."""

    number: int
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Algorithm:
    """A built-in algorithm of SageMaker.

    ``find_task`` says what is predicted under these hyperparameters, None where opskit cannot score it;
    ``check_settings`` what a job would fail on, ``check_data_shape`` what it would fail on with so many features
    and classes in the data; ``label_range`` the labels that can be learnt from (None: any number);
    ``hashed_inputs`` what of the settings decides the model, for the job's name; ``planned_rounds`` the highest number
    of rounds (None: not known); ``outputs_per_row`` how many numbers the model answers for a row.
    """

    name: str
    label: str
    training_content_type: str
    serving_content_type: str
    serving_accept: str
    training_image: Callable[[Workflow], ImageRequest]
    serving_image: Callable[[Workflow], ImageRequest]
    find_task: Callable[[Mapping[str, str]], Task | None]
    check_settings: Callable[[Workflow], list[SettingFinding]]
    check_data_shape: Callable[[Workflow, int, int], list[SettingFinding]]
    label_range: Callable[[Workflow], NumberRange | None]
    hashed_inputs: Callable[[Workflow], Mapping[str, object]]
    planned_rounds: Callable[[Workflow], int | None]
    parse_log_line: Callable[[str], TrainingRound | None]
    outputs_per_row: Callable[[Workflow], int]
    objective_for: Mapping[Task, Mapping[str, str]]
    """The hyperparameters that choose each task, for `workflow init` and for hints."""
