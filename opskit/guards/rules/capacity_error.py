"""Why there is no room for a notebook or an endpoint, and the command that helps."""

from __future__ import annotations

from collections.abc import Sequence

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
