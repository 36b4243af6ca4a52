"""May this run start? The quotas and the money, judged before anything is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from opskit.decide.headroom import QuotaCheck, enough, enough_to_ask, refuses
from opskit.decide.increase import Wish
from opskit.errors import ExitCode, OpskitError, Refused, Unreadable
from opskit.model import Demand, Fleet, Headroom, Price, Unread, Usage, Verdict


@dataclass(frozen=True)
class Part:
    """One thing a run pays for: its instances, what they are for, and their price."""

    usage: Usage
    fleet: Fleet
    price: Price | Unread

    def demand(self) -> Demand:
        """What it needs of the quotas."""
        return Demand(self.fleet.instance_type, self.usage, self.fleet.count)


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
    text = f"This may cost {estimate + hourly} USD{endpoint}, more than {max_usd}."
    return Refused("over-budget", text, "Take a smaller instance type, or raise --max-usd.")


def verdict_of(check: QuotaCheck) -> Verdict:
    """One word over all quotas of a run: the worst."""
    refused = [headroom.verdict for headroom in check.headrooms if refuses(headroom)]
    if refused:
        return refused[0]
    unknown = any(headroom.verdict is Verdict.UNKNOWN for headroom in check.headrooms)
    return Verdict.UNKNOWN if unknown or check.dark else Verdict.FITS


def refusal(check: QuotaCheck) -> OpskitError | None:
    """Why the quotas do not let the run start; None when they do."""
    verdict = verdict_of(check)
    if verdict is Verdict.FITS:
        return None
    if verdict is Verdict.UNKNOWN:
        reasons = _reasons(each for each in check.headrooms if each.verdict is verdict)
        text = f"Whether there is room is not known, so nothing was started. {reasons}"
        error: OpskitError = Unreadable("quota-unknown", text, "--no-guard starts all the same.")
        error.exit = check.exit
        return error
    reasons = _reasons(each for each in check.headrooms if refuses(each))
    return Refused("no-room", f"There is no room, so nothing was started. {reasons}", _HINTS.get(verdict, ""))


_HINTS = {
    Verdict.SHORT: "Add --request-increase to ask for what is missing, and --wait to go on when it is granted.",
    Verdict.PENDING: "Add --wait to go on when the request is granted.",
    Verdict.NOT_OFFERED: "Take another --instance-type or --region: no increase helps.",
}


def _reasons(headrooms: Iterable[Headroom]) -> str:
    return "; ".join(f"{each.quota_name}: {each.because}" for each in headrooms) + "."


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
