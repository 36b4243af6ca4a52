"""Is there room for one more notebook? And the command that helps where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from opskit.decide.demands import TOTAL, similar_type
from opskit.decide.guard import asked_for, refusal, waited_for
from opskit.decide.headroom import QuotaCheck
from opskit.decide.increase import Wish
from opskit.errors import OpskitError
from opskit.model import Verdict


def no_room(check: QuotaCheck, region: str) -> OpskitError | None:
    """Why the quotas do not let a notebook run, with the command that helps; None when they do."""
    hints = {
        Verdict.SHORT: _commands("increase", asked_for(check), region),
        Verdict.PENDING: _commands("wait", waited_for(check), region),
        Verdict.NOT_OFFERED: _another_type(check),
        Verdict.UNKNOWN: "--no-guard goes on all the same.",
    }
    return refusal(check, hints)


def _commands(verb: str, wishes: Sequence[Wish], region: str) -> str:
    return "; ".join(
        f"opskit quotas {verb} {wish.instance_type or TOTAL} --for {wish.usage} --to {wish.to} --region {region}"
        for wish in wishes
    )


def _another_type(check: QuotaCheck) -> str:
    kinds = [each.demand.instance_type for each in check.headrooms]
    meant = next((close for kind in kinds if kind and (close := similar_type(kind))), None)
    return f"Did you mean {meant}?" if meant else "Take another instance type or Region: no increase helps."


def first_that_fit(check: QuotaCheck, kinds: Sequence[str], region: str) -> list[OpskitError | None]:
    """For each of several notebooks, by their types and in this order: why there is no room for it beside those
    before it; None where there is. ``check`` is the look at the room for all of them.
    """
    left = {each.quota_name: each.free or 0 for each in check.headrooms}
    errors: list[OpskitError | None] = []
    for kind in kinds:
        above = [each for each in check.headrooms if each.demand.instance_type in (kind, None)]
        full = [each for each in above if left[each.quota_name] < 1]
        errors.append(no_room(replace(check, headrooms=tuple(full)), region) if full else None)
        for each in above if not full else ():
            left[each.quota_name] -= 1
    return errors
