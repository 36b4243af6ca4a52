"""The shape of a workflow.toml: every table and key, what it may hold, and what it is for. The reader, its errors, the
JSON Schema, `opskit workflow init` and the page of the documentation are all made from this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from opskit.training.rules.algorithms.table import ALGORITHMS
from opskit.training.rules.model import Task

NAME_PATTERN = r"[a-z0-9](-?[a-z0-9])*"
NAME_LENGTH = 32  # part of SageMaker names, which end at 63 characters


class ValueKind(StrEnum):
    """What a key holds."""

    TEXT = "text"
    INSTANCE_TYPE = "an instance type"
    WHOLE = "a whole number"
    SHARE = "a share between 0 and 1"
    DURATION = "a time such as 30m or 1h"
    TEXTS = "a list of texts"
    SWITCH = "true or false"


@dataclass(frozen=True)
class KeySpec:
    """One key. ``default`` None: the key may be missing and then has no value, unless it is ``required``. ``minimum``
    and ``maximum`` are for whole numbers, ``most`` for the number of texts in a list, and ``pattern`` is of a whole
    text; None for ``minimum``, ``maximum``, ``most`` and ``pattern``: there is no such limit. ``form`` says in words
    what the pattern allows. ``known`` are what the schema lists; of others the reader says more.
    """

    name: str
    kind: ValueKind
    help: str
    required: bool = False
    default: Any = None
    minimum: int | None = None
    maximum: int | None = None
    most: int | None = None
    pattern: str | None = None
    form: str = ""
    choices: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


@dataclass(frozen=True)
class FreeShape:
    """What AWS takes as names and values of a free table: how many, how long, and of which characters."""

    most: int
    name_length: int
    value_length: int
    name_pattern: str = r"(?s:.+)"
    value_pattern: str = r"(?s:.*)"
    characters: str = ""
    """What the patterns allow, in words."""
    schema_name_pattern: str | None = None
    """The names as a JSON Schema can say them; None: it cannot, since its \\w knows no letters but a to z."""


@dataclass(frozen=True)
class TableSpec:
    """One table. ``free``: its keys are somebody else's names, with texts, numbers or true and false as values; None:
    its keys are those of ``keys``.
    ``together``: keys of which each needs the others.
    """

    name: str
    help: str
    keys: tuple[KeySpec, ...] = ()
    required: bool = False
    free: FreeShape | None = None
    together: tuple[str, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether its keys are somebody else's names."""
        return self.free is not None


# The bounds and patterns of texts, tags and environment are those of CreateTrainingJob in AWS's API model; those of the
# volume and the run are in the guide's text of ResourceConfig and StoppingCondition.
_KMS_PATTERN = r"^[a-zA-Z0-9:/_-]{1,2048}$"
_KMS_FORM = "it is the ID or the ARN of a key, or alias/NAME, with letters, digits and : / _ -"
_SUBNET_PATTERN = r"^subnet-[-0-9a-zA-Z]{1,25}$"
_SECURITY_GROUP_PATTERN = r"^sg-[-0-9a-zA-Z]{1,29}$"
_LARGEST_VOLUME_GB = 16_384
_LONGEST_RUN_SECONDS = 28 * 24 * 3600
# AWS takes what separates words, but neither tabs nor line ends, which \s has too.
_TAG_CHARACTERS = r"(?:[\w.:/=+\-@]|[^\S\t\n\v\f\r\x1c-\x1f\x85])*"
_TAGS_OF_OPSKIT = 4
_TAG_SHAPE = FreeShape(
    50 - _TAGS_OF_OPSKIT, 128, 256, _TAG_CHARACTERS, _TAG_CHARACTERS, "letters, digits, spaces and _ . : / = + - @"
)
_VARIABLE_PATTERN = r"^[a-zA-Z_][a-zA-Z0-9_]*$"
_ENVIRONMENT_SHAPE = FreeShape(
    100,
    512,
    512,
    _VARIABLE_PATTERN,
    schema_name_pattern=_VARIABLE_PATTERN,
    characters="letters, digits and _ in names, which do not begin with a digit",
)
_HYPERPARAMETER_SHAPE = FreeShape(100, 256, 2500)


def _instance_keys(purpose: str) -> tuple[KeySpec, KeySpec]:
    return (
        KeySpec(
            "instance_type",
            ValueKind.INSTANCE_TYPE,
            f"The instance type of the {purpose}, such as ml.m5.large.",
            required=True,
        ),
        KeySpec("instance_count", ValueKind.WHOLE, "The number of instances.", default=1, minimum=1),
    )


TOP_KEYS: tuple[KeySpec, ...] = (
    KeySpec(
        "name",
        ValueKind.TEXT,
        f"Lower-case letters, digits and single hyphens, at most {NAME_LENGTH}. All resource names begin with it.",
        required=True,
        pattern=rf"^(?=.{{1,{NAME_LENGTH}}}$){NAME_PATTERN}$",
        form=f"it has lower-case letters, digits and single hyphens between them, at most {NAME_LENGTH} in all",
    ),
    KeySpec("title", ValueKind.TEXT, "One line for people. Default: the name."),
    KeySpec(
        "task",
        ValueKind.TEXT,
        "What is predicted. Default: derived from the objective.",
        choices=tuple(task.value for task in Task),
    ),
)

