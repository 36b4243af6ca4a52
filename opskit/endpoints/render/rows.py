"""What the answers of all commands for endpoints share: the fields of a row, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from opskit.aws.client import AwsClient
from opskit.core.exceptions import Problem
from opskit.core.grace import patience_record
from opskit.core.model import Unknown
from opskit.core.owners import owner_record
from opskit.core.unread_prices import unread_price_problems
from opskit.endpoints.flows.inspect import EndpointInspection, InspectedEndpoint
from opskit.endpoints.reads.stopped import StoppedEndpoint
from opskit.endpoints.rules.model import EndpointUse, EndpointVerdict, HostedEndpoint, VariantState
from opskit.output.result import Style

VERDICT_STYLES = {
    EndpointVerdict.IDLE: Style.WARN,
    EndpointVerdict.BUSY: Style.GOOD,
    EndpointVerdict.PROTECTED: Style.GOOD,
    EndpointVerdict.STARTING: Style.PLAIN,
    EndpointVerdict.UNKNOWN: Style.WARN,
    EndpointVerdict.STOPPED: Style.DIM,
    EndpointVerdict.FAILED: Style.BAD,
}
"""How each verdict feels."""

_USD_PER_METRIC = Decimal("0.00001")  # 0.01 USD per 1,000, as AWS bills GetMetricData


def endpoint_record(seen: InspectedEndpoint) -> dict[str, Any]:
    """The fields that every answer has of an endpoint."""
    endpoint = seen.endpoint
    idle = seen.assessment.idle
    return {
        "account": endpoint.account,
        "region": endpoint.region,
        "name": endpoint.name,
        **owner_record(seen.tags, seen.client.owner_keys, seen.trail_owner),
        "config": endpoint.config,
        "variants": [variant_record(variant) for variant in endpoint.variants],
        "status": endpoint.status,
        "created": endpoint.created,
        "verdict": seen.assessment.verdict.value,
        "because": seen.assessment.reason,
        "idle_seconds": None if idle is None else int(idle.total_seconds()),
        **patience_record(seen.patience),
        "last_invocation": last_invocation(seen.use),
        "invocations": invocation_sums(seen.use),
        "usd_per_hour": seen.usd_per_hour,
        "action": "keep",
        "outcome": None,
        "restore_with": None,
    }


def stopped_record(client: AwsClient, stopped: StoppedEndpoint) -> dict[str, Any]:
    """The same of an endpoint that was stopped and can be brought back."""
    region = client.region
    record = stopped.record
    counts = {variant.name: variant.count for variant in record.variants} if record else {}
    return {
        "account": stopped.config_arn.split(":")[4],
        "region": region,
        "name": stopped.name,
        **owner_record(stopped.tags, client.owner_keys),
        "config": stopped.config_arn.rpartition("/")[2],
        "variants": [
            {"name": name, "instance_type": None, "count": count, "serverless": None} for name, count in counts.items()
        ],
        "status": "Stopped",
        "created": record and record.created,
        "verdict": EndpointVerdict.STOPPED.value,
        "because": stopped_reason(stopped),
        "idle_seconds": None,
        **patience_record(None),
        "last_invocation": None,
        "invocations": None,
        "usd_per_hour": Decimal(0),
        "action": "keep",
        "outcome": None,
        "restore_with": restore_command(stopped.name, region) if record else None,
    }


def stopped_reason(stopped: StoppedEndpoint) -> str:
    """Since when it is stopped, or why it cannot be brought back."""
    if stopped.record is None:
        return "opskit stopped it, and what brings it back is not whole, or of another version of opskit"
    return f"opskit stopped it at {stopped.record.stopped:%Y-%m-%d %H:%M} UTC"


def restore_command(name: str, region: str) -> str:
    """What brings an endpoint back."""
    return f"opskit endpoint start {name} --region {region}"


def variant_record(variant: VariantState) -> dict[str, Any]:
    """A variant, for JSON."""
    return {
        "name": variant.name,
        "instance_type": variant.instance_type,
        "count": variant.count,
        "serverless": variant.is_serverless,
        "weight": variant.weight,
        "shadow": variant.is_shadow,
    }


def describe_variants(endpoint: HostedEndpoint) -> str:
    """The instances of an endpoint, such as ``2 x ml.m4.xlarge``."""
    return ", ".join(_describe_variant(variant) for variant in endpoint.variants)


def _describe_variant(variant: VariantState) -> str:
    if variant.is_serverless:
        return "serverless"
    count = "?" if variant.count is None else str(variant.count)
    return f"{count} x {variant.instance_type or '?'}"


def last_invocation(use: EndpointUse | Unknown | None) -> datetime | None:
    """When it was last invoked, as far as was asked."""
    return use.last_invocation() if isinstance(use, EndpointUse) else None


def invocation_sums(use: EndpointUse | Unknown | None) -> dict[str, int] | None:
    """The invocations of all parts together; None: those of one are not known."""
    if not isinstance(use, EndpointUse) or any(isinstance(part, Unknown) for part in use.invocations.values()):
        return None
    counts = use.counts()
    return {
        "1h": sum(part.last_hour for part in counts),
        "24h": sum(part.last_day for part in counts),
        "14d": sum(part.last_14_days for part in counts),
    }


def one_account(accounts: Iterable[str | None]) -> str | None:
    """The account of all rows; None: there are none, or they are of several."""
    found = set(accounts)
    return found.pop() if len(found) == 1 else None


def inspection_usd(inspection: EndpointInspection) -> Decimal:
    """What CloudWatch bills for a look."""
    return inspection.metrics_asked * _USD_PER_METRIC


def inspection_cost_notes(inspection: EndpointInspection) -> Sequence[str]:
    """What a look cost, in words."""
    if not inspection.metrics_asked:
        return ()
    word = "metric" if inspection.metrics_asked == 1 else "metrics"
    usd = inspection_usd(inspection)
    return (f"Read {inspection.metrics_asked} {word} of CloudWatch, for which AWS bills {usd:f} USD.",)


def price_problems(endpoints: Sequence[InspectedEndpoint]) -> Iterator[Problem]:
    """Why prices are shown as ``?``, where they could not be read: a sentence for each Region."""
    return unread_price_problems(((each.endpoint.region, each.price) for each in endpoints), "endpoint")
