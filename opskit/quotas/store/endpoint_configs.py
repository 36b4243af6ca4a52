"""Remembers the configurations of endpoints: AWS lets nobody change one, so each has to be read once only.

A configuration can be deleted, though, and another be made under its name. So it is remembered for one deployment of
one endpoint: the endpoint's name and the time when it was last changed, which every deployment moves.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError
from opskit.state.home import state_home
from opskit.state.paths import account_key
from opskit.state.records import Record, RecordTable, replace_partition

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
    try:
        place = (*account_key(client), client.region)
        rows = [each.record for each in state_home().records.read_records(CONFIGS_TABLE, *place)]
        return {
            EndpointDeployment(str(row["name"]), str(row["config"]), str(row["modified"])): json.loads(
                str(row["members"])
            )
            for row in rows
        }
    except (OSError, sqlite3.Error, ValueError, AwsError):
        return {}


def save_endpoint_configs(client: AwsClient, configs: Mapping[EndpointDeployment, Mapping[str, Any]]) -> None:
    """Remember these of a Region, and no others. Where the state cannot be written, they are read again."""
    with suppress(OSError, sqlite3.Error, AwsError):
        endpoint, account = account_key(client)
        records: list[Record] = [
            {
                "endpoint": endpoint,
                "account": account,
                "region": client.region,
                "name": each.endpoint,
                "config": each.config,
                "modified": each.modified,
                "members": json.dumps(members),
            }
            for each, members in configs.items()
        ]
        replace_partition(state_home().records, CONFIGS_TABLE, records, endpoint, account, client.region)
