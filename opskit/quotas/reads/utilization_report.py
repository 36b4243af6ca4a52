"""Reads Service Quotas' own report on how much of each quota is in use.

AWS makes it on demand, within seconds, for the quotas of every service, and deletes it after 15 minutes. Whether
SageMaker's quotas are all in it is not documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.quotas.reads.quota_records import SERVICE
from opskit.quotas.rules.model import Utilization

_PAGE = 1000
_NOT_YET = ("PENDING", "IN_PROGRESS")
_ROUNDED_AWAY = 0.00005 + 1e-9


def request_report(client: AwsClient) -> str | Unknown:
    """Have AWS make a report; its id, or why there is none."""
    try:
        answer = client.read("service-quotas", "start_quota_utilization_report")
    except AwsError as failure:
        return unknown_from_error(failure)
    return str(answer["ReportId"])


def read_report(client: AwsClient, report_id: str) -> Mapping[str, Utilization] | Unknown | None:
    """The uses by quota code; None while AWS is still at it. A quota without a value has no utilisation, so it is
    not in there.
    """
    uses: dict[str, Utilization] = {}
    at = datetime.now(UTC)
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
            at = page.get("GeneratedAt", at).astimezone(UTC)
            uses.update(_parse_page(page, at))
    except AwsError as failure:
        return unknown_from_error(failure)
    return uses


def _parse_page(page: Mapping[str, Any], at: datetime) -> dict[str, Utilization]:
    told = [quota for quota in page["Quotas"] if quota.get("ServiceCode") == SERVICE]
    known = [quota for quota in told if quota.get("QuotaCode")]
    return {
        quota["QuotaCode"]: Utilization(amount, at) for quota in known if (amount := _amount_in_use(quota)) is not None
    }


def _amount_in_use(quota: Mapping[str, Any]) -> float | None:
    """What is in use, from AWS's percentage of the value that counts: a whole number where the percentage, rounded
    to its second place, allows one.
    """
    applied = quota.get("AppliedValue")
    value = quota.get("DefaultValue") if applied is None else applied
    percent = quota.get("Utilization")
    if not value or percent is None:
        return None
    amount = float(percent * value / 100)
    return float(round(amount)) if abs(amount - round(amount)) <= value * _ROUNDED_AWAY else amount
