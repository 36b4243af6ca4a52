"""Remembers how large the volumes of notebook instances are. A volume is resized by an update only, which moves the
notebook's time of change, so the size holds for as long as that time does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from opskit.aws.client import AwsClient
from opskit.state.records import Record, RecordTable
from opskit.state.region_memory import load_region_memory, save_region_memory

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
    return load_region_memory(client, VOLUMES_TABLE, _parse_size)


def _parse_size(row: Record) -> tuple[NotebookState, int]:
    return NotebookState(str(row["name"]), str(row["modified"])), int(row["gigabytes"] or 0)


def save_volume_sizes(client: AwsClient, sizes: Mapping[NotebookState, int]) -> None:
    """Remember these of a Region, and no others. Where the state cannot be written, they are read again."""
    records: list[Record] = [
        {"name": state.name, "modified": state.modified, "gigabytes": size} for state, size in sizes.items()
    ]
    save_region_memory(client, VOLUMES_TABLE, records)
