"""A server that gives the same answer to whatever it is asked, byte for byte, as no stub of botocore's can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from benchmarks.small_aws import Gauge, SmallServer

Bytes = tuple[int, bytes]
"""A status and a body."""


@dataclass
class Blunt:
    """What is answered. ``headers`` come with it, and ``asked`` counts."""

    answer: Bytes = (200, b"")
    headers: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    url: str = ""


@contextmanager
def blunt_server() -> Iterator[Blunt]:
    """Answer on a free port of the loopback for as long as the block lasts."""
    blunt = Blunt()

    class Wire(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            blunt.asked += 1
            status, body = blunt.answer
            self.send_response(status)
            for name, value in blunt.headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD" and status != 204:
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = handle_any

        def log_message(self, *_: Any) -> None:
            pass

    server = SmallServer(Wire, Gauge())
    blunt.url = server.url
    with server.running():
        yield blunt
