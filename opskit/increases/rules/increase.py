"""A quota increase: its target, how it is to be requested, and its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from opskit.core.exceptions import CREDENTIAL_CODES, Problem
from opskit.core.model import QuotaLookup, Requirement, Unknown, Workload, known_quota
from opskit.increases.rules.channel import Channel, SubmissionType
from opskit.increases.rules.support_cases import SupportCategory
from opskit.quotas.rules.headroom import QuotaCheck, requestable_value, required_value

# Refusals of the caller rather than of the request: with other credentials the same request may succeed.
_CALLER_PROBLEM_CODES = CREDENTIAL_CODES | {"denied"}
# For how long a submission with unknown outcome may still be in flight. After that AWS's own rule prevents a duplicate:
# it accepts one open request per quota.
_IN_FLIGHT = timedelta(seconds=10)


class IncreaseOutcome(StrEnum):
    """The outcome of one increase."""

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
        return _OUTCOME_TRAITS[self].is_filed

    @property
    def is_refused(self) -> bool:
        """Whether AWS or opskit refused it."""
        return _OUTCOME_TRAITS[self].is_refused

    @property
    def is_open(self) -> bool:
        """Whether AWS has an open request for it."""
        return _OUTCOME_TRAITS[self].is_open

    @property
    def is_queued(self) -> bool:
        """Whether it was put off, and a later run sends it."""
        return _OUTCOME_TRAITS[self].is_queued

    @property
    def is_unknown(self) -> bool:
        """Whether it cannot be told what became of it."""
        return _OUTCOME_TRAITS[self].is_unknown

    @property
    def leads_nowhere(self) -> bool:
        """Whether, as far as is known, no request was, is or will be sent."""
        return _OUTCOME_TRAITS[self].leads_nowhere


@dataclass(frozen=True, kw_only=True)
class _OutcomeTraits:
    """What an outcome means; see the properties of ``IncreaseOutcome``."""

    is_filed: bool = False
    is_refused: bool = False
    is_open: bool = False
    is_queued: bool = False
    is_unknown: bool = False
    leads_nowhere: bool = False


_OUTCOME_TRAITS: Mapping[IncreaseOutcome, _OutcomeTraits] = {
    IncreaseOutcome.FILED: _OutcomeTraits(is_filed=True, is_open=True),
    IncreaseOutcome.ALREADY_OPEN: _OutcomeTraits(is_open=True),
    IncreaseOutcome.ALREADY_ENOUGH: _OutcomeTraits(),
    IncreaseOutcome.QUEUED: _OutcomeTraits(is_queued=True),
    IncreaseOutcome.PLANNED: _OutcomeTraits(),
    IncreaseOutcome.REFUSED: _OutcomeTraits(is_refused=True, leads_nowhere=True),
    # Whether a request was sent is not known, so nothing may be taken to be under way.
    IncreaseOutcome.UNKNOWN: _OutcomeTraits(is_unknown=True, leads_nowhere=True),
}


UNNAMED_REQUEST = Unknown("AWS says that a request is open, and does not name it")
CASE_TELLS_NO_VALUE = Unknown("a support case does not tell its value")


@dataclass(frozen=True)
class IncreaseTarget:
    """The applied value that is wanted: ``value`` is absolute. ``instance_type`` None is an account-wide total."""

    instance_type: str | None
    workload: Workload
    value: float

    def requirement(self) -> Requirement:
        """The requirement that this value would meet; it determines the quota."""
        return Requirement(self.instance_type, self.workload, count=max(1, int(self.value)))


@dataclass(frozen=True)
class RequestPlan:
    """Send a Service Quotas request."""


@dataclass(frozen=True)
class CaseForRequestPlan:
    """Open a support case for a request that is PENDING, of which ``value`` is what it asks for."""

    request_id: str
    value: float


@dataclass(frozen=True)
class CasePlan:
    """Open a separate case with AWS Support."""

    category: SupportCategory


@dataclass(frozen=True)
class ConsolePlan:
    """The user submits the request in the console."""


@dataclass(frozen=True)
class IncreaseResult:
    """The outcome of an increase, or why it is not requested. ``outcome`` is never ``planned``.

    ``request_id`` is the request that is open or was just created, ``case_id`` its support case; None: AWS has told
    of none so far, and ``outcome`` says whether there may be one. ``open_value`` is what the open request or case asks
    for; ``Unknown``: AWS does not tell; None: none is open, as far as is known. ``problem`` is the error of AWS or the
    network; None: there was none. ``only_support``: Service Quotas cannot take it, AWS Support may. ``may_appear``: it
    was sent, and AWS does not list it yet.
    """

    outcome: IncreaseOutcome
    request_id: str | None = None
    case_id: str | None = None
    open_value: float | Unknown | None = None
    problem: Problem | None = None
    only_support: bool = False
    may_appear: bool = False


IncreaseStep = RequestPlan | CaseForRequestPlan | CasePlan | ConsolePlan | IncreaseResult
"""How an increase is to be requested; afterwards, its result."""


@dataclass(frozen=True)
class Increase:
    """One increase in one Region, and its state; ``quota`` is what was read of its quota."""

    region: str
    target: IncreaseTarget
    quota_name: str
    quota: QuotaLookup
    channel: Channel
    reason: str
    step: IncreaseStep

    def with_result(self, reason: str, result: IncreaseResult) -> Increase:
        """The same increase with its result. The ID and the value of a request that was already open are kept."""
        before = self.result
        open_value = before.open_value if result.open_value is None else result.open_value
        kept = replace(result, request_id=result.request_id or before.request_id, open_value=open_value)
        return replace(self, reason=reason, step=kept)

    @property
    def result(self) -> IncreaseResult:
        """The result so far."""
        match self.step:
            case IncreaseResult():
                return self.step
            case CaseForRequestPlan(request_id, value):
                return IncreaseResult(IncreaseOutcome.PLANNED, request_id, open_value=value)
            case RequestPlan() | CasePlan() | ConsolePlan():
                return IncreaseResult(IncreaseOutcome.PLANNED)

    @property
    def outcome(self) -> IncreaseOutcome:
        """``planned``, or the outcome."""
        return self.result.outcome

    @property
    def request_id(self) -> str | None:
        """The request that is open or was just created; None: AWS has told of none so far."""
        return self.result.request_id

    @property
    def case_id(self) -> str | None:
        """The support case; None: AWS has told of none so far."""
        return self.result.case_id

    @property
    def quota_code(self) -> str | None:
        """AWS's code of the quota; None: it is not known."""
        quota = known_quota(self.quota)
        return None if quota is None else quota.code

    @property
    def will_send(self) -> bool:
        """Whether submitting it would send anything."""
        match self.step:
            case RequestPlan() | CaseForRequestPlan() | CasePlan():
                return True
            case ConsolePlan() | IncreaseResult():
                return False

    @property
    def outcome_unknown(self) -> bool:
        """Whether it was sent and its outcome is still unknown."""
        result = self.result
        lost = result.problem is not None and result.problem.code == "outcome-unknown"
        return result.outcome.is_unknown and (lost or result.may_appear)

    @property
    def refused_for_caller(self) -> bool:
        """Whether it was refused because of the caller's credentials or permissions, not because of its content."""
        problem = self.result.problem
        return problem is not None and problem.code in _CALLER_PROBLEM_CODES

    @property
    def covered_value(self) -> float:
        """The value up to which an open request makes other requests unnecessary."""
        result = self.result
        match result.open_value:
            case None:
                return 0.0
            case Unknown():
                # Support opens no second case for the quota; of a request that AWS does not name, nothing is certain.
                return 0.0 if result.case_id is None else self.target.value
            case value:
                return value


