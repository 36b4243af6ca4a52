"""One set of credentials: a shared boto3 session, its clients, its rate limiters, and the caller's identity."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from opskit.aws import pacing
from opskit.aws.boto3_clients import Boto3Clients, client_config
from opskit.aws.client import AwsClient
from opskit.aws.connections import trust_configured_bundle
from opskit.aws.credential_failures import find_mfa_serial
from opskit.aws.pacing import RateLimiter
from opskit.aws.partitions import is_aws_host
from opskit.core.exceptions import AwsError, UsageError
from opskit.core.live_resources import LiveResources
from opskit.core.redaction import redact_secrets
from opskit.core.tags import OWNER_TAG_KEYS


def _no_identity_hook(session: AwsSession) -> None:
    """The default hook: nothing is remembered of any account."""


identity_hook: Callable[[AwsSession], None] = _no_identity_hook
"""Told of each session when its account becomes known, before whoever asked; the command line looks up there what is
remembered of the account.
"""


@dataclass(frozen=True)
class CallerIdentity:
    """The caller, as STS names it: account ID and ARN."""

    account: str
    arn: str


@dataclass
class AwsSession:
    """One set of credentials: a shared boto3 session, its clients and rate limiters. Safe across threads.

    ``assumed_from`` is the session that opskit assumed a role from, and ``role_arn`` is that role; None: it assumed
    none. ``source_identities`` are those that STS named when roles were assumed for these credentials, the last one
    first to count. ``owner_keys`` are those of the tags that name an owner.
    """

    _boto3_clients: Boto3Clients
    default_region: str
    live_resources: LiveResources = field(default_factory=LiveResources)
    assumed_from: AwsSession | None = None
    role_arn: str | None = None
    source_identities: list[str] = field(default_factory=list)
    owner_keys: tuple[str, ...] = OWNER_TAG_KEYS
    _limiters: dict[tuple[str, str], RateLimiter] = field(default_factory=dict)
    _learnt_paces: Mapping[tuple[str, str], float] = field(default_factory=dict)
    _identity_read: Future[CallerIdentity] | None = None
    _reopen: Callable[[], AwsSession] | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def client(self, region: str | None = None) -> AwsClient:
        """The client for one Region; for the default Region if none is named."""
        return AwsClient(self, region or self.default_region)

    def prepare_clients(self, *places: tuple[str, str]) -> None:
        """Build the clients of services in Regions in this order, before threads ask for others: one is built at a
        time, and SageMaker's takes 0.1 s. What is wrong with one is left to the call that needs it.
        """
        with suppress(AwsError):
            for service, region in places:
                self._boto3_clients.client(service, region)

    @property
    def read_seconds(self) -> float:
        """The read timeout of every call, in seconds."""
        return self._boto3_clients.read_seconds

    @property
    def profile(self) -> str | None:
        """The AWS profile of the credentials; None if none is named, or they come from the environment."""
        return self._boto3_clients.profile

    def release_region(self, region: str) -> None:
        """Close and forget a Region's clients, so that a run over many Regions does not keep them all in memory."""
        self._boto3_clients.release_region(region)

    def close_idle_connections(self, region: str | None = None) -> None:
        """Close the idle connections to one Region, or to all. No call may be running there; the next one opens a new
        one.
        """
        self._boto3_clients.close_idle_connections(region)

    def rate_limiter(self, operation: str, region: str) -> RateLimiter:
        """The limiter of an operation in a Region, one for all threads."""
        if (operation, region) not in self._limiters:
            # setdefault is one step: of two threads that get here at once, both go on with the same limiter.
            limiter = self._limiters.setdefault((operation, region), RateLimiter(*pacing.RATES.get(operation, ())))
            if pace := self._learnt_paces.get((operation, region)):
                limiter.start_at(pace)
        return self._limiters[operation, region]

    def apply_learnt_paces(self, paces: Mapping[tuple[str, str], float]) -> None:
        """Begin at rates that an earlier run has learnt: calls a second, by operation and Region."""
        self._learnt_paces = paces
        for key in paces.keys() & self._limiters.keys():
            self._limiters[key].start_at(paces[key])

    def take_learnt_paces(self) -> dict[tuple[str, str], float]:
        """What AWS's throttling has shown since this was last asked for, likewise."""
        found = {key: limiter.take_learnt_rate() for key, limiter in list(self._limiters.items())}
        return {key: rate for key, rate in found.items() if rate is not None}

    def identity(self) -> CallerIdentity:
        """The caller's identity, read once; concurrent callers share the response, or its failure.

        Raises:
            AwsError: STS could not be read.
        """
        with self._lock:
            pending = self._identity_read
            # Only who finds no read under way makes one; it is made outside the lock, where the others wait for its
            # future.
            future = self._identity_read = pending or Future()
        if pending is None:
            try:
                response = self.client().read("sts", "get_caller_identity")
                future.set_result(CallerIdentity(response["Account"], response["Arn"]))
            except BaseException as error:
                # A failure is not kept: the next caller asks again, as after signing in meanwhile.
                self._identity_read = None
                future.set_exception(error)
            else:
                identity_hook(self)
        return future.result()

    def known_identity(self) -> CallerIdentity | None:
        """The caller's identity if it was read already; None: nobody has asked, or it could not be read."""
        pending = self._identity_read
        return pending.result() if pending and pending.done() and pending.exception() is None else None

    def reload_credentials(self) -> None:
        """Look up credentials again, as when the session was opened: the user may have signed in meanwhile.

        Raises:
            UsageError: the profile no longer exists.
            AwsError: the role could not be assumed.
        """
        if self._reopen is None:
            return
        fresh = self._reopen()
        with self._lock:
            # In place, so that clients that flows hold already use the new credentials.
            self._boto3_clients, self._identity_read = fresh._boto3_clients, None
            self.assumed_from, self.source_identities = fresh.assumed_from, fresh.source_identities

    def account_key(self, region: str) -> tuple[str, str, str]:
        """What sessions that see the same account have in common: access key ID, Region and SageMaker's endpoint.

        Raises:
            AwsError: there are no valid credentials, or they could not be fetched.
        """
        credentials = self._boto3_clients.load_credentials(region)
        url = self._boto3_clients.client("sagemaker", region).meta.endpoint_url
        return str(credentials.get_frozen_credentials().access_key), region, str(url)

    def endpoint_id(self) -> str:
        """Which AWS this is: ``aws``, or the URL in AWS_ENDPOINT_URL. State that was recorded for one does not apply to
        another.
        """
        url = self._boto3_clients.endpoint_url("service-quotas", self.default_region)
        return "aws" if is_aws_host(urlsplit(url).hostname or "") else redact_secrets(url)


