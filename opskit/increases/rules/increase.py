"""An increase of a quota: what somebody wants, how it is to be asked for, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from opskit.core.exceptions import CREDENTIAL_CODES, Problem
from opskit.core.model import Quota, Requirement, Workload
from opskit.increases.rules.channel import Channel
from opskit.increases.rules.support_cases import SupportCategory

_CALLER_PROBLEM_CODES = CREDENTIAL_CODES | {"denied"}


class IncreaseOutcome(StrEnum):
    """What became of one wish."""

    FILED = "filed"
    ALREADY_OPEN = "already-open"
    ALREADY_ENOUGH = "already-enough"
    QUEUED = "queued"
    PLANNED = "planned"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def is_filed(self) -> bool:
        """Whether AWS has just accepted it."""
        match self:
            case IncreaseOutcome.FILED:
                return True
            case IncreaseOutcome.ALREADY_OPEN | IncreaseOutcome.ALREADY_ENOUGH | IncreaseOutcome.QUEUED:
                return False
            case IncreaseOutcome.PLANNED | IncreaseOutcome.REFUSED | IncreaseOutcome.UNKNOWN:
                return False

    @property
    def is_refused(self) -> bool:
        """Whether AWS or opskit refused it."""
        match self:
            case IncreaseOutcome.REFUSED:
                return True
            case IncreaseOutcome.FILED | IncreaseOutcome.ALREADY_OPEN | IncreaseOutcome.ALREADY_ENOUGH:
                return False
            case IncreaseOutcome.QUEUED | IncreaseOutcome.PLANNED | IncreaseOutcome.UNKNOWN:
                return False

    @property
    def is_open(self) -> bool:
        """Whether AWS has an open request for it."""
        match self:
            case IncreaseOutcome.FILED | IncreaseOutcome.ALREADY_OPEN:
                return True
            case IncreaseOutcome.ALREADY_ENOUGH | IncreaseOutcome.QUEUED | IncreaseOutcome.PLANNED:
                return False
            case IncreaseOutcome.REFUSED | IncreaseOutcome.UNKNOWN:
                return False

    @property
    def leads_nowhere(self) -> bool:
        """Whether, as far as is known, no request was, is or will be sent."""
        match self:
            case IncreaseOutcome.REFUSED | IncreaseOutcome.UNKNOWN:
                return True
            case IncreaseOutcome.FILED | IncreaseOutcome.ALREADY_OPEN | IncreaseOutcome.ALREADY_ENOUGH:
                return False
            case IncreaseOutcome.QUEUED | IncreaseOutcome.PLANNED:
                return False


@dataclass(frozen=True)
class IncreaseTarget:
    """An applied value somebody wants: ``value`` is absolute. ``instance_type`` None is an account-wide total."""

    instance_type: str | None
    workload: Workload
    value: float

    def requirement(self) -> Requirement:
        """The demand this would meet, which names the quota."""
        return Requirement(self.instance_type, self.workload, count=max(1, int(self.value)))


@dataclass(frozen=True)
class RequestPlan:
    """Service Quotas is asked."""


@dataclass(frozen=True)
class CaseForRequestPlan:
    """A support case is opened for a request that is PENDING."""

    request_id: str


@dataclass(frozen=True)
class CasePlan:
    """AWS Support is asked in a case of its own."""

    category: SupportCategory


@dataclass(frozen=True)
class ConsolePlan:
    """The user asks, in the console."""


@dataclass(frozen=True)
class IncreaseResult:
    """What became of an increase, or why it is not asked for. ``outcome`` is anything but planned.

    ``request_id`` is the request that is open or was just filed, ``case_id`` its support case; None: there is none, or
    AWS has not said. ``open_value`` is what the open request asks for, None where none is known. ``problem`` is what
    AWS or the network said no with. ``only_support``: Service Quotas cannot take it, AWS Support may.
    ``may_appear``: it was sent, and AWS does not show it yet.
    """

    outcome: IncreaseOutcome
    request_id: str | None = None
    case_id: str | None = None
    open_value: float | None = None
    problem: Problem | None = None
    only_support: bool = False
    may_appear: bool = False


IncreaseStep = RequestPlan | CaseForRequestPlan | CasePlan | ConsolePlan | IncreaseResult
"""How an increase is to be asked for; afterwards, what became of it."""


@dataclass(frozen=True)
class Increase:
    """One wish in one Region, and where it stands. ``quota`` None: AWS has no such quota, or it could not be read;
    ``reason`` says which.
    """

    region: str
    target: IncreaseTarget
    quota_name: str
    quota: Quota | None
    channel: Channel
    reason: str
    step: IncreaseStep

    def with_result(self, reason: str, result: IncreaseResult) -> Increase:
        """The same wish with what became of it. A request that was open before stays known."""
        return replace(self, reason=reason, step=replace(result, request_id=result.request_id or self.request_id))

    @property
    def result(self) -> IncreaseResult:
        """What became of it, as far as it has come."""
        match self.step:
            case IncreaseResult():
                return self.step
            case CaseForRequestPlan(request_id):
                return IncreaseResult(IncreaseOutcome.PLANNED, request_id)
            case RequestPlan() | CasePlan() | ConsolePlan():
                return IncreaseResult(IncreaseOutcome.PLANNED)

    @property
    def outcome(self) -> IncreaseOutcome:
        """Planned, or what became of it."""
        return self.result.outcome

    @property
    def request_id(self) -> str | None:
        """The request that is open or was just filed; None where there is none."""
        return self.result.request_id

    @property
    def case_id(self) -> str | None:
        """The support case; None where there is none."""
        return self.result.case_id

    @property
    def quota_code(self) -> str | None:
        """AWS's code of the quota; None: it has none, or it could not be read."""
        return self.quota.code if self.quota else None

    @property
    def will_send(self) -> bool:
        """Whether carrying it out would send anything."""
        match self.step:
            case RequestPlan() | CaseForRequestPlan() | CasePlan():
                return True
            case ConsolePlan() | IncreaseResult():
                return False

    @property
    def outcome_unknown(self) -> bool:
        """Whether it was sent, and nobody knows yet what became of it."""
        result = self.result
        lost = result.problem is not None and result.problem.code == "outcome-unknown"
        return result.outcome is IncreaseOutcome.UNKNOWN and (lost or result.may_appear)

    @property
    def refused_for_caller(self) -> bool:
        """Whether a refusal is about who asks, not about what is asked for."""
        problem = self.result.problem
        return problem is not None and problem.code in _CALLER_PROBLEM_CODES

    @property
    def covered_value(self) -> float:
        """Up to which value an ask that is open already makes others needless."""
        result = self.result
        if result.open_value is None and result.case_id is None:
            return 0.0
        return self.target.value if result.open_value is None else result.open_value
