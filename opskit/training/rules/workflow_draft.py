"""Writes the workflow.toml of somebody's own data: what the data say themselves, and a default for the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from opskit.core.exceptions import UsageError
from opskit.core.model import InstanceConfig
from opskit.training.rules.algorithms.algorithm import Algorithm
from opskit.training.rules.algorithms.table import ALGORITHMS
from opskit.training.rules.model import SplitRatios, Task, Workflow
from opskit.training.rules.table_cells import CellKind
from opskit.training.rules.table_check import missing_target
from opskit.training.rules.table_facts import ColumnFacts, TableFacts, ordered_classes, read_facts
from opskit.training.rules.workflow_shape import NAME_LENGTH

DEFAULT_TYPE = "ml.m5.large"
"""The instance type of a new workflow: the smallest that training, transform and endpoint all offer."""

_ALGORITHM = "xgboost"
_VERSION = "1.7-1"
# A target of so many values, nearly all of them numbers, is a scale with some cells that are wrong.
_MAX_CLASSES, _NUMBERS_PREVAIL = 10, 9
_SHA256 = re.compile(r"(?P<key>^\s*sha256\s*=\s*)\"[^\"]*\"", re.MULTILINE)


@dataclass(frozen=True)
class DraftOptions:
    """What the user says of a new workflow. ``task`` None: the data decide."""

    name: str
    source: str
    """The data as the user named them, for messages."""
    data_file: str
    target: str
    task: Task | None
    ignore: tuple[str, ...]
    instance_type: str
    skip_lines: int = 0


@dataclass(frozen=True)
class WorkflowDraft:
    """A new workflow's text, and what was decided for the user and why."""

    text: str
    task: Task
    notes: tuple[str, ...]


def valid_name(word: str) -> str:
    """A workflow's name made from a folder's or a file's."""
    name = re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")[:NAME_LENGTH].strip("-")
    return name or "my-workflow"


def draft_workflow(options: DraftOptions, text: str, sha256: str) -> WorkflowDraft:
    """The workflow.toml for a table whose text and checksum these are.

    Raises:
        UsageError: the table has no such target, or no header.
        csv.Error: it is not CSV.
    """
    reading = _reading_workflow(options)
    facts = read_facts(reading, text)
    target = facts.column(options.target)
    if options.target in options.ignore:
        raise UsageError("target-ignored", f"'{options.target}' is --target and --ignore.", "Name another column.")
    if target is None:
        wrong = missing_target(reading, facts, facts.header_line)
        raise UsageError(wrong.code, f"{options.source}: {wrong.message}", wrong.hint)
    task, why = (options.task, "") if options.task else _guess_task(target)
    indexes = [column.name for column in facts.columns if column is not target and column.is_index]
    empty = [column.name for column in facts.columns if column is not target and column.is_empty]
    ignore = (*options.ignore, *indexes, *empty)
    notes = [why] if why else []
    notes += [f"Column '{name}' numbers the rows, so it is an index: data.ignore leaves it out." for name in indexes]
    notes += [f"No row has a value in column '{name}': data.ignore leaves it out." for name in empty]
    return WorkflowDraft(_draft_text(options, facts, target, task, ignore, sha256), task, tuple(notes))


def replace_checksum(text: str, sha256: str) -> str | None:
    """A workflow.toml with another data.sha256; None where no line has it."""
    changed, count = _SHA256.subn(lambda match: f'{match["key"]}"{sha256}"', text)
    return changed if count == 1 else None


def _reading_workflow(options: DraftOptions) -> Workflow:
    """A workflow that says only what reading the table needs."""
    none = InstanceConfig(options.instance_type)
    return Workflow(
        name=options.name,
        cli_ref=options.name,
        title=options.name,
        folder="",
        data_file=options.data_file,
        sha256="",
        skip_lines=options.skip_lines,
        target=options.target,
        split=SplitRatios(0.2, 0.2, 0),
        framework=_ALGORITHM,
        version=_VERSION,
        hyperparameters=(),
        training=none,
        transform=none,
        endpoint=none,
        volume_gb=10,
        ignore=options.ignore,
    )


