"""A visit to one notebook's Jupyter over HTTP: in by the presigned URL, then a few questions, all before one deadline.

The presigned URL and the cookies it is exchanged for open the notebook to anybody who holds them. They live in this
module only: what goes wrong leaves it as a sentence, never as an exception, whose text or chain would carry the URL.

The standard library's client rather than a friendlier one, because a timeout that counts anew with every byte lets a
Jupyter that drips hold a visit for ever, and because nothing in it logs a URL.
"""

from __future__ import annotations

import io
import json
import os
import socket
import ssl
import time
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache, partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from http.cookiejar import CookieJar
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import SplitResult, unquote, urlencode, urljoin, urlsplit, urlunsplit
from urllib.request import Request, getproxies, proxy_bypass

WITHIN_SECONDS = 10.0
"""What one Jupyter may cost, all its answers together."""

MOST_BYTES = 1_000_000
"""A thousand kernels are told in half of this; what is longer is no answer of Jupyter's."""

_PARTING_SECONDS = 0.1
_MOST_HOPS = 6
_TRIES = 3
_QUIETLY = urlencode({"no_track_activity": 1})
"""Without it, Jupyter takes our questions for somebody's work and the notebook never comes to rest. It goes with the
front page, too: which of its pages count, each Jupyter decides for itself.
"""

_CERTIFICATES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Gap(Exception):
    """A question without a usable answer, as a sentence without secrets. ``passing``: asking anew may help."""

    def __init__(self, because: str, *, passing: bool = False) -> None:
        super().__init__(because)
        self.passing = passing


@dataclass(frozen=True)
class _Reply:
    status: int
    body: bytes = field(repr=False)
    location: str | None = field(repr=False)
    date: str | None
    heard: datetime


class Visit:
    """A way into one Jupyter over one connection, which ends with the block. Everything must be answered before
    ``deadline`` (of ``time.monotonic``). ``ahead`` is by how much Jupyter's clock is ahead of ours, once it told.
    """

    def __init__(self, url: str, deadline: float) -> None:
        self.ahead = timedelta(0)
        self._deadline = deadline
        self._pending: str | None = url
        self._front = urlsplit(url)
        self._proxy = _proxy(self._front)
        self._jar = CookieJar()
        self._hops = 0
        self._line: HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._hang_up()

    def enter(self) -> None:
        """Trade the URL for a cookie.

        Raises:
            Gap: Jupyter does not let us in.
        """
        while self._pending and not len(self._jar):
            self._hop(self._pending)

    def ask(self, what: str) -> Any:
        """The JSON that Jupyter answers to ``what``, such as ``api/kernels``, on the bare host.

        Raises:
            Gap: there is no usable answer.
        """
        for _ in range(_TRIES - 1):
            try:
                return self._asked(what)
            except Gap as gap:
                if not gap.passing:
                    raise
        return self._asked(what)

    def _asked(self, what: str) -> Any:
        target = f"{self._front.scheme}://{self._front.netloc}/{what}"
        reply = self._get(target, what)
        while self._pending and _is_shut(reply.status):  # the first cookie was not the one that opens the door
            self._hop(self._pending)
            reply = self._get(target, what)
        if reply.status != 200:
            raise _refused(what, reply.status, has_cookie=bool(len(self._jar)))
        answer = _json(reply.body)
        if answer is None:
            raise Gap(f"Jupyter's answer to {what} is not JSON", passing=True)
        self.ahead = _ahead(reply, self.ahead)
        return answer

    def _hop(self, url: str) -> None:
        """Open a page; where it sends us on, if it stays with the notebook, is pending next."""
        self._hops += 1
        if self._hops > _MOST_HOPS:
            raise Gap("Jupyter's front page sends us round in circles")
        reply = self._get(url, "the front page")
        if reply.status != 200 and not (300 <= reply.status < 400 and reply.location):
            raise _refused("the front page", reply.status)
        self._pending = _next(url, reply.location) if reply.status != 200 else None
        if reply.status != 200 and self._pending is None and not len(self._jar):
            raise Gap("Jupyter sends us away to sign in")

    def _get(self, url: str, what: str) -> _Reply:
        """One GET. No error but a ``Gap`` leaves it, raised outside of the handler so that it carries no context."""
        for is_first in (self._line is None, True):  # one that was kept open may have been closed at the other end
            try:
                return self._fetched(url)
            except Exception as error:
                self._hang_up()
                trouble = _trouble(what, error)
                if is_first or not isinstance(error, ConnectionError):
                    break
        raise trouble

    def _fetched(self, url: str) -> _Reply:
        url = _quietly(url)
        request = Request(url)
        self._jar.add_cookie_header(request)
        if self._line is None:
            self._line = _line(self._front, self._proxy, self._deadline)
        target, passes = _through(self._front, self._proxy, url)
        self._line.request("GET", target, headers={**request.unredirected_hdrs, **passes})
        with self._line.getresponse() as answer:
            heard = datetime.now(UTC)
            self._jar.extract_cookies(answer, request)
            return _Reply(answer.status, _body(answer), answer.getheader("location"), answer.getheader("date"), heard)

    def _hang_up(self) -> None:
        """End the connection, and give the other end a moment to do so too: it counts connections as well."""
        line, self._line = self._line, None
        if line is None:
            return
        with suppress(OSError):
            if line.sock is not None:
                line.sock.shutdown(socket.SHUT_WR)
                line.sock.settimeout(_PARTING_SECONDS)
                line.sock.recv(1)
        line.close()


