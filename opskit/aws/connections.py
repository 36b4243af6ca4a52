"""Connections: to a host over TLS, a proxy, or both, on which nothing comes later than a deadline, for a notebook's
Jupyter, a webhook, a sign of life; and by name and with its host what stands between this machine and AWS, such as a
certificate that nobody trusts, a proxy that refuses, a URL that is none.

The standard library's client rather than a friendlier one, because a timeout that counts anew with every byte lets a
host that drips hold a connection for ever, and because nothing in it logs a URL.
"""

from __future__ import annotations

import io
import os
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache, partial
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from opskit.core.exceptions import AwsError
from opskit.core.message_phrases import BAD_ENDPOINT, PROXY_NOT_REACHED, PROXY_REFUSED, UNTRUSTED_CERTIFICATE


def parse_http_date(text: str | None) -> datetime | None:
    """The time that a Date header tells; None: it tells none, or not of which zone."""
    try:
        said = parsedate_to_datetime(text or "")
    # A server may write anything: numbers without a month, years that no date holds.
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return said if said.tzinfo else None


_BUNDLE_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
_COMPANY_HINT = (
    "Behind a proxy that inspects TLS, set AWS_CA_BUNDLE to a PEM file with its root certificate; ask whoever runs "
    "the network for it."
)
_PROXY_HINT = "Check HTTPS_PROXY (http://USER:PASSWORD@HOST:PORT where it asks for a password) and NO_PROXY."


class ConnectionFailure(NamedTuple):
    """The code, sentence and next step of a connection that did not come about: nothing was sent."""

    code: str
    text: str
    hint: str
    passing: bool = False
    """Whether another attempt may well succeed in a moment."""


def connection_failure(error: BaseException) -> ConnectionFailure | None:
    """What stands in the way where it is a certificate, a proxy or their settings; None where it is anything else."""
    from botocore import exceptions as boto

    match error:
        case boto.SSLError():
            return _tls_failure(error, _host_of(error.kwargs.get("endpoint_url")))
        case boto.ProxyConnectionError():
            return _proxy_failure(error, _host_of(error.kwargs.get("proxy_url")))
        # A proxy on the way to an http:// endpoint refuses by an answer, which botocore reads as one of AWS's.
        case boto.ClientError() if str(error.response.get("Error", {}).get("Code")) == "407":
            return _proxy_failure(error, _host_of(_proxy_set()))
        case boto.HTTPClientError() | boto.InvalidProxiesConfigError() if not _is_url(_proxy_set()):
            text = "The proxy that is set (HTTPS_PROXY) is not a URL."
            return ConnectionFailure("proxy-refused", text, _PROXY_HINT)
        case _:
            return None


def _tls_failure(error: BaseException, host: str) -> ConnectionFailure | None:
    said = " ".join(str(each) for each in _causes(error))
    bundle = next((f"{os.environ[name]} ({name})" for name in _BUNDLE_VARIABLES if os.environ.get(name)), "")
    bundle = bundle or "that `ca_bundle` in the AWS profile names"
    # OpenSSL's words, which nothing better carries: its errors have one class for all of these.
    if any(isinstance(each, FileNotFoundError) for each in _causes(error)):
        text = f"The file of trusted certificates {bundle} does not exist."
        return ConnectionFailure("certificate-refused", text, "Correct the path, or unset it.")
    if "NO_CERTIFICATE" in said or "PEM" in said:
        text = f"The file of trusted certificates {bundle} contains no certificate."
        return ConnectionFailure("certificate-refused", text, "It must be a PEM file.")
    if "certificate has expired" in said or "not yet valid" in said:
        text = f"The certificate of {host} is not valid now: it has expired, or this machine's clock is wrong."
        return ConnectionFailure("certificate-refused", text, "Check the clock, and whoever runs that host.")
    if "doesn't match" in said or "mismatch" in said.lower():
        text = f"The certificate of {host} is for another host."
        return ConnectionFailure("certificate-refused", text, "Check AWS_ENDPOINT_URL, and any proxy on the way.")
    if "CERTIFICATE_VERIFY_FAILED" in said:
        why = said.partition("certificate verify failed: ")[2].partition(" (_ssl")[0]
        text = f"{UNTRUSTED_CERTIFICATE} {host}{f': {why}' if why else ''}."
        return ConnectionFailure("certificate-refused", text, _COMPANY_HINT)
    if "WRONG_VERSION_NUMBER" in said or "UNKNOWN_PROTOCOL" in said:
        text = f"{host} does not speak TLS."
        hint = "Check AWS_ENDPOINT_URL (http:// or https://) and HTTPS_PROXY."
        return ConnectionFailure("certificate-refused", text, hint)
    return None


