"""The nouns that several features share, as frozen values. They know nothing of AWS's wire format, of files or of
output.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Self

from opskit.core.aws_statuses import NotebookStatus, NotebookTraits
from opskit.core.exceptions import Problem


class Workload(StrEnum):
    """What an instance is used for: SageMaker has a separate quota per workload and instance type."""

    TRAINING = "training"
    SPOT_TRAINING = "spot-training"
    TRANSFORM = "transform"
    ENDPOINT = "endpoint"
    NOTEBOOK = "notebook"
    PROCESSING = "processing"
    WARM_POOL = "warm-pool"
    STUDIO_JUPYTERLAB = "studio-jupyterlab"
    STUDIO_CODEEDITOR = "studio-codeeditor"
    STUDIO_KERNELGATEWAY = "studio-kernelgateway"
    CLUSTER = "cluster"


@dataclass(frozen=True)
class Unknown:
    """Takes the place of a value that could not be read. It is never zero, never idle, never free quota.

    ``code`` and ``hint`` are those of the problem that prevented the read.
    """

    reason: str
    code: str = "unreadable"
    hint: str = ""

    @classmethod
    def from_problem(cls, problem: Problem) -> Self:
        """The ``Unknown`` for a value that ``problem`` kept from being read."""
        return cls(problem.message, problem.code, problem.hint)


@dataclass(frozen=True)
class Requirement:
    """A number of instances of one type for one workload. ``instance_type`` None is the account-wide total over all
    types, or, with ``per_job``, the maximum for a single job.

    ``explicit`` tells whether the user asked for it rather than the default set: a type that a Region does not offer is
    a refusal only if it was asked for. ``alert_share`` (0 to 1) is the utilization from which the user considers the
    quota too full; None: no such limit. ``already_made``: the instances exist and are stopped, so that a quota which
    counts stopped ones too counts them already. ``only_noted``: nobody asked for it, and AWS has retired the type, so
    that too little of it refuses nothing. ``of_volumes``: ``count`` is GB of the volumes of all types. ``volume_gb`` is
    the GB of the volumes of these instances together; None: AWS's default for each.
    """

    instance_type: str | None
    workload: Workload
    count: int = 1
    explicit: bool = True
    per_job: bool = False
    alert_share: float | None = None
    already_made: bool = False
    only_noted: bool = False
    of_volumes: bool = False
    volume_gb: int | None = None

    @property
    def has_increase_command(self) -> bool:
        """Whether `quotas increase` knows its quota: it knows those of instance types and of the instances of all."""
        return not (self.per_job or self.of_volumes)


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota of one Region as AWS returned it.

    ``applied`` None: AWS has no applied value, and ``default`` counts. ``default`` None: not known. ``code`` is
    AWS's identifier (L-…), which may change; the exact ``name`` is the identity.
    """

    region: str
    name: str
    code: str
    applied: float | None
    default: float | None
    adjustable: bool = True

    @property
    def effective_value(self) -> float | None:
        """The value in effect: the applied value if there is one, else the default."""
        return self.default if self.applied is None else self.applied


@dataclass(frozen=True)
class NotOffered:
    """No quota of this name exists in the Region, neither applied nor default. No increase can help. ``seen_at`` is
    when that was read, where it is remembered; None: just now.
    """

    region: str
    name: str
    seen_at: datetime | None = None


QuotaLookup = Quota | NotOffered | Unknown
"""What a look for one quota brings back."""


def known_quota(lookup: QuotaLookup) -> Quota | None:
    """The quota that a look brought back; None: there is none, or it could not be read."""
    match lookup:
        case Quota():
            return lookup
        case NotOffered() | Unknown():
            return None


def is_not_offered(lookup: QuotaLookup) -> bool:
    """Whether a look has shown that the Region has no such quota."""
    return isinstance(lookup, NotOffered)


@dataclass(frozen=True)
class Notebook:
    """A notebook instance as AWS lists it.

    ``status`` is SageMaker's word, for people; decisions use ``state`` and ``traits``. ``status_changed_at`` is when
    its status last changed, which is the start for one that is InService; ``is_change_told`` False: AWS does not tell
    it, and this is the creation, which was no later. ``failure`` None: AWS gave no reason, as in a list.
    ``lifecycle_config`` None: it has none.
    """

    region: str
    name: str
    arn: str
    instance_type: str
    status: str
    status_changed_at: datetime
    failure: str | None = None
    lifecycle_config: str | None = None
    is_change_told: bool = True

    @property
    def account(self) -> str | None:
        """The number of the account it belongs to; None: its ARN has none."""
        parts = self.arn.split(":")
        return parts[4] if len(parts) > 5 else None

    @property
    def state(self) -> NotebookStatus:
        """The status as an enumeration."""
        return NotebookStatus(self.status)

    @property
    def traits(self) -> NotebookTraits:
        """What the status means."""
        return self.state.traits


