"""May this run start? The quotas and the money, judged before anything is made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from opskit.decide.demands import parse_instance_type
from opskit.decide.headroom import QuotaCheck, enough, enough_to_ask, refuses
from opskit.decide.increase import Wish
from opskit.errors import ExitCode, OpskitError, Refused, Unreadable, UsageProblem
from opskit.model import Demand, Fleet, Price, Unread, Usage, Verdict


@dataclass(frozen=True)
class Part:
    """One thing a run pays for: its instances, what they are for, and their price."""

    usage: Usage
    fleet: Fleet
    price: Price | Unread

    def demand(self) -> Demand:
        """What it needs of the quotas."""
        return Demand(self.fleet.instance_type, self.usage, self.fleet.count)


def demands_of(words: Iterable[str], usage: Usage) -> list[Demand]:
    """What ``TYPE=N``, ``TYPE`` for one of it, say is needed for a use, each type once with all its instances.

    Raises:
        UsageProblem: a word is nothing of the kind.
    """
    needs: dict[str, int] = {}
    for word in words:
        kind, count = _type_and_count(word)
        needs[kind] = needs.get(kind, 0) + count
    return [Demand(kind, usage, need) for kind, need in needs.items()]


def _type_and_count(word: str) -> tuple[str, int]:
    kind, equals, count = word.partition("=")
    if not equals and (slip := _SLIP.fullmatch(word)):
        hint = f"Did you mean {slip[1]}={slip[2]}?"
        raise UsageProblem("bad-count", f"'{word}' is not an instance type and a number.", hint)
    if equals and not (count.strip().isdecimal() and int(count)):
        raise UsageProblem("bad-count", f"'{word}' does not say how many instances.", f"Write it like {kind}=4.")
    return parse_instance_type(kind), int(count or 1)


_SLIP = re.compile(r"(ml\.[a-z0-9-]+\.[a-z0-9]+)[\s:*,]+(\d+)")
"""A type and a number with something else than ``=`` between them."""


def estimate_usd(parts: Iterable[Part]) -> Decimal | None:
    """The most that the parts with an end can cost, in USD: price x instances x allowed time. What has no end is
    in ``hourly_usd``. None when a price is not known: then nobody knows the most.
    """
    total = Decimal(0)
    for part in parts:
        if isinstance(part.price, Unread):
            return None
        total += part.price.usd_per_hour * part.fleet.count * (part.fleet.max_seconds or 0) / 3600
    return total.quantize(Decimal("0.0001"))


def hourly_usd(parts: Iterable[Part]) -> Decimal:
    """What the parts without an end cost, in USD an hour; those whose price is not known are not in it."""
    endless = [part for part in parts if part.fleet.max_seconds is None]
    return sum(
        (part.price.usd_per_hour * part.fleet.count for part in endless if isinstance(part.price, Price)), Decimal(0)
    )


def over_budget(parts: Sequence[Part], max_usd: Decimal | None) -> OpskitError | None:
    """Why a budget does not let the run start; None when it does. An endpoint counts with its first hour."""
    if max_usd is None:
        return None
    estimate, hourly = estimate_usd(parts), hourly_usd(parts)
    if estimate is None:
        why = next(part.price.because for part in parts if isinstance(part.price, Unread))
        text = f"Whether this stays under {max_usd} USD is not known: {why}."
        return Unreadable("price-unknown", text, "Leave out --max-usd to run without a budget.")
    if estimate + hourly <= max_usd:
        return None
    endpoint = f" with the first hour of the endpoint ({hourly} USD)" if hourly else ""
    text = f"This may cost {(estimate + hourly).normalize():f} USD{endpoint}, more than {max_usd}."
    return Refused("over-budget", text, "Take a smaller instance type, or raise --max-usd.")


def verdict_of(check: QuotaCheck) -> Verdict:
    """One word over all quotas of a run: the worst."""
    refused = [headroom.verdict for headroom in check.headrooms if refuses(headroom)]
    if refused:
        return refused[0]
    unknown = any(headroom.verdict is Verdict.UNKNOWN for headroom in check.headrooms)
    return Verdict.UNKNOWN if unknown or check.dark else Verdict.FITS


def refusal(check: QuotaCheck, hints: Mapping[Verdict, str]) -> OpskitError | None:
    """Why the quotas do not let something start, with the next step that ``hints`` know; None when they do."""
    verdict = verdict_of(check)
    if verdict is Verdict.FITS:
        return None
    if verdict is Verdict.UNKNOWN:
        text = f"Whether there is room is not known, so nothing was started. {why_not(check)}"
        error: OpskitError = Unreadable("quota-unknown", text, hints[verdict])
        error.exit = check.exit
        return error
    return Refused("no-room", f"There is no room, so nothing was started. {why_not(check)}", hints[verdict])


def why_not(check: QuotaCheck) -> str:
    """What stands in the way of room, a reason once for all quotas it holds for; what could not be told only where
    nothing else does.
    """
    no = [each for each in check.headrooms if refuses(each)]
    reasons = no or [each for each in check.headrooms if each.verdict is Verdict.UNKNOWN]
    names: dict[str, list[str]] = {}
    for each in reasons:
        names.setdefault(each.because.rstrip("."), []).append(each.quota_name)
    return "; ".join(f"{', '.join(quotas)}: {because}" for because, quotas in names.items()) + "."


def worth_waiting(check: QuotaCheck) -> bool:
    """Whether a later look may find room: something is short, and none of it is a thing that no increase can help."""
    no = {each.verdict for each in check.headrooms if refuses(each)}
    return bool(no) and no <= {Verdict.SHORT, Verdict.PENDING}


def may_pass(check: QuotaCheck) -> bool:
    """Whether what could not be told may well be told at a later look: it was not for want of a permission."""
    return verdict_of(check) is Verdict.UNKNOWN and all(each.code != "denied" for each in check.problems)


HINTS_OF_A_RUN: Mapping[Verdict, str] = {
    Verdict.SHORT: "Add --request-increase to ask for what is missing, and --wait to go on when it is granted.",
    Verdict.PENDING: "Add --wait to go on when the request is granted.",
    Verdict.NOT_OFFERED: "Take another --instance-type or --region: no increase helps.",
    Verdict.UNKNOWN: "--no-guard starts all the same.",
}
HINTS_OF_AN_ENDPOINT: Mapping[Verdict, str] = {
    **HINTS_OF_A_RUN,
    Verdict.SHORT: "`opskit quotas increase` asks for what is missing, `opskit quotas wait` tells when it is granted.",
    Verdict.PENDING: "`opskit quotas wait` tells when the request is granted.",
}
HINTS_OF_A_COMMAND: Mapping[Verdict, str] = {
    Verdict.SHORT: "`opskit quotas increase` asks for what is missing; --wait 2h goes on as soon as there is room.",
    Verdict.PENDING: "--wait 2h goes on as soon as there is room.",
    Verdict.NOT_OFFERED: "Take another instance type or --region: no increase helps.",
    Verdict.UNKNOWN: "Nothing is started on a guess.",
}


def asked_for(check: QuotaCheck) -> list[Wish]:
    """The values to ask AWS for so that what is short fits. The most instances one job may have is not asked for:
    fewer instances help sooner.
    """
    short = [each for each in check.headrooms if each.verdict is Verdict.SHORT and not each.demand.per_job]
    return [Wish(each.demand.instance_type, each.demand.usage, enough_to_ask(each)) for each in short]


def waited_for(check: QuotaCheck) -> list[Wish]:
    """The applied values that would make room for what is short."""
    short = [each for each in check.headrooms if each.verdict in (Verdict.SHORT, Verdict.PENDING)]
    return [
        Wish(each.demand.instance_type, each.demand.usage, enough(each)) for each in short if not each.demand.per_job
    ]


def worst_exit(errors: Iterable[OpskitError]) -> ExitCode:
    """The exit code over several things that stand in the way. A no is a no, whatever else could not be told."""
    codes = {error.exit for error in errors}
    order = (ExitCode.REFUSED, ExitCode.USAGE, ExitCode.AWS, ExitCode.PARTLY, ExitCode.BUG)
    return next((code for code in order if code in codes), ExitCode.DONE)
