"""May this run start? The quotas and the money, judged before anything is made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from opskit.decide.headroom import QuotaCheck, refuses
from opskit.errors import OpskitError, Refused, Unreadable
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


def estimate_usd(parts: Sequence[Part]) -> Decimal | None:
    """The most that the parts with an end can cost, in USD: price x instances x allowed time. None when a price is
    not known: then nobody knows the most.
    """
    total = Decimal(0)
    for part in parts:
        if part.fleet.max_seconds is None:
            continue
        if isinstance(part.price, Unread):
            return None
        total += part.price.usd_per_hour * part.fleet.count * part.fleet.max_seconds / 3600
    return total.quantize(Decimal("0.0001"))


def check_budget(estimate: Decimal | None, max_usd: Decimal | None, parts: Sequence[Part]) -> None:
    """Hold the estimate against the budget.

    Raises:
        Unreadable: there is a budget, but a price is not known.
        Refused: the run may cost more.
    """
    if max_usd is None:
        return
    if estimate is None:
        why = next(part.price.because for part in parts if isinstance(part.price, Unread))
        raise Unreadable("price-unknown", f"Whether this stays under {max_usd} USD is not known: {why}.", _NO_BUDGET)
    if estimate > max_usd:
        text = f"This may cost {estimate} USD, more than {max_usd}."
        raise Refused("over-budget", text, "Take a smaller instance type, or raise --max-usd.")


_NO_BUDGET = "Leave out --max-usd to run without a limit."


def verdict_of(check: QuotaCheck) -> Verdict:
    """One word over all quotas of a run: the worst."""
    refused = [headroom.verdict for headroom in check.headrooms if refuses(headroom)]
    if refused:
        return refused[0]
    unknown = any(headroom.verdict is Verdict.UNKNOWN for headroom in check.headrooms)
    return Verdict.UNKNOWN if unknown else Verdict.FITS


def refusal(check: QuotaCheck) -> OpskitError | None:
    """Why the quotas do not let the run start; None when they do."""
    verdict = verdict_of(check)
    if verdict is Verdict.FITS:
        return None
    reasons = "; ".join(f"{each.quota_name}: {each.because}" for each in check.headrooms if each.verdict is verdict)
    if verdict is Verdict.UNKNOWN:
        error: OpskitError = Unreadable("quota-unknown", f"Whether there is room is not known. {reasons}.", _UNGUARDED)
        error.exit = check.exit
        return error
    return Refused("no-room", f"There is no room, so nothing was started. {reasons}.", _HINTS.get(verdict, ""))


_UNGUARDED = "--no-guard starts all the same."
_HINTS = {
    Verdict.SHORT: "Add --request-increase to ask for what is missing, and --wait to go on when it is granted.",
    Verdict.PENDING: "Add --wait to go on when the request is granted.",
    Verdict.NOT_OFFERED: "Take another --instance-type or --region: no increase helps.",
}

_LIMIT = re.compile(
    r"limit '(?P<name>[^']+)' is (?P<limit>[\d.]+) \w+, with current utilization of (?P<used>[\d.]+) \w+ "
    r"and a request delta of (?P<delta>[\d.]+)"
)


def explained(aws_message: str) -> Refused:
    """AWS's ResourceLimitExceeded in words that help."""
    found = _LIMIT.search(aws_message)
    if found is None:
        return Refused("aws-limit", f"AWS refused: {aws_message}", "`opskit quotas check` shows what there is.")
    numbers = f"{found['limit']} allowed, {found['used']} in use, {found['delta']} needed"
    text = f"AWS refused: the SageMaker quota '{found['name']}' is short ({numbers}). It is not an EC2 limit."
    return Refused("aws-limit", text, "`opskit quotas check` shows the room; `opskit quotas increase` asks for more.")
