"""Assesses whether a requirement fits its quota, from the quota, what is in use, and open increase requests; and the
commands that ask AWS for the quota that is missing, or wait for what was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from opskit.core.exceptions import ExitCode, Problem
from opskit.core.model import NotOffered, Quota, QuotaLookup, Requirement, Unknown, known_quota
from opskit.core.workloads import WORKLOADS
from opskit.quotas.rules.holders import HeldQuota
from opskit.quotas.rules.model import (
    Headroom,
    IncreaseRequest,
    InUseCounts,
    UsedRange,
    Verdict,
    format_quota_value,
    number_of_type,
)
from opskit.quotas.rules.requirements import TOTAL, quota_name_for

# The order of the results, worst first.
_RANKS = {Verdict.SHORT: 0, Verdict.NOT_OFFERED: 1, Verdict.UNKNOWN: 2, Verdict.PENDING: 3, Verdict.FITS: 4}

# The phrases of an assessment's reason. `quotas explain` recognises them by the same templates.
NOT_OFFERED_TEMPLATE = "not offered in {region}"
USED_OF_TEMPLATE = "{used} of {limit} in use"
QUOTA_IS_TEMPLATE = "the quota is {value}"


@dataclass(frozen=True)
class QuotaCheck:
    """All assessments of a check of one or several Regions, and what could not be read.

    ``failed_regions`` are the Regions of which no quota could be read; ``all_auth_failed`` tells that AWS accepted the
    credentials nowhere. ``held`` are the holders of quotas that are too full, by Region and quota name.
    """

    headrooms: tuple[Headroom, ...]
    problems: tuple[Problem, ...] = ()
    failed_regions: frozenset[str] = frozenset()
    all_auth_failed: bool = False
    held: Mapping[tuple[str, str], tuple[HeldQuota, ...]] = field(default_factory=dict)

    @property
    def exit_code(self) -> ExitCode:
        """A refusal outranks unknown quotas, and these outrank success."""
        if any(is_refusal(headroom) for headroom in self.headrooms):
            return ExitCode.REFUSED
        regions = {headroom.region for headroom in self.headrooms}
        if self.failed_regions and self.failed_regions == regions and (len(regions) == 1 or self.all_auth_failed):
            return ExitCode.AWS_ERROR
        unknown = any(headroom.verdict.is_unknown for headroom in self.headrooms)
        return ExitCode.PARTIAL if unknown or self.failed_regions else ExitCode.OK


def is_refusal(headroom: Headroom) -> bool:
    """Whether an assessment is a refusal: not enough quota, a type that was named and is not offered, or a quota fuller
    than the user wants. A retired type that nobody named is none.
    """
    match headroom.verdict:
        case Verdict.SHORT | Verdict.PENDING:
            return not headroom.requirement.only_noted
        case Verdict.NOT_OFFERED:
            return headroom.requirement.explicit
        case Verdict.FITS | Verdict.UNKNOWN:
            return exceeds_alert_share(headroom)


def exceeds_alert_share(headroom: Headroom) -> bool:
    """Whether the utilization has reached for certain the share from which the user wants a warning, even if the
    requirement fits.
    """
    share, value = headroom.requirement.alert_share, headroom.quota_value
    if share is None or not value or headroom.used is None:
        return False
    return headroom.used.least / value >= share


def sort_worst_first(headrooms: Iterable[Headroom]) -> tuple[Headroom, ...]:
    """The assessments, worst verdict first; within a verdict in the order they were asked for."""
    return tuple(sorted(headrooms, key=lambda headroom: _RANKS[headroom.verdict]))


def assess_headroom(
    region: str,
    requirement: Requirement,
    quota: QuotaLookup,
    in_use: InUseCounts,
    requests: Sequence[IncreaseRequest] | Unknown,
) -> Headroom:
    """Assess one requirement against one quota.

    A quota that could not be read is ``unknown``. So is one whose usage could not be counted completely, unless the
    requirement exceeds the quota, or what is left of it at best: then no better count can help.
    """
    match quota:
        case NotOffered():
            seen_on = f" (as of {quota.seen_at:%Y-%m-%d})" if quota.seen_at else ""
            verdict = Verdict.NOT_OFFERED
            reason = f"{NOT_OFFERED_TEMPLATE.format(region=region)}{seen_on}: no increase can help"
        case Unknown():
            verdict, reason = Verdict.UNKNOWN, quota.reason
        case Quota(effective_value=None):
            verdict, reason = Verdict.UNKNOWN, "AWS gave no value"
        case Quota():
            request = _find_open_request(quota.name, quota, requests)
            return _measured_headroom(
                requirement,
                quota,
                quota.effective_value or 0.0,
                in_use,
                request,
            )
        case _:
            assert_never(quota)
    name = quota_name_for(requirement)
    request = _find_open_request(name, known_quota(quota), requests)
    return Headroom(region, requirement, name, quota, None, verdict, reason, request)


def _measured_headroom(
    requirement: Requirement, quota: Quota, value: float, in_use: InUseCounts, request: IncreaseRequest | Unknown | None
) -> Headroom:
    used, need = _used_range(requirement, in_use), requirement.count
    # At best too little is certain, whatever is not known; at worst enough is needed to fit.
    if value - used.least < need:
        # With an incomplete count nobody knows whether the granted value would suffice.
        asked_for = request.desired_value if isinstance(request, IncreaseRequest) else None
        is_covered = asked_for is not None and used.missing is None and asked_for - used.most >= need
        verdict = Verdict.PENDING if is_covered else Verdict.SHORT
    else:
        verdict = Verdict.FITS if used.missing is None and value - used.most >= need else Verdict.UNKNOWN
    reason = _headroom_reason(requirement, quota, value, used, in_use)
    reason += _request_text(request, verdict)
    headroom = Headroom(quota.region, requirement, quota.name, quota, used, verdict, reason, request)
    if not exceeds_alert_share(headroom):
        return headroom
    alert = f"; {used.least / value:.0%} of it is in use, and you want to hear of {requirement.alert_share:.0%}"
    return replace(headroom, reason=f"{reason}{alert}")


def _request_text(request: IncreaseRequest | Unknown | None, verdict: Verdict) -> str:
    """What an assessment's reason says of the open request; that it is not known only where it would matter."""
    match request:
        case None:
            return ""
        case Unknown():
            return "; whether more is asked for already could not be read" if verdict.is_short else ""
        case IncreaseRequest():
            status = request.status.value.lower().replace("_", " ")
            return f"; {format_quota_value(request.desired_value)} asked for, {status}"
        case _:
            assert_never(request)


