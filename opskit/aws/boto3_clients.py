"""The boto3 clients of one session, built on first use. Each sends a call once and refuses incomplete responses. Only
``opskit.aws`` may use them.
"""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from weakref import WeakSet

from opskit.aws.api_call import check_client_call
from opskit.aws.connections import bad_endpoint, require_endpoint_url
from opskit.aws.credential_failures import (
    can_prompt_for_mfa,
    credentials_failure,
    find_mfa_serial,
    mfa_code_missing,
    operation_for_credentials,
    role_not_assumed,
)
from opskit.aws.errors import translate_error
from opskit.aws.pacing import MAX_CONNECTIONS
from opskit.aws.partitions import GLOBAL_SERVICES
from opskit.aws.response_checks import check_response_body, check_response_members
from opskit.aws.response_values import check_response_values, parse_plain_body
from opskit.core.exceptions import AccessDenied, AwsError, OpskitError

_NO_KEYS = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
_REGION_HINT = "Regions are named like us-east-1: check --region, AWS_DEFAULT_REGION and the AWS profile."
# Shorter than the read timeout: a host that is unreachable should be reported sooner than a slow one.
_CONNECT_SECONDS = 5
READ_SECONDS = 10
_USER_AGENT_EXTRA = "opskit"
# Under one name, so that several of these with one session register once.
_GATE = "opskit-check-client-call"
# The clients that opskit made itself; whoever looks at the calls of a process leaves these out.
_OWN_CLIENTS: WeakSet[Any] = WeakSet()
# The TLS settings of all clients of this process, by what they trust and the certificate that they show.
_SSL_CONTEXTS: dict[tuple[str, ...], ssl.SSLContext] = {}


