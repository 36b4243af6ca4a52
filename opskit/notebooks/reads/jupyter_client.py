"""A visit to one notebook's Jupyter over HTTP: in by the presigned URL, then a few questions, all before one deadline.

The presigned URL and the cookies it is exchanged for open the notebook to anybody who holds them. They live in this
module only: what goes wrong leaves it as a sentence, never as an exception, whose text or chain would carry the URL.
"""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from http.cookiejar import Cookie, CookieJar
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit
from urllib.request import Request

from opskit.aws.connections import open_connection, parse_http_date, proxy_for, request_target
from opskit.notebooks.reads.jupyter_websocket import JupyterWebSocket

TIMEOUT_SECONDS = 10.0
"""What one Jupyter may cost, all its answers together."""

MAX_BYTES = 1_000_000
"""A thousand kernels are told in half of this; what is longer is no answer of Jupyter's."""

_CLOSE_SECONDS = 0.1
_MAX_REDIRECTS = 6
_MAX_TRIES = 3
# Without it, Jupyter takes our questions for somebody's work and the notebook never comes to rest. It goes with the
# front page, too: which of its pages count, each Jupyter decides for itself.
_NO_ACTIVITY_QUERY = urlencode({"no_track_activity": 1})


NO_CLOCK = "Jupyter's responses do not tell its time, by which its other times are understood"
"""What is said of a Jupyter whose clock nobody knows."""


class ProbeError(Exception):
    """A question without a usable answer, as a sentence without secrets. ``transient``: asking anew may help;
    ``status`` is what HTTP said, where it said anything but 200.
    """

    def __init__(self, reason: str, *, transient: bool = False, status: int | None = None) -> None:
        super().__init__(reason)
        self.transient = transient
        self.status = status


@dataclass(frozen=True)
class _HttpReply:
    status: int
    body: bytes = field(repr=False)
    location: str | None = field(repr=False)
    """Where it sends us on; None: nowhere."""
    date: str | None
    """When it was sent, by Jupyter's clock; None: it does not say."""
    received_at: datetime


