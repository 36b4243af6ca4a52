"""Which Regions an account can use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opskit.aws import Door
from opskit.aws_errors import incomplete
from opskit.errors import AwsFailure, Denied

_NAME_THEM = "Name the Regions, with --region for each; or allow account:ListRegions or ec2:DescribeRegions."


def enabled_regions(door: Door) -> tuple[str, ...]:
    """The Regions enabled for the account, by name.

    The Account API says it where the caller may ask; EC2 says the same to others.

    Raises:
        AwsFailure: neither would tell.
    """
    try:
        regions = _from_account(door) or _from_ec2(door)
    except AwsFailure:
        regions = _from_ec2(door)
    if not regions:
        raise AwsFailure("no-regions", "AWS names no Region that is enabled for your account.", _NAME_THEM)
    return regions


def _from_account(door: Door) -> tuple[str, ...]:
    wanted = ["ENABLED", "ENABLED_BY_DEFAULT"]
    pages = door.pages("account", "list_regions", RegionOptStatusContains=wanted, MaxResults=50)
    return _names(door, "account:ListRegions", [region for page in pages for region in page["Regions"]])


def _from_ec2(door: Door) -> tuple[str, ...]:
    try:
        answer = door.read("ec2", "describe_regions", AllRegions=False)
    except Denied as failure:
        text = f"You may not ask which Regions are enabled for your account. {failure.problem.message}"
        raise Denied("regions-denied", text, _NAME_THEM, aws_code=failure.aws_code) from failure
    return _names(door, "ec2:DescribeRegions", answer["Regions"])


def _names(door: Door, operation: str, regions: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    names = [region.get("RegionName", "") for region in regions]
    if not all(names):
        raise incomplete(operation, door.region, "with a Region without its name")
    return tuple(sorted(names))
