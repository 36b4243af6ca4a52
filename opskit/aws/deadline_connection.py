"""A connection to a host over TLS, a proxy, or both, on which nothing comes later than a deadline: for a notebook's
Jupyter, a webhook, a sign of life.

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
from functools import cache, partial
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

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


def open_connection(front: SplitResult, proxy: SplitResult | None, deadline: float) -> HTTPConnection:
    """A connection to a URL's host, or to the proxy that leads there."""
    if front.scheme not in ("http", "https") or not front.hostname:
        raise ValueError("not a web page")
    end = proxy or front
    line: HTTPConnection = _connection_class(front)(end.hostname or "", end.port)
    # Through a tunnel, so that the proxy sees neither the page nor the cookie.
    if proxy and front.scheme == "https":
        line.set_tunnel(front.hostname, front.port, _proxy_auth_header(proxy))
    line.response_class = partial(_DeadlineResponse, deadline=deadline)  # type: ignore[assignment]
    # http.client has no public way to connect within a deadline.
    line._create_connection = partial(_connect_socket, deadline)  # type: ignore[attr-defined]
    return line


def _connection_class(parts: SplitResult) -> Any:
    return (
        partial(HTTPSConnection, context=_ssl_context(_trusted_certificates()))
        if parts.scheme == "https"
        else HTTPConnection
    )


def _connect_socket(deadline: float, address: tuple[str, int], *_: Any) -> socket.socket:
    """A socket to one of a host's addresses, all of them tried before the one deadline."""
    trouble: OSError = OSError("no address")
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
            trouble = error
    raise trouble


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


def proxy_for(front: SplitResult) -> SplitResult | None:
    """The proxy of the environment for a host, as boto3 takes it; never for this machine."""
    host = front.hostname or ""
    is_here = host.startswith("127.") or host in ("::1", "localhost") or host.endswith(".localhost")
    named = None if is_here or proxy_bypass(host) else getproxies().get(front.scheme)
    return urlsplit(named if "//" in named else f"http://{named}") if named else None


def _proxy_auth_header(proxy: SplitResult) -> dict[str, str]:
    """The header that a proxy with a password wants to see."""
    if proxy.username is None:
        return {}
    # In a URL they are percent-encoded, in the header they are not.
    words = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(words.encode()).decode()}"}


def request_target(front: SplitResult, proxy: SplitResult | None, url: str) -> tuple[str, dict[str, str]]:
    """What to ask for, and the headers it takes: of the host its page, of a proxy without a tunnel the whole URL."""
    if proxy and front.scheme == "http":
        return url, _proxy_auth_header(proxy)
    parts = urlsplit(url)
    return urlunsplit(("", "", parts.path or "/", parts.query, "")), {}
