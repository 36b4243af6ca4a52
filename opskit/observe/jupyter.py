"""What a notebook's own Jupyter says: its kernels, sessions, terminals, and when it was last used.

The presigned URL and the cookies it is exchanged for open the notebook to anybody who holds them. They live in this
module only: what goes wrong leaves it as a sentence, never as an exception, whose text or chain would carry the URL.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from opskit.decide.idleness import moment
from opskit.model import JupyterView, Kernel, Terminal, Unread

_T = TypeVar("_T")

WITHIN_SECONDS = 10.0
"""What one Jupyter may cost, all its answers together."""

_MOST_BYTES = 4_000_000
_MOST_HOPS = 6
_QUIETLY = {"no_track_activity": "1"}
"""Without it, Jupyter takes our questions for somebody's work and the notebook never comes to rest."""

_AWS = ".sagemaker.aws"
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_CERTIFICATES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class _NoKeys(logging.Filter):
    """Drops what other libraries would log of a presigned URL when somebody turns their debug log on."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "authtoken" not in record.getMessage().lower()


for _library in ("urllib3.connectionpool", "botocore.parsers", "botocore.endpoint", "botocore.httpsession"):
    logging.getLogger(_library).addFilter(_NoKeys())


class _Gap(Exception):
    """A question without a usable answer, as a sentence without secrets. ``passing``: asking anew may help."""

    def __init__(self, because: str, *, passing: bool = False) -> None:
        super().__init__(because)
        self.passing = passing


def look_inside(make_url: Callable[[], str]) -> JupyterView | Unread:
    """Look into the Jupyter that a presigned URL opens. ``make_url`` makes one, and is asked again when the first
    visit meets a passing trouble; what it raises passes through.
    """
    deadline = time.monotonic() + WITHIN_SECONDS
    view, passing = _visited(make_url(), deadline)
    if passing and deadline - time.monotonic() > WITHIN_SECONDS / 2:
        view, _ = _visited(make_url(), deadline)
    return view


def _visited(url: str, deadline: float) -> tuple[JupyterView | Unread, bool]:
    """What one visit saw, and whether another may see more."""
    with requests.Session() as session:
        session.trust_env = False  # no .netrc and no surprises: proxies and certificates are chosen below
        visit = _Visit(session, url, deadline)
        try:
            visit.enter()
        except _Gap as gap:
            return Unread(str(gap)), gap.passing
        return _view(visit)


@dataclass
class _Visit:
    """One way into one Jupyter, and the questions asked there. ``pending`` is the page that would be opened next."""

    session: requests.Session = field(repr=False)
    pending: str | None = field(repr=False)
    deadline: float
    root: str = field(default="", repr=False)
    hops: int = 0
    ahead: timedelta = timedelta(0)

    def enter(self) -> None:
        """Trade the URL for a cookie."""
        while self.pending and not len(self.session.cookies):
            self._hop(self.pending)

    def ask(self, what: str) -> Any:
        """The JSON that Jupyter answers to ``what``, such as ``api/kernels``, on the bare host."""
        reply = self._get(f"{self.root}/{what}", what, _QUIETLY)
        while self.pending and _is_shut(reply.status):  # the first cookie was not the one that opens the door
            self._hop(self.pending)
            reply = self._get(f"{self.root}/{what}", what, _QUIETLY)
        if reply.status != 200:
            raise _refused(what, reply.status)
        self.ahead = _ahead(reply, self.ahead)
        answer = _json(reply.body)
        if answer is None:
            raise _Gap(f"Jupyter's answer to {what} is not JSON", passing=True)
        return answer

    def _hop(self, url: str) -> None:
        """Open a page; where it sends us on is pending next."""
        self.hops += 1
        if self.hops > _MOST_HOPS:
            raise _Gap("Jupyter's front page sends us round in circles")
        reply = self._get(url, "the front page", {})
        self.root = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        if 300 <= reply.status < 400 and reply.location:
            self.pending = _next(url, reply.location)
        elif reply.status == 200:
            self.pending = None
        else:
            raise _refused("the front page", reply.status)

    def _get(self, url: str, what: str, params: Mapping[str, str]) -> _Reply:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise _Gap(_too_slow(what))
        try:
            return _fetch(self.session, url, params, left)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            trouble = _trouble(what, error)
        raise trouble  # outside of the handler, so that it carries no context


@dataclass(frozen=True)
class _Reply:
    status: int
    body: bytes = field(repr=False)
    location: str | None = field(repr=False)
    date: str | None
    heard: datetime


def _fetch(session: requests.Session, url: str, params: Mapping[str, str], seconds: float) -> _Reply:
    with session.get(
        url,
        params=params,
        timeout=seconds,
        allow_redirects=False,
        stream=True,
        proxies=_proxies(url),
        verify=_certificates(),
    ) as answer:
        heard = datetime.now(UTC)
        headers = answer.headers
        body = _body(answer, time.monotonic() + seconds)
        return _Reply(answer.status_code, body, headers.get("location"), headers.get("date"), heard)


def _body(answer: requests.Response, deadline: float) -> bytes:
    """The body, unless it is endless or comes in drops."""
    body = bytearray()
    for chunk in answer.iter_content(65536):
        body += chunk
        if len(body) > _MOST_BYTES:
            raise ValueError("longer than any Jupyter's answer")
        if time.monotonic() > deadline:
            raise requests.Timeout
    return bytes(body)


def _proxies(url: str) -> dict[str, str]:
    """The proxies of the environment, as boto3 takes them; never for this machine."""
    return {} if urlsplit(url).hostname in _LOOPBACK else get_environ_proxies(url)


def _certificates() -> str | bool:
    return next((os.environ[name] for name in _CERTIFICATES if os.environ.get(name)), True)


def _next(here: str, location: str) -> str:
    """Where a redirect leads, if it stays with the notebook: on its host, or within AWS's hosts of notebooks.

    Raises:
        _Gap: it leads elsewhere, which is how a notebook says that it does not know us.
    """
    there = urljoin(here, location)
    before, after = urlsplit(here), urlsplit(there)
    names = (before.hostname or "", after.hostname or "")
    same = names[0] == names[1] or all(name.endswith(_AWS) for name in names)
    if same and (after.scheme == "https" or (before.scheme == "http" == after.scheme)):
        return there
    raise _Gap("Jupyter sends us away to sign in")


def _is_shut(status: int) -> bool:
    return status in (401, 403) or 300 <= status < 400


def _refused(what: str, status: int) -> _Gap:
    if _is_shut(status):
        return _Gap(f"Jupyter does not let us in ({what}: HTTP {status})")
    return _Gap(f"Jupyter answered {what} with HTTP {status}", passing=status >= 500 or status == 429)


def _trouble(what: str, error: Exception) -> _Gap:
    match error:
        case requests.Timeout():
            return _Gap(_too_slow(what))
        case requests.exceptions.SSLError():
            return _Gap("Jupyter's certificate cannot be trusted")
        case requests.exceptions.ProxyError():
            return _Gap("Jupyter cannot be reached through the proxy")
        case requests.ConnectionError() | OSError():
            return _Gap(f"Jupyter cannot be reached ({what})", passing=True)
        case _:
            return _Gap(f"Jupyter's answer to {what} is unusable ({type(error).__name__})", passing=True)


def _too_slow(what: str) -> str:
    return f"Jupyter did not answer within {WITHIN_SECONDS:.0f} s ({what})"


def _json(body: bytes) -> Any:
    """None for what is not JSON (or is nothing)."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _ahead(reply: _Reply, otherwise: timedelta) -> timedelta:
    """By how much the server's clock is ahead of ours; ``otherwise`` where it does not tell."""
    try:
        said = parsedate_to_datetime(reply.date or "")
    except ValueError:
        return otherwise
    return otherwise if said.tzinfo is None else said - reply.heard


