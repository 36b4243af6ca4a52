"""A server of the tests on a free port of the loopback, and how many connections to it were open at most."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class HighWaterGauge:
    """How many connections were open at most. One that its client has closed counts no more, also where the thread that
    serves it has not come to see that: on a busy machine the next one is there before.
    """

    most: int = 0
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, connection: socket.socket) -> None:
        """One more."""
        with self._lock:
            self._open.add(connection)
            self.most = max(self.most, sum(map(_is_open, self._open)))

    def remove(self, connection: socket.socket) -> None:
        """One less."""
        with self._lock:
            self._open.discard(connection)


# Where the operating system tells that the other end sends no more; 0: it does not.
_HAS_CLOSED: int = getattr(select, "POLLRDHUP", 0)


def _is_open(connection: socket.socket) -> bool:
    """Whether the client has not closed it. Asked of the operating system: a socket that speaks TLS takes no flags.
    What the client sent before it closed may be unread yet, as a websocket's goodbye is.
    """
    if connection.fileno() < 0:
        return False
    if _HAS_CLOSED:
        asked = select.poll()
        asked.register(connection.fileno(), _HAS_CLOSED)
        return asked.poll(0) == []
    try:
        return socket.socket.recv(connection, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


class FakeServer(ThreadingHTTPServer):
    """A server on a free port of the loopback, whose open connections a gauge counts."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, wire: type[BaseHTTPRequestHandler], gauge: HighWaterGauge) -> None:
        super().__init__(("127.0.0.1", 0), wire)
        self._gauge, self._is_over = gauge, False
        self.url = f"http://127.0.0.1:{self.server_port}"

    def get_request(self) -> tuple[Any, Any]:
        taken = super().get_request()
        self._gauge.add(taken[0])
        return taken

    def shutdown_request(self, request: Any) -> None:
        self._gauge.remove(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news."""

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answer for as long as the block lasts. serve_forever would wake up to see whether it is over, and the end of
        each of thousands of tests wait for that: here a last connection tells.
        """
        accepting = threading.Thread(target=self._accept_connections, daemon=True)
        accepting.start()
        try:
            yield
        finally:
            self._is_over = True
            socket.create_connection(("127.0.0.1", self.server_port)).close()
            accepting.join()
            self.server_close()

    def _accept_connections(self) -> None:
        while not self._is_over:
            with suppress(OSError):  # a client that was gone before it was its turn, or trusts no such certificate
                request, address = self.get_request()
                self.process_request(request, address)