def increase_targets(check: QuotaCheck) -> list[IncreaseTarget]:
    """The values to request so that what is short fits. The maximum per job is not requested: using fewer instances is
    faster.
    """
    short = [
        headroom
        for headroom in check.headrooms
        if headroom.verdict.is_short and headroom.requirement.has_increase_command
    ]
    return [
        IncreaseTarget(headroom.requirement.instance_type, headroom.requirement.workload, requestable_value(headroom))
        for headroom in short
    ]


def wait_targets(check: QuotaCheck) -> list[IncreaseTarget]:
    """The applied values with which what is short would fit."""
    short = [headroom for headroom in check.headrooms if headroom.verdict.is_too_little]
    return [
        IncreaseTarget(headroom.requirement.instance_type, headroom.requirement.workload, required_value(headroom))
        for headroom in short
        if headroom.requirement.has_increase_command
    ]


@dataclass(frozen=True)
class Submission:
    """opskit's submission that AWS's lists may not show yet, sent at ``sent_at``; ``known_ids`` existed before. ``id``
    is AWS's ID, None if its response was lost.
    """

    sent_at: datetime
    desired_value: float
    known_ids: frozenset[str] = frozenset()
    channel: Channel = Channel.SERVICE_QUOTAS
    id: str | None = None

    @property
    def request_and_case(self) -> tuple[str | None, str | None]:
        """AWS's ID as that of a request, and as that of a case; at most one of them is there."""
        match self.channel.submission_type:
            case SubmissionType.REQUEST:
                return self.id, None
            case SubmissionType.CASE:
                return None, self.id
            case SubmissionType.NOTHING:
                return None, None

    def seconds_until_visible(self, now: datetime) -> float:
        """Seconds until a listing shows whether it arrived; 0 if it already does."""
        match self.channel.submission_type:
            # A case is looked for by its text, and counts as there for as long as the list of cases may lag.
            case SubmissionType.CASE | SubmissionType.NOTHING:
                return 0.0
            case SubmissionType.REQUEST:
                remaining = (_IN_FLIGHT - (now - self.sent_at)).total_seconds()
        # Capped, in case the clock was set back.
        return 0.0 if self.id is not None else min(max(0.0, remaining), _IN_FLIGHT.total_seconds())
