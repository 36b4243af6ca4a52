"""One set of credentials: a shared boto3 session, its clients, and who AWS says the caller is."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from opskit.aws.client import GLOBAL_SERVICE_REGIONS, AwsClient
from opskit.aws.errors import RENEW_HINT
from opskit.aws.pacing import MAX_CONNECTIONS, RateLimiter, new_limiter
from opskit.aws.response_checks import check_response_body, check_response_members
from opskit.core.exceptions import AwsError, CredentialsError, UsageError
from opskit.core.live_resources import LiveResources

_CONNECT_SECONDS = 5
_READ_SECONDS = 10


@dataclass(frozen=True)
class CallerIdentity:
    """Who AWS takes us for."""

    account: str
    arn: str


@dataclass
class AwsSession:
    """One set of credentials: a shared boto3 session, its clients and its paces."""

    boto3_session: Any
    default_region: str
    read_seconds: float = field(default_factory=lambda: _READ_SECONDS)
    left_running: LiveResources = field(default_factory=LiveResources)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _limiters: dict[tuple[str, str], RateLimiter] = field(default_factory=dict)
    _identity_read: Future[CallerIdentity] | None = None
    _reopen: Callable[[], AwsSession] | None = None
    _sdk_session: Any = None
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _client_lock: threading.RLock = field(default_factory=threading.RLock)

    def client(self, region: str | None = None) -> AwsClient:
        """The door to one Region; to the home Region when none is named."""
        return AwsClient(self, region or self.default_region)

    def boto3_client(self, service: str, region: str) -> Any:
        """A boto3 client, made once per service and Region. It sends each call once, and refuses half an answer."""
        key = (service, region)
        if key not in self._clients:
            with self._client_lock:  # boto3 can make only one client at a time
                if key not in self._clients:
                    self._clients[key] = self._new_boto3_client(service, region)
        return self._clients[key]

    def _new_boto3_client(self, service: str, region: str) -> Any:
        config = _client_config(self.read_seconds)
        parsers = self.boto3_session._session.get_component("response_parser_factory")
        parsers.set_parser_defaults(timestamp_parser=_parse_aws_time)
        client = self.boto3_session.client(service, region_name=region, config=config)
        for check in (check_response_body, check_response_members):
            client.meta.events.register("after-call", check)
        return client

    def release(self, region: str) -> None:
        """Let go of a Region's clients, which a look at many Regions would pile up."""
        for key in [key for key in self._clients if key[1] == region and key[0] not in GLOBAL_SERVICE_REGIONS]:
            client = self._clients.pop(key, None)
            if client is not None:
                client.close()

    def sdk_session(self) -> Any:
        """A boto3 session for another library: the same credentials, and our clients, which send each call once."""
        if self._sdk_session is None:
            self._sdk_session = _build_sdk_session(self)
        return self._sdk_session

    def rate_limiter(self, operation: str, region: str) -> RateLimiter | None:
        """The pace of an operation in a Region, None where AWS documents no rate."""
        if (operation, region) not in self._limiters:
            pace = new_limiter(operation)
            if pace is None:
                return None
            self._limiters.setdefault((operation, region), pace)
        return self._limiters[operation, region]

    def identity(self) -> CallerIdentity:
        """Who we are, asked once; whoever asks meanwhile shares the answer, or its failure.

        Raises:
            AwsError: AWS does not say.
        """
        with self._lock:
            theirs = self._identity_read
            asking = self._identity_read = theirs or Future()
        if theirs is None:
            try:
                answer = self.client().read("sts", "get_caller_identity")
                asking.set_result(_parse_identity(answer))
            except BaseException as error:
                self._identity_read = None
                asking.set_exception(error)
        return asking.result()

    def reload_credentials(self) -> None:
        """Look for credentials anew, as when the connection was opened: somebody may have signed in meanwhile.

        Raises:
            UsageError: the profile is gone.
            AwsError: the role could not be assumed.
        """
        if self._reopen is None:
            return
        fresh = self._reopen()
        with self._lock:
            self.boto3_session, self._identity_read, self._sdk_session = fresh.boto3_session, None, None
            self._clients.clear()

    def close_idle_connections(self, region: str | None = None) -> None:
        """Close the connections that lie idle, to one Region or to all. Nobody may be calling there meanwhile; the
        next call opens one anew.
        """
        for (_, where), client in list(self._clients.items()):
            if region in (None, where):
                client.close()

    def endpoint_id(self) -> str:
        """Whose AWS this is: ``aws``, or the URL that AWS_ENDPOINT_URL names. What is learnt of one says
        nothing about another.
        """
        url: str = self.boto3_client("service-quotas", self.default_region).meta.endpoint_url
        return "aws" if ".amazonaws.com" in url or ".api.aws" in url else url