def _proxy_failure(error: BaseException, host: str) -> ConnectionFailure:
    said = " ".join(str(each) for each in _causes(error))
    refused = said.partition("Tunnel connection failed: ")[2].partition("'")[0].partition(")")[0]
    if "407" in said:
        text = f"{PROXY_REFUSED} {host}: it asks for a user name and a password (407)."
    elif refused:
        text = f"{PROXY_REFUSED} {host}: {refused}."
    else:
        text = f"{PROXY_NOT_REACHED}: {host}."
    return ConnectionFailure(
        # A 4xx is the proxy's policy and comes again; all else may be over in a moment.
        "proxy-refused",
        text,
        _PROXY_HINT,
        passing=not refused.startswith("4") and "407" not in said,
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those below it."""
    seen: set[int] = set()
    below: BaseException | None = error
    while below is not None and id(below) not in seen:
        seen.add(id(below))
        yield below
        inner = getattr(below, "kwargs", {}).get("error") if hasattr(below, "kwargs") else None
        below = inner or below.__cause__ or below.__context__


def _host_of(url: object) -> str:
    """The host of a URL and its port, without any name and password."""
    try:
        parts = urlsplit(str(url or ""))
        host = parts.hostname or "the endpoint"
        return f"{host}:{parts.port}" if parts.port else host
    except ValueError:
        return "the endpoint"


def _proxy_set() -> str:
    return next((os.environ[name] for name in _PROXY_VARIABLES if os.environ.get(name)), "")


def _is_url(text: str) -> bool:
    try:
        return not text or bool(urlsplit(text if "//" in text else f"//{text}").hostname)
    except ValueError:
        return False


def require_endpoint_url(url: str) -> None:
    """Refuse what is no URL to send requests to.

    Raises:
        AwsError: it is none.
    """
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise bad_endpoint(url)


def bad_endpoint(url: str) -> AwsError:
    """The failure of an endpoint URL that is set and is none."""
    text = f"{BAD_ENDPOINT}: {url!r}."
    hint = "AWS_ENDPOINT_URL (or AWS_ENDPOINT_URL_SERVICE, or `endpoint_url` in the profile) begins with https:// or http://."
    return AwsError("bad-endpoint", text, hint)


_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_configured_bundle: list[str] = []


class _DeadlineSocket(io.RawIOBase):
    """The bytes of a socket, none of them later than the deadline, however many reads they take."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline
        self._bytes = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_seconds_left(self._deadline))
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()


class _DeadlineResponse(HTTPResponse):
    """An answer, its head too, that comes before the deadline or not at all."""

    def __init__(self, sock: socket.socket, *more: Any, deadline: float, **named: Any) -> None:
        super().__init__(sock, *more, **named)
        # The standard library has made a reader of its own by now, whose time-out starts again with every byte.
        self.fp.close()
        self.fp = io.BufferedReader(_DeadlineSocket(sock, deadline))


def _seconds_left(deadline: float) -> float:
    """The seconds until then.

    Raises:
        TimeoutError: it has passed.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def open_connection(origin: SplitResult, proxy: SplitResult | None, deadline: float) -> HTTPConnection:
    """A connection to a URL's host, or to the proxy that leads there."""
    if origin.scheme not in ("http", "https") or not origin.hostname:
        raise ValueError("not a web page")
    peer = proxy or origin
    context = _ssl_context(_trusted_certificates()) if origin.scheme == "https" else None
    host = peer.hostname or ""
    connection = HTTPSConnection(host, peer.port, context=context) if context else HTTPConnection(host, peer.port)
    # Through a tunnel, so that the proxy sees neither the page nor the cookie.
    if proxy and origin.scheme == "https":
        connection.set_tunnel(origin.hostname, origin.port, _proxy_auth_header(proxy))
    connection.response_class = partial(_DeadlineResponse, deadline=deadline)  # type: ignore[assignment]
    # http.client has no public way to connect within a deadline.
    connection._create_connection = partial(_connect_socket, deadline)  # type: ignore[attr-defined]
    return connection


def _connect_socket(deadline: float, address: tuple[str, int], *_: Any) -> socket.socket:
    """A socket to one of a host's addresses, all of them tried before the one deadline."""
    failure: OSError = OSError("no address")
    for family, kind, protocol, _name, place in socket.getaddrinfo(*address, 0, socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_seconds_left(deadline))
            sock.connect(place)
            # Connecting took some of the time: what is sent next has only the rest.
            sock.settimeout(_seconds_left(deadline))
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def trust_configured_bundle(bundle: str | None) -> None:
    """Believe the certificates that an AWS profile names as its ``ca_bundle``, or AWS_CA_BUNDLE; None: neither does."""
    _configured_bundle[:] = [bundle] if bundle else []


def _trusted_certificates() -> str:
    """The file or folder of the certificates that are believed: in botocore's order, what the environment or the
    profile names for AWS, then what it names for others, else the usual ones.
    """
    named = (os.environ.get("AWS_CA_BUNDLE"), *_configured_bundle, *map(os.environ.get, _CERTIFICATES))
    if found := next((each for each in named if each), None):
        return str(Path(found).expanduser())
    import certifi

    return certifi.where()


@cache
def _ssl_context(named: str) -> ssl.SSLContext:
    """The certificates that are believed, for TLS."""
    # Cached for all hosts: reading them takes longer than a visit.
    if Path(named).is_dir():
        return ssl.create_default_context(capath=named)
    return ssl.create_default_context(cafile=named)


def proxy_for(origin: SplitResult) -> SplitResult | None:
    """The proxy of the environment for a host, as boto3 takes it; never for this machine."""
    host = origin.hostname or ""
    is_here = host.startswith("127.") or host in ("::1", "localhost") or host.endswith(".localhost")
    named = None if is_here or proxy_bypass(host) else getproxies().get(origin.scheme)
    return urlsplit(named if "//" in named else f"http://{named}") if named else None


def _proxy_auth_header(proxy: SplitResult) -> dict[str, str]:
    """The header that a proxy with a password wants to see."""
    if proxy.username is None:
        return {}
    # In a URL they are percent-encoded, in the header they are not.
    words = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(words.encode()).decode()}"}


def request_target(origin: SplitResult, proxy: SplitResult | None, url: str) -> tuple[str, dict[str, str]]:
    """What to ask for, and the headers it takes: of the host its page, of a proxy without a tunnel the whole URL."""
    if proxy and origin.scheme == "http":
        return url, _proxy_auth_header(proxy)
    parts = urlsplit(url)
    return urlunsplit(("", "", parts.path or "/", parts.query, "")), {}
