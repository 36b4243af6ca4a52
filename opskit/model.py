"""The nouns every room shares, as frozen values. They know nothing of AWS's wire, of files or of screens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Usage(StrEnum):
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
    CLUSTER = "cluster"


@dataclass(frozen=True)
class Unread:
    """Stands where a value would be that could not be read. It is never zero, never idle, never room."""

    because: str


@dataclass(frozen=True)
class Demand:
    """So many instances of a type for a use. ``instance_type`` None is an account-wide total over all types.

    ``named`` tells whether the user asked for it, or the default set did: a type not offered in a Region
    is a refusal only when it was asked for.
    """

    instance_type: str | None
    usage: Usage
    need: int = 1
    named: bool = True


@dataclass(frozen=True)
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
    def value(self) -> float | None:
        """The number that counts: applied where there is one, else the default."""
        return self.default if self.applied is None else self.applied


@dataclass(frozen=True)
class NotOffered:
    """No quota of this name exists in the Region: neither applied nor default. No increase can help."""

    region: str
    name: str


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
        return self in (RequestStatus.PENDING, RequestStatus.CASE_OPENED)


@dataclass(frozen=True)
class Request:
    """A quota increase that was asked for through Service Quotas."""

    id: str
    region: str
    quota_name: str
    quota_code: str
    desired: float
    status: RequestStatus
    created: datetime
    case_id: str | None = None


class Verdict(StrEnum):
    """What a look at one quota says about one demand."""

    FITS = "fits"
    SHORT = "short"
    PENDING = "pending"
    NOT_OFFERED = "not-offered"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Headroom:
    """The judgement over one demand in one Region: numbers, verdict and why.

    None means for ``quota_code``: AWS has no such quota or it could not be read; ``applied``: AWS has no applied
    value (the default counts) or it could not be read; ``default``: it was not needed or could not be read;
    ``in_use``: it could not be counted; ``free``: it cannot be told. ``because`` always says which.
    """

    region: str
    demand: Demand
    quota_name: str
    quota_code: str | None
    applied: float | None
    default: float | None
    in_use: int | None
    free: float | None
    verdict: Verdict
    because: str
    request: Request | None = None