@dataclass(frozen=True)
class Kernel:
    """A kernel as Jupyter describes it. ``connections`` None: not reported; ``path``: its notebook file, if it has
    one.
    """

    id: str
    state: str
    last_activity: datetime
    connections: int | None = None
    path: str | None = None


@dataclass(frozen=True)
class Terminal:
    """A Jupyter terminal. ``last_activity`` is its last traffic, which a silent command does not cause; None: not
    reported, as by Jupyter before notebook 6.1. ``may_be_left``: an interrupted run of opskit may have left it.
    """

    name: str
    last_activity: datetime | None
    may_be_left: bool = False


@dataclass(frozen=True)
class JupyterState:
    """What a notebook's Jupyter server reported.

    ``last_activity`` is the server's own, which saves and open browser tabs move too; None: it was not read, and
    ``errors`` has the reason where it was asked for. ``errors`` holds one sentence for
    each thing that could not be read: the state is then incomplete. ``terminals_gap`` is why the terminals could not be
    read; None: they were. ``clock_skew`` is how far Jupyter's clock is ahead of ours, if it reported a time.
    """

    kernels: tuple[Kernel, ...] = ()
    terminals: tuple[Terminal, ...] = ()
    last_activity: datetime | None = None
    errors: tuple[str, ...] = ()
    clock_skew: timedelta = timedelta(0)
    terminals_gap: str | None = None


class NotebookVerdict(StrEnum):
    """What the evidence says about a notebook."""

    IDLE = "idle"
    BUSY = "busy"
    PROTECTED = "protected"
    STARTING = "starting"
    UNKNOWN = "unknown"
    STOPPED = "stopped"

    @property
    def is_idle(self) -> bool:
        """Whether nobody uses it: only then is it stopped without being named."""
        match self:
            case NotebookVerdict.IDLE:
                return True
            case NotebookVerdict.BUSY | NotebookVerdict.PROTECTED | NotebookVerdict.STARTING:
                return False
            case NotebookVerdict.UNKNOWN | NotebookVerdict.STOPPED:
                return False

    @property
    def is_stopped(self) -> bool:
        """Whether there is nothing to stop."""
        match self:
            case NotebookVerdict.STOPPED:
                return True
            case NotebookVerdict.IDLE | NotebookVerdict.BUSY | NotebookVerdict.PROTECTED | NotebookVerdict.STARTING:
                return False
            case NotebookVerdict.UNKNOWN:
                return False

    @property
    def is_unknown(self) -> bool:
        """Whether it cannot be told what it does."""
        match self:
            case NotebookVerdict.UNKNOWN:
                return True
            case NotebookVerdict.IDLE | NotebookVerdict.BUSY | NotebookVerdict.PROTECTED:
                return False
            case NotebookVerdict.STARTING | NotebookVerdict.STOPPED:
                return False

    @property
    def is_protected(self) -> bool:
        """Whether somebody asked to keep it running."""
        match self:
            case NotebookVerdict.PROTECTED:
                return True
            case NotebookVerdict.IDLE | NotebookVerdict.BUSY | NotebookVerdict.STARTING | NotebookVerdict.UNKNOWN:
                return False
            case NotebookVerdict.STOPPED:
                return False


@dataclass(frozen=True)
class InstanceConfig:
    """The instances of one part of a run. ``max_seconds`` is their maximum run time; None: until someone ends them.
    ``preferences`` are types of which AWS takes the first with capacity, ``instance_type`` being the first of
    them; empty: the type alone.
    """

    instance_type: str
    count: int = 1
    max_seconds: int | None = None
    preferences: tuple[str, ...] = ()

    @property
    def types_text(self) -> str:
        """The type, or the types of which AWS takes one."""
        return " or ".join(self.preferences or (self.instance_type,))


@dataclass(frozen=True)
class Price:
    """The price of one instance in USD per hour, and its source."""

    usd_per_hour: Decimal
    source: str


PriceKey = tuple[str, str]
"""What has one price in a Region: what AWS's price list calls the use, and the instance type."""


NOTEBOOK_ROLE_NAME = "opskit-notebook"
"""One role for all Regions, since IAM roles belong to the account."""
