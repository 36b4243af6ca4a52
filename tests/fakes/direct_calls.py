"""Answers botocore's clients of this process without a connection, which is half of what a call to a small AWS costs.

botocore builds, signs, sends and parses as ever; only the socket between is left out. What a client sees of a server
that closes the connection or is too slow is what botocore makes of it. Other processes connect (fake_aws.FakeServer).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

CONTENT_TYPE = "application/x-amz-json-1.1"


@dataclass(frozen=True)
class WireAnswer:
    """What goes back to the client, and how long after it was ready. Status 0: nothing, the connection is closed."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


Answerer = Callable[[str, Any, bytes], WireAnswer | None]
"""Path, headers and body of a request, and what it is answered; None: it has to connect."""

_ANSWERERS: dict[str, Answerer] = {}
_send_on_wire = URLLib3Session.send


@contextmanager
def answer_directly(url: str, answerer: Answerer) -> Iterator[None]:
    """Let requests to a server of this process be answered by a function, for as long as the block lasts."""
    _ANSWERERS[url] = answerer
    try:
        yield
    finally:
        del _ANSWERERS[url]


def send_request(session: Any, request: Any) -> AWSResponse:
    """Stands for ``URLLib3Session.send``."""
    parts = urlsplit(request.url)
    answerer = _ANSWERERS.get(f"{parts.scheme}://{parts.netloc}")
    if answerer is None or session._proxy_config.proxy_url_for(request.url):
        return _send_on_wire(session, request)
    headers = HeadersDict({name: _as_text(value) for name, value in request.headers.items()})
    answer = answerer(parts.path, headers, _as_bytes(request.body or b""))
    if answer is None:
        return _send_on_wire(session, request)
    patience = session._timeout if isinstance(session._timeout, int | float) else session._timeout.read_timeout
    if answer.seconds:
        time.sleep(min(answer.seconds, patience))
    if answer.seconds > patience:
        raise ReadTimeoutError(endpoint_url=request.url)
    if answer.status == 0:
        raise ConnectionClosedError(endpoint_url=request.url, request=request)
    response = AWSResponse(request.url, answer.status, {"Content-Type": CONTENT_TYPE, **answer.headers}, None)
    response._content = answer.body
    return response


def _as_text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _as_bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
