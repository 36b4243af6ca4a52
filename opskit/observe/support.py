"""Reads AWS Support: what it takes cases for, and which are open. Most accounts have no plan and may not ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opskit.aws import Door, side_by_side
from opskit.decide.support import Case, SupportService
from opskit.errors import AwsFailure
from opskit.model import Unread
from opskit.observe.bad_answers import understood
from opskit.observe.quotas import unread

_NO_PLAN = "SubscriptionRequiredException"
NO_PLAN_TEXT = "The account has no paid AWS Support plan, and the Support API needs one."


def support_services(door: Door) -> tuple[SupportService, ...]:
    """Everything that AWS Support takes cases for.

    Raises:
        AwsFailure: it could not be read, or the account has no plan.
    """
    answer = door.read("support", "describe_services", language="en")
    with understood(door, "support:DescribeServices"):
        return tuple(_service(each) for each in answer["services"])


def open_cases(door: Door) -> tuple[Case, ...]:
    """The account's open cases, each with its last messages.

    Raises:
        AwsFailure: they could not be read, or the account has no plan.
    """
    which = {"includeResolvedCases": False, "includeCommunications": True, "maxResults": 100}
    found = [case for page in door.pages("support", "describe_cases", **which) for case in page["cases"]]
    with understood(door, "support:DescribeCases"):
        return tuple(_case(case) for case in found)


def read_support(door: Door) -> tuple[tuple[SupportService, ...], tuple[Case, ...]] | Unread:
    """What AWS Support takes cases for, and the open ones. ``no-support-plan`` is the code of its most usual no."""
    try:
        services, cases = side_by_side([lambda: support_services(door), lambda: open_cases(door)])
    except AwsFailure as failure:
        if failure.aws_code == _NO_PLAN:
            return Unread(NO_PLAN_TEXT, "no-support-plan")
        return unread(failure)
    return services, cases


def _service(told: Mapping[str, Any]) -> SupportService:
    categories = {each["code"]: each.get("name", "") for each in told.get("categories") or ()}
    return SupportService(told["code"], told.get("name", ""), categories)


def _case(told: Mapping[str, Any]) -> Case:
    """A case; what a second one would be opened for, were it overlooked, must be told of it."""
    messages = (told.get("recentCommunications") or {}).get("communications") or ()
    return Case(
        told["caseId"],
        told.get("displayId") or told["caseId"],
        told["subject"],
        told.get("status", ""),
        tuple(message.get("body", "") for message in messages),
    )
