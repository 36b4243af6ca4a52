"""The nouns every room shares, as frozen values. They know nothing of AWS's wire, of files or of screens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
class InUseCounts:
    """What one usage holds in a Region now, counted by instance type.

    ``incomplete`` None: everything was counted. Otherwise the numbers are a floor: so much is in use at least.
    ``kept_warm`` is the part of it that runs nothing: warm pools that ended jobs keep for the next ones.
    """

    by_type: Mapping[str, int]
    incomplete: Unknown | None = None
    kept_warm: Mapping[str, int] = field(default_factory=dict)

    def count(self, instance_type: str | None) -> int:
        """The instances of a type, or of all types."""
        return _of_type(self.by_type, instance_type)

    def warm_of(self, instance_type: str | None) -> int:
        """Those of them that stand in warm pools and run nothing."""
        return _of_type(self.kept_warm, instance_type)


def _of_type(counts: Mapping[str, int], instance_type: str | None) -> int:
    return sum(counts.values()) if instance_type is None else counts.get(instance_type, 0)


class RequestStatus(StrEnum):
    """Where a quota increase request stands, in Service Quotas' words."""

    PENDING = "PENDING"
    CASE_OPENED = "CASE_OPENED"
    APPROVED = "APPROVED"
    DENIED = "DENIED"
    CASE_CLOSED = "CASE_CLOSED"
    NOT_APPROVED = "NOT_APPROVED"
    INVALID_REQUEST = "INVALID_REQUEST"

    @property
    def is_open(self) -> bool:
        """Whether AWS is still looking at it."""
        match self:
            case RequestStatus.PENDING | RequestStatus.CASE_OPENED:
                return True
            case RequestStatus.APPROVED | RequestStatus.DENIED | RequestStatus.CASE_CLOSED:
                return False
            case RequestStatus.NOT_APPROVED | RequestStatus.INVALID_REQUEST:
                return False

    @property
    def can_get_case(self) -> bool:
        """Whether AWS opens a support case for it."""
        match self:
            case RequestStatus.PENDING:
                return True
            case RequestStatus.CASE_OPENED | RequestStatus.APPROVED | RequestStatus.DENIED:
                return False
            case RequestStatus.CASE_CLOSED | RequestStatus.NOT_APPROVED | RequestStatus.INVALID_REQUEST:
                return False


@dataclass(frozen=True)
class IncreaseRequest:
    """A quota increase that was asked for through Service Quotas."""

    id: str
    region: str
    quota_name: str
    quota_code: str
    desired_value: float
    status: RequestStatus
    created: datetime
    case_id: str | None = None


@dataclass(frozen=True, slots=True)
class Utilization:
    """How much of a quota was in use at a time."""

    amount: float
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class ListedQuota:
    """A quota as a look over all of them saw it.

    ``value_error`` is why the value that counts is not known, None where it is. ``utilization`` is ``Unknown`` also
    where AWS publishes none: that is not zero. ``request`` is the open one.
    """

    quota: Quota
    utilization: Utilization | Unknown
    value_error: Unknown | None = None
    request: IncreaseRequest | None = None


class Verdict(StrEnum):
    """What a look at one quota says about one demand."""

    FITS = "fits"
    SHORT = "short"
    PENDING = "pending"
    NOT_OFFERED = "not-offered"
    UNKNOWN = "unknown"

    @property
    def is_room(self) -> bool:
        """Whether it can start."""
        match self:
            case Verdict.FITS:
                return True
            case Verdict.SHORT | Verdict.PENDING | Verdict.NOT_OFFERED | Verdict.UNKNOWN:
                return False

    @property
    def is_no(self) -> bool:
        """Whether it is certain that it cannot start."""
        match self:
            case Verdict.SHORT | Verdict.PENDING | Verdict.NOT_OFFERED:
                return True
            case Verdict.FITS | Verdict.UNKNOWN:
                return False

    @property
    def is_too_little(self) -> bool:
        """Whether there is a quota and it is too small: more of it, once granted, makes room."""
        match self:
            case Verdict.SHORT | Verdict.PENDING:
                return True
            case Verdict.FITS | Verdict.NOT_OFFERED | Verdict.UNKNOWN:
                return False


@dataclass(frozen=True)
class Headroom:
    """The judgement over one demand in one Region: numbers, verdict and why.

    None means for ``quota_code``: AWS has no such quota or it could not be read; ``applied``: AWS has no applied
    value (the default counts) or it could not be read; ``default``: it was not needed or could not be read;
    ``in_use``: it could not be counted, and ``in_use_min`` so many are; ``free``: it cannot be told. ``reason`` always
    says which.
    """

    region: str
    requirement: Requirement
    quota_name: str
    quota_code: str | None
    applied: float | None
    default: float | None
    in_use: int | None
    free: float | None
    verdict: Verdict
    reason: str
    request: IncreaseRequest | None = None
    alternatives: tuple[Alternative, ...] = ()
    in_use_min: int = 0


@dataclass(frozen=True)
class Alternative:
    """Another type that has room now: for ``free`` instances. ``price`` None: it has none of its own."""

    instance_type: str
    free: int
    price: Price | Unknown | None = None


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
class SplitRatios:
    """How a workflow's rows are divided: the share for the test, then the validation's share of the rest."""

    test: float
    validation: float
    seed: int


@dataclass(frozen=True)
class InstanceConfig:
    """Instances that do one thing: type, count, and the seconds they may run (None: until someone ends them)."""

    instance_type: str
    count: int = 1
    max_seconds: int | None = None


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


@dataclass(frozen=True)
class Metrics:
    """How well predictions meet the truth: root mean squared and mean absolute error in the target's unit, and R²."""

    rmse: float
    mae: float
    r2: float


NOTEBOOK_ROLE_NAME = "opskit-notebook"
"""One for all Regions: roles belong to the account."""
