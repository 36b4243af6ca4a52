"""A road between opskit and an AWS on which answers get lost, doors are shut and pages are torn."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class FaultProxy:
    """What passes is counted by operation. A rule sees the operation, how often it came, and a way to send it on;
    it answers, or closes the connection with None. What has no rule is sent on.
    """

    target: str
    rules: dict[str, Callable[[int, Callable[[], Answer]], Answer | None]] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    url: str = ""


def json_refusal(code: str, message: str, status: int = 400) -> Answer:
    """AWS says no, in the JSON protocols."""
    return (
        status,
        {"Content-Type": "application/x-amz-json-1.1"},
        json.dumps({"__type": code, "message": message}).encode(),
    )


def xml_refusal(code: str, message: str, status: int = 403) -> Answer:
    """AWS says no, in the query protocol."""
    text = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return status, {"Content-Type": "text/xml"}, text.encode()


@contextmanager
def fault_proxy(target: str) -> Iterator[FaultProxy]:
    """A road to ``target`` that a test may make rough."""
    road = FaultProxy(target)

    class Toll(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            operation = _operation_name(self, body)
            road.seen[operation] += 1
            rule = road.rules.get(operation)
            answer = rule(road.seen[operation], lambda: self.sent_on(body)) if rule else self.sent_on(body)
            if answer is None:
                self.close_connection = True
                return
            self.reply(*answer)

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = handle_any

        def sent_on(self, body: bytes) -> Answer:
            place = urlsplit(road.target)
            connection = http.client.HTTPConnection(place.hostname or "", place.port)
            connection.request(self.command, self.path, body, dict(self.headers))
            got = connection.getresponse()
            return got.status, dict(got.getheaders()), got.read()

        def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            skipped = ("content-length", "connection", "transfer-encoding", "date", "server")
            length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
            for name, value in headers.items():
                if name.lower() not in skipped:
                    self.send_header(name, value)
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Toll)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    road.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield road
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _operation_name(request: BaseHTTPRequestHandler, body: bytes) -> str:
    """The API's name of what is asked; method and first folder for what has none (S3)."""
    target = request.headers.get("X-Amz-Target")
    if target:
        return target.rpartition(".")[2]
    action = re.search(rb"(?:^|&)Action=(\w+)", body)
    return action[1].decode() if action else f"{request.command} {urlsplit(request.path).path}"