def _guess_task(target: ColumnFacts) -> tuple[Task, str]:
    """What the values of the target look like, and how to say otherwise."""
    values, numbers = len(target.classes), target.counts[CellKind.NUMBER]
    others = sum(count for kind, count in target.counts.items() if not kind.is_missing) - numbers
    if values > _MAX_CLASSES and numbers > _NUMBERS_PREVAIL * others > 0:
        text = f"'{target.name}' holds numbers in all rows but {others}, so the task is regression"
        return Task.REGRESSION, f"{text} (--task overrides this)."
    has_words = bool(target.counts[CellKind.WORD] or target.counts[CellKind.BOOLEAN])
    if values == 2:
        return Task.BINARY, f"'{target.name}' has two values, so the task is binary (--task overrides this)."
    if has_words:
        words = "1 word" if values == 1 else f"{values} words"
        text = f"'{target.name}' holds {words}, so the task is multiclass (--task overrides this)."
        return Task.MULTICLASS, text
    numbers_text = "1 number" if values == 1 else f"{values} different numbers"
    text = f"'{target.name}' holds {numbers_text}, so the task is regression (--task overrides this)."
    return Task.REGRESSION, text


def _draft_text(
    options: DraftOptions, facts: TableFacts, target: ColumnFacts, task: Task, ignore: Sequence[str], sha256: str
) -> str:
    algorithm = ALGORITHMS[_ALGORITHM]
    classes = ordered_classes(target.classes, None)
    lines = [
        "# docs/workflow-file.md lists every key. MODEL_CARD.md says what the model is for, and what it is not for.",
        f"name = {_quote(options.name)}",
        f"title = {_quote(f'{options.target} by {algorithm.label}')}",
        f"task = {_quote(task.value)}",
        "",
        "[data]",
        f"file = {_quote(options.data_file)}",
        f"sha256 = {_quote(sha256)} # of {facts.rows} rows",
        f"target = {_quote(options.target)}",
        *([f"skip_lines = {options.skip_lines}"] if options.skip_lines else []),
        *([f"ignore = [{', '.join(map(_quote, ignore))}]"] if ignore else []),
        *_positive_line(task, classes),
        "",
        "[split]",
        "test = 0.2",
        "validation = 0.2 # of the rest",
        "seed = 1",
        "",
        "[image]",
        f"framework = {_quote(_ALGORITHM)}",
        f"version = {_quote(_VERSION)}",
        "",
        "[hyperparameters]",
        *_hyperparameter_lines(algorithm, task, len(classes)),
    ]
    for table, limit in (("training", "1h"), ("transform", "30m"), ("endpoint", "")):
        lines += ["", f"[{table}]", f"instance_type = {_quote(options.instance_type)}"]
        lines += [f"max_run = {_quote(limit)}"] if limit else []
    return "\n".join([*lines, ""])


def _positive_line(task: Task, classes: Sequence[str]) -> list[str]:
    match task:
        case Task.BINARY:
            return (
                [f"positive = {_quote(classes[-1])} # the class whose probability the model gives"] if classes else []
            )
        case Task.REGRESSION | Task.MULTICLASS:
            return []


def _hyperparameter_lines(algorithm: Algorithm, task: Task, classes: int) -> list[str]:
    chosen = [f"{name} = {_quote(value)}" for name, value in algorithm.objective_for[task].items()]
    match task:
        case Task.MULTICLASS:
            chosen.append(f"num_class = {classes}")
        case Task.REGRESSION | Task.BINARY:
            pass
    return [*chosen, "max_depth = 5", "eta = 0.2", "subsample = 0.8", "early_stopping_rounds = 10", "num_round = 200"]


def _quote(text: str) -> str:
    """Text as TOML writes it: its basic strings escape as JSON does."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def draft_model_card(name: str, target: str, data_file: str) -> str:
    """The model card of a new workflow, with what its author has to fill in."""
    return f"""# {name}

## The data
`{data_file}`. Say where the rows come from, who collected them, when, for what, and under which licence.

## What is wrong with it
Say who and what is missing from the rows, which columns stand for something else, and what the labels do not tell.

## The model
It predicts `{target}`; `workflow.toml` has the algorithm and its hyperparameters. Say which score makes it useful.

**For:** say what it may be used for.
**Not for:** say what it must not be used for.
"""
