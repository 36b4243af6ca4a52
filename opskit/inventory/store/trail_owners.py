"""Remembers whom CloudTrail named as the owner of what runs, and of what it told nothing. Who made something does not
change; who started a notebook does, so it is remembered with the time since when it runs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError
from opskit.inventory.rules.running_resource import RunningResource
from opskit.state.paths import account_key
from opskit.state.store import open_db

UNREACHED = "?"
"""Stands for an owner that older events than opskit reads may tell: the next run would not get there either."""
_FILE = "trail-owners.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS trail_owners (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, arn TEXT NOT NULL, since TEXT NOT NULL,
    owner TEXT NOT NULL, PRIMARY KEY (endpoint, account, region, arn)
)"""


def load_trail_owners(client: AwsClient, resources: Iterable[RunningResource]) -> dict[str, str | None]:
    """The remembered owners of these resources by ARN; None: CloudTrail told nothing. Others are not in it."""
    try:
        with open_db(_FILE, _SCHEMA) as connection:
            rows = connection.execute(
                "SELECT arn, since, owner FROM trail_owners WHERE endpoint = ? AND account = ? AND region = ?",
                (*account_key(client), client.region),
            ).fetchall()
    # Forgetting costs only another look; an error here must not keep anybody from one.
    except (OSError, sqlite3.Error, ValueError, AwsError):
        return {}
    remembered = {(row["arn"], row["since"]): row["owner"] for row in rows}
    keys = {each.arn: (each.arn, str(each.since)) for each in resources}
    return {arn: remembered[key] or None for arn, key in keys.items() if key in remembered}


def save_trail_owners(
    client: AwsClient, resources: Iterable[RunningResource], owners: Mapping[str, str | None]
) -> None:
    """Remember the owners of these resources, and no others of the Region."""
    rows = {each.arn: (each.arn, str(each.since), owners[each.arn] or "") for each in resources if each.arn in owners}
    with suppress(OSError, sqlite3.Error, AwsError), open_db(_FILE, _SCHEMA) as connection:
        where = (*account_key(client), client.region)
        connection.execute("DELETE FROM trail_owners WHERE endpoint = ? AND account = ? AND region = ?", where)
        connection.executemany(
            "INSERT OR REPLACE INTO trail_owners VALUES (?, ?, ?, ?, ?, ?)", [(*where, *row) for row in rows.values()]
        )
