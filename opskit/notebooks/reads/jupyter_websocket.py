"""A websocket to one Jupyter, over a connection that was opened as all others are (same TLS, proxy and deadline).
wsproto knows the protocol and touches no socket, so nothing that is read here comes later or is longer than elsewhere.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError

_CHUNK_BYTES = 65536


class WebSocketRefused(ConnectionError):
    """The other end wants no websocket, and what HTTP status it said."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class JupyterWebSocket:
    """One websocket. All of it must come before ``deadline`` (of ``time.monotonic``) and be no longer than
    ``max_bytes``; what is later raises TimeoutError, what is longer ValueError.
    """

    def __init__(self, sock: socket.socket, deadline: float, max_bytes: int) -> None:
        self._sock, self._deadline = sock, deadline
        self._bytes_left = max_bytes
        self._wire = WSConnection(ConnectionType.CLIENT)
        self._events: Iterator[Event] = iter(())

    def open_websocket(self, host: str, target: str, headers: Mapping[str, str]) -> None:
        """Ask for the websocket.

        Raises:
            WebSocketRefused: there is none.
            OSError, ProtocolError: the other end does not answer as it must.
        """
        extra = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._send(Request(host=host, target=target, extra_headers=extra))
        while True:
            match self._next_event():
                case AcceptConnection():
                    return
                case RejectConnection(status_code=status):
                    raise WebSocketRefused(status)
                case None | CloseConnection():
                    raise ConnectionError("closed at once")
                case _:  # the body of a refusal, whose head came before
                    pass

    def send_text(self, text: str) -> None:
        """Send one message.

        Raises:
            OSError, ProtocolError: the other end does not take it; TimeoutError: not before the deadline.
        """
        self._send(TextMessage(data=text))

    def receive_text(self, until: float | None = None) -> str | None:
        """The next message; None: the other end has closed it. ``until`` (of ``time.monotonic``) is a deadline earlier
        than the usual one.

        Raises:
            OSError, ProtocolError, ValueError: what comes is no message, or too long; TimeoutError: nothing comes.
        """
        parts: list[str] = []
        while True:
            event = self._next_event(until)
            if event is None or isinstance(event, CloseConnection):
                return None
            if isinstance(event, Ping):
                self._send(event.response())
            elif isinstance(event, TextMessage):
                parts.append(event.data)
                if event.message_finished:
                    return "".join(parts)

    def finish_websocket(self, until: float) -> None:
        """Say goodbye, and wait until the other end has closed it too, after which it does nothing more for us; but no
        longer than ``until`` (of ``time.monotonic``).

        Raises:
            OSError, ProtocolError, ValueError: as for ``receive_text``.
        """
        # 1000 is a normal end (RFC 6455).
        self._send(CloseConnection(code=1000))
        with suppress(TimeoutError):
            while self._next_event(until) is not None:
                pass

    def close_websocket(self) -> None:
        """Say goodbye, without waiting for an answer."""
        with suppress(OSError, LocalProtocolError):
            self._send(CloseConnection(code=1000))
        self._sock.close()

    def _send(self, event: Event) -> None:
        data = self._wire.send(event)
        self._sock.settimeout(self._seconds_left(None))
        self._sock.sendall(data)

    def _next_event(self, until: float | None = None) -> Event | None:
        """The next of what came; None: the connection has ended."""
        # A chunk may hold several messages, and a message take several chunks.
        while (event := next(self._events, None)) is None:
            self._sock.settimeout(self._seconds_left(until))
            data = self._sock.recv(_CHUNK_BYTES)
            # Counted as bytes come, since a frame may promise any length.
            self._bytes_left -= len(data)
            if self._bytes_left < 0:
                raise ValueError("longer than any answer")
            if not data:
                return None
            self._wire.receive_data(data)
            self._events = self._wire.events()
        return event

    def _seconds_left(self, until: float | None) -> float:
        left = (self._deadline if until is None else min(until, self._deadline)) - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left
