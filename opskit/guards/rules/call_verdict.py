"""The verdict on a call: whether it may be sent, and what is said if it may not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from opskit.core.exceptions import Problem
from opskit.core.model import NotOffered, Quota, QuotaLookup, Unknown
from opskit.guards.rules.call_budget import BoundExceeded, CallCost, CallPolicy, Prices, call_cost, exceeded_bounds
from opskit.guards.rules.request_model import InstanceNeed, RequestLimit, RequestNeeds
from opskit.quotas.rules.headroom import increase_commands, is_refusal, wait_commands
from opskit.quotas.rules.model import Headroom, format_quota_value


class Outcome(StrEnum):
    """Whether a call may be sent."""

    FITS = "fits"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class CallVerdict:
    """What was found about a call, or about declared instances where ``operation`` is empty. ``reasons`` say why it may
    not be sent, ``unknowns`` what cannot be told, ``notes`` what else is to be known; each is a sentence without its
    end. ``exceeded`` are the bounds of the budget that are among the reasons, ``limits`` the numbers of the request
    that are above a quota, with that; ``next_step`` is what helps where it is not told by these.
    """

    operation: str
    region: str
    needs: RequestNeeds
    headrooms: tuple[Headroom, ...] = ()
    cost: CallCost = field(default_factory=CallCost)
    reasons: tuple[str, ...] = ()
    unknowns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    exceeded: tuple[BoundExceeded, ...] = ()
    limits: tuple[tuple[RequestLimit, Quota], ...] = ()
    next_step: str = ""

    @property
    def outcome(self) -> Outcome:
        """A refusal outranks what is unknown."""
        if self.reasons:
            return Outcome.REFUSED
        return Outcome.UNKNOWN if self.unknowns else Outcome.FITS


@dataclass(frozen=True)
class ReadQuotas:
    """The quotas that were read, by name, and what is in use of those that no instances count against."""

    by_name: Mapping[str, QuotaLookup] = field(default_factory=dict)
    in_use: Mapping[str, int | Unknown] = field(default_factory=dict)


def judge_call(
    operation: str,
    region: str,
    needs: RequestNeeds,
    headrooms: Sequence[Headroom],
    prices: Prices,
    policy: CallPolicy,
    problems: Sequence[Problem] = (),
    quotas: ReadQuotas | None = None,
) -> CallVerdict:
    """The verdict on a call from what was read. ``problems`` are why quotas could not be read."""
    cost = call_cost(needs.needs, prices)
    refused = [headroom for headroom in headrooms if is_refusal(headroom)]
    unread = [headroom for headroom in headrooms if headroom.verdict.is_unknown]
    reasons = [_headroom_text(headroom) for headroom in refused]
    limits, unread_limits = judge_limits(needs, quotas or ReadQuotas())
    reasons += [limit_text(*limit) for limit in limits]
    exceeded = exceeded_bounds(needs.needs, prices, policy)
    reasons += [each.reason for each in exceeded]
    unknowns = [f"{unknown.source}: {unknown.reason}" for unknown in needs.unknowns]
    unknowns += [_headroom_text(headroom) for headroom in unread]
    if headrooms or not problems:  # else ``problems`` say it
        unknowns += unread_limits
    if policy.has_budget:
        unknowns += cost.unpriced
    if not headrooms:
        unknowns += [problem.message.rstrip(".") for problem in problems]
    notes = [*needs.notes, *(f"prices: {source}" for source in cost.sources if source.startswith("opskit's table"))]
    return CallVerdict(
        operation,
        region,
        needs,
        tuple(headrooms),
        cost,
        tuple(dict.fromkeys(reasons)),
        tuple(dict.fromkeys(unknowns)),
        tuple(dict.fromkeys(notes)),
        exceeded,
        limits,
    )


def judge_limits(needs: RequestNeeds, quotas: ReadQuotas) -> tuple[tuple[tuple[RequestLimit, Quota], ...], list[str]]:
    """The numbers of needs that are above their quota, and why others cannot be judged. A quota that the Region does
    not have bounds nothing.
    """
    above: list[tuple[RequestLimit, Quota]] = []
    unread: list[str] = []
    for limit in _summed_limits(needs.limits):
        quota = quotas.by_name.get(limit.quota_name, Unknown("it was not read"))
        used = quotas.in_use.get(limit.quota_name, Unknown("what is in use was not read")) if limit.shared else 0
        match quota:
            case Unknown(reason):
                unread.append(f"{limit.quota_name}: {reason.rstrip('.')}")
            case NotOffered():
                pass
            case Quota(effective_value=None):
                unread.append(f"{limit.quota_name}: AWS gives no value")
            case Quota():
                if isinstance(used, Unknown):
                    unread.append(f"{limit.quota_name}: what is in use could not be counted: {used.reason.rstrip('.')}")
                elif limit.value + used > (quota.effective_value or 0):
                    above.append((limit, quota))
    return tuple(above), unread


def _summed_limits(limits: Sequence[RequestLimit]) -> Iterator[RequestLimit]:
    """The limits, of which those that share a quota are one."""
    shared: dict[str, list[RequestLimit]] = {}
    for limit in limits:
        if limit.shared:
            shared.setdefault(limit.quota_name, []).append(limit)
        else:
            yield limit
    for name, several in shared.items():
        places = ", ".join(dict.fromkeys(each.source for each in several))
        # An endpoint is one, however many variants it has.
        parts = {(each.source, each.value) for each in several}
        yield RequestLimit(name, sum(value for _, value in parts), places, shared=True)


def limit_text(limit: RequestLimit, quota: Quota) -> str:
    """Why a number is refused, as a sentence without its end."""
    value = format_quota_value(quota.effective_value)
    if limit.shared:
        return f"{quota.name}: the quota is {value}, in use or not, and {limit.source} needs {limit.value} of it"
    return f"{quota.name}: the quota is {value}, and {limit.source} is {limit.value}"


def _headroom_text(headroom: Headroom) -> str:
    return f"{headroom.quota_name}: {headroom.reason.rstrip('.')} (needed: {headroom.requirement.count})"


def refusal_text(verdict: CallVerdict) -> str:
    """Why a call was not sent, as a paragraph for people."""
    why = "opskit's guard refused it" if verdict.reasons else "opskit's guard cannot tell whether it fits"
    lines = [f"{verdict.operation} was not sent: {why}." if verdict.operation else f"Nothing was started: {why}."]
    lines += [f"  - {reason}." for reason in verdict.reasons]
    lines += [f"  - not known: {unknown}." for unknown in verdict.unknowns]
    if needed := needs_text(verdict.needs.needs):
        lines.append(f"It needs {needed} in {verdict.region}.")
    return "\n".join([*lines, *(f"Note: {note.rstrip('.')}." for note in verdict.notes)])


def refusal_hint(verdict: CallVerdict) -> str:
    """The next step after a refusal: one for each of its reasons."""
    if verdict.next_step:
        return verdict.next_step
    if not verdict.reasons:
        return 'To send what cannot be judged, with a warning: opskit.guard(on_unknown="warn")'
    refused = [headroom for headroom in verdict.headrooms if is_refusal(headroom)]
    steps: list[str] = []
    if any(not headroom.verdict.is_too_little for headroom in refused):
        steps.append("Take another instance type or Region: no increase helps.")
    if any(headroom.verdict.is_too_little and headroom.requirement.per_job for headroom in refused):
        steps.append("Use fewer instances at once in one job, endpoint or cluster.")
    if any(headroom.verdict.is_too_little and headroom.requirement.of_volumes for headroom in refused):
        steps.append("Take smaller volumes, or delete notebook instances that nobody needs.")
    steps += [limit_hint(limit, quota) for limit, quota in verdict.limits]
    if verdict.exceeded:
        steps.append(_budget_hint(verdict.exceeded))
    # Last, so that the end of the line is a command.
    if commands := tuple(wait_commands(verdict.headrooms)):
        steps.append(f"Asked already: {'; '.join(commands)}")
    if commands := tuple(increase_commands(verdict.headrooms)):
        steps.append(f"Ask for more: {'; '.join(commands)}")
    return " ".join(steps)


def limit_hint(limit: RequestLimit, quota: Quota) -> str:
    """What to do about a number that is above its quota."""
    most = f"Set {limit.source} to {format_quota_value(quota.effective_value)} at most"
    if limit.shared:
        most = "Take less concurrency, or delete serverless endpoints"
    if not quota.adjustable:
        return f"{most}: AWS does not raise this quota."
    return f"{most}, or ask AWS for more of the quota {quota.code} in the Service Quotas console."


def _budget_hint(exceeded: Sequence[BoundExceeded]) -> str:
    arguments = " and ".join(each.argument for each in exceeded)
    by_hours = any(each.by_hours for each in exceeded)
    shorter = ", or with the hours that they will run as hours=" if by_hours else ""
    return f"Take fewer or smaller instances, or call opskit.guard() with a larger {arguments}{shorter}."


def unknown_warning(verdict: CallVerdict) -> str:
    """What is said of a call that is sent although it cannot be judged."""
    return f"{verdict.operation} is sent, though opskit's guard cannot judge it: {'; '.join(verdict.unknowns)}."


def needs_text(needs: Sequence[InstanceNeed]) -> str:
    """The instances of a request, as a phrase; alternatives are joined with ``or``."""
    groups: dict[str, list[str]] = {}
    for index, need in enumerate(needs):
        if need.count:
            text = f"{need.count} x {need.instance_type} ({need.workload})"
            groups.setdefault(need.choice or str(index), []).append(text)
    return ", ".join(" or ".join(dict.fromkeys(group)) for group in groups.values())