def _client_config(read_seconds: float) -> Any:
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


def _parse_identity(answer: Mapping[str, Any]) -> CallerIdentity:
    try:
        return CallerIdentity(answer["Account"], answer["Arn"])
    except KeyError as error:
        text = "sts:GetCallerIdentity answered without an account."
        raise AwsError("bad-answer", text, "Check AWS_ENDPOINT_URL if it is set.") from error


def _build_sdk_session(session: AwsSession) -> Any:
    import boto3

    class SdkSession(boto3.Session):  # type: ignore[misc]
        """The connection's own session, but for its clients. (Made anew, it would hook itself into S3 twice.)"""

        def __init__(self) -> None:
            self.__dict__.update(session.boto3_session.__dict__)

        def client(self, service_name: str, region_name: str | None = None, **_: Any) -> Any:
            return session.boto3_client(service_name, region_name or session.default_region)

    return SdkSession()


def open_session(
    *,
    profile: str | None = None,
    role_arn: str | None = None,
    region: str | None = None,
    read_seconds: float | None = None,
) -> AwsSession:
    """Open a connection with boto3's own search for credentials and Region. An answer of AWS is waited for as long
    as ``read_seconds``.

    Raises:
        UsageError: the profile does not exist, or no Region is set anywhere.
        AwsError: the role could not be assumed.
    """
    session = _build_session(profile, role_arn, region)
    session._reopen = lambda: _build_session(profile, role_arn, region)
    session.read_seconds = read_seconds or session.read_seconds
    return session


def find_default_region(profile: str | None = None) -> tuple[str, str] | None:
    """The Region that boto3 takes where none is named, and where it found it: a variable or a file. None: nowhere,
    or there is no such profile.
    """
    import botocore.session
    from botocore.exceptions import BotoCoreError

    session = botocore.session.Session(profile=profile)
    try:
        region = session.get_config_variable("region")
    except BotoCoreError:
        return None
    variable = "AWS_DEFAULT_REGION"
    found = variable if os.environ.get(variable) else session.get_config_variable("config_file")
    return (region, found) if region else None


def _build_session(profile: str | None, role_arn: str | None, region: str | None) -> AwsSession:
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session(profile_name=profile, region_name=region)
    except BotoCoreError as error:
        raise UsageError("profile-not-found", f"{error}.", "`aws configure list-profiles` names yours.") from error
    home = region or session.region_name
    if not home:
        raise UsageError("no-region", "No Region is set.", "Add --region us-east-1, or set AWS_DEFAULT_REGION.")
    connection = AwsSession(session, home)
    return connection if role_arn is None else _assume_role(connection, role_arn)


def _assume_role(session: AwsSession, role_arn: str) -> AwsSession:
    """A connection as another role; its credentials renew themselves for as long as the command runs."""
    import boto3
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    base = session.boto3_session
    own = base.get_credentials()
    if own is None:
        raise CredentialsError("no-credentials", "There are no AWS credentials to assume a role with.", RENEW_HINT)
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=partial(base._session.create_client, config=_client_config(session.read_seconds)),
        source_credentials=own,
        role_arn=role_arn,
        extra_args={"RoleSessionName": "opskit"},
    )
    inner = botocore.session.Session(profile=base._session.profile)  # whose endpoints and Region go on to count
    inner.register_component("data_loader", base._session.get_component("data_loader"))
    inner._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, method="assume-role")
    inner.set_config_variable("region", session.default_region)
    return AwsSession(boto3.Session(botocore_session=inner, region_name=session.default_region), session.default_region)