@dataclass
class Boto3Clients:
    """The clients of one boto3 session, built when first asked for. ``read_seconds`` is the read timeout; ``options``
    are further arguments of boto3's for the client of a service, such as an endpoint URL. Those whose sessions have one
    loader of API models also have one ``building``: only one of them builds a client at a time.
    """

    boto3_session: Any
    read_seconds: float = field(default_factory=lambda: READ_SECONDS)
    options: Callable[[str], Mapping[str, Any]] = lambda service: {}
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _endpoint_urls: dict[tuple[str, str], str] = field(default_factory=dict)
    # A boto3 session is not thread-safe, and its loader reads a model anew for every thread that asks before the first
    # has it: SageMaker's costs 0.1 s and 10 MB.
    building: threading.RLock = field(default_factory=threading.RLock)
    # What the first client calls itself. botocore would put the same words together anew, and twice, for each call: a
    # twentieth of what a call costs. Only the word for which of its features are used is the first client's then.
    _user_agent: str | None = None

    def __post_init__(self) -> None:
        # No reading of the source sees a session or a client that was handed on. So each client asks itself who sends a
        # write through it: a session gives what is registered with it to all that it makes, also past this class.
        if self.boto3_session is not None:
            self.boto3_session.events.register("before-call", check_client_call, unique_id=_GATE)

    def client(self, service: str, region: str) -> Any:
        """The client for a service in a Region, built once, with credentials that are valid now.

        Raises:
            CredentialsError: there are no usable credentials.
            AwsError: they could not be fetched, the Region's name or the endpoint URL that is set is invalid.
        """
        self.load_credentials(region)
        key = (service, region)
        if key not in self._clients:
            with self.building:
                if key not in self._clients:  # another thread may have built it while this one waited for the lock
                    self._clients[key] = self._new_client(service, region)
        return self._clients[key]

    def endpoint_url(self, service: str, region: str) -> str:
        """Where calls to a service go. Needs no credentials.

        Raises:
            AwsError: there can be no such Region, or the endpoint URL that is set is none.
        """
        key = (service, region)
        if key not in self._endpoint_urls:
            with self.building:
                # With keys of its own a client is made without a search for any.
                client = self._clients.get(key) or self._new_client(service, region, **_NO_KEYS)
            self._endpoint_urls[key] = str(client.meta.endpoint_url)
        return self._endpoint_urls[key]

    @property
    def profile(self) -> str | None:
        """The AWS profile of the credentials; None if none is named, or they come from the environment."""
        if self.boto3_session is None:
            return None
        session = self.boto3_session._session
        is_used = getattr(session._credentials, "method", None) != "env"
        return str(session.profile) if session.profile and is_used else None

    def load_credentials(self, region: str) -> Any:
        """Botocore's credentials, found, and fetched anew where they are about to expire. boto3 would do it while it
        signs a request, where what fails cannot be told from what the request fails of.

        Raises:
            CredentialsError: there are none to be had.
            AwsError: they could not be fetched.
        """
        from botocore.exceptions import NoCredentialsError

        session = self.boto3_session._session
        profile = session.profile
        try:
            with self.building:
                if session._credentials is None:
                    # Keys in the environment come first, unless a profile was named: so botocore looks for credentials.
                    has_keys = os.environ.get("AWS_ACCESS_KEY_ID") and "profile" not in session.instance_variables()
                    serial = None if has_keys else find_mfa_serial(session.full_config.get("profiles", {}), profile)
                    # botocore would write a prompt for the code into a log, and read from whatever standard input is.
                    if serial and not can_prompt_for_mfa():
                        raise mfa_code_missing(profile, serial, region)
                credentials = session.get_credentials()
            if credentials is None:
                raise NoCredentialsError
            credentials.get_frozen_credentials()
            return credentials
        except OpskitError:
            raise
        except Exception as error:
            raise _unusable_credentials(error, profile, region, self.read_seconds) from error

    def _new_client(self, service: str, region: str, **keys: str) -> Any:
        from botocore.exceptions import InvalidRegionError

        config = client_config(self.read_seconds, self._user_agent)
        parsers = self.boto3_session._session.get_component("response_parser_factory")
        # Set for each client: the factory is the session's own, and boto3 offers no public way to replace a parser.
        parsers.set_parser_defaults(timestamp_parser=_parse_aws_time)
        try:
            client = self.boto3_session.client(
                service, region_name=region, config=config, **{**self.options(service), **keys}
            )
        except InvalidRegionError as error:
            raise AwsError("bad-region", f"'{region}' is not the name of a Region.", _REGION_HINT) from error
        except ValueError as error:  # the URL that is set for this service, or for all
            raise bad_endpoint(str(error).removeprefix("Invalid endpoint: ")) from error
        require_endpoint_url(client.meta.endpoint_url)
        _share_certificates(client)
        if not self._user_agent and not client.meta.config.user_agent_appid:  # the ID would be left out
            # Without what botocore adds to given words once more.
            added = (self.boto3_session._session.user_agent_extra, _USER_AGENT_EXTRA)
            self._user_agent = client.meta.config.user_agent.removesuffix("".join(f" {each}" for each in added if each))
        client.meta.events.register("before-parse", parse_plain_body)
        # ``after-call`` comes right after parsing and before botocore hands out the response, for streams and waiters
        # too.
        for check in (check_response_body, check_response_members, check_response_values):
            client.meta.events.register("after-call", check)
        _OWN_CLIENTS.add(client)
        return client

    def release_region(self, region: str) -> None:
        """Close and forget a Region's clients, so that a run over many Regions does not keep them all in memory."""
        # A list first: other threads may add clients of other Regions meanwhile.
        for key in [key for key in self._clients if key[1] == region and key[0] not in GLOBAL_SERVICES]:
            client = self._clients.pop(key, None)
            if client is not None:
                _close_connections(client)

    def close_idle_connections(self, region: str | None = None) -> None:
        """Close the idle connections to one Region, or to all. No call may be running there; the next one opens a new
        one.
        """
        for (_, client_region), client in list(self._clients.items()):
            if region in (None, client_region):
                _close_connections(client)


