"""What runs and bills in an account: one value for a resource of any kind, before it has a price and an owner; and the
commands that end it, ready to paste.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from opskit.core.model import Unknown
from opskit.core.workloads import PriceComponent, StoragePrice


def aws_sagemaker_command(operation: str, region: str, **values: str) -> str:
    """An ``aws sagemaker`` command with its flags, named with underscores, quoted for a shell: the names come from
    outside.
    """
    flags = [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", value)]
    return shlex.join(["aws", "sagemaker", operation, *flags, "--region", region])


def opskit_command(*words: str, region: str) -> str:
    """An ``opskit`` command in a Region."""
    return shlex.join(["opskit", *words, "--region", region])


class BilledKind(StrEnum):
    """What a billed resource is. The words are those of ``opskit costs -o json``."""

    NOTEBOOK = "notebook"
    ENDPOINT = "endpoint"
    SERVERLESS = "serverless"
    STUDIO_APP = "studio-app"
    TRAINING = "training"
    TRANSFORM = "transform"
    PROCESSING = "processing"
    TUNING = "tuning"
    WARM_POOL = "warm-pool"
    CLUSTER = "cluster"
    VOLUME = "volume"
    OTHER = "other"

    @property
    def is_endpoint(self) -> bool:
        """Whether it is an endpoint, on instances or serverless."""
        match self:
            case BilledKind.ENDPOINT | BilledKind.SERVERLESS:
                return True
            case BilledKind.NOTEBOOK | BilledKind.STUDIO_APP | BilledKind.TRAINING | BilledKind.TRANSFORM:
                return False
            case BilledKind.PROCESSING | BilledKind.TUNING | BilledKind.WARM_POOL | BilledKind.CLUSTER:
                return False
            case BilledKind.VOLUME | BilledKind.OTHER:
                return False


class BilledVerdict(StrEnum):
    """What is known of a resource's use."""

    RUNNING = "running"
    """It runs; whether anybody uses it was not looked at."""
    BUSY = "busy"
    IDLE = "idle"
    PROTECTED = "protected"
    UNKNOWN = "unknown"

    @property
    def is_idle(self) -> bool:
        """Whether nobody uses it, as far as anybody can see."""
        match self:
            case BilledVerdict.IDLE:
                return True
            case BilledVerdict.RUNNING | BilledVerdict.BUSY | BilledVerdict.PROTECTED | BilledVerdict.UNKNOWN:
                return False


@dataclass(frozen=True)
class BilledInstances:
    """Instances of one type. ``instance_type`` or ``count`` None: AWS does not say."""

    instance_type: str | None
    count: int | None
    component: PriceComponent


@dataclass(frozen=True)
class BilledVolume:
    """A volume of so many GB."""

    gigabytes: int
    storage: StoragePrice


@dataclass(frozen=True)
class BilledConcurrency:
    """Units of provisioned concurrency of a serverless variant, each with so much memory."""

    memory_mb: int
    units: int


BilledPart = BilledInstances | BilledVolume | BilledConcurrency


@dataclass(frozen=True)
class ComponentReservation:
    """What an inference component reserves of its endpoint's instances, with all its copies: accelerators, and MB."""

    accelerators: float
    memory_mb: float


@dataclass(frozen=True)
class RunningResource:
    """A resource that bills. ``status`` is SageMaker's word.

    ``since`` is when it began to bill; None: AWS tells of no such time (with ``not_begun`` there is none yet, since it
    bills as soon as it has its instances). ``parts`` are what it is billed for; none, where ``unpriced`` says why no
    price can be known, or ``free`` why it costs nothing of its own. ``stop_with`` is the command that ends it; None:
    there is none to recommend. ``stop_takes_yes``: what ends it asks before it does, and takes ``--yes``. ``unread``
    is why a part of it is not known; None: all was read. ``tags`` None: not read yet. ``profile_owner`` is the Studio
    user profile that it belongs to; None: what was read tells of none. ``part_of`` is the endpoint whose instances an
    inference component shares, ``reserves`` what it reserves of them; both None: it is no inference component.
    """

    region: str
    kind: BilledKind
    name: str
    arn: str
    status: str
    since: datetime | None
    parts: tuple[BilledPart, ...] = ()
    unpriced: str = ""
    free: str = ""
    not_begun: bool = False
    verdict: BilledVerdict = BilledVerdict.RUNNING
    reason: str = ""
    stop_with: str | None = None
    stop_takes_yes: bool = False
    unread: Unknown | None = None
    tags: Mapping[str, str] | Unknown | None = field(default=None, hash=False)
    profile_owner: str | None = None
    part_of: str | None = None
    reserves: ComponentReservation | Unknown | None = None

    @property
    def account(self) -> str | None:
        """The number of the account it belongs to; None: its ARN has none."""
        fields = self.arn.split(":")
        return fields[4] or None if len(fields) > 5 else None

    @property
    def instance_types(self) -> tuple[str, ...]:
        """The types of its instances that are known."""
        named = (part.instance_type for part in self.parts if isinstance(part, BilledInstances))
        return tuple(dict.fromkeys(instance_type for instance_type in named if instance_type))

    @property
    def count(self) -> int | Unknown | None:
        """The number of its instances, or units of concurrency; None: it has none."""
        numbers = [number for part in self.parts for number in _part_counts(part)]
        known = [number for number in numbers if number is not None]
        if len(known) < len(numbers):
            return Unknown("AWS does not say the number of its instances", "no-count")
        return sum(known) if known else None


def _part_counts(part: BilledPart) -> tuple[int | None, ...]:
    match part:
        case BilledInstances():
            return (part.count,)
        case BilledConcurrency():
            return (part.units,)
        case BilledVolume():
            return ()


@dataclass(frozen=True)
class InventoryPart:
    """What one look found. ``gaps`` are why it may not be everything."""

    resources: tuple[RunningResource, ...] = ()
    gaps: tuple[Unknown, ...] = ()