class JupyterClient:
    """A way into one Jupyter over one connection, which ends with the block. Everything must be answered before
    ``deadline`` (of ``time.monotonic``). ``clock_skew`` is how far Jupyter's clock is ahead of this machine's; None: no
    response has told.
    """

    def __init__(self, url: str, deadline: float) -> None:
        self.clock_skew: timedelta | None = None
        self._deadline = deadline
        self._next_url: str | None = url
        self._origin = urlsplit(url)
        self._base_url = f"{self._origin.scheme}://{self._origin.netloc}"
        self._proxy = proxy_for(self._origin)
        self._jar = CookieJar()
        self._redirects = 0
        self._connection: HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close_connection()

    def authenticate(self) -> None:
        """Trade the URL for a cookie.

        Raises:
            ProbeError: Jupyter does not let us in.
        """
        while self._next_url and not len(self._jar):
            self._follow_redirect(self._next_url)

    def open_second_connection(self, deadline: float) -> JupyterClient:
        """Another connection into the same Jupyter, with the cookies of this one, once it has entered. ``deadline``, of
        ``time.monotonic``, is that of all its answers.
        """
        other = JupyterClient(urlunsplit((self._origin.scheme, self._origin.netloc, "", "", "")), deadline)
        other._next_url, other._jar, other.clock_skew = None, self._jar, self.clock_skew
        return other

    def connect_now(self) -> None:
        """Open the connection before something is asked, so that the asking takes no longer than the answer.

        Raises:
            ProbeError: Jupyter cannot be reached.
        """
        failure: ProbeError | None = None
        try:
            self._connection = open_connection(self._origin, self._proxy, self._deadline)
            self._connection.connect()
        except Exception as error:
            self.close_connection()
            failure = _transport_error("the connection", error)
        if failure:
            raise failure

    def get_json(self, what: str) -> Any:
        """The JSON that Jupyter answers to ``what``, such as ``api/kernels``, on the bare host.

        Raises:
            ProbeError: there is no usable answer.
        """
        for _ in range(_MAX_TRIES - 1):
            try:
                return self._get_json_once(what)
            except ProbeError as gap:
                if not gap.transient:
                    raise
        return self._get_json_once(what)

    def send_json(self, method: str, what: str, body: Any = None) -> tuple[int, Any]:
        """Send a request that changes something in Jupyter, once. The status, and the JSON of the answer, None where
        that is none.

        Raises:
            ProbeError: there is no answer.
        """
        self.close_connection()  # one that was kept open may be closed at the other end, and nothing is sent twice
        token = self._xsrf_token()
        headers = {"Origin": self._base_url, "X-XSRFToken": token, "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        try:
            reply = self._fetch_page(f"{self._base_url}/{what}", method, content, headers)
        except Exception as error:
            failure = _transport_error(what, error)
        else:
            return reply.status, _json_or_none(reply.body)
        finally:
            self.close_connection()
        raise failure

    @contextmanager
    def open_websocket(self, what: str) -> Iterator[JupyterWebSocket]:
        """A websocket to Jupyter, for as long as the block lasts. No error but a ``ProbeError`` leaves the block.

        Raises:
            ProbeError: Jupyter gives none, or what is read of it is late, too long or no websocket.
        """
        self.close_connection()
        request = Request(_without_activity(f"{self._base_url}/{what}"))
        self._jar.add_cookie_header(request)
        failure: ProbeError | None = None
        try:
            connection = open_connection(self._origin, self._proxy, self._deadline)
            connection.connect()
            target, proxy_headers = request_target(self._origin, self._proxy, request.full_url)
            websocket = JupyterWebSocket(connection.sock, self._deadline, MAX_BYTES)
            try:
                headers = {"Origin": self._base_url, **request.unredirected_hdrs, **proxy_headers}
                websocket.open_websocket(self._origin.netloc, target, headers)
                yield websocket
            finally:
                websocket.close_websocket()
        except Exception as error:
            failure = _transport_error("a terminal", error)
        if failure:
            raise failure

    def extend_deadline(self, seconds: float) -> None:
        """Give what is left to do at least so many ``seconds`` from now, on a connection of its own."""
        self.close_connection()
        self._deadline = max(self._deadline, time.monotonic() + seconds)

    def _xsrf_token(self) -> str:
        """What Jupyter wants to see both in a cookie and in a header of what changes something: its pages give it."""
        for page in ("", "tree", "lab"):
            if token := _find_cookie(self._jar, "_xsrf"):
                return token
            with suppress(ProbeError):
                self._get_page(f"{self._base_url}/{page}", "the front page")
        if token := _find_cookie(self._jar, "_xsrf"):
            return token
        # Where no page gives one, our own does: all that counts is that the two are the same.
        made = secrets.token_hex(16)
        self._jar.set_cookie(_make_cookie("_xsrf", made, self._origin.hostname or ""))
        return made

    def _get_json_once(self, what: str) -> Any:
        target = f"{self._base_url}/{what}"
        reply = self._get_page(target, what)
        while self._next_url and _is_rejected(reply.status):  # the first cookie does not let us in
            self._follow_redirect(self._next_url)
            reply = self._get_page(target, what)
        if reply.status != 200:
            raise _rejected_error(what, reply.status, has_cookie=bool(len(self._jar)))
        answer = _json_or_none(reply.body)
        if answer is None:
            raise ProbeError(f"Jupyter's response to {what} is not JSON", transient=True)
        if said := parse_http_date(reply.date):
            self.clock_skew = said - reply.received_at
        return answer

    def _follow_redirect(self, url: str) -> None:
        """Open a page; where it sends us on, if it stays with the notebook, is followed next."""
        self._redirects += 1
        if self._redirects > _MAX_REDIRECTS:
            raise ProbeError("Jupyter's front page redirects in a loop")
        reply = self._get_page(url, "the front page")
        if reply.status != 200 and not (300 <= reply.status < 400 and reply.location):
            raise _rejected_error("the front page", reply.status)
        self._next_url = _redirect_target(url, reply.location) if reply.status != 200 else None
        if reply.status != 200 and self._next_url is None and not len(self._jar):
            raise ProbeError("Jupyter redirects to a sign-in page")

    def _get_page(self, url: str, what: str) -> _HttpReply:
        """One GET. No error but a ``ProbeError`` leaves it."""
        # One that was kept open may have been closed at the other end.
        for is_first in (self._connection is None, True):
            try:
                return self._fetch_page(url)
            except Exception as error:
                self.close_connection()
                # Raised outside of the handler, so that it carries no context: the URL with its token is in that.
                failure = _transport_error(what, error)
                if is_first or not isinstance(error, ConnectionError):
                    break
        raise failure

    def _fetch_page(
        self, url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> _HttpReply:
        url = _without_activity(url)
        request = Request(url)
        self._jar.add_cookie_header(request)
        if self._connection is None:
            self._connection = open_connection(self._origin, self._proxy, self._deadline)
        target, proxy_headers = request_target(self._origin, self._proxy, url)
        sent = {**request.unredirected_hdrs, **proxy_headers, **(headers or {})}
        self._connection.request(method, target, body, headers=sent)
        with self._connection.getresponse() as answer:
            received_at = datetime.now(UTC)
            self._jar.extract_cookies(answer, request)
            return _HttpReply(
                answer.status, _read_body(answer), answer.getheader("location"), answer.getheader("date"), received_at
            )

    def close_connection(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with suppress(OSError):
            if connection.sock is not None:
                connection.sock.shutdown(socket.SHUT_WR)
                connection.sock.settimeout(_CLOSE_SECONDS)
                # The other end counts connections as well, so it is given a moment to see the end and close too.
                connection.sock.recv(1)
        connection.close()


def _read_body(answer: HTTPResponse) -> bytes:
    """All of an answer's body, and no part of one that breaks off or has no end."""
    body = answer.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise ValueError("larger than any response of Jupyter")
    # A body that broke off: http.client counts down what the length promised.
    if answer.length:
        raise IncompleteRead(b"", answer.length)
    return body


def _without_activity(url: str) -> str:
    """The same page, asked for in a way that is nobody's work."""
    parts = urlsplit(url)
    return parts._replace(query=f"{parts.query}&{_NO_ACTIVITY_QUERY}".lstrip("&")).geturl()


def _redirect_target(page_url: str, location: str | None) -> str | None:
    """Where a redirect leads, if it stays on the notebook's own host."""
    target = urljoin(page_url, location or "")
    hosts = {
        (parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
        for parts in map(urlsplit, (page_url, target))
    }
    # Elsewhere nobody is followed, and no cookie goes. A host of AWS's is no exception: other people's notebooks are
    # such hosts too.
    return target if len(hosts) == 1 else None


def _is_rejected(status: int) -> bool:
    return status in (401, 403) or 300 <= status < 400


def _rejected_error(what: str, status: int, *, has_cookie: bool = True) -> ProbeError:
    """Without a cookie, what answered was not Jupyter, but a proxy for example: another attempt may get through it."""
    if _is_rejected(status):
        return ProbeError(f"Jupyter denied access ({what}: HTTP {status})", transient=not has_cookie)
    return ProbeError(
        f"Jupyter answered {what} with HTTP {status}", transient=status >= 500 or status == 429, status=status
    )


def _transport_error(what: str, error: Exception) -> ProbeError:
    match error:
        case TimeoutError():
            return ProbeError(f"Jupyter did not answer within {TIMEOUT_SECONDS:.0f} s ({what})")
        case ssl.SSLCertVerificationError():
            return ProbeError("Jupyter's certificate cannot be trusted")
        case OSError() | HTTPException():
            return ProbeError(f"Jupyter cannot be reached ({what}: {type(error).__name__})", transient=True)
        case _:
            return ProbeError(f"Jupyter's response to {what} is unusable ({type(error).__name__})")


def _find_cookie(jar: CookieJar, name: str) -> str | None:
    return next((cookie.value for cookie in jar if cookie.name.startswith(name)), None)


def _make_cookie(name: str, value: str, host: str) -> Cookie:
    domain = host if "." in host else f"{host}.local"  # as the standard library calls a host without a dot
    return Cookie(0, name, value, None, False, domain, False, False, "/", True, False, None, True, None, None, {})


def _json_or_none(body: bytes) -> Any:
    """None for what is not JSON (or is nothing)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
