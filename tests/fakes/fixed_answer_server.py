"""A server that gives the same answer to whatever it is asked, byte for byte, as no stub of botocore's can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import boto3
import pytest

from opskit.aws.boto3_clients import Boto3Clients
from opskit.aws.client import AwsClient
from opskit.aws.session import AwsSession
from tests.fakes.api_models import EVERY_CALL
from tests.fakes.fake_server import FakeServer, HighWaterGauge

Bytes = tuple[int, bytes]
"""A status and a body."""


@dataclass
class FixedAnswer:
    """What is answered; with ``turns``, these in turn. ``headers`` come with it, and ``asked`` counts."""

    answer: Bytes = (200, b"")
    turns: list[Bytes] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    url: str = ""


def door_to(blunt: FixedAnswer) -> AwsClient:
    """A door to it, with clients of its own."""
    clients = Boto3Clients(boto3.Session("AKIDEXAMPLE", "secret", region_name="us-east-1"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ENDPOINT_URL", blunt.url)
        for service in sorted({call.partition(":")[0] for call in EVERY_CALL}):
            clients.client(service, "us-east-1")
    return AwsSession(clients, "us-east-1").client()


@contextmanager
def fixed_answer_server() -> Iterator[FixedAnswer]:
    """Answer on a free port of the loopback for as long as the block lasts."""
    blunt = FixedAnswer()

    class Wire(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            blunt.asked += 1
            turns = blunt.turns or [blunt.answer]
            status, body = turns[(blunt.asked - 1) % len(turns)]
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

    server = FakeServer(Wire, HighWaterGauge())
    blunt.url = server.url
    with server.serving():
        yield blunt
