"""The values that every family of errors shares: what was found in a text, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from opskit.core.model import Workload
from opskit.quotas.rules.quota_names import NamedQuota

if TYPE_CHECKING:
    from opskit.explain.rules.pasted_text import PastedText


class ErrorKind(StrEnum):
    """What AWS complains of. The words are the ``kind`` of ``quotas explain -o json``."""

    QUOTA_SHORT = "quota-short"
    EC2_QUOTA = "ec2-quota"
    ALREADY_ASKED = "already-asked"
    BELOW_DEFAULT = "below-default"
    ALREADY_ENOUGH = "already-enough"
    NOT_ADJUSTABLE = "not-adjustable"
    TOO_MANY_REQUESTS_OPEN = "too-many-requests-open"
    NO_SUPPORT_PLAN = "no-support-plan"
    NO_APPLIED_VALUE = "no-applied-value"
    NO_SUCH_QUOTA = "no-such-quota"
    NO_SUCH_SERVICE = "no-such-service"
    NOT_OFFERED = "not-offered"
    VALUE_REFUSED = "value-refused"
    NO_CAPACITY = "no-capacity"
    DENIED = "denied"
    ROLE_NOT_ASSUMED = "role-not-assumed"
    CREDENTIALS = "credentials"
    SIGN_IN = "sign-in"
    PROFILE = "profile"
    NO_REGION = "no-region"
    REGION_NOT_ENABLED = "region-not-enabled"
    SIGNATURE = "signature"
    CLOCK = "clock"
    UNREACHABLE = "unreachable"
    CERTIFICATE = "certificate"
    PROXY = "proxy"
    NOTEBOOK_STATUS = "notebook-status"
    LIFECYCLE_SCRIPT = "lifecycle-script"
    GIT_CLONE = "git-clone"
    NO_SUCH_NOTEBOOK = "no-such-notebook"
    NO_SUCH_RESOURCE = "no-such-resource"
    NAME_TAKEN = "name-taken"
    WRONG_REGION = "wrong-region"
    S3_DATA = "s3-data"
    CONTAINER_IMAGE = "container-image"
    TRAINING_DATA = "training-data"
    HYPERPARAMETERS = "hyperparameters"
    HEALTH_CHECK = "health-check"
    OUT_OF_MEMORY = "out-of-memory"
    TIME_LIMIT = "time-limit"
    JOB_FAILED = "job-failed"
    AWS_FAILED = "aws-failed"
    THROTTLED = "throttled"
    LIBRARY_CHANGE = "library-change"
    AWS_REFUSED = "aws-refused"


@dataclass(frozen=True)
class RegionHint:
    """A Region and where it was found: ``arn``, ``text``, or what set it."""

    region: str
    source: str


@dataclass(frozen=True)
class ErrorMatch:
    """One thing AWS complains of in a text, ``position`` its place there.

    None means that nothing tells: the ``quota``, its ``code``; the ``value`` it has, what is ``in_use`` of it and
    what was to be added (``need``); the instance ``instance_type`` and its ``workload``; where it happened. ``name``
    is the quota as the text names it. ``cut_value`` is the beginning of a value that the text breaks off in.
    ``subject`` is what else the complaint is about (an action, a host, a profile, a resource's name), ``details``
    what its family needs besides.
    """

    kind: ErrorKind
    position: int
    quota: NamedQuota | None = None
    name: str = ""
    code: str | None = None
    value: float | None = None
    in_use: float | None = None
    need: float | None = None
    instance_type: str | None = None
    workload: Workload | None = None
    subject: str = ""
    details: tuple[str, ...] = ()
    cut_value: str = ""
    region_hint: RegionHint | None = None

    def detail(self, at: int) -> str:
        """The ``details`` at an index, from 0; "" where the text did not tell it."""
        return self.details[at] if at < len(self.details) else ""


class ExplanationParts(NamedTuple):
    """What is said of a complaint: why, and what to do. ``command`` is the one for it; None: none helps.
    ``increase_helps`` is whether a quota increase helps, ``target_value`` the applied value that would do; None: the
    text does not tell.
    """

    reason: str
    hint: str = ""
    command: str | None = None
    increase_helps: bool | None = False
    target_value: float | None = None


@dataclass(frozen=True)
class ErrorRule:
    """How one kind of error is found and explained.

    It is passed over where one of ``yields_to`` stands close by, which says the same more exactly. ``start_code`` is
    opskit's code for AWS's refusal to start something for this reason, "" where the refusal keeps the code it has.
    ``own_codes`` are the codes with which opskit's own JSON tells this error. ``lacks_type``: another instance type
    could help.
    """

    kind: ErrorKind
    find: Callable[[PastedText], Iterable[ErrorMatch]]
    explain: Callable[[ErrorMatch, RegionHint | None], ExplanationParts]
    yields_to: frozenset[ErrorKind] = frozenset()
    start_code: str = ""
    own_codes: tuple[str, ...] = ()
    lacks_type: bool = False
