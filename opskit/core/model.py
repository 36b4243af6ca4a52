"""The nouns that several features share, as frozen values. They know nothing of AWS's wire, of files or of screens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Self

from opskit.core.aws_statuses import EndpointStatus, EndpointTraits, JobStatus, NotebookStatus, NotebookTraits
from opskit.core.exceptions import Problem


class Workload(StrEnum):
    """What an instance type is wanted for: SageMaker has a quota of its own for each."""

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
    """Stands where a value would be that could not be read. It is never zero, never idle, never room.

    ``code`` and ``hint`` are those of the problem that stood in the way.
    """

    reason: str
    code: str = "unreadable"
    hint: str = ""

    @classmethod
    def from_problem(cls, problem: Problem) -> Self:
        """What stands where ``problem`` kept a value from being read."""
        return cls(problem.message, problem.code, problem.hint)


@dataclass(frozen=True)
class Requirement:
    """So many instances of a type for a use. ``instance_type`` None is an account-wide total over all types, or,
    with ``per_job``, the most that a single job may have.

    ``explicit`` tells whether the user asked for it, or the default set did: a type not offered in a Region
    is a refusal only when it was asked for. ``alert_share`` (0 to 1) is the part of the quota in use from which it is
    too full for the user, None where nobody drew that line.
    """

    instance_type: str | None
    workload: Workload
    count: int = 1
    explicit: bool = True
    per_job: bool = False
    alert_share: float | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota of one Region as AWS answered it.

    ``applied`` None: AWS has no applied value and ``default`` counts. ``default`` None: it was not asked for.
    ``code`` is AWS's short name (L-…), a cache to verify; ``name`` is the identity.
    """

    region: str
    name: str
    code: str
    applied: float | None
    default: float | None
    adjustable: bool = True

    @property
    def effective_value(self) -> float | None:
        """The number that counts: applied where there is one, else the default."""
        return self.default if self.applied is None else self.applied


@dataclass(frozen=True)
class NotOffered:
    """No quota of this name exists in the Region: neither applied nor default. No increase can help.

    ``seen_at`` is when that was seen, where it is remembered from an earlier run.
    """

    region: str
    name: str
    seen_at: datetime | None = None


QuotaLookup = Quota | NotOffered | Unknown
"""What a look for one quota brings back."""


@dataclass(frozen=True)
class Notebook:
    """A notebook instance as AWS lists it.

    ``status`` is SageMaker's word, for people; what follows from it is in ``state`` and its ``traits``.
    ``status_changed_at`` is when its status last changed: the start, for one that is InService. ``failure`` None: AWS
    gave no reason, as in a list.
    """

    region: str
    name: str
    arn: str
    instance_type: str
    status: str
    status_changed_at: datetime
    failure: str | None = None

    @property
    def state(self) -> NotebookStatus:
        """The status as one of those that opskit knows."""
        return NotebookStatus(self.status)

    @property
    def traits(self) -> NotebookTraits:
        """What its status means."""
        return self.state.traits


@dataclass(frozen=True)
class Kernel:
    """A kernel as Jupyter describes it. ``connections`` None: it did not say; ``path``: the notebook file, if any."""

    id: str
    state: str
    last_activity: datetime
    connections: int | None = None
    path: str | None = None


@dataclass(frozen=True)
class Terminal:
    """A terminal of Jupyter. ``last_activity`` is its last traffic, which a silent command does not make; None: its
    Jupyter, one from before notebook 6.1, does not tell.
    """

    name: str
    last_activity: datetime | None


@dataclass(frozen=True)
class JupyterState:
    """What a notebook's Jupyter said about itself.

    ``last_activity`` is the server's own, which saves and open browser tabs move, too; None: it was not asked, because
    something else had settled the question. ``errors`` names, one sentence each, what could not be read: the rest is
    then only half an answer. ``terminals_gap`` is why its terminals could not be read; None: they were. ``clock_skew``
    is by how much Jupyter's clock is ahead of ours, as far as it told.
    """

    kernels: tuple[Kernel, ...] = ()
    terminals: tuple[Terminal, ...] = ()
    last_activity: datetime | None = None
    errors: tuple[str, ...] = ()
    clock_skew: timedelta = timedelta(0)
    terminals_gap: str | None = None


@dataclass(frozen=True)
class NotebookEvidence:
    """All that was read about one notebook.

    ``tags`` None: not asked for. ``jupyter`` None: not asked, because something else already decides. ``log`` is the
    time of the last line of Jupyter's log, None where that was not asked for.
    """

    notebook: Notebook
    tags: Mapping[str, str] | Unknown | None = None
    jupyter: JupyterState | Unknown | None = None
    log: datetime | Unknown | None = None


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
        """Whether nobody needs it: only then is it stopped unasked."""
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
    def is_protected(self) -> bool:
        """Whether somebody asked to keep it on."""
        match self:
            case NotebookVerdict.PROTECTED:
                return True
            case NotebookVerdict.IDLE | NotebookVerdict.BUSY | NotebookVerdict.STARTING | NotebookVerdict.UNKNOWN:
                return False
            case NotebookVerdict.STOPPED:
                return False


@dataclass(frozen=True)
class InstanceConfig:
    """Instances that do one thing: type, count, and the seconds they may run (None: until someone ends them)."""

    instance_type: str
    count: int = 1
    max_seconds: int | None = None


@dataclass(frozen=True)
class TrainingJob:
    """A training job as AWS describes it.

    ``secondary_status`` is AWS's finer word for its state (Downloading, Training …). None means for ``failure``: AWS
    gave no reason; ``model_uri``: there is no model yet; ``billable_seconds``: AWS has not said.
    """

    name: str
    status: JobStatus
    secondary_status: str
    failure: str | None
    model_uri: str | None
    billable_seconds: int | None
    output_uri: str | None = None


@dataclass(frozen=True)
class TransformJob:
    """A batch transform job as AWS describes it. ``failure`` None: AWS gave no reason."""

    name: str
    status: JobStatus
    failure: str | None
    input_uri: str
    output_uri: str

    @property
    def predictions_uri(self) -> str:
        """Where SageMaker writes the predictions: the input's name with ``.out`` behind it."""
        return f"{self.output_uri.rstrip('/')}/{self.input_uri.rpartition('/')[2]}.out"


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as AWS describes it. ``status`` is SageMaker's word, for people; what follows from it is in ``state``
    and its ``traits``. ``failure`` None: AWS gave no reason; ``config`` is the name of its configuration.
    """

    name: str
    status: str
    failure: str | None = None
    config: str = ""

    @property
    def state(self) -> EndpointStatus:
        """The status as one of those that opskit knows."""
        return EndpointStatus(self.status)

    @property
    def traits(self) -> EndpointTraits:
        """What its status means."""
        return self.state.traits


@dataclass(frozen=True)
class Price:
    """What one instance costs: USD per hour, and who says so (``source``)."""

    usd_per_hour: Decimal
    source: str


NOTEBOOK_ROLE_NAME = "opskit-notebook"
"""One for all Regions: roles belong to the account."""
