"""boto3's clients as opskit has them: each sends a call once, and refuses half an answer. Only ``aws`` may use them."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from opskit.aws.pacing import MAX_CONNECTIONS
from opskit.aws.response_checks import check_response_body, check_response_members

# Answered from one place for all Regions; boto3 would build hosts that do not exist elsewhere.
GLOBAL_SERVICE_REGIONS = {"support": "us-east-1", "pricing": "us-east-1", "iam": "us-east-1"}

_CONNECT_SECONDS = 5
READ_SECONDS = 10


@dataclass
class Boto3Clients:
    """The clients of one boto3 session, made when they are asked for. An answer is waited for as long as
    ``read_seconds``.
    """

    boto3_session: Any
    read_seconds: float = field(default_factory=lambda: READ_SECONDS)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def client(self, service: str, region: str) -> Any:
        """The client of a service in a Region, made once."""
        key = (service, region)
        if key not in self._clients:
            with self._lock:  # boto3 can make only one client at a time
                if key not in self._clients:
                    self._clients[key] = self._new_client(service, region)
        return self._clients[key]

    def _new_client(self, service: str, region: str) -> Any:
        config = client_config(self.read_seconds)
        parsers = self.boto3_session._session.get_component("response_parser_factory")
        parsers.set_parser_defaults(timestamp_parser=_parse_aws_time)
        client = self.boto3_session.client(service, region_name=region, config=config)
        for check in (check_response_body, check_response_members):
            client.meta.events.register("after-call", check)
        return client

    def release_region(self, region: str) -> None:
        """Let go of a Region's clients, which a look at many Regions would pile up."""
        for key in [key for key in self._clients if key[1] == region and key[0] not in GLOBAL_SERVICE_REGIONS]:
            client = self._clients.pop(key, None)
            if client is not None:
                client.close()

    def close_idle_connections(self, region: str | None = None) -> None:
        """Close the connections that lie idle, to one Region or to all. Nobody may be calling there meanwhile; the
        next call opens one anew.
        """
        for (_, where), client in list(self._clients.items()):
            if region in (None, where):
                client.close()


def client_config(read_seconds: float) -> Any:
    """How a client waits. It repeats nothing: ``AwsClient`` knows what may be repeated."""
    from botocore.config import Config

    return Config(
        connect_timeout=min(_CONNECT_SECONDS, read_seconds),
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=MAX_CONNECTIONS,
        user_agent_extra="opskit",
    )


def _parse_aws_time(told: Any) -> datetime:
    """A time in an answer, in UTC. botocore would make it local, which takes it ten times as long, and metrics come
    with times by the ten thousand.
    """
    from botocore.utils import parse_timestamp

    if isinstance(told, int | float):
        with suppress(ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(told, UTC)
    moment: datetime = parse_timestamp(told)
    return moment if moment.tzinfo is None else moment.astimezone(UTC)