def open_session(
    *,
    profile: str | None = None,
    role_arn: str | None = None,
    region: str | None = None,
    read_seconds: float | None = None,
    owner_keys: tuple[str, ...] = OWNER_TAG_KEYS,
) -> AwsSession:
    """Open a session with boto3's own lookup of credentials and Region. ``read_seconds`` is the read timeout, in
    seconds; ``owner_keys`` are those of the tags that name an owner.

    Raises:
        UsageError: the profile does not exist, or no Region is configured.
        AwsError: the role could not be assumed.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ConfigParseError

    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        # Variables may settle all that boto3 looks up, and a profile that does not exist is then missed much later.
        session._session.get_scoped_config()
        home = region or session.region_name
    except ConfigParseError as error:
        hint = "Correct that file; `aws configure list` shows what is read from where."
        raise UsageError("bad-aws-config", f"{error}.", hint) from error
    except BotoCoreError as error:
        raise UsageError("profile-not-found", f"{error}.", "`aws configure list-profiles` names yours.") from error
    if not home:
        raise UsageError("no-region", "No Region is set.", "Add --region us-east-1, or set AWS_DEFAULT_REGION.")
    sources: list[str] = []
    # Of STS's answers only these name the source identity, which no later call tells a session about itself.
    for operation in ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"):
        session.events.register(f"after-call.sts.{operation}", partial(_note_source_identity, sources))
    trust_configured_bundle(session._session.get_config_variable("ca_bundle"))
    clients = Boto3Clients(session, read_seconds) if read_seconds else Boto3Clients(session)
    opened = AwsSession(clients, home, source_identities=sources)
    if role_arn is not None:
        assumed = _assume_role(clients, role_arn, home)
        opened = AwsSession(assumed, home, assumed_from=opened, role_arn=role_arn, source_identities=sources)
    opened.owner_keys = owner_keys
    opened._reopen = lambda: open_session(
        profile=profile, role_arn=role_arn, region=region, read_seconds=read_seconds, owner_keys=owner_keys
    )
    return opened


def assume_account_role(
    base: AwsSession, role_arn: str, *, external_id: str | None = None, tags: Sequence[tuple[str, str]] = ()
) -> AwsSession:
    """A session with a role of another account, assumed from ``base`` when it is first used. ``tags`` are session tags.
    Its API models are those of ``base``, so that many accounts do not take the memory of many.
    """
    extra: dict[str, Any] = {"ExternalId": external_id} if external_id else {}
    if tags:
        extra["Tags"] = [{"Key": key, "Value": value} for key, value in tags]
    clients = _assume_role(base._boto3_clients, role_arn, base.default_region, extra)
    return AwsSession(clients, base.default_region, assumed_from=base, role_arn=role_arn, owner_keys=base.owner_keys)


def find_default_region(profile: str | None = None) -> tuple[str, str] | None:
    """The Region that boto3 uses if none is named, and its source: a variable's name or a file's path. None if there is
    no Region, or no such profile.
    """
    import botocore.session
    from botocore.exceptions import BotoCoreError

    session = botocore.session.Session(profile=profile)
    try:
        region = session.get_config_variable("region")
    except BotoCoreError:
        return None
    variable = "AWS_DEFAULT_REGION"
    source = variable if os.environ.get(variable) else session.get_config_variable("config_file")
    return (region, source) if region else None


def find_profile_mfa(profile: str | None = None) -> str | None:
    """The MFA device that boto3 would ask a code of to use a profile; None: none, or there is no such profile."""
    import botocore.session
    from botocore.exceptions import BotoCoreError

    session = botocore.session.Session(profile=profile)
    try:
        return find_mfa_serial(session.full_config.get("profiles", {}), session.profile)
    except BotoCoreError:
        return None


def find_profile_settings(profile: str | None = None) -> Mapping[str, Any]:
    """What the user's AWS files say of a profile, its keys too; empty where there is no such profile."""
    import botocore.session
    from botocore.exceptions import BotoCoreError

    session = botocore.session.Session(profile=profile)
    try:
        found: Mapping[str, Any] = session.full_config.get("profiles", {}).get(session.profile or "default", {})
    except BotoCoreError:
        return {}
    return found