def _share_certificates(client: Any) -> None:
    """Let the clients that trust the same certificates read them once. urllib3 reads the file for each connection,
    which takes 15 ms of CPU time, and a check makes a dozen.
    """
    http_session = getattr(client._endpoint, "http_session", None)
    keywords = getattr(getattr(http_session, "_manager", None), "connection_pool_kw", {})
    context = keywords.get("ssl_context")
    # botocore has no public way to say so. One that is made in another way reads them as often as it likes.
    if not isinstance(context, ssl.SSLContext) or not hasattr(http_session, "_verify"):
        return
    trusts = tuple(str(getattr(http_session, name, None)) for name in ("_verify", "_cert_file", "_key_file"))
    if trusts not in _SSL_CONTEXTS:
        context.load_verify_locations = cache(context.load_verify_locations)  # type: ignore[method-assign,assignment]
    keywords["ssl_context"] = _SSL_CONTEXTS.setdefault(trusts, context)


def is_own_client(client: Any) -> bool:
    """Whether opskit made a boto3 client itself."""
    return client in _OWN_CLIENTS


def _close_connections(client: Any) -> None:
    """Close a client's idle connections now."""
    http_session = client._endpoint.http_session
    managers = [http_session._manager, *http_session._proxy_managers.values()]
    # urllib3's container of pools refuses to be walked itself, since another thread may add to it.
    keys = [(manager, key) for manager in managers for key in list(manager.pools.keys())]
    pools = [pool for manager, key in keys if (pool := manager.pools.get(key)) is not None]
    # close() only forgets urllib3's pools, whose connections end when nothing refers to a pool any more: after the
    # garbage collector has found the last answer's cycle. So the pools are taken out before, and closed after it.
    client.close()
    for pool in pools:
        pool.close()


def _unusable_credentials(error: Exception, profile: str | None, region: str, seconds: float) -> Exception:
    """Why credentials cannot be used: AWS refused to give them, could not be reached for them, or there are none."""
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError
    from botocore.parsers import ResponseParserError

    if isinstance(error, ClientError):
        # GetRoleCredentials is the one operation of sso here; all others that give credentials are STS's.
        service = "sso" if error.operation_name == "GetRoleCredentials" else "sts"
        refused = translate_error(error, f"{service}:{error.operation_name}", region, seconds, profile=profile)
        return role_not_assumed(refused, profile) if isinstance(refused, AccessDenied) else refused
    if isinstance(error, HTTPClientError | ConnectionError | ResponseParserError):
        return translate_error(error, operation_for_credentials(error), region, seconds)
    return credentials_failure(error, profile, region, loading=True) or error


def client_config(read_seconds: float, user_agent: str | None = None) -> Any:
    """Timeouts and pool size of a client. botocore's own retries are off: ``AwsClient`` knows which calls may be
    repeated. ``user_agent`` is what a client calls itself beside opskit's name; None: what botocore says.
    """
    from botocore.config import Config

    return Config(
        connect_timeout=min(_CONNECT_SECONDS, read_seconds),
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=MAX_CONNECTIONS,
        user_agent=user_agent,
        user_agent_extra=_USER_AGENT_EXTRA,
    )


def _parse_aws_time(value: Any) -> datetime:
    """A timestamp of a response, in UTC. botocore would convert it to local time, which takes ten times as long, and
    metrics contain tens of thousands of timestamps.
    """
    from botocore.parsers import ResponseParserError
    from botocore.utils import parse_timestamp

    if isinstance(value, (int, float)):
        with suppress(ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(value, UTC)
    try:
        timestamp: datetime = parse_timestamp(value)
    except (ValueError, RuntimeError) as error:  # the second for a number that is no time at all
        raise ResponseParserError("a time cannot be parsed") from error
    return timestamp if timestamp.tzinfo is None else timestamp.astimezone(UTC)