def _used_range(requirement: Requirement, in_use: InUseCounts) -> UsedRange:
    # A maximum per job limits each job by itself, so nothing that runs uses it up.
    if requirement.per_job:
        return UsedRange(0, 0)
    if requirement.of_volumes:
        gigabytes = in_use.others.get(quota_name_for(requirement), Unknown("the volumes were not read"))
        return UsedRange(0, 0, missing=gigabytes) if isinstance(gigabytes, Unknown) else UsedRange(gigabytes, gigabytes)
    least = in_use.count(requirement.instance_type)
    # What exists already is in the larger count too, so that neither way of counting it takes more.
    if requirement.already_made and requirement.instance_type is None:
        return UsedRange(least, least, missing=in_use.incomplete)
    most = in_use.ceiling(requirement.instance_type)
    return UsedRange(least, most, in_use.possible_text(requirement.instance_type), in_use.incomplete)


def _headroom_reason(requirement: Requirement, quota: Quota, value: float, used: UsedRange, in_use: InUseCounts) -> str:
    counts = "" if quota.applied is not None else " (AWS's default; nothing else is applied)"
    limit = format_quota_value(value) + (" GB" if requirement.of_volumes else "")
    if requirement.per_job:
        unit = WORKLOADS[requirement.workload].per_job_unit
        return f"{'an' if unit[0] in 'aeiou' else 'a'} {unit} may have {limit}{counts}"
    if used.missing is None and (used.least or used.why):
        more = f"; it may be {used.most}: {used.why}" if used.why else ""
        reason = f"{USED_OF_TEMPLATE.format(used=used.least, limit=limit)}{counts}{more}"
    elif used.missing is None or value - used.least < requirement.count:
        at_least = f", at least {used.least} in use" if used.least else ""
        reason = f"{QUOTA_IS_TEMPLATE.format(value=limit)}{counts}{at_least}"
    else:
        reason = f"what is in use could not be counted: {used.missing.reason}"
    if requirement.of_volumes:
        return reason
    # Instances that run nothing, or of which it is not known whether AWS counts them.
    if warm := number_of_type(in_use.kept_warm, requirement.instance_type):
        reason += f"; {warm} of it in warm pools, which ended jobs keep"
    if planned := number_of_type(in_use.in_plans, requirement.instance_type):
        reason += f"; {planned} of it in training plans, which AWS may not count"
    return reason


