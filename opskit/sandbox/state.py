"""What the sandbox's rooms share: the clock, the places, what is held there, and a client to the sandbox itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opskit.sandbox.processes import Children

ACCOUNT = "123456789012"
INSIDE = "opskit-sandbox-inside"
"""Marks the sandbox's own calls to itself, which no latency or rate of AWS slows."""


@dataclass(frozen=True)
class Place:
    """Where AWS keeps things: one Region of one account."""

    account: str
    region: str

    def arn(self, resource: str, service: str = "sagemaker") -> str:
        """The ARN of a resource here, such as ``training-job/boston-1``."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True)
class Held:
    """Instances that a resource holds and a quota counts.

    ``resource`` is the word of AWS's usage metric: training-job, spot-training-job, transform-job, endpoint,
    notebook-instance or processing-job.
    """

    resource: str
    instance_type: str
    count: int = 1


@dataclass(frozen=True)
class Call:
    """One request of a client, after it was read off the wire and held against the API model."""

    place: Place
    service: str
    operation: str
    params: dict[str, Any]
    url: str
    """The sandbox's own address as the client sees it, such as ``http://127.0.0.1:5000``."""


Holder = Callable[[Place], Iterable[Held]]
Seeder = Callable[[Place, Any], None]
"""Makes what a scenario's seed (see scenarios.py) says stands in a place at the start."""


@dataclass
class World:
    """The state that outlives a request. Rooms keep their own records; here is only what they share."""

    url: str
    folder: Path
    children: Children
    holders: list[Holder] = field(default_factory=list)
    seeders: dict[str, Seeder] = field(default_factory=dict)
    """By the word of AWS's usage metric (``training-job`` …): each room enters its own when it is made."""
    closing: threading.Event = field(default_factory=threading.Event)
    _locks: dict[Place, threading.RLock] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> datetime:
        """The time, aware and in UTC. Every room asks here, so that one place decides what time is."""
        return datetime.now(UTC)

    def lock(self, place: Place) -> threading.RLock:
        """The lock under which a place's quotas are judged and its resources made, so that no two pass at once."""
        with self._guard:
            return self._locks.setdefault(place, threading.RLock())

    def places(self) -> list[Place]:
        """Where anything was ever started."""
        with self._guard:
            return list(self._locks)

    def held(self, place: Place) -> list[Held]:
        """Everything that counts against a quota here, right now."""
        return [held for holder in self.holders for held in holder(place)]

    def client(self, service: str, place: Place) -> Any:
        """A boto3 client to this very sandbox: rooms reach S3, logs and metrics as any other client does."""
        with _making:
            return _client(service, place, self.url)


_making = threading.RLock()
"""Clients of one session must be made one after another."""


@cache
def _client(service: str, place: Place, url: str) -> Any:
    from botocore.config import Config

    config = Config(retries={"total_max_attempts": 2}, max_pool_connections=20, proxies={}, user_agent_extra=INSIDE)
    return _session(place.account, url).client(service, place.region, endpoint_url=url, config=config)


@cache
def _session(account: str, url: str) -> Any:
    """One session an account: each that is made holds 20 MB of API models."""
    import boto3

    from opskit.sandbox.api_models import own_session

    return boto3.Session(*_keys(account, url), botocore_session=own_session())


def _keys(account: str, url: str) -> tuple[str, ...]:
    """Credentials of an account: its own where it is the sandbox's first, else those of a role assumed in it."""
    if account == ACCOUNT:
        return ("sandbox", "sandbox")
    role = f"arn:aws:iam::{account}:role/sandbox"
    sts = _client("sts", Place(ACCOUNT, "us-east-1"), url)
    keys = sts.assume_role(RoleArn=role, RoleSessionName="sandbox")["Credentials"]
    return (keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
