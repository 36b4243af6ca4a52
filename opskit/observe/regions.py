"""Which Regions an account can use."""

from __future__ import annotations

from opskit.aws import Door
from opskit.errors import AwsFailure


def enabled_regions(door: Door) -> tuple[str, ...]:
    """The Regions enabled for the account, by name.

    The Account API says it where the caller may ask; EC2 says the same to others.

    Raises:
        AwsFailure: neither would tell.
    """
    try:
        return _from_account(door)
    except AwsFailure:
        regions = door.read("ec2", "describe_regions", AllRegions=False)["Regions"]
        return tuple(sorted(region["RegionName"] for region in regions))


def _from_account(door: Door) -> tuple[str, ...]:
    wanted = ["ENABLED", "ENABLED_BY_DEFAULT"]
    pages = door.pages("account", "list_regions", RegionOptStatusContains=wanted, MaxResults=50)
    return tuple(sorted(region["RegionName"] for page in pages for region in page["Regions"]))
