"""Reads Service Quotas' own report on the utilization of each quota.

AWS creates it on demand, within seconds, for the quotas of every service, and deletes it after 15 minutes. Whether all
of SageMaker's quotas are in it is not documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.quotas.reads.service_quotas import SERVICE_CODE, parse_value
from opskit.quotas.rules.model import Utilization

# The most that AWS gives in one page of a report.
_PAGE = 1000
_NOT_YET = ("PENDING", "IN_PROGRESS")
# AWS rounds the percentage to two places, so the true share may differ by half of the last digit; 1e-9 for float noise.
_ROUNDED_AWAY = 0.00005 + 1e-9


def request_report(client: AwsClient) -> str | Unknown:
    """Have AWS create a report; its ID, or why there is none."""
    try:
        response = client.read("service-quotas", "start_quota_utilization_report")
    except AwsError as failure:
        return unknown_from_error(failure)
    return str(response["ReportId"])


def read_utilization_report(client: AwsClient, report_id: str) -> Mapping[str, Utilization] | Unknown | None:
    """The utilizations by quota code; None while AWS is still creating the report. A quota without a value has no
    utilization, so it is not contained.
    """
    utilizations: dict[str, Utilization] = {}
    generated_at = datetime.now(UTC)
    try:
        for page in client.paginate(
            "service-quotas", "get_quota_utilization_report", ReportId=report_id, MaxResults=_PAGE
        ):
            if page.get("Status") in _NOT_YET:
                return None
            if page.get("Status") != "COMPLETED":
                return Unknown(f"AWS could not make the report. {page.get('ErrorMessage', '')}".strip())
            if "Quotas" not in page:
                return Unknown("AWS made a report without quotas", "bad-answer")
            generated_at = page.get("GeneratedAt", generated_at).astimezone(UTC)
            utilizations.update(_parse_page(page, generated_at))
    except AwsError as failure:
        return unknown_from_error(failure)
    return utilizations


def _parse_page(page: Mapping[str, Any], generated_at: datetime) -> dict[str, Utilization]:
    quotas = [quota for quota in page["Quotas"] if quota.get("ServiceCode") == SERVICE_CODE]
    with_code = [quota for quota in quotas if quota.get("QuotaCode")]
    return {
        quota["QuotaCode"]: Utilization(amount, generated_at)
        for quota in with_code
        if (amount := _amount_in_use(quota)) is not None
    }


def _amount_in_use(quota: Mapping[str, Any]) -> float | None:
    """The amount in use, computed from AWS's percentage of the effective value."""
    applied = quota.get("AppliedValue")
    value = parse_value(quota.get("DefaultValue") if applied is None else applied)
    percent = parse_value(quota.get("Utilization"))
    if not value or percent is None:
        return None
    amount = float(percent * value / 100)
    # AWS rounds the percentage to two places: what is that near to a whole number was one.
    return float(round(amount)) if abs(amount - round(amount)) <= value * _ROUNDED_AWAY else amount
