"""The verdict on a call: whether it may be sent, and what is said if it may not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from opskit.core.exceptions import Problem
from opskit.guards.rules.call_budget import CallCost, CallPolicy, Prices, budget_reasons, call_cost
from opskit.guards.rules.request_model import InstanceNeed, RequestNeeds
from opskit.quotas.rules.headroom import is_refusal, requestable_value
from opskit.quotas.rules.model import Headroom


class Outcome(StrEnum):
    """Whether a call may be sent."""

    FITS = "fits"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class CallVerdict:
    """What was found about a call, or about declared instances where ``operation`` is empty. ``reasons`` say why it may
    not be sent, ``unknowns`` what cannot be told, ``notes`` what else is to be known; each is a sentence without its
    end.
    """

    operation: str
    region: str
    needs: RequestNeeds
    headrooms: tuple[Headroom, ...] = ()
    cost: CallCost = field(default_factory=CallCost)
    reasons: tuple[str, ...] = ()
    unknowns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """A refusal outranks what is unknown."""
        if self.reasons:
            return Outcome.REFUSED
        return Outcome.UNKNOWN if self.unknowns else Outcome.FITS

    def increase_commands(self) -> Iterator[str]:
        """The commands that ask AWS for what is missing."""
        for headroom in self.headrooms:
            instance_type = headroom.requirement.instance_type
            if headroom.verdict.is_too_little and instance_type:
                use = headroom.requirement.workload.value
                yield f"opskit quotas increase {instance_type} --for {use} --to {requestable_value(headroom)}"


def judge_call(
    operation: str,
    region: str,
    needs: RequestNeeds,
    headrooms: Sequence[Headroom],
    prices: Prices,
    policy: CallPolicy,
    problems: Sequence[Problem] = (),
) -> CallVerdict:
    """The verdict on a call from what was read. ``problems`` are why quotas could not be read."""
    cost = call_cost(needs.needs, prices)
    refused = [headroom for headroom in headrooms if is_refusal(headroom)]
    unread = [headroom for headroom in headrooms if headroom.verdict.is_unknown]
    reasons = [_headroom_text(headroom) for headroom in refused]
    reasons += budget_reasons(needs.needs, prices, policy)
    unknowns = [f"{unknown.source}: {unknown.reason}" for unknown in needs.unknowns]
    unknowns += [_headroom_text(headroom) for headroom in unread]
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
    )


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
    """The next step after a refusal."""
    if commands := tuple(verdict.increase_commands()):
        return f"Ask for more: {'; '.join(commands)}"
    if any(is_refusal(headroom) and not headroom.verdict.is_too_little for headroom in verdict.headrooms):
        return "Take another instance type or Region: no increase helps."
    if verdict.reasons:
        return "Take fewer or smaller instances, or call opskit.guard() with a larger max_usd."
    return 'To send what cannot be judged, with a warning: opskit.guard(on_unknown="warn")'


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
