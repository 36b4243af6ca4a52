"""The values of the quota feature: what is in use and who holds it, increase requests, verdicts and assessments, and
how their numbers are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from opskit.core.model import Price, Quota, QuotaLookup, Requirement, Unknown, known_quota

UNKNOWN_TYPE = "?"
"""The key for instances of a type that AWS does not return: they may be of any type, and count in the totals."""

NUMBER_UNKNOWN = "!"
"""The key that says that AWS did not return the number of some instances: what was counted is a minimum."""


@dataclass(frozen=True)
class InUseCounts:
    """The instances that one workload uses in a Region, counted by instance type.

    ``incomplete`` None: everything was counted; otherwise the numbers are a minimum. ``kept_warm`` is the part that
    runs nothing: warm pools that ended jobs keep for following ones; ``in_plans`` the part that runs in training plans.
    ``total`` is what the account-wide quota counts where that is more than these (None: their sum), and
    ``possible_total`` what it may count besides, of which ``possible_what`` says what it is. ``others`` are the amounts
    that other account-wide quotas count, by their names. ``holders`` are the resources that hold the instances.
    """

    by_type: Mapping[str, int]
    incomplete: Unknown | None = None
    kept_warm: Mapping[str, int] = field(default_factory=dict)
    in_plans: Mapping[str, int] = field(default_factory=dict)
    total: int | None = None
    possible_total: int = 0
    possible_what: str = ""
    others: Mapping[str, int | Unknown] = field(default_factory=dict)
    holders: tuple[QuotaHolder, ...] = ()

    def count(self, instance_type: str | None) -> int:
        """The instances of a type, or of all types, that are certainly in use."""
        if instance_type is None and self.total is not None:
            return self.total
        return number_of_type(self.by_type, instance_type)

    def ceiling(self, instance_type: str | None) -> int:
        """The most that the quota of a type, or of all types, may count: of a type also those of unknown type."""
        if instance_type is None:
            return self.count(None) + self.possible_total
        return self.count(instance_type) + self.by_type.get(UNKNOWN_TYPE, 0)

    def possible_text(self, instance_type: str | None) -> str:
        """What makes the ceiling higher than the count, as a phrase; empty if nothing does."""
        more = self.ceiling(instance_type) - self.count(instance_type)
        if not more:
            return ""
        return self.possible_what if instance_type is None else f"{more} of a type that AWS does not report"


@dataclass(frozen=True)
class QuotaHolder:
    """A resource that holds instances of a quota. ``instances`` are their numbers by type; ``since`` is when it was
    created (of a notebook instance: last started or changed); ``since`` or ``arn`` None: AWS did not report it.
    """

    kind: str
    name: str
    instances: Mapping[str, int]
    since: datetime | None = None
    arn: str | None = None

    def count(self, instance_type: str | None) -> int:
        """The instances of a type, or of all types, that it holds."""
        if instance_type is None:
            return sum(number for key, number in self.instances.items() if key != NUMBER_UNKNOWN)
        return self.instances.get(instance_type, 0)

    @property
    def is_counted(self) -> bool:
        """Whether AWS told the number of all of them; else the counts are minima."""
        return NUMBER_UNKNOWN not in self.instances


def number_of_type(counts: Mapping[str, int], instance_type: str | None) -> int:
    """The number of a type in counts by type, or of all types."""
    return sum(counts.values()) if instance_type is None else counts.get(instance_type, 0)


class RequestStatus(StrEnum):
    """The status of a quota increase request, in Service Quotas' words."""

    PENDING = "PENDING"
    CASE_OPENED = "CASE_OPENED"
    APPROVED = "APPROVED"
    DENIED = "DENIED"
    CASE_CLOSED = "CASE_CLOSED"
    NOT_APPROVED = "NOT_APPROVED"
    INVALID_REQUEST = "INVALID_REQUEST"

    @property
    def is_open(self) -> bool:
        """Whether AWS has not decided yet."""
        match self:
            case RequestStatus.PENDING | RequestStatus.CASE_OPENED:
                return True
            case RequestStatus.APPROVED | RequestStatus.DENIED | RequestStatus.CASE_CLOSED:
                return False
            case RequestStatus.NOT_APPROVED | RequestStatus.INVALID_REQUEST:
                return False

    @property
    def is_refused(self) -> bool:
        """Whether AWS decided against it."""
        match self:
            case RequestStatus.DENIED | RequestStatus.NOT_APPROVED | RequestStatus.INVALID_REQUEST:
                return True
            case RequestStatus.PENDING | RequestStatus.CASE_OPENED | RequestStatus.APPROVED:
                return False
            case RequestStatus.CASE_CLOSED:  # says nothing
                return False

    @property
    def says_nothing(self) -> bool:
        """Whether it has ended without a word on what was decided."""
        match self:
            case RequestStatus.CASE_CLOSED:
                return True
            case RequestStatus.PENDING | RequestStatus.CASE_OPENED | RequestStatus.APPROVED:
                return False
            case RequestStatus.DENIED | RequestStatus.NOT_APPROVED | RequestStatus.INVALID_REQUEST:
                return False

    @property
    def can_get_case(self) -> bool:
        """Whether AWS can open a support case for it."""
        match self:
            case RequestStatus.PENDING:
                return True
            case RequestStatus.CASE_OPENED | RequestStatus.APPROVED | RequestStatus.DENIED:
                return False
            case RequestStatus.CASE_CLOSED | RequestStatus.NOT_APPROVED | RequestStatus.INVALID_REQUEST:
                return False


