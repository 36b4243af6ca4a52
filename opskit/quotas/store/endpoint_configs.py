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
from typing import Any

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError
from opskit.state.paths import account_key
from opskit.state.store import open_db

# Its number rises with the members that are kept of a configuration, so that all are read anew.
_FILE = "endpoint-configs-2.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS endpoint_configs (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, config TEXT NOT NULL,
    modified TEXT NOT NULL, members TEXT NOT NULL, PRIMARY KEY (endpoint, account, region, name)
)"""


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
        with open_db(_FILE, _SCHEMA) as connection:
            rows = connection.execute(
                "SELECT name, config, modified, members FROM endpoint_configs"
                " WHERE endpoint = ? AND account = ? AND region = ?",
                (*account_key(client), client.region),
            ).fetchall()
        return {
            EndpointDeployment(row["name"], row["config"], row["modified"]): json.loads(row["members"]) for row in rows
        }
    except (OSError, sqlite3.Error, ValueError, AwsError):
        return {}


def save_endpoint_configs(client: AwsClient, configs: Mapping[EndpointDeployment, Mapping[str, Any]]) -> None:
    """Remember these of a Region, and no others. Where the state folder cannot be written, they are read again."""
    with suppress(OSError, sqlite3.Error, AwsError), open_db(_FILE, _SCHEMA) as connection:
        where = (*account_key(client), client.region)
        connection.execute("DELETE FROM endpoint_configs WHERE endpoint = ? AND account = ? AND region = ?", where)
        connection.executemany(
            "INSERT OR REPLACE INTO endpoint_configs VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (*where, each.endpoint, each.config, each.modified, json.dumps(members))
                for each, members in configs.items()
            ],
        )