def _find_open_request(
    name: str, quota: Quota | None, requests: Sequence[IncreaseRequest] | Unknown
) -> IncreaseRequest | Unknown | None:
    """The open request for the quota of this name. ``quota`` None: its code is not known."""
    if isinstance(requests, Unknown):
        return requests
    # By the name, where AWS gives one: codes may change, the name is the quota's identity.
    matching = [
        request
        for request in requests
        if request.status.is_open
        and (request.quota_name == name if request.quota_name else quota and request.quota_code == quota.code)
    ]
    # AWS allows one at a time; if there are several, the largest counts.
    return max(matching, key=lambda request: request.desired_value, default=None)


def required_value(headroom: Headroom) -> int:
    """The applied value with which a requirement would fit, given what is known to be in use."""
    return headroom.requirement.count + (headroom.used.least if headroom.used else 0)


def requestable_value(headroom: Headroom) -> int:
    """The value to request so that a requirement fits: AWS only accepts values above its own default."""
    # AWS compares with its default, even where the applied value is below it.
    quota = known_quota(headroom.quota)
    return max(required_value(headroom), 0 if quota is None or quota.default is None else int(quota.default) + 1)


def increase_commands(headrooms: Iterable[Headroom], home: str | None = None) -> Iterator[str]:
    """One command for each Region, type and value that is short. ``home`` is the Region that needs no flag; None: all
    do. A maximum of one job is not among them, since `quotas increase` does not know it.
    """
    return _commands_for(headrooms, Verdict.SHORT, "increase", requestable_value, home)


def wait_commands(headrooms: Iterable[Headroom], home: str | None = None) -> Iterator[str]:
    """The commands that wait for what was asked for already, one for each Region, type and value."""
    return _commands_for(headrooms, Verdict.PENDING, "wait", required_value, home)


def _commands_for(
    headrooms: Iterable[Headroom], verdict: Verdict, word: str, value: Callable[[Headroom], int], home: str | None
) -> Iterator[str]:
    workloads_by_command: dict[tuple[str, str, int], list[str]] = {}
    for headroom in headrooms:
        requirement = headroom.requirement
        if headroom.verdict is verdict and requirement.has_increase_command and not requirement.only_noted:
            key = (headroom.region, headroom.requirement.instance_type or TOTAL, value(headroom))
            workloads_by_command.setdefault(key, []).append(headroom.requirement.workload.value)
    for (region, instance_type, target_value), usages in workloads_by_command.items():
        flag = "" if region == home else f" --region {region}"
        uses = " ".join(f"--for {usage}" for usage in dict.fromkeys(usages))
        yield f"opskit quotas {word} {instance_type} {uses} --to {target_value}{flag}"
