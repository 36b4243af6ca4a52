"""Servers that notifications are sent to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.fakes.listening import stop_listening
from tests.fakes.webhook_servers import RawAnswers, WebhookRecord
from tests.slow import serves


@pytest.fixture
@serves
def webhook_server() -> Iterator[WebhookRecord]:
    hook = WebhookRecord()

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            hook.came.append((self.command, self.path, json.loads(self.rfile.read(length)) if length else None))
            self.send_response(hook.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    hook.url = f"http://127.0.0.1:{server.server_port}/T0/sssh?token=sssh"
    yield hook
    server.shutdown()
    server.server_close()


@pytest.fixture
@serves
def raw_server() -> Iterator[RawAnswers]:
    raw, ended = RawAnswers(), threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    raw.url = f"http://127.0.0.1:{listener.getsockname()[1]}/T0/sssh"

    def answer(line: socket.socket) -> None:
        with line, suppress(OSError):
            raw.requests.append(line.recv(65536))
            if not raw.is_slow:
                line.sendall(raw.answer)
            while raw.is_slow and not ended.wait(0.02):
                line.sendall(b"x")  # a header that never ends

    def serve() -> None:
        with suppress(OSError):
            while not ended.is_set():
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    yield raw
    ended.set()
    stop_listening(listener, serving)
