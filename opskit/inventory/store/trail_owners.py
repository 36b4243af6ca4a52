"""Remembers whom CloudTrail named as the owner of what runs, and of what it told nothing. Who made something does not
change; who started a notebook does, so it is remembered with the time since when it runs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError
from opskit.inventory.rules.running_resource import RunningResource
from opskit.state.home import state_home
from opskit.state.paths import account_key
from opskit.state.records import Record, RecordTable, replace_partition

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
    try:
        place = (*account_key(client), client.region)
        rows = [each.record for each in state_home().records.read_records(OWNERS_TABLE, *place)]
    # Forgetting costs only another look; an error here must not keep anybody from one.
    except (OSError, sqlite3.Error, ValueError, AwsError):
        return {}
    remembered = {(str(row["arn"]), str(row["since"])): str(row["owner"]) for row in rows}
    keys = {each.arn: (each.arn, str(each.since)) for each in resources}
    return {arn: remembered[key] or None for arn, key in keys.items() if key in remembered}


def save_trail_owners(
    client: AwsClient, resources: Iterable[RunningResource], owners: Mapping[str, str | None]
) -> None:
    """Remember the owners of these resources, and no others of the Region."""
    with suppress(OSError, sqlite3.Error, AwsError):
        endpoint, account = account_key(client)
        records: list[Record] = [
            {
                "endpoint": endpoint,
                "account": account,
                "region": client.region,
                "arn": each.arn,
                "since": str(each.since),
                "owner": owners[each.arn] or "",
            }
            for each in resources
            if each.arn in owners
        ]
        replace_partition(state_home().records, OWNERS_TABLE, records, endpoint, account, client.region)