class _Hurried(io.RawIOBase):
    """The bytes of a socket, none of them later than the deadline, however many reads they take."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline
        self._bytes = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_left(self._deadline))
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()


class _Answer(HTTPResponse):
    """An answer, its head too, that comes before the deadline or not at all."""

    def __init__(self, sock: socket.socket, *more: Any, deadline: float, **named: Any) -> None:
        super().__init__(sock, *more, **named)
        self.fp.close()
        self.fp = io.BufferedReader(_Hurried(sock, deadline))


def _left(deadline: float) -> float:
    """The seconds until then.

    Raises:
        TimeoutError: it has passed.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _body(answer: HTTPResponse) -> bytes:
    """All of an answer's body, and no part of one that breaks off or has no end."""
    body = answer.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise ValueError("longer than any answer of Jupyter's")
    if answer.length:
        raise IncompleteRead(b"", answer.length)
    return body


def _line(front: SplitResult, proxy: SplitResult | None, deadline: float) -> HTTPConnection:
    """A connection to Jupyter's host, or to the proxy that leads there."""
    if front.scheme not in ("http", "https") or not front.hostname:
        raise ValueError("not a web page")
    end = proxy or front
    line: HTTPConnection = _kind(front)(end.hostname or "", end.port)
    if proxy and front.scheme == "https":
        line.set_tunnel(front.hostname, front.port, _pass_for(proxy))
    line.response_class = partial(_Answer, deadline=deadline)  # type: ignore[assignment]
    line._create_connection = partial(_connected, deadline)  # type: ignore[attr-defined]
    return line


def _kind(parts: SplitResult) -> Any:
    return partial(HTTPSConnection, context=_trust()) if parts.scheme == "https" else HTTPConnection


def _connected(deadline: float, address: tuple[str, int], *_: Any) -> socket.socket:
    """A socket to one of a host's addresses, all of them tried before the one deadline."""
    trouble: OSError = OSError("no address")
    for family, kind, protocol, _name, place in socket.getaddrinfo(*address, 0, socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_left(deadline))
            sock.connect(place)
            sock.settimeout(_left(deadline))
            return sock
        except OSError as error:
            sock.close()
            trouble = error
    raise trouble


@cache
def _trust() -> ssl.SSLContext:
    """Whose certificates are believed: those the environment names for boto3 and its kind, else the usual ones. Read
    once for all notebooks, since it takes longer than a visit.
    """
    named = next((os.environ[name] for name in _CERTIFICATES if os.environ.get(name)), None)
    if named is None:
        import certifi

        named = certifi.where()
    if Path(named).is_dir():
        return ssl.create_default_context(capath=named)
    return ssl.create_default_context(cafile=named)


def _proxy(front: SplitResult) -> SplitResult | None:
    """The proxy of the environment for a host, as boto3 takes it; never for this machine."""
    host = front.hostname or ""
    is_here = host.startswith("127.") or host in ("::1", "localhost") or host.endswith(".localhost")
    named = None if is_here or proxy_bypass(host) else getproxies().get(front.scheme)
    return urlsplit(named if "//" in named else f"http://{named}") if named else None


def _pass_for(proxy: SplitResult) -> dict[str, str]:
    """The header that a proxy with a password wants to see."""
    if proxy.username is None:
        return {}
    words = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(words.encode()).decode()}"}


def _through(front: SplitResult, proxy: SplitResult | None, url: str) -> tuple[str, dict[str, str]]:
    """What to ask for, and the headers it takes: of the host its page, of a proxy without a tunnel the whole URL."""
    if proxy and front.scheme == "http":
        return url, _pass_for(proxy)
    parts = urlsplit(url)
    return urlunsplit(("", "", parts.path or "/", parts.query, "")), {}


def _quietly(url: str) -> str:
    """The same page, asked for in a way that is nobody's work."""
    parts = urlsplit(url)
    return parts._replace(query=f"{parts.query}&{_QUIETLY}".lstrip("&")).geturl()


def _next(here: str, location: str | None) -> str | None:
    """Where a redirect leads, if it stays on the notebook's own host; elsewhere nobody is followed, and no cookie
    goes. A host of AWS's is no exception: other people's notebooks are such hosts too.
    """
    there = urljoin(here, location or "")
    return there if _host(here) == _host(there) else None


def _host(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _is_shut(status: int) -> bool:
    return status in (401, 403) or 300 <= status < 400


def _refused(what: str, status: int, *, has_cookie: bool = True) -> Gap:
    """Whoever was given no cookie met somebody else at the front door, a proxy that had a bad moment for example."""
    if _is_shut(status):
        return Gap(f"Jupyter does not let us in ({what}: HTTP {status})", passing=not has_cookie)
    return Gap(f"Jupyter answered {what} with HTTP {status}", passing=status >= 500 or status == 429)


def _trouble(what: str, error: Exception) -> Gap:
    match error:
        case TimeoutError():
            return Gap(f"Jupyter did not answer within {WITHIN_SECONDS:.0f} s ({what})")
        case ssl.SSLCertVerificationError():
            return Gap("Jupyter's certificate cannot be trusted")
        case OSError() | HTTPException():
            return Gap(f"Jupyter cannot be reached ({what}: {type(error).__name__})", passing=True)
        case _:
            return Gap(f"Jupyter's answer to {what} is unusable ({type(error).__name__})")


def _json(body: bytes) -> Any:
    """None for what is not JSON (or is nothing)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _ahead(reply: _Reply, otherwise: timedelta) -> timedelta:
    """By how much the server's clock is ahead of ours; ``otherwise`` where it does not tell."""
    try:
        said = parsedate_to_datetime(reply.date or "")
        return otherwise if said.tzinfo is None else said - reply.heard
    except (ValueError, TypeError, IndexError, OverflowError):
        return otherwise
