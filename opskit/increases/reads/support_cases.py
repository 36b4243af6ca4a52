"""Reads AWS Support: what it takes cases for, and which are open. Most accounts have no plan and may not ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather
from opskit.aws.unusable_responses import parse_errors_as_aws
from opskit.core.exceptions import AwsError
from opskit.core.message_phrases import NO_PLAN
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.increases.rules.support_cases import SupportCase, SupportService

NO_SUPPORT_PLAN = "SubscriptionRequiredException"
"""The code with which AWS Support refuses an account without a paid plan."""


def read_support_services(client: AwsClient) -> tuple[SupportService, ...]:
    """Everything that AWS Support takes cases for.

    Raises:
        AwsError: it could not be read, or the account has no plan.
    """
    answer = client.read("support", "describe_services", language="en")
    with parse_errors_as_aws(client, "support:DescribeServices"):
        return tuple(_parse_support_service(each) for each in answer["services"])


def read_open_cases(client: AwsClient) -> tuple[SupportCase, ...]:
    """The account's open cases, each with its last messages.

    Raises:
        AwsError: they could not be read, or the account has no plan.
    """
    which = {"includeResolvedCases": False, "includeCommunications": True, "maxResults": 100}
    found = [case for page in client.paginate("support", "describe_cases", **which) for case in page["cases"]]
    with parse_errors_as_aws(client, "support:DescribeCases"):
        return tuple(_parse_support_case(case) for case in found)


def read_support(client: AwsClient) -> tuple[tuple[SupportService, ...], tuple[SupportCase, ...]] | Unknown:
    """What AWS Support takes cases for, and the open ones. ``no-support-plan`` is the code of its most usual no."""
    try:
        services, cases = gather(lambda: read_support_services(client), lambda: read_open_cases(client))
    except AwsError as failure:
        if failure.aws_code == NO_SUPPORT_PLAN:
            return Unknown(NO_PLAN, "no-support-plan")
        return unknown_from_error(failure)
    return services, cases


def _parse_support_service(response: Mapping[str, Any]) -> SupportService:
    categories = {each["code"]: each.get("name", "") for each in response.get("categories") or ()}
    return SupportService(response["code"], response.get("name", ""), categories)


def _parse_support_case(response: Mapping[str, Any]) -> SupportCase:
    """A case; what a second one would be opened for, were it overlooked, must be told of it."""
    messages = (response.get("recentCommunications") or {}).get("communications") or ()
    return SupportCase(
        response["caseId"],
        response.get("displayId") or response["caseId"],
        response["subject"],
        response.get("status", ""),
        tuple(message.get("body", "") for message in messages),
    )
