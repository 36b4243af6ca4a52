"""Decides whether a run may start, by quotas and budget, before anything is created."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from opskit.core.cost import CostItem, estimate_usd, hourly_usd
from opskit.core.exceptions import EXIT_SEVERITY, ExitCode, GuardRefused, OpskitError, UnreadableState, UsageError
from opskit.core.model import Requirement, Unknown, Workload
from opskit.increases.rules.increase import IncreaseTarget, increase_targets, wait_targets
from opskit.quotas.rules.headroom import QuotaCheck, is_refusal
from opskit.quotas.rules.model import Headroom, Verdict
from opskit.quotas.rules.requirements import TOTAL, parse_instance_type, suggest_known_type


def parse_type_counts(words: Iterable[str], workload: Workload) -> list[Requirement]:
    """The requirements in arguments such as ``TYPE=N``, or ``TYPE`` for one instance; repeated types are added up.

    Raises:
        UsageError: an argument has another form.
    """
    needs: dict[str, int] = {}
    for word in words:
        instance_type, count = _parse_type_count(word)
        needs[instance_type] = needs.get(instance_type, 0) + count
    return [Requirement(instance_type, workload, need) for instance_type, need in needs.items()]


def _parse_type_count(word: str) -> tuple[str, int]:
    instance_type, equals, count = word.partition("=")
    if not equals and (slip := _MISTYPED_COUNT.fullmatch(word)):
        hint = f"Did you mean {slip[1]}={slip[2]}?"
        raise UsageError("bad-count", f"'{word}' is not an instance type and a number.", hint)
    if equals and not (count.strip().isdecimal() and int(count)):
        raise UsageError("bad-count", f"'{word}' does not say how many instances.", f"Write it like {instance_type}=4.")
    return parse_instance_type(instance_type), int(count or 1)


# A type and a number separated by something other than ``=``, as in ``ml.m5.xlarge:2``.
_MISTYPED_COUNT = re.compile(r"(ml\.[a-z0-9-]+\.[a-z0-9]+)[\s:*,]+(\d+)")


def budget_error(cost_items: Sequence[CostItem], max_usd: Decimal | None) -> OpskitError | None:
    """Why a budget does not allow the run; None if it does. An endpoint counts with its first hour."""
    if max_usd is None:
        return None
    estimate, hourly = estimate_usd(cost_items), hourly_usd(cost_items)
    if estimate is None:
        why = next(item.price.reason for item in cost_items if isinstance(item.price, Unknown))
        text = f"Cannot estimate whether this stays within the {max_usd} USD budget: {why}."
        return UnreadableState("price-unknown", text, "Leave out --max-usd to run without a budget.")
    # An endpoint has no maximum run time, so its first hour is the least that the budget must allow.
    if estimate + hourly <= max_usd:
        return None
    endpoint = f" with the first hour of the endpoint ({hourly} USD)" if hourly else ""
    text = f"This may cost {(estimate + hourly).normalize():f} USD{endpoint}, more than {max_usd}."
    return GuardRefused("over-budget", text, "Take a smaller instance type, or raise --max-usd.")


def worst_verdict(check: QuotaCheck) -> Verdict:
    """The worst verdict over all quotas of a run."""
    refused = [headroom.verdict for headroom in check.headrooms if is_refusal(headroom)]
    if refused:
        return refused[0]
    unknown = any(headroom.verdict.is_unknown for headroom in check.headrooms)
    return Verdict.UNKNOWN if unknown or check.failed_regions else Verdict.FITS


def quota_refusal(check: QuotaCheck, hints: Mapping[Verdict, str]) -> OpskitError | None:
    """Why the quotas do not allow the run, with the next step from ``hints``; None if they do."""
    verdict = worst_verdict(check)
    match verdict:
        case Verdict.FITS:
            return None
        case Verdict.UNKNOWN:
            text = f"Could not determine available quota; nothing was started. {describe_blockers(check)}"
            error = UnreadableState("quota-unknown", text, hints[verdict])
            error.exit = check.exit_code
            return error
        case Verdict.SHORT | Verdict.PENDING | Verdict.NOT_OFFERED:
            text = f"Insufficient quota; nothing was started. {describe_blockers(check)}"
            hint = hints[verdict]
            # A hint that is a command, and no sentence, is there to be pasted.
            if is_held(check) and hint.endswith("."):
                hint += " What holds it bills: `opskit costs` lists it, and how it is ended."
            return GuardRefused("no-room", text, hint)


def is_held(check: QuotaCheck) -> bool:
    """Whether ending what runs would make the room that is missing: every quota that is too small is only full."""
    refused = [headroom for headroom in check.headrooms if is_refusal(headroom)]
    return bool(refused) and all(map(_is_only_full, refused))


def _is_only_full(headroom: Headroom) -> bool:
    value, used = headroom.quota_value, headroom.used
    return value is not None and used is not None and value >= headroom.requirement.count and used.least > 0


def describe_blockers(check: QuotaCheck) -> str:
    """What blocks the run: each reason once, with all quotas it holds for; unknown quotas only if nothing else blocks
    it.
    """
    no = [headroom for headroom in check.headrooms if is_refusal(headroom)]
    reasons = no or [headroom for headroom in check.headrooms if headroom.verdict.is_unknown]
    names: dict[str, list[str]] = {}
    for headroom in reasons:
        names.setdefault(headroom.reason.rstrip("."), []).append(headroom.quota_name)
    return "; ".join(f"{', '.join(quotas)}: {reason}" for reason, quotas in names.items()) + "."


def can_resolve(check: QuotaCheck) -> bool:
    """Whether waiting may help: something is short, and nothing is refused that no increase can help."""
    no = {headroom.verdict for headroom in check.headrooms if is_refusal(headroom)}
    return bool(no) and all(verdict.is_too_little for verdict in no)


def is_transient_unknown(check: QuotaCheck) -> bool:
    """Whether an unknown quota may be readable later: it was not for lack of a permission."""
    return worst_verdict(check).is_unknown and all(problem.code != "denied" for problem in check.problems)


RUN_HINTS: Mapping[Verdict, str] = {
    Verdict.FITS: "",
    Verdict.SHORT: "Add --request-increase to request what is missing, and --wait to continue when it is granted.",
    Verdict.PENDING: "Add --wait to go on when the request is granted.",
    Verdict.NOT_OFFERED: "Take another --instance-type or --region: no increase helps.",
    Verdict.UNKNOWN: "Use --no-guard to start anyway.",
}
ENDPOINT_HINTS: Mapping[Verdict, str] = {
    **RUN_HINTS,
    Verdict.SHORT: (
        "`opskit quotas increase` requests what is missing, and `opskit quotas wait` returns when it is granted."
    ),
    Verdict.PENDING: "`opskit quotas wait` returns when the request is granted.",
}
COMMAND_HINTS: Mapping[Verdict, str] = {
    Verdict.FITS: "",
    Verdict.SHORT: "`opskit quotas increase` requests what is missing; --wait 2h continues as soon as there is room.",
    Verdict.PENDING: "--wait 2h continues as soon as there is room.",
    Verdict.NOT_OFFERED: "Take another instance type or --region: no increase helps.",
    Verdict.UNKNOWN: "opskit does not start a command when quota is unknown.",
}


def worst_exit(errors: Iterable[OpskitError]) -> ExitCode:
    """The exit code over several blockers."""
    return max((error.exit for error in errors), key=EXIT_SEVERITY.__getitem__, default=ExitCode.OK)


# What no command of opskit's asks for more of.
_VOLUMES_HINT = "Take a smaller --volume, or ask for more GB in the Service Quotas console."


def capacity_error(check: QuotaCheck, region: str) -> OpskitError | None:
    """Why the quotas do not let something run, with the command that helps; None when they do. Unknown is no room."""
    hints = {
        Verdict.SHORT: _quota_commands("increase", increase_targets(check), region) or _VOLUMES_HINT,
        Verdict.PENDING: _quota_commands("wait", wait_targets(check), region),
        Verdict.NOT_OFFERED: _alternative_hint(check),
        Verdict.UNKNOWN: "--no-guard continues anyway.",
    }
    return quota_refusal(check, hints)


def _quota_commands(verb: str, targets: Sequence[IncreaseTarget], region: str) -> str:
    return "; ".join(
        f"opskit quotas {verb} {target.instance_type or TOTAL} --for {target.workload} "
        f"--to {target.value} --region {region}"
        for target in targets
    )


def _alternative_hint(check: QuotaCheck) -> str:
    kinds = [headroom.requirement.instance_type for headroom in check.headrooms]
    meant = next((close for kind in kinds if kind and (close := suggest_known_type(kind))), None)
    return f"Did you mean {meant}?" if meant else "Take another instance type or Region: no increase helps."
