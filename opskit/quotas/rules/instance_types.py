"""Instance types as hardware: the class of each, and which others are similar.

The families and sizes are from AWS's lists of SageMaker instance types. They only serve suggestions: whether a type may
be started is decided by its quota.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from math import log2


class InstanceClass(StrEnum):
    """What a type is made for."""

    GENERAL = "general purpose"
    COMPUTE = "compute"
    MEMORY = "memory"
    GPU = "GPU"
    INFERENCE = "Inferentia"
    TRAINING = "Trainium"


_CLASS_OF_LETTERS = {
    **dict.fromkeys(("t", "m"), InstanceClass.GENERAL),
    "c": InstanceClass.COMPUTE,
    **dict.fromkeys(("r", "x", "z"), InstanceClass.MEMORY),
    **dict.fromkeys(("p", "g", "gr"), InstanceClass.GPU),
    "inf": InstanceClass.INFERENCE,
    "trn": InstanceClass.TRAINING,
}

# The types to suggest, by family; of two that are equally similar the earlier one is preferred.
_SIZES = {
    "m5": "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge",
    "m6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "m7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "m4": "xlarge 2xlarge 4xlarge 10xlarge 16xlarge",
    "m5d": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
    "t3": "medium large xlarge 2xlarge",
    "t2": "medium large xlarge 2xlarge",
    "c5": "large xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
    "c6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "c7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "c4": "large xlarge 2xlarge 4xlarge 8xlarge",
    "c5d": "large xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
    "c5n": "xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
    "r5": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
    "r6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "r7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "r5d": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
    "g4dn": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "g5": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "g6": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "p3": "2xlarge 8xlarge 16xlarge",
    "g6e": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "p2": "xlarge 8xlarge 16xlarge",
    "p3dn": "24xlarge",
    "p4d": "24xlarge",
    "p4de": "24xlarge",
    "p5": "48xlarge",
    "p5e": "48xlarge",
    "p5en": "48xlarge",
    "inf1": "xlarge 2xlarge 6xlarge 24xlarge",
    "inf2": "xlarge 8xlarge 24xlarge 48xlarge",
    "trn1": "2xlarge 32xlarge",
    "trn1n": "32xlarge",
    "trn2": "48xlarge",
}

# The number of GPUs or Neuron chips, for types that have more than one.
_ACCELERATORS = {
    "p2": {"8xlarge": 8, "16xlarge": 16},
    "p3": {"8xlarge": 4, "16xlarge": 8},
    "p3dn": {"24xlarge": 8},
    "p4d": {"24xlarge": 8},
    "p4de": {"24xlarge": 8},
    "p5": {"48xlarge": 8},
    "p5e": {"48xlarge": 8},
    "p5en": {"48xlarge": 8},
    "g4dn": {"12xlarge": 4},
    "g5": {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8},
    "g6": {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8},
    "g6e": {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8},
    "inf1": {"6xlarge": 4, "24xlarge": 16},
    "inf2": {"24xlarge": 6, "48xlarge": 12},
    "trn1": {"32xlarge": 16},
    "trn1n": {"32xlarge": 16},
    "trn2": {"48xlarge": 16},
}
_BURSTABLE = ("t2", "t3")
# Sizes relative to an xlarge of 4, so that a 2xlarge is 8; metal counts like a 24xlarge.
_STEPS = {"nano": 0.25, "micro": 0.25, "small": 0.5, "medium": 1, "large": 2, "xlarge": 4, "metal": 96}
# A smaller type may be too small for the data: half a size step of distance more than a larger one.
_SMALLER_PENALTY = 0.5


def instance_class(instance_type: str) -> InstanceClass | None:
    """The class of a type, by the letters of its family; None for an unknown one."""
    letters = re.match(r"ml\.([a-z]+)\d", instance_type)
    return _CLASS_OF_LETTERS.get(letters[1]) if letters else None


@cache
def similar_types(instance_type: str) -> tuple[str, ...]:
    """The types of the same class, most similar first: same number of accelerators, then the nearest size, rather
    larger.
    """
    type_class = instance_class(instance_type)
    if type_class is None:
        return ()
    candidates = [
        candidate
        for candidate in _all_types()
        if candidate != instance_type and instance_class(candidate) is type_class
    ]
    return tuple(sorted(candidates, key=lambda other: _type_distance(instance_type, other)))


@cache
def _all_types() -> tuple[str, ...]:
    return tuple(f"ml.{family}.{size}" for family, sizes in _SIZES.items() for size in sizes.split())


def _type_distance(first: str, second: str) -> tuple[float, bool, float]:
    """The distance of two types: accelerators first, then whether both burst, then the size."""
    # By doublings: from 1 to 2 is as far as from 4 to 8.
    accelerators = abs(log2(_accelerator_count(second) / _accelerator_count(first)))
    # Burstable families are cheap for a reason, and so unlike all others.
    bursts = (_type_family(first) in _BURSTABLE) != (_type_family(second) in _BURSTABLE)
    step = log2(_type_size(second) / _type_size(first))
    return accelerators, bursts, abs(step) + (_SMALLER_PENALTY if step < 0 else 0)


def _type_family(instance_type: str) -> str:
    return instance_type.split(".")[1]


def _accelerator_count(instance_type: str) -> int:
    _, family, size = instance_type.split(".", 2)
    return _ACCELERATORS.get(family, {}).get(size, 1)


def _type_size(instance_type: str) -> float:
    """The size of a type, with an xlarge as 4 and a 2xlarge as 8."""
    size = instance_type.split(".", 2)[2]
    multiple = re.fullmatch(r"(?:metal-)?([1-9]\d*)xl(?:arge)?", size)
    return 4 * int(multiple[1]) if multiple else _STEPS.get(size, 4)
