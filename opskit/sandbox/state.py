"""What services share: the clock, accounts and Regions, what is in use there, and a client to the sandbox itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opskit.sandbox.access_key import printed_access_key
from opskit.sandbox.lag import ReadLag

if TYPE_CHECKING:
    from opskit.sandbox.processes import ChildProcesses

# moto's own first account, and that of the examples in AWS's documentation.
ACCOUNT = "123456789012"
INTERNAL_USER_AGENT = "opskit-sandbox-inside"
"""Marks the sandbox's own calls to itself, which no latency or rate of AWS slows."""


@dataclass(frozen=True)
class AccountRegion:
    """Where AWS keeps things: one Region of one account."""

    account: str
    region: str

    def arn(self, resource: str, service: str = "sagemaker") -> str:
        """The ARN of a resource here, such as ``training-job/boston-1``."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


class UsageResource(StrEnum):
    """What holds instances, in the words of AWS's usage metric."""

    TRAINING_JOB = "training-job"
    SPOT_TRAINING_JOB = "spot-training-job"
    PROCESSING_JOB = "processing-job"
    TRANSFORM_JOB = "transform-job"
    ENDPOINT = "endpoint"
    NOTEBOOK_INSTANCE = "notebook-instance"


@dataclass(frozen=True)
class InstanceUsage:
    """Instances that a resource holds and a quota counts."""

    resource: UsageResource
    instance_type: str
    count: int = 1


def client_variables(url: str, region: str) -> dict[str, str]:
    """The environment in which AWS's SDKs and CLI reach a sandbox, with credentials of its first account."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": printed_access_key(),
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        # Else SDKs would ask the metadata address of EC2 first, and wait for it.
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@dataclass(frozen=True)
class ApiCall:
    """One request of a client, after it was read off the wire and held against the API model."""

    account_region: AccountRegion
    service: str
    operation: str
    params: dict[str, Any]
    url: str
    """The sandbox's own address as the client sees it, such as ``http://127.0.0.1:5000``."""


UsageSource = Callable[[AccountRegion], Iterable[InstanceUsage]]
Seeder = Callable[[AccountRegion, Any], None]
"""Makes what a scenario's seed (see scenarios.py) says is in an account and Region at the start."""


@dataclass
class SandboxState:
    """The state that outlives a request. Services keep their own records; here is only what they share."""

    url: str
    folder: Path
    processes: ChildProcesses
    lag: ReadLag = field(default_factory=ReadLag)
    past_jobs: int = 0
    """How many jobs of each type ran before the sandbox was started, in ``home``."""
    home: AccountRegion = AccountRegion(ACCOUNT, "us-east-1")
    usage_sources: list[UsageSource] = field(default_factory=list)
    seeders: dict[UsageResource, Seeder] = field(default_factory=dict)
    """Each service enters its own when it is made."""
    closing: threading.Event = field(default_factory=threading.Event)
    _locks: dict[AccountRegion, threading.RLock] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> datetime:
        """The time, aware and in UTC. Every service asks here, so that one function decides what time is."""
        return datetime.now(UTC)

    def lock(self, account_region: AccountRegion) -> threading.RLock:
        """The lock under which quotas are checked and resources made there, so that no two requests pass together."""
        with self._guard:
            # Reentrant: a service that holds it calls others, such as the job stores, which take it again.
            return self._locks.setdefault(account_region, threading.RLock())

    def known_account_regions(self) -> list[AccountRegion]:
        """Where anything was ever started."""
        with self._guard:
            return list(self._locks)

    def instances_in_use(self, account_region: AccountRegion) -> list[InstanceUsage]:
        """Everything that counts against a quota here, right now."""
        return [usage for source in self.usage_sources for usage in source(account_region)]

    def client(self, service: str, account_region: AccountRegion) -> Any:
        """A boto3 client to this very sandbox: services reach S3, logs and metrics as any other client does."""
        with _client_creation_lock:
            return _cached_client(service, account_region, self.url)


# Clients of one session must be made one after another.
_client_creation_lock = threading.RLock()


# The URL is part of the key, because a process may run several sandboxes, one after another or side by side.
@cache
def _cached_client(service: str, account_region: AccountRegion, url: str) -> Any:
    from botocore.config import Config

    config = Config(
        # proxies={}: no proxy of the user's leads to 127.0.0.1.
        retries={"total_max_attempts": 2},
        max_pool_connections=20,
        proxies={},
        user_agent_extra=INTERNAL_USER_AGENT,
    )
    return _account_session(account_region.account, url).client(
        service, account_region.region, endpoint_url=url, config=config
    )


@cache
def _account_session(account: str, url: str) -> Any:
    """One session an account: each that is made holds 20 MB of API models."""
    import boto3

    from opskit.sandbox.api_models import own_session

    return boto3.Session(*_account_credentials(account, url), botocore_session=own_session())


def _account_credentials(account: str, url: str) -> tuple[str, ...]:
    """Credentials of an account: its own where it is the sandbox's first, else those of a role assumed in it."""
    if account == ACCOUNT:
        return (printed_access_key(), "sandbox")
    role = f"arn:aws:iam::{account}:role/sandbox"
    sts = _cached_client("sts", AccountRegion(ACCOUNT, "us-east-1"), url)
    keys = sts.assume_role(RoleArn=role, RoleSessionName="sandbox")["Credentials"]
    return (keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
