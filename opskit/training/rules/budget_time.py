"""The longest training that a budget allows, and what a run that exceeds it is told."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from opskit.core.cost import CostItem, estimate_usd, find_cost_item, hourly_usd
from opskit.core.exceptions import GuardRefused
from opskit.core.model import Price, Unknown, Workload


def longest_training(cost_items: Sequence[CostItem], max_usd: Decimal) -> int | None:
    """The longest run time of the training, in seconds, with which the run stays within the budget, an endpoint
    counted with its first hour; 0 where none fits. None: a shorter training is no way to keep the budget.
    """
    training = find_cost_item(cost_items, Workload.TRAINING)
    others = [item for item in cost_items if item is not training]
    known = estimate_usd(others)
    if training is None or known is None or not isinstance(training.price, Price):
        return None
    per_hour = training.price.usd_per_hour * training.config.count
    left = max_usd - known - hourly_usd(others)
    return max(0, int(left * 3600 / per_hour)) if per_hour else None


def budget_hint(longest: int | None, last_seconds: int | Unknown | None) -> str:
    """What a run over its budget can do. ``last_seconds`` is what the workflow's last training took; None: none yet."""
    if not longest:
        return ""
    if isinstance(last_seconds, int) and longest < last_seconds:
        return f"A training of {longest} s would fit, and the last one took {last_seconds} s."
    took = f" The last one took {last_seconds} s." if isinstance(last_seconds, int) else ""
    return f"A training of at most {longest} s would fit: --fit-budget sets that.{took}"


def fitting_refusal(longest: int, last_seconds: int | Unknown | None, max_usd: Decimal) -> GuardRefused | None:
    """Why the run time cannot be set to what the budget allows; None if it can: AWS ends a job at the bound, so a
    training shorter than the last one would be paid for and give nothing. Nothing fits a last one of unknown length.
    """
    match last_seconds:
        case Unknown(reason=reason):
            fits, took = False, f", and what the workflow's last training took is not known: {reason.rstrip('.')}"
        case None:
            fits, took = True, ""
        case _:
            fits, took = longest >= last_seconds, f", and the workflow's last training took {last_seconds} s"
    if fits and longest > 0:
        return None
    text = f"{max_usd} USD allow a training of {longest} s{took}."
    return GuardRefused("over-budget", text, "Take a smaller instance type, or raise --max-usd.")
