"""Remembers whom CloudTrail named as the owner of what runs, and of what it told nothing. Who made something does not
change; who started a notebook does, so it is remembered with the time since when it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from opskit.aws.client import AwsClient
from opskit.inventory.rules.running_resource import RunningResource
from opskit.state.home import load_region_memory, save_region_memory
from opskit.state.records import Record, RecordTable

UNREACHED = "?"
"""Stands for an owner that older events than opskit reads may tell: the next run would not get there either."""
OWNERS_TABLE = RecordTable(
    name="trail_owners",
    file="trail-owners.sqlite",
    schema=(
        """CREATE TABLE IF NOT EXISTS trail_owners (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, arn TEXT NOT NULL, since TEXT NOT NULL,
    owner TEXT NOT NULL, PRIMARY KEY (endpoint, account, region, arn)
)""",
    ),
    columns=("endpoint", "account", "region", "arn", "since", "owner"),
    key=("endpoint", "account", "region", "arn"),
    partition=3,
    kept_for=timedelta(days=30),
)


def load_trail_owners(client: AwsClient, resources: Iterable[RunningResource]) -> dict[str, str | None]:
    """The remembered owners of these resources by ARN; None: CloudTrail told nothing. Others are not in it."""
    remembered = load_region_memory(
        client, OWNERS_TABLE, lambda row: ((str(row["arn"]), str(row["since"])), str(row["owner"]))
    )
    keys = {each.arn: (each.arn, str(each.since)) for each in resources}
    return {arn: remembered[key] or None for arn, key in keys.items() if key in remembered}


def save_trail_owners(
    client: AwsClient, resources: Iterable[RunningResource], owners: Mapping[str, str | None]
) -> None:
    """Remember the owners of these resources, and no others of the Region."""
    records: list[Record] = [
        {"arn": each.arn, "since": str(each.since), "owner": owners[each.arn] or ""}
        for each in resources
        if each.arn in owners
    ]
    save_region_memory(client, OWNERS_TABLE, records)
