"""Which Regions are enabled for an account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opskit.aws.client import AwsClient
from opskit.aws.errors import incomplete
from opskit.aws.partitions import partition_of
from opskit.core.exceptions import AccessDenied, AwsError

_NAME_REGIONS_HINT = "Name the Regions, with --region for each; or allow account:ListRegions or ec2:DescribeRegions."


def enabled_regions(client: AwsClient) -> tuple[str, ...]:
    """The Regions enabled for the account, sorted by name.

    Read from the Account API, or from EC2 if the caller may not use it.

    Raises:
        AwsError: neither API returned them.
    """
    try:
        # Every account has Regions that are always enabled, so an empty list is no answer either.
        is_there = partition_of(client.region).has_account_api
        regions = (_regions_from_account(client) if is_there else ()) or _regions_from_ec2(client)
    except AwsError:
        regions = _regions_from_ec2(client)
    if not regions:
        raise AwsError("no-regions", "AWS returned no Region that is enabled for your account.", _NAME_REGIONS_HINT)
    return regions


def _regions_from_account(client: AwsClient) -> tuple[str, ...]:
    statuses = ["ENABLED", "ENABLED_BY_DEFAULT"]
    # 50 is the most that ListRegions takes.
    pages = client.paginate("account", "list_regions", RegionOptStatusContains=statuses, MaxResults=50)
    return _sorted_names(client, "account:ListRegions", [region for page in pages for region in page["Regions"]])


def _regions_from_ec2(client: AwsClient) -> tuple[str, ...]:
    try:
        response = client.read("ec2", "describe_regions", AllRegions=False)
    except AccessDenied as failure:
        text = f"Access denied: cannot list the Regions that are enabled for your account. {failure.problem.message}"
        raise AccessDenied("regions-denied", text, _NAME_REGIONS_HINT, aws_code=failure.aws_code) from failure
    return _sorted_names(client, "ec2:DescribeRegions", response["Regions"])


def _sorted_names(client: AwsClient, operation: str, regions: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    names = [region.get("RegionName", "") for region in regions]
    if not all(names):
        raise incomplete(operation, client.region, "with a Region without its name")
    return tuple(sorted(names))