def _note_source_identity(sources: list[str], parsed: Mapping[str, Any], **_: Any) -> None:
    if identity := parsed.get("SourceIdentity"):
        sources.insert(0, str(identity))


def _assume_role(
    clients: Boto3Clients, role_arn: str, region: str, extra: Mapping[str, Any] | None = None
) -> Boto3Clients:
    """Clients with the credentials of another role; these are renewed automatically while the command runs."""
    import boto3
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    base = clients.boto3_session
    source_credentials = clients.load_credentials(region)

    def create_client(*words: Any, **options: Any) -> Any:
        with clients.building:
            return base._session.create_client(*words, **options, config=client_config(clients.read_seconds))

    fetcher = AssumeRoleCredentialFetcher(
        client_creator=create_client,
        source_credentials=source_credentials,
        role_arn=role_arn,
        extra_args={"RoleSessionName": "opskit", **(extra or {})},
    )
    inner = botocore.session.Session(profile=base._session.profile)  # the profile's endpoints and Region still apply
    inner.register_component("data_loader", base._session.get_component("data_loader"))
    # botocore has no public way to give a session credentials that refresh themselves.
    inner._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, method="assume-role")
    inner.set_config_variable("region", region)
    session = boto3.Session(botocore_session=inner, region_name=region)
    return Boto3Clients(session, clients.read_seconds, building=clients.building)