def _view(visit: _Visit) -> tuple[JupyterView, bool]:
    """Ask until the question is answered: a busy kernel needs no further word, and no word outweighs it."""
    asked = _Asked(visit)
    kernels = asked.about("api/kernels", _kernels)
    if not any(kernel.state == "busy" for kernel in kernels):
        kernels = _merged(kernels, asked.about("api/sessions", _session_kernels))
    if any(kernel.state == "busy" for kernel in kernels):
        return JupyterView(kernels, gaps=tuple(asked.gaps), ahead=visit.ahead), False
    terminals = asked.about("api/terminals", _terminals)
    used = () if kernels or asked.gaps else asked.about("api/status", _last_used)
    view = JupyterView(kernels, terminals, used[0] if used else None, tuple(asked.gaps), visit.ahead)
    return view, asked.passing


@dataclass
class _Asked:
    """Questions put to one Jupyter; a question without a good answer is a gap."""

    visit: _Visit
    gaps: list[str] = field(default_factory=list)
    passing: bool = False

    def about(self, what: str, read: Callable[[Any], tuple[_T, ...]]) -> tuple[_T, ...]:
        """The answer to ``what``, read; nothing, and a gap, where there is none."""
        try:
            return read(self.visit.ask(what))
        except _Gap as gap:
            self.gaps.append(str(gap))
            self.passing = self.passing or gap.passing
        except (KeyError, TypeError, ValueError, AttributeError):
            self.gaps.append(f"Jupyter's answer to {what} does not make sense")
        return ()


def _kernels(answer: Any) -> tuple[Kernel, ...]:
    return tuple(_kernel(said) for said in _listed(answer))


def _kernel(said: Mapping[str, Any], path: str | None = None) -> Kernel:
    return Kernel(
        id=str(said["id"]),
        state=str(said["execution_state"]),
        last_activity=_moment(said["last_activity"]),
        connections=said["connections"] if isinstance(said.get("connections"), int) else None,
        path=path,
    )


def _session_kernels(answer: Any) -> tuple[Kernel, ...]:
    """The kernels of the sessions. A session may outlive its kernel and then has none."""
    return tuple(
        _kernel(said["kernel"], said.get("path")) for said in _listed(answer) if said.get("kernel") is not None
    )


def _merged(kernels: tuple[Kernel, ...], later: tuple[Kernel, ...]) -> tuple[Kernel, ...]:
    """Every kernel once, as it was last seen."""
    return tuple(({kernel.id: kernel for kernel in kernels} | {kernel.id: kernel for kernel in later}).values())


def _terminals(answer: Any) -> tuple[Terminal, ...]:
    return tuple(Terminal(str(said["name"]), _moment(said["last_activity"])) for said in _listed(answer))


def _last_used(answer: Any) -> tuple[datetime]:
    return (_moment(answer["last_activity"]),)


def _listed(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise TypeError("not a list")
    return answer


def _moment(text: Any) -> datetime:
    when = moment(text)
    if when is None:
        raise ValueError("not a time")
    return when
