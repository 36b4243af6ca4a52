"""Is there room for one more notebook? And the command that helps where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from opskit.core.exceptions import OpskitError
from opskit.guards.rules.refusals import quota_refusal
from opskit.increases.rules.increase import IncreaseTarget
from opskit.increases.rules.targets import increase_targets, wait_targets
from opskit.quotas.rules.headroom import QuotaCheck
from opskit.quotas.rules.model import Verdict
from opskit.quotas.rules.requirements import TOTAL, suggest_known_type

# What no command of opskit's asks for more of.
_VOLUMES_HINT = "Take a smaller --volume, or ask for more GB in the Service Quotas console."


def capacity_error(check: QuotaCheck, region: str) -> OpskitError | None:
    """Why the quotas do not let a notebook run, with the command that helps; None when they do."""
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


def allocate_capacity(check: QuotaCheck, instance_types: Sequence[str], region: str) -> list[OpskitError | None]:
    """For each of several notebooks, by their types and in this order: why there is no room for it beside those
    before it; None where there is. ``check`` is the look at the room for all of them.
    """
    left = {headroom.quota_name: headroom.free or 0 for headroom in check.headrooms}
    errors: list[OpskitError | None] = []
    for instance_type in instance_types:
        above = [
            headroom for headroom in check.headrooms if headroom.requirement.instance_type in (instance_type, None)
        ]
        full = [headroom for headroom in above if left[headroom.quota_name] < 1]
        errors.append(capacity_error(replace(check, headrooms=tuple(full)), region) if full else None)
        for headroom in above if not full else ():
            left[headroom.quota_name] -= 1
    return errors
