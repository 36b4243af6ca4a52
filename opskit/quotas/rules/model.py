"""The nouns of quotas beyond the quota itself, as frozen values: what is in use, requests, verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from opskit.core.model import Price, Quota, Requirement, Unknown


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
    def is_unknown(self) -> bool:
        """Whether it cannot be told."""
        match self:
            case Verdict.UNKNOWN:
                return True
            case Verdict.FITS | Verdict.SHORT | Verdict.PENDING | Verdict.NOT_OFFERED:
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
