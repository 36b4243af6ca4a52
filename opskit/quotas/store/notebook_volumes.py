"""Remembers how large the volumes of notebook instances are. A volume is resized by an update only, which moves the
notebook's time of change, so the size holds for as long as that time does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError
from opskit.state.home import state_home
from opskit.state.paths import account_key
from opskit.state.records import Record, RecordTable, replace_partition

VOLUMES_TABLE = RecordTable(
    name="notebook_volumes",
    file="notebook-volumes.sqlite",
    schema=(
        """CREATE TABLE IF NOT EXISTS notebook_volumes (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, modified TEXT NOT NULL,
    gigabytes INTEGER NOT NULL, PRIMARY KEY (endpoint, account, region, name)
)""",
    ),
    columns=("endpoint", "account", "region", "name", "modified", "gigabytes"),
    key=("endpoint", "account", "region", "name"),
    partition=3,
    numbers={"gigabytes": int},
    kept_for=timedelta(days=30),
)


@dataclass(frozen=True)
class NotebookState:
    """A notebook instance since it was last changed, as AWS says the time."""

    name: str
    modified: str


def load_volume_sizes(client: AwsClient) -> dict[NotebookState, int]:
    """What is remembered of a Region's notebooks, in GB; nothing where it cannot be read."""
    try:
        place = (*account_key(client), client.region)
        rows = [each.record for each in state_home().records.read_records(VOLUMES_TABLE, *place)]
        return {NotebookState(str(row["name"]), str(row["modified"])): int(row["gigabytes"] or 0) for row in rows}
    # Forgetting costs only another look; an error here must not keep anybody from one.
    except (OSError, sqlite3.Error, ValueError, AwsError):
        return {}


def save_volume_sizes(client: AwsClient, sizes: Mapping[NotebookState, int]) -> None:
    """Remember these of a Region, and no others. Where the state cannot be written, they are read again."""
    with suppress(OSError, sqlite3.Error, AwsError):
        endpoint, account = account_key(client)
        records: list[Record] = [
            {
                "endpoint": endpoint,
                "account": account,
                "region": client.region,
                "name": state.name,
                "modified": state.modified,
                "gigabytes": size,
            }
            for state, size in sizes.items()
        ]
        replace_partition(state_home().records, VOLUMES_TABLE, records, endpoint, account, client.region)
