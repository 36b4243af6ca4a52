"""The values of the endpoint feature: an endpoint as AWS describes it, how it is used, and what scales it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from opskit.core.aws_statuses import EndpointStatus, EndpointTraits
from opskit.core.model import Unknown
from opskit.inventory.rules.running_resource import RunningResource

JsonObject = Mapping[str, Any]
"""A structure as AWS returned it."""


class EndpointVerdict(StrEnum):
    """What the evidence says about an endpoint."""

    IDLE = "idle"
    BUSY = "busy"
    PROTECTED = "protected"
    STARTING = "starting"
    UNKNOWN = "unknown"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_idle(self) -> bool:
        """Whether nobody invokes it: only then is it stopped without being named."""
        match self:
            case EndpointVerdict.IDLE:
                return True
            case EndpointVerdict.BUSY | EndpointVerdict.PROTECTED | EndpointVerdict.STARTING:
                return False
            case EndpointVerdict.UNKNOWN | EndpointVerdict.STOPPED | EndpointVerdict.FAILED:
                return False

    @property
    def is_unknown(self) -> bool:
        """Whether it cannot be told what it does."""
        match self:
            case EndpointVerdict.UNKNOWN:
                return True
            case EndpointVerdict.IDLE | EndpointVerdict.BUSY | EndpointVerdict.PROTECTED | EndpointVerdict.STARTING:
                return False
            case EndpointVerdict.STOPPED | EndpointVerdict.FAILED:
                return False

    @property
    def is_stopped(self) -> bool:
        """Whether there is nothing to stop."""
        match self:
            case EndpointVerdict.STOPPED | EndpointVerdict.FAILED:
                return True
            case EndpointVerdict.IDLE | EndpointVerdict.BUSY | EndpointVerdict.PROTECTED:
                return False
            case EndpointVerdict.STARTING | EndpointVerdict.UNKNOWN:
                return False


@dataclass(frozen=True)
class VariantState:
    """A production or shadow variant as it is wanted now.

    ``instance_type``, ``count`` and ``weight`` None: AWS names none. A serverless variant has no instances to name; of
    any other they are unknown, as ``instances_unknown`` says. ``provisioned`` is the concurrency that a serverless
    variant keeps ready, and is billed for.
    """

    name: str
    instance_type: str | None
    count: int | None
    weight: float | None = None
    is_serverless: bool = False
    provisioned: int = 0
    is_shadow: bool = False

    @property
    def count_unknown(self) -> bool:
        """Whether it has instances and it is not known how many."""
        return not self.is_serverless and self.count is None

    @property
    def instances_unknown(self) -> bool:
        """Whether it has instances and it is not known which, or how many."""
        return self.count_unknown or (not self.is_serverless and self.instance_type is None)


@dataclass(frozen=True)
class HostedEndpoint:
    """An endpoint as AWS describes it. ``status`` is SageMaker's word, for people.

    ``modified`` is when its last deployment, or change of counts, ended or was sent. ``config`` is the name of its
    configuration, and ``has_config`` False: that was deleted, or made anew, after the endpoint was deployed.
    ``deployment`` is how its last update was rolled out, ``capture`` what of its traffic is stored; None: AWS names
    none. ``failure`` is AWS's reason for the status; None: it gives none. ``billed`` is what AWS bills of it, as
    ``opskit costs`` lists it; None: that was not looked at.
    """

    region: str
    name: str
    arn: str
    status: str
    created: datetime
    modified: datetime
    config: str
    variants: tuple[VariantState, ...] = ()
    has_config: bool | Unknown = True
    is_async: bool = False
    is_deploying: bool = False
    deployment: JsonObject | None = None
    capture: JsonObject | None = None
    failure: str | None = None
    billed: RunningResource | None = None

    @property
    def account(self) -> str | None:
        """The account that it belongs to."""
        return self.arn.split(":")[4] if self.arn.count(":") >= 5 else None

    @property
    def traits(self) -> EndpointTraits:
        """What the status means."""
        return EndpointStatus(self.status).traits

    @property
    def serving_variants(self) -> tuple[VariantState, ...]:
        """Its production variants: shadow variants only see copies of their requests."""
        return tuple(variant for variant in self.variants if not variant.is_shadow)

    @property
    def costs_nothing_idle(self) -> bool:
        """Whether a stop saves nothing: it is billed by request alone, or has no instances, as an asynchronous endpoint
        that is scaled to zero has none until the next request.
        """
        return bool(self.variants) and all(
            (each.is_serverless and not each.provisioned) or (not each.is_serverless and each.count == 0)
            for each in self.variants
        )


@dataclass(frozen=True)
class InvocationCounts:
    """How often something was invoked in the last hour, day and 14 days. The newest invocation was between ``last`` and
    ``last_by``, the two ends of CloudWatch's data point; None: there was none in the whole time that was asked about.
    """

    last_hour: int = 0
    last_day: int = 0
    last_14_days: int = 0
    last: datetime | None = None
    last_by: datetime | None = None


@dataclass(frozen=True)
class EndpointUse:
    """How an endpoint is used, by CloudWatch. ``invocations`` are those of each variant and inference component, and
    ``backlog`` the requests that wait at an asynchronous endpoint (None: it is not asynchronous). ``since`` is the
    beginning of what was asked about, ``metrics`` how many metrics that took, and ``queued`` the latest that a request
    was seen to wait in the queue of an asynchronous endpoint (None: none was seen; ``backlog`` says if it was read).
    """

    invocations: Mapping[str, InvocationCounts | Unknown]
    backlog: int | Unknown | None
    since: datetime
    metrics: int
    queued: datetime | None = None

    def unread(self) -> Unknown | None:
        """Why part of it is not known; None: all is."""
        parts = (*self.invocations.values(), self.backlog)
        return next((part for part in parts if isinstance(part, Unknown)), None)

    def counts(self) -> tuple[InvocationCounts, ...]:
        """What was read."""
        return tuple(part for part in self.invocations.values() if isinstance(part, InvocationCounts))

    def last_invocation(self) -> datetime | None:
        """The beginning of the newest data point with an invocation."""
        return max((part.last for part in self.counts() if part.last is not None), default=None)

    def last_use(self) -> datetime | None:
        """The latest that the newest invocation may have been, or that one waited."""
        times = (*(part.last_by for part in self.counts()), self.queued)
        return max((when for when in times if when is not None), default=None)


@dataclass(frozen=True)
class ScalingSettings:
    """What Application Auto Scaling holds of an endpoint: scalable targets, policies and scheduled actions, as AWS
    describes them.
    """

    targets: tuple[JsonObject, ...] = ()
    policies: tuple[JsonObject, ...] = ()
    schedules: tuple[JsonObject, ...] = field(default=())

    @property
    def is_empty(self) -> bool:
        """Whether nothing scales it."""
        return not (self.targets or self.policies or self.schedules)
