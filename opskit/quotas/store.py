"""Remembers what reading AWS again would not change: which jobs have ended, how endpoints were deployed, how large the
volumes of notebook instances are, and, for a day, the prices of AWS's price list.

What has ended never runs again. A listing of jobs cannot be asked for what runs: AWS cuts the page first and filters it
afterwards, so a question for running jobs walks through all that were ever made, at two calls a second. So a look that
has reached the end writes down the time before which all jobs had ended, with the names of those that had not, and the
next look goes back to there only. Both stay true for ever, whichever of two runs wrote last.

AWS lets nobody change the configuration of an endpoint, so each has to be read once only. A configuration can be
deleted, though, and another be made under its name. So it is remembered for one deployment of one endpoint: the
endpoint's name and the time when it was last changed, which every deployment moves.

A volume is resized by an update only, which moves the notebook's time of change, so its size holds for as long as that
time does. One rate holds for the price list of all Regions, so a look at many of them would mostly wait for prices that
it had yesterday.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.aws.prices import LISTED_SOURCE
from opskit.core.exceptions import AwsError
from opskit.core.model import Price, PriceKey, Unknown
from opskit.state.home import load_region_memory, save_region_memory, state_home
from opskit.state.paths import account_key
from opskit.state.records import Record, RecordTable

ENDED_JOBS_TABLE = RecordTable(
    name="ended_jobs",
    file="jobs.sqlite",
    schema=(
        """CREATE TABLE IF NOT EXISTS ended_jobs (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL,
    ended_before TEXT NOT NULL, unended TEXT NOT NULL, PRIMARY KEY (endpoint, account, region, kind)
)""",
    ),
    columns=("endpoint", "account", "region", "kind", "ended_before", "unended"),
    key=("endpoint", "account", "region", "kind"),
    partition=3,
)


@dataclass(frozen=True)
class EndedJobs:
    """All jobs of a kind that were created before ``ended_before`` have ended, but for those named in ``unended``."""

    ended_before: datetime
    unended: frozenset[str] = frozenset()


def load_ended_jobs(client: AwsClient, kind: str) -> EndedJobs | None:
    """What is remembered of a Region's jobs of a kind. None: nothing, or it cannot be read, and then the look goes as
    far as there are jobs.
    """
    try:
        place = (*account_key(client), client.region, kind)
        for stored in state_home().records.read_records(ENDED_JOBS_TABLE, *place):
            row = stored.record
            names = frozenset(json.loads(str(row["unended"])))
            return EndedJobs(datetime.fromisoformat(str(row["ended_before"])), names)
    # Forgetting costs only a longer walk; an error here must not keep anybody from a count.
    except (OSError, sqlite3.Error, ValueError, AwsError):
        return None
    return None


def save_ended_jobs(client: AwsClient, kind: str, ended: EndedJobs) -> None:
    """Remember it for the next look. Where the state cannot be written, that look takes longer."""
    with suppress(OSError, sqlite3.Error, AwsError):
        endpoint, account = account_key(client)
        record: Record = {
            "endpoint": endpoint,
            "account": account,
            "region": client.region,
            "kind": kind,
            "ended_before": ended.ended_before.isoformat(),
            "unended": json.dumps(sorted(ended.unended)),
        }
        state_home().records.put_records(ENDED_JOBS_TABLE, [record])


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


# For a day: all Regions' prices are read at one rate, from one Region's API.
_KEPT = timedelta(hours=24)
PRICES_TABLE = RecordTable(
    name="listed_prices",
    file="listed-prices.sqlite",
    schema=(
        """CREATE TABLE IF NOT EXISTS listed_prices (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, component TEXT NOT NULL, type TEXT NOT NULL,
    usd TEXT NOT NULL, source TEXT NOT NULL, read_at TEXT NOT NULL,
    PRIMARY KEY (endpoint, account, region, component, type)
)""",
    ),
    columns=("endpoint", "account", "region", "component", "type", "usd", "source", "read_at"),
    key=("endpoint", "account", "region", "component", "type"),
    partition=3,
    kept_for=_KEPT,
)


def load_listed_prices(client: AwsClient, wanted: Iterable[PriceKey], now: datetime) -> dict[PriceKey, Price]:
    """The prices that were read less than a day ago; what has none then is asked for every time."""
    oldest, newest = (now - _KEPT).isoformat(), now.isoformat()
    found = load_region_memory(client, PRICES_TABLE, _parse_price)
    return {key: found[key][0] for key in wanted if key in found and oldest < found[key][1] <= newest}


def _parse_price(row: Record) -> tuple[PriceKey, tuple[Price, str]]:
    """A price, and when it was read."""
    price = Price(Decimal(str(row["usd"])), str(row["source"]))
    return (str(row["component"]), str(row["type"])), (price, str(row["read_at"]))


def save_listed_prices(client: AwsClient, prices: Mapping[PriceKey, Price | Unknown], now: datetime) -> None:
    """Remember those that AWS lists. Where the state cannot be written, they are read again."""
    records: list[Record] = [
        {
            "component": component,
            "type": instance_type,
            "usd": str(price.usd_per_hour),
            "source": price.source,
            "read_at": now.isoformat(),
        }
        for (component, instance_type), price in prices.items()
        if isinstance(price, Price) and price.source == LISTED_SOURCE
    ]
    save_region_memory(client, PRICES_TABLE, records, keeps_others=True)


def read_missing_prices(
    client: AwsClient, wanted: Mapping[PriceKey, Callable[[], Price | Unknown]], now: datetime
) -> dict[PriceKey, Price | Unknown]:
    """The ``wanted`` prices, in USD per hour, at most a day old. Each is read by its own function, side by side, unless
    it is remembered; what AWS lists is remembered.
    """
    if not wanted:
        return {}
    known = load_listed_prices(client, wanted, now)
    missing = {key: read for key, read in wanted.items() if key not in known}
    new = dict(zip(missing, gather_all(list(missing.values())), strict=True))
    if new:
        save_listed_prices(client, new, now)
    return {**known, **new}
