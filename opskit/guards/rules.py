"""May this run start? The quotas and the money, judged before anything is made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from opskit.core.cost import CostItem, estimate_usd, hourly_usd
from opskit.core.exceptions import EXIT_SEVERITY, ExitCode, GuardRefused, OpskitError, UnreadableState, UsageError
from opskit.core.model import Requirement, Unknown, Workload
from opskit.quotas.rules.headroom import QuotaCheck, is_refusal
from opskit.quotas.rules.model import Verdict
from opskit.quotas.rules.requirements import parse_instance_type


def parse_type_counts(words: Iterable[str], workload: Workload) -> list[Requirement]:
    """What ``TYPE=N``, ``TYPE`` for one of it, say is needed for a use, each type once with all its instances.

    Raises:
        UsageError: a word is nothing of the kind.
    """
    needs: dict[str, int] = {}
    for word in words:
        instance_type, count = _parse_type_count(word)
        needs[instance_type] = needs.get(instance_type, 0) + count
    return [Requirement(instance_type, workload, need) for instance_type, need in needs.items()]


def _parse_type_count(word: str) -> tuple[str, int]:
    instance_type, equals, count = word.partition("=")
    if not equals and (slip := _SLIP.fullmatch(word)):
        hint = f"Did you mean {slip[1]}={slip[2]}?"
        raise UsageError("bad-count", f"'{word}' is not an instance type and a number.", hint)
    if equals and not (count.strip().isdecimal() and int(count)):
        raise UsageError("bad-count", f"'{word}' does not say how many instances.", f"Write it like {instance_type}=4.")
    return parse_instance_type(instance_type), int(count or 1)


# A type and a number with something else than ``=`` between them.
_SLIP = re.compile(r"(ml\.[a-z0-9-]+\.[a-z0-9]+)[\s:*,]+(\d+)")


def budget_error(cost_items: Sequence[CostItem], max_usd: Decimal | None) -> OpskitError | None:
    """Why a budget does not let the run start; None when it does. An endpoint counts with its first hour."""
    if max_usd is None:
        return None
    estimate, hourly = estimate_usd(cost_items), hourly_usd(cost_items)
    if estimate is None:
        why = next(item.price.reason for item in cost_items if isinstance(item.price, Unknown))
        text = f"Whether this stays under {max_usd} USD is not known: {why}."
        return UnreadableState("price-unknown", text, "Leave out --max-usd to run without a budget.")
    if estimate + hourly <= max_usd:
        return None
    endpoint = f" with the first hour of the endpoint ({hourly} USD)" if hourly else ""
    text = f"This may cost {(estimate + hourly).normalize():f} USD{endpoint}, more than {max_usd}."
    return GuardRefused("over-budget", text, "Take a smaller instance type, or raise --max-usd.")


def worst_verdict(check: QuotaCheck) -> Verdict:
    """One word over all quotas of a run: the worst."""
    refused = [headroom.verdict for headroom in check.headrooms if is_refusal(headroom)]
    if refused:
        return refused[0]
    unknown = any(headroom.verdict.is_unknown for headroom in check.headrooms)
    return Verdict.UNKNOWN if unknown or check.failed_regions else Verdict.FITS


def quota_refusal(check: QuotaCheck, hints: Mapping[Verdict, str]) -> OpskitError | None:
    """Why the quotas do not let something start, with the next step that ``hints`` know; None when they do."""
    verdict = worst_verdict(check)
    match verdict:
        case Verdict.FITS:
            return None
        case Verdict.UNKNOWN:
            text = f"Whether there is room is not known, so nothing was started. {describe_blockers(check)}"
            error = UnreadableState("quota-unknown", text, hints[verdict])
            error.exit = check.exit_code
            return error
        case Verdict.SHORT | Verdict.PENDING | Verdict.NOT_OFFERED:
            text = f"There is no room, so nothing was started. {describe_blockers(check)}"
            return GuardRefused("no-room", text, hints[verdict])


def describe_blockers(check: QuotaCheck) -> str:
    """What stands in the way of room, a reason once for all quotas it holds for; what could not be told only where
    nothing else does.
    """
    no = [headroom for headroom in check.headrooms if is_refusal(headroom)]
    reasons = no or [headroom for headroom in check.headrooms if headroom.verdict.is_unknown]
    names: dict[str, list[str]] = {}
    for headroom in reasons:
        names.setdefault(headroom.reason.rstrip("."), []).append(headroom.quota_name)
    return "; ".join(f"{', '.join(quotas)}: {reason}" for reason, quotas in names.items()) + "."


def can_resolve(check: QuotaCheck) -> bool:
    """Whether a later look may find room: something is short, and none of it is a thing that no increase can help."""
    no = {headroom.verdict for headroom in check.headrooms if is_refusal(headroom)}
    return bool(no) and all(verdict.is_too_little for verdict in no)


def is_transient_unknown(check: QuotaCheck) -> bool:
    """Whether what could not be told may well be told at a later look: it was not for want of a permission."""
    return worst_verdict(check).is_unknown and all(problem.code != "denied" for problem in check.problems)


RUN_HINTS: Mapping[Verdict, str] = {
    Verdict.FITS: "",
    Verdict.SHORT: "Add --request-increase to ask for what is missing, and --wait to go on when it is granted.",
    Verdict.PENDING: "Add --wait to go on when the request is granted.",
    Verdict.NOT_OFFERED: "Take another --instance-type or --region: no increase helps.",
    Verdict.UNKNOWN: "--no-guard starts all the same.",
}
ENDPOINT_HINTS: Mapping[Verdict, str] = {
    **RUN_HINTS,
    Verdict.SHORT: "`opskit quotas increase` asks for what is missing, `opskit quotas wait` tells when it is granted.",
    Verdict.PENDING: "`opskit quotas wait` tells when the request is granted.",
}
COMMAND_HINTS: Mapping[Verdict, str] = {
    Verdict.FITS: "",
    Verdict.SHORT: "`opskit quotas increase` asks for what is missing; --wait 2h goes on as soon as there is room.",
    Verdict.PENDING: "--wait 2h goes on as soon as there is room.",
    Verdict.NOT_OFFERED: "Take another instance type or --region: no increase helps.",
    Verdict.UNKNOWN: "Nothing is started on a guess.",
}


def worst_exit(errors: Iterable[OpskitError]) -> ExitCode:
    """The exit code over several things that stand in the way."""
    return max((error.exit for error in errors), key=EXIT_SEVERITY.__getitem__, default=ExitCode.OK)
