"""The commands and places that explanations point to."""

from __future__ import annotations

from opskit.aws.partitions import quota_page_url
from opskit.explain.rules.error_match import ErrorMatch, RegionHint
from opskit.quotas.rules.alternatives import similar_types
from opskit.quotas.rules.requirements import TOTAL

WHICH_HAVE_ROOM = "To see which types have room: opskit quotas check INSTANCE_TYPE --region all"


def region_flag(region_hint: RegionHint | None) -> str:
    """`` --region R`` where the Region is known, else nothing."""
    return f" --region {region_hint.region}" if region_hint else ""


def in_region(region_hint: RegionHint | None, otherwise: str = "") -> str:
    """`` in R`` where the Region is known."""
    return f" in {region_hint.region}" if region_hint else otherwise


def quota_console_link(region_hint: RegionHint | None, service: str = "sagemaker") -> str:
    """Where the console lists a service's quotas."""
    return quota_page_url(region_hint.region if region_hint else None, service=service)


def suggested_increase(
    error: ErrorMatch, to: str | None, region_hint: RegionHint | None, flags: str = ""
) -> str | None:
    """The increase of the quota that an error is about; None where opskit has no words for it, or no number is told."""
    requirement = error.quota.demand if error.quota else None
    if requirement is None or requirement.per_job or to is None:
        return None
    instance_type = requirement.instance_type or TOTAL
    return (
        f"opskit quotas increase {instance_type} --for {requirement.workload} --to {to}"
        f"{flags}{region_flag(region_hint)}"
    )


def quota_lookup_command(error: ErrorMatch, region_hint: RegionHint | None) -> str | None:
    """How to see the quota that an error is about, where its numbers are not known."""
    requirement = error.quota.demand if error.quota else None
    if requirement is None or error.quota is None:
        return None
    if requirement.instance_type is None:
        return f"opskit quotas list --match '{error.quota.name}'{region_flag(region_hint)}"
    return f"opskit quotas check {requirement.instance_type} --for {requirement.workload}{region_flag(region_hint)}"


def other_regions_command(error: ErrorMatch) -> str | None:
    """Where else a type can be had."""
    if error.instance_type is None:
        return None
    usage = f" --for {error.workload}" if error.workload else ""
    return f"opskit quotas check {error.instance_type}{usage} --region all"


def type_phrase(error: ErrorMatch) -> str:
    """The instance type and the use that an error is about."""
    return f"{error.instance_type or 'this instance type'}{f' for {error.workload}' if error.workload else ''}"


def similar_types_phrase(error: ErrorMatch) -> str:
    """The types most like the one that is not to be had."""
    like = similar_types(error.instance_type or "")[:3]
    return f" (similar: {', '.join(like)})" if like else ""


def log_command(group: str, stream: str, region_hint: RegionHint | None) -> str:
    """How to read the log that holds a reason."""
    prefix = f" --log-stream-name-prefix {stream}" if stream else ""
    return f"aws logs tail {group}{prefix} --since 1d{region_flag(region_hint)}"
