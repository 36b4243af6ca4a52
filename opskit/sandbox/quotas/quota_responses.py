"""Quotas in the shape in which Service Quotas answers them, and the pages of its listings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from opskit.sandbox.errors import ApiError
from opskit.sandbox.pagination import cut_page
from opskit.sandbox.quotas.quota_catalogue import KnownQuota, RegionalQuota
from opskit.sandbox.state import AccountRegion, ApiCall

# What AWS gives where MaxResults is absent.
_PAGE_SIZE = 100
SERVICE_NAMES = {"ServiceCode": "sagemaker", "ServiceName": "Amazon SageMaker"}


def quota_page(
    call: ApiCall,
    name: str,
    items: Sequence[Any],
    to_members: Callable[[Any], dict[str, Any]],
    page_size: int = _PAGE_SIZE,
) -> dict[str, Any]:
    """One page of a listing whose items stand under ``name``."""
    error = ApiError("InvalidPaginationTokenException", "Invalid NextToken.")
    page, token = cut_page(call, items, page_size, error)
    return {name: [to_members(item) for item in page], "NextToken": token}


def quota_members(quota: KnownQuota) -> dict[str, Any]:
    """What AWS says of a quota wherever it names it in full."""
    return SERVICE_NAMES | {
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Unit": "None",
        "Adjustable": quota.adjustable,
        "GlobalQuota": False,
        "UsageMetric": _usage_metric_members(quota) if quota.metric else None,
        "Period": {"PeriodUnit": quota.period[0], "PeriodValue": quota.period[1]} if quota.period else None,
    }


def _usage_metric_members(quota: KnownQuota) -> dict[str, Any]:
    return {
        "MetricNamespace": "AWS/Usage",
        "MetricName": "ResourceCount",
        "MetricDimensions": {
            "Class": "None",
            "Resource": quota.metric,
            "Service": "SageMaker",
            "Type": "Resource",
        },
        "MetricStatisticRecommendation": "Maximum",
    }


def default_quota(account_region: AccountRegion, regional: RegionalQuota) -> dict[str, Any]:
    """A quota with its default value, which belongs to no account."""
    return quota_members(regional.quota) | {
        "QuotaArn": f"arn:aws:servicequotas:{account_region.region}::sagemaker/{regional.quota.code}",
        "Value": regional.default,
    }


def quota_arn(account_region: AccountRegion, quota: KnownQuota) -> str:
    """The ARN of an account's quota."""
    return account_region.arn(f"sagemaker/{quota.code}", service="servicequotas")
