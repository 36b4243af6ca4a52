"""Instance types as machines: what each is made for, and which others are like it.

The families and what is in them are from AWS's own lists of SageMaker instance types. Whether one may be started,
its quota tells, and nothing here.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from math import log2


class InstanceClass(StrEnum):
    """What a machine is made for."""

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

# What to propose, by family; of two that are equally close the one that stands first.
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

# GPUs or Neuron chips, where a type of such a class has more than one.
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
_STEPS = {"nano": 0.25, "micro": 0.25, "small": 0.5, "medium": 1, "large": 2, "xlarge": 4, "metal": 96}
_SMALLER_IS_WORSE = 0.5


def instance_class(instance_type: str) -> InstanceClass | None:
    """What a machine is made for, by its family's letters; None for one that nobody knows."""
    letters = re.match(r"ml\.([a-z]+)\d", instance_type)
    return _CLASS_OF_LETTERS.get(letters[1]) if letters else None


@cache
def similar_types(instance_type: str) -> tuple[str, ...]:
    """The types of the same class, the closest first: as many accelerators, then the same size, rather larger."""
    kind = instance_class(instance_type)
    if kind is None:
        return ()
    others = [each for each in _all_types() if each != instance_type and instance_class(each) is kind]
    return tuple(sorted(others, key=lambda other: _type_distance(instance_type, other)))


@cache
def _all_types() -> tuple[str, ...]:
    return tuple(f"ml.{family}.{size}" for family, sizes in _SIZES.items() for size in sizes.split())


def _type_distance(one: str, other: str) -> tuple[float, bool, float]:
    """How far apart two types are; a family that is cheap because it bursts is not like one that does not."""
    accelerators = abs(log2(_accelerator_count(other) / _accelerator_count(one)))
    bursts = (_type_family(one) in _BURSTABLE) != (_type_family(other) in _BURSTABLE)
    step = log2(_type_size(other) / _type_size(one))
    return accelerators, bursts, abs(step) + (_SMALLER_IS_WORSE if step < 0 else 0)


def _type_family(instance_type: str) -> str:
    return instance_type.split(".")[1]


def _accelerator_count(instance_type: str) -> int:
    _, family, size = instance_type.split(".", 2)
    return _ACCELERATORS.get(family, {}).get(size, 1)


def _type_size(instance_type: str) -> float:
    """A type's size in steps of AWS's names: an xlarge is 4, a 2xlarge 8."""
    word = instance_type.split(".", 2)[2]
    times = re.fullmatch(r"(?:metal-)?([1-9]\d*)xl(?:arge)?", word)
    return 4 * int(times[1]) if times else _STEPS.get(word, 4)
