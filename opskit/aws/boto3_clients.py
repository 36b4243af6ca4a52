"""The boto3 clients of one session, built on first use. Each sends a call once and refuses incomplete responses. Only
``opskit.aws`` may use them.
"""

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

# Shorter than the read timeout: a host that is unreachable should be reported sooner than a slow one.
_CONNECT_SECONDS = 5
READ_SECONDS = 10


@dataclass
class Boto3Clients:
    """The clients of one boto3 session, built when first asked for. ``read_seconds`` is the read timeout."""

    boto3_session: Any
    read_seconds: float = field(default_factory=lambda: READ_SECONDS)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def client(self, service: str, region: str) -> Any:
        """The client for a service in a Region, built once."""
        key = (service, region)
        if key not in self._clients:
            with self._lock:  # a boto3 session is not thread-safe: it can build only one client at a time
                if key not in self._clients:  # another thread may have built it while this one waited for the lock
                    self._clients[key] = self._new_client(service, region)
        return self._clients[key]

    def _new_client(self, service: str, region: str) -> Any:
        config = client_config(self.read_seconds)
        parsers = self.boto3_session._session.get_component("response_parser_factory")
        # Set for each client: the factory is the session's own, and boto3 offers no public way to replace a parser.
        parsers.set_parser_defaults(timestamp_parser=_parse_aws_time)
        client = self.boto3_session.client(service, region_name=region, config=config)
        # ``after-call`` comes right after parsing and before botocore hands out the response, for streams and waiters
        # too.
        for check in (check_response_body, check_response_members):
            client.meta.events.register("after-call", check)
        return client

    def release_region(self, region: str) -> None:
        """Close and forget a Region's clients, so that a run over many Regions does not keep them all in memory."""
        for key in [key for key in self._clients if key[1] == region and key[0] not in GLOBAL_SERVICE_REGIONS]:
            client = self._clients.pop(key, None)
            if client is not None:
                client.close()

    def close_idle_connections(self, region: str | None = None) -> None:
        """Close the idle connections to one Region, or to all. No call may be running there; the next one opens a new
        one.
        """
        for (_, client_region), client in list(self._clients.items()):
            if region in (None, client_region):
                client.close()


def client_config(read_seconds: float) -> Any:
    """Timeouts and pool size of a client. botocore's own retries are off: ``AwsClient`` knows which calls may be
    repeated.
    """
    from botocore.config import Config

    return Config(
        connect_timeout=min(_CONNECT_SECONDS, read_seconds),
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=MAX_CONNECTIONS,
        user_agent_extra="opskit",
    )


def _parse_aws_time(value: Any) -> datetime:
    """A timestamp of a response, in UTC. botocore would convert it to local time, which takes ten times as long, and
    metrics contain tens of thousands of timestamps.
    """
    from botocore.utils import parse_timestamp

    if isinstance(value, int | float):
        with suppress(ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(value, UTC)
    timestamp: datetime = parse_timestamp(value)
    return timestamp if timestamp.tzinfo is None else timestamp.astimezone(UTC)
