"""Remembers the configurations of endpoints: AWS lets nobody change one, so each has to be read once only.

A configuration can be deleted, though, and another be made under its name. So it is remembered for one deployment of
one endpoint: the endpoint's name and the time when it was last changed, which every deployment moves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from opskit.aws.client import AwsClient
from opskit.state.records import Record, RecordTable
from opskit.state.region_memory import load_region_memory, save_region_memory

# The file's number rises with the members that are kept of a configuration, so that all are read anew; a table in an
# account needs another name then.
CONFIGS_TABLE = RecordTable(
    name="endpoint_configs",
    file="endpoint-configs-2.sqlite",
    schema=(
        """CREATE TABLE IF NOT EXISTS endpoint_configs (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, config TEXT NOT NULL,
    modified TEXT NOT NULL, members TEXT NOT NULL, PRIMARY KEY (endpoint, account, region, name)
)""",
    ),
    columns=("endpoint", "account", "region", "name", "config", "modified", "members"),
    key=("endpoint", "account", "region", "name"),
    partition=3,
    kept_for=timedelta(days=30),
)


@dataclass(frozen=True)
class EndpointDeployment:
    """One deployment of an endpoint: the names of the endpoint and its configuration, and the time of the change as
    AWS says it.
    """

    endpoint: str
    config: str
    modified: str


def load_endpoint_configs(client: AwsClient) -> dict[EndpointDeployment, dict[str, Any]]:
    """What is remembered of a Region's endpoints; nothing where it cannot be read, and then it is read from AWS."""
    return load_region_memory(client, CONFIGS_TABLE, _parse_config)


def _parse_config(row: Record) -> tuple[EndpointDeployment, dict[str, Any]]:
    members: dict[str, Any] = json.loads(str(row["members"]))
    return EndpointDeployment(str(row["name"]), str(row["config"]), str(row["modified"])), members


def save_endpoint_configs(client: AwsClient, configs: Mapping[EndpointDeployment, Mapping[str, Any]]) -> None:
    """Remember these of a Region, and no others. Where the state cannot be written, they are read again."""
    records: list[Record] = [
        {"name": each.endpoint, "config": each.config, "modified": each.modified, "members": json.dumps(members)}
        for each, members in configs.items()
    ]
    save_region_memory(client, CONFIGS_TABLE, records)
