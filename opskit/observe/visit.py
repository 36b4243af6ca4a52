"""A visit to one notebook's Jupyter over HTTP: in by the presigned URL, then a few questions, all before one deadline.

The presigned URL and the cookies it is exchanged for open the notebook to anybody who holds them. They live in this
module only: what goes wrong leaves it as a sentence, never as an exception, whose text or chain would carry the URL.
"""

from __future__ import annotations

import json
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from http.cookiejar import CookieJar
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit
from urllib.request import Request

from opskit.observe.jupyter_line import open_line, proxy_for, request_target

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


class Gap(Exception):
    """A question without a usable answer, as a sentence without secrets. ``passing``: asking anew may help; ``status``
    is what HTTP said, where it said anything but 200.
    """

    def __init__(self, because: str, *, passing: bool = False, status: int | None = None) -> None:
        super().__init__(because)
        self.passing = passing
        self.status = status


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
        self._proxy = proxy_for(self._front)
        self._jar = CookieJar()
        self._hops = 0
        self._line: HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.hang_up()

    def enter(self) -> None:
        """Trade the URL for a cookie.

        Raises:
            Gap: Jupyter does not let us in.
        """
        while self._pending and not len(self._jar):
            self._hop(self._pending)

    def beside(self, deadline: float) -> Visit:
        """Another connection into the same Jupyter, with the cookies of this one, once it has entered."""
        other = Visit(urlunsplit((self._front.scheme, self._front.netloc, "", "", "")), deadline)
        other._pending, other._jar, other.ahead = None, self._jar, self.ahead
        return other

    def connect(self) -> None:
        """Open the connection before something is asked, so that the asking takes no longer than the answer.

        Raises:
            Gap: Jupyter cannot be reached.
        """
        trouble: Gap | None = None
        try:
            self._line = open_line(self._front, self._proxy, self._deadline)
            self._line.connect()
        except Exception as error:
            self.hang_up()
            trouble = _trouble("its door", error)
        if trouble:
            raise trouble

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
                self.hang_up()
                trouble = _trouble(what, error)
                if is_first or not isinstance(error, ConnectionError):
                    break
        raise trouble

    def _fetched(self, url: str) -> _Reply:
        url = _quietly(url)
        request = Request(url)
        self._jar.add_cookie_header(request)
        if self._line is None:
            self._line = open_line(self._front, self._proxy, self._deadline)
        target, passes = request_target(self._front, self._proxy, url)
        self._line.request("GET", target, headers={**request.unredirected_hdrs, **passes})
        with self._line.getresponse() as answer:
            heard = datetime.now(UTC)
            self._jar.extract_cookies(answer, request)
            return _Reply(answer.status, _body(answer), answer.getheader("location"), answer.getheader("date"), heard)

    def hang_up(self) -> None:
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


def _body(answer: HTTPResponse) -> bytes:
    """All of an answer's body, and no part of one that breaks off or has no end."""
    body = answer.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise ValueError("longer than any answer of Jupyter's")
    if answer.length:
        raise IncompleteRead(b"", answer.length)
    return body


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
    return Gap(f"Jupyter answered {what} with HTTP {status}", passing=status >= 500 or status == 429, status=status)


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