TABLES: tuple[TableSpec, ...] = (
    TableSpec(
        "data",
        "The table to learn from: a CSV file with a header.",
        (
            KeySpec(
                "file",
                ValueKind.TEXT,
                "Its path, from the workflow's folder.",
                required=True,
                pattern=r"^[^\x00]+$",
                form="it is a path",
            ),
            KeySpec(
                "sha256",
                ValueKind.TEXT,
                "Its SHA-256; `opskit workflow check --update` writes it.",
                required=True,
                pattern=r"^[0-9a-f]{64}$",
                form="it has 64 digits, 0 to 9 and a to f",
            ),
            KeySpec("target", ValueKind.TEXT, "The column to predict.", required=True),
            KeySpec("skip_lines", ValueKind.WHOLE, "The lines above the header.", default=0, minimum=0),
            KeySpec("ignore", ValueKind.TEXTS, "Columns to leave out.", default=()),
            KeySpec("keep", ValueKind.TEXTS, "Features although they number the rows like an index.", default=()),
            KeySpec("positive", ValueKind.TEXT, "The class that counts as 1 (binary); the last in order if missing."),
        ),
        required=True,
    ),
    TableSpec(
        "split",
        "How the rows are divided. Every part has the same share of each class.",
        (
            KeySpec("test", ValueKind.SHARE, "The test set's share of all rows.", required=True),
            KeySpec("validation", ValueKind.SHARE, "The validation set's share of the rest.", required=True),
            KeySpec(
                "seed",
                ValueKind.WHOLE,
                "The same seed gives the same rows.",
                required=True,
                minimum=0,
                maximum=2**32 - 1,
            ),
        ),
        required=True,
    ),
    TableSpec(
        "image",
        "The built-in algorithm.",
        (
            KeySpec(
                "framework",
                ValueKind.TEXT,
                "Its name, such as xgboost.",
                required=True,
                known=tuple(sorted(ALGORITHMS)),
            ),
            KeySpec(
                "version",
                ValueKind.TEXT,
                'The version of its image, such as "1.7-1".',
                required=True,
                pattern=r"^[0-9a-zA-Z.-]+$",
                form='it looks like "1.7-1"',
            ),
        ),
        required=True,
    ),
    TableSpec("hyperparameters", "The algorithm's own hyperparameters.", required=True, free=_HYPERPARAMETER_SHAPE),
    TableSpec(
        "training",
        "The training job.",
        (
            *_instance_keys("training"),
            KeySpec(
                "max_run",
                ValueKind.DURATION,
                "AWS ends the job after this time.",
                required=True,
                maximum=_LONGEST_RUN_SECONDS,
            ),
            KeySpec(
                "volume_gb",
                ValueKind.WHOLE,
                "The size of its volume in GB.",
                default=10,
                minimum=1,
                maximum=_LARGEST_VOLUME_GB,
            ),
            KeySpec("keep_alive", ValueKind.DURATION, "How long its instances stay as a warm pool, which is billed."),
        ),
        required=True,
    ),
    TableSpec(
        "transform",
        "The batch transform of the test set.",
        (
            *_instance_keys("transform"),
            KeySpec(
                "max_run",
                ValueKind.DURATION,
                "opskit stops the job after this time, if it is watching it: SageMaker has no such setting.",
                required=True,
            ),
        ),
        required=True,
    ),
    TableSpec("endpoint", "The endpoint of `--deploy` and `opskit deploy`.", _instance_keys("endpoint"), required=True),
    TableSpec(
        "network",
        "Where jobs, models and endpoints run.",
        (
            KeySpec(
                "subnets",
                ValueKind.TEXTS,
                "The subnets of a VPC.",
                default=(),
                most=16,
                pattern=_SUBNET_PATTERN,
                form="a subnet looks like subnet-0a1b2c3d",
            ),
            KeySpec(
                "security_groups",
                ValueKind.TEXTS,
                "Its security groups.",
                default=(),
                most=5,
                pattern=_SECURITY_GROUP_PATTERN,
                form="a security group looks like sg-0a1b2c3d",
            ),
            KeySpec("isolation", ValueKind.SWITCH, "No network access for the containers.", default=False),
        ),
        together=("subnets", "security_groups"),
    ),
    TableSpec(
        "encryption",
        "KMS keys, by ID, ARN or alias ARN.",
        (
            KeySpec(
                "volume_kms_key",
                ValueKind.TEXT,
                "For the volumes of all instances.",
                pattern=_KMS_PATTERN,
                form=_KMS_FORM,
            ),
            KeySpec(
                "s3_kms_key",
                ValueKind.TEXT,
                "For everything that is written to S3.",
                pattern=_KMS_PATTERN,
                form=_KMS_FORM,
            ),
        ),
    ),
    TableSpec("tags", "Tags of all resources, in addition to opskit's own.", free=_TAG_SHAPE),
    TableSpec("environment", "Environment variables of the training container.", free=_ENVIRONMENT_SHAPE),
)
TABLE_SPECS: Mapping[str, TableSpec] = {table.name: table for table in TABLES}


def required_names() -> list[str]:
    """The keys and tables that every workflow has at its top."""
    return [key.name for key in TOP_KEYS if key.required] + [table.name for table in TABLES if table.required]