@dataclass(frozen=True)
class IncreaseRequest:
    """A quota increase that was requested through Service Quotas. ``requester`` is the ARN of who asked; None: AWS does
    not say. ``case_id`` is its support case; None: AWS names none. ``is_automatic``: AWS's automatic management of
    quotas asked, nobody of the account.
    """

    id: str
    region: str
    quota_name: str
    quota_code: str
    desired_value: float
    status: RequestStatus
    created: datetime
    case_id: str | None = None
    is_automatic: bool = False
    requester: str | None = None


@dataclass(frozen=True, slots=True)
class Utilization:
    """How much of a quota was in use at a time."""

    amount: float
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class ListedQuota:
    """A quota in the list of all quotas.

    ``value_error`` is why the effective value is unknown, whatever ``quota`` has of it; None: it is known.
    ``utilization`` is ``Unknown`` also if AWS publishes none: that is not zero. ``request`` is the open one; None: AWS
    lists none; ``Unknown``: its list could not be read.
    """

    quota: Quota
    utilization: Utilization | Unknown
    value_error: Unknown | None = None
    request: IncreaseRequest | Unknown | None = None


class Verdict(StrEnum):
    """The result of assessing one requirement against one quota."""

    FITS = "fits"
    SHORT = "short"
    PENDING = "pending"
    NOT_OFFERED = "not-offered"
    UNKNOWN = "unknown"

    @property
    def is_room(self) -> bool:
        """Whether the instances can start."""
        match self:
            case Verdict.FITS:
                return True
            case Verdict.SHORT | Verdict.PENDING | Verdict.NOT_OFFERED | Verdict.UNKNOWN:
                return False

    @property
    def is_no(self) -> bool:
        """Whether it is certain that they cannot start."""
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
    def is_short(self) -> bool:
        """Whether the quota is too small, and nobody has asked for more."""
        match self:
            case Verdict.SHORT:
                return True
            case Verdict.FITS | Verdict.PENDING | Verdict.NOT_OFFERED | Verdict.UNKNOWN:
                return False

    @property
    def is_not_offered(self) -> bool:
        """Whether no quota would help, since the Region does not have the type."""
        match self:
            case Verdict.NOT_OFFERED:
                return True
            case Verdict.FITS | Verdict.SHORT | Verdict.PENDING | Verdict.UNKNOWN:
                return False

    @property
    def is_too_little(self) -> bool:
        """Whether a larger quota, once granted, would let them start."""
        match self:
            case Verdict.SHORT | Verdict.PENDING:
                return True
            case Verdict.FITS | Verdict.NOT_OFFERED | Verdict.UNKNOWN:
                return False


@dataclass(frozen=True)
class Headroom:
    """The assessment of one requirement in one Region: numbers, verdict and reason.

    ``used`` is what is in use of the quota; None: the quota has no value to compare it with, and ``quota`` says why.
    ``request`` is the open one; None: AWS lists none; ``Unknown``: its list could not be read.
    """

    region: str
    requirement: Requirement
    quota_name: str
    quota: QuotaLookup
    used: UsedRange | None
    verdict: Verdict
    reason: str
    request: IncreaseRequest | Unknown | None = None
    alternatives: tuple[Alternative, ...] = ()

    @property
    def quota_value(self) -> float | None:
        """The value in effect; None: ``quota`` has none, and says why."""
        quota = known_quota(self.quota)
        return quota.effective_value if quota else None

    @property
    def free(self) -> float | None:
        """What is certainly free of the quota; None: ``quota`` has no value, or not all that is in use is counted."""
        if self.used is None or self.used.missing:
            return None
        return max(0.0, (self.quota_value or 0.0) - self.used.most)


@dataclass(frozen=True)
class UsedRange:
    """How much of a quota is in use: certainly, and at most; ``why`` says what makes the difference. ``missing``: why
    not everything could be counted, so that ``most`` is not known; None: everything was.
    """

    least: int
    most: int
    why: str = ""
    missing: Unknown | None = None

    @property
    def exact(self) -> int | None:
        """How much is in use; None: that is not known exactly."""
        return None if self.missing or self.most > self.least else self.least

    @property
    def ceiling(self) -> int | None:
        """The most that may be in use; None: not known."""
        return None if self.missing else self.most


@dataclass(frozen=True)
class Alternative:
    """Another type with quota for ``free`` instances now. ``price`` None: it has no price of its own."""

    instance_type: str
    free: int
    price: Price | Unknown | None = None


def format_quota_value(value: float | None) -> str:
    """A quota's value as text: whole numbers without a decimal point."""
    if value is None:
        return "?"
    return f"{value:.0f}" if value == int(value) else f"{value:g}"


def int_if_whole(value: float | None) -> float | int | None:
    """A number for JSON: an integer if it is whole."""
    return int(value) if value is not None and value == int(value) else value
