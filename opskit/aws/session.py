"""One set of credentials: a shared boto3 session, its clients, and who AWS says the caller is."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from opskit.aws.boto3_clients import Boto3Clients, client_config
from opskit.aws.client import AwsClient
from opskit.aws.errors import RENEW_HINT
from opskit.aws.pacing import RateLimiter, new_limiter
from opskit.core.exceptions import AwsError, CredentialsError, UsageError
from opskit.core.live_resources import LiveResources


@dataclass(frozen=True)
class CallerIdentity:
    """Who AWS takes us for."""

    account: str
    arn: str


@dataclass
class AwsSession:
    """One set of credentials: a shared boto3 session, its clients and its paces."""

    _boto3_clients: Boto3Clients
    default_region: str
    left_running: LiveResources = field(default_factory=LiveResources)
    _limiters: dict[tuple[str, str], RateLimiter] = field(default_factory=dict)
    _identity_read: Future[CallerIdentity] | None = None
    _reopen: Callable[[], AwsSession] | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def client(self, region: str | None = None) -> AwsClient:
        """The door to one Region; to the home Region when none is named."""
        return AwsClient(self, region or self.default_region)

    @property
    def read_seconds(self) -> float:
        """For how long an answer of AWS is waited for."""
        return self._boto3_clients.read_seconds

    def release_region(self, region: str) -> None:
        """Let go of a Region's clients, which a look at many Regions would pile up."""
        self._boto3_clients.release_region(region)

    def close_idle_connections(self, region: str | None = None) -> None:
        """Close the connections that lie idle, to one Region or to all. Nobody may be calling there meanwhile; the
        next call opens one anew.
        """
        self._boto3_clients.close_idle_connections(region)

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
            self._boto3_clients, self._identity_read = fresh._boto3_clients, None

    def endpoint_id(self) -> str:
        """Whose AWS this is: ``aws``, or the URL that AWS_ENDPOINT_URL names. What is learnt of one says
        nothing about another.
        """
        url: str = self._boto3_clients.client("service-quotas", self.default_region).meta.endpoint_url
        return "aws" if ".amazonaws.com" in url or ".api.aws" in url else url


def _parse_identity(answer: Mapping[str, Any]) -> CallerIdentity:
    try:
        return CallerIdentity(answer["Account"], answer["Arn"])
    except KeyError as error:
        text = "sts:GetCallerIdentity answered without an account."
        raise AwsError("bad-answer", text, "Check AWS_ENDPOINT_URL if it is set.") from error


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
    session = _build_session(profile, role_arn, region, read_seconds)
    session._reopen = lambda: _build_session(profile, role_arn, region, read_seconds)
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


def _build_session(
    profile: str | None, role_arn: str | None, region: str | None, read_seconds: float | None
) -> AwsSession:
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session(profile_name=profile, region_name=region)
    except BotoCoreError as error:
        raise UsageError("profile-not-found", f"{error}.", "`aws configure list-profiles` names yours.") from error
    home = region or session.region_name
    if not home:
        raise UsageError("no-region", "No Region is set.", "Add --region us-east-1, or set AWS_DEFAULT_REGION.")
    clients = Boto3Clients(session, read_seconds) if read_seconds else Boto3Clients(session)
    if role_arn is not None:
        clients = _assume_role(clients, role_arn, home)
    return AwsSession(clients, home)


def _assume_role(clients: Boto3Clients, role_arn: str, region: str) -> Boto3Clients:
    """Clients as another role; its credentials renew themselves for as long as the command runs."""
    import boto3
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    base = clients.boto3_session
    own = base.get_credentials()
    if own is None:
        raise CredentialsError("no-credentials", "There are no AWS credentials to assume a role with.", RENEW_HINT)
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=partial(base._session.create_client, config=client_config(clients.read_seconds)),
        source_credentials=own,
        role_arn=role_arn,
        extra_args={"RoleSessionName": "opskit"},
    )
    inner = botocore.session.Session(profile=base._session.profile)  # whose endpoints and Region go on to count
    inner.register_component("data_loader", base._session.get_component("data_loader"))
    inner._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, method="assume-role")
    inner.set_config_variable("region", region)
    return Boto3Clients(boto3.Session(botocore_session=inner, region_name=region), clients.read_seconds)
