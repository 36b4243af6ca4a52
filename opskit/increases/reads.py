"""Reads AWS Support: the services and categories it accepts cases for, and open cases. Most accounts have no support
plan and may not use this API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.aws.gather import gather
from opskit.core.exceptions import AwsError
from opskit.core.message_phrases import NO_PLAN
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.increases.rules.support_cases import SupportCase, SupportService

NO_SUPPORT_PLAN = "SubscriptionRequiredException"
"""The error code for an account without a paid support plan. It is not in the API's model."""


def read_support_services(client: AwsClient) -> tuple[SupportService, ...]:
    """The services that AWS Support accepts cases for.

    Raises:
        AwsError: the services could not be read, or the account has no support plan.
    """
    response = client.read("support", "describe_services", language="en")
    with parse_errors_as_aws(client, "support:DescribeServices"):
        return tuple(_parse_support_service(service) for service in response["services"])


def read_open_cases(client: AwsClient) -> tuple[SupportCase, ...]:
    """The account's open cases, each with its recent messages.

    Raises:
        AwsError: the cases could not be read, or the account has no support plan.
    """
    # Messages are included since a case written by hand may name the quota only in its text.
    params = {"includeResolvedCases": False, "includeCommunications": True, "maxResults": 100}
    cases = [case for page in client.paginate("support", "describe_cases", **params) for case in page["cases"]]
    with parse_errors_as_aws(client, "support:DescribeCases"):
        return tuple(_parse_support_case(case) for case in cases)


def read_support(client: AwsClient) -> tuple[tuple[SupportService, ...], tuple[SupportCase, ...]] | Unknown:
    """The services of AWS Support and the open cases. The usual failure has the code ``no-support-plan``."""
    try:
        services, cases = gather(lambda: read_support_services(client), lambda: read_open_cases(client))
    except AwsError as failure:
        if failure.aws_code == NO_SUPPORT_PLAN:
            return Unknown(NO_PLAN, "no-support-plan")
        return unknown_from_error(failure)
    return services, cases


def _parse_support_service(response: Mapping[str, Any]) -> SupportService:
    categories = {category["code"]: category.get("name", "") for category in response.get("categories") or ()}
    return SupportService(response["code"], response.get("name", ""), categories)


def _parse_support_case(response: Mapping[str, Any]) -> SupportCase:
    """A case."""
    messages = (response.get("recentCommunications") or {}).get("communications") or ()
    return SupportCase(
        # By [] where a missing member could lead to a second case.
        response["caseId"],
        response.get("displayId") or response["caseId"],
        response["subject"],
        response.get("status", ""),
        tuple(message.get("body", "") for message in messages),
    )
