"""The Jupyters in front of the notebooks of the small AWS. One server plays them all, and tells them apart by the
cookie that it gave.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, TextMessage

from tests.fakes.fake_aws import FakeAws, Fault, serve_fake_aws
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks
from tests.fakes.fake_server import FakeServer

HANGS = Fault(-1)
"""Takes a question and never answers it; how long is the client's affair."""
DRIPS = Fault(-2)
"""Answers a byte at a time, for ever."""
ENDLESS = Fault(-3)
"""Answers more than anybody can take."""


def written_inside(job: float | None, newest_file: timedelta | None = None) -> str:
    """What the command inside an instance writes, where a job uses so much of a processor between the readings, and a
    file was changed so long ago.
    """
    rows = {1: (0, 0.0), 10: (1, 0.0), 50: (10, 0.0)} | ({} if job is None else {77: (1, job)})
    parts = {
        letter: [f"{letter} {up}"]
        + [
            f"{letter} {pid} S {parent} 0 {int(100 * grown * late)} 0 0 0 1 0 {9000000 - pid}"
            for pid, (parent, grown) in rows.items()
        ]
        for letter, up, late in (("a", 100000.0, 0), ("b", 100003.0, 1))
    }
    listed = [f"p {pid} {parent} ec2-user train --key a-secret" for pid, (parent, _) in rows.items()]
    lines = [
        "",
        "opskit-inside-1 50",
        "h 100",
        *parts["a"],
        *listed,
        *parts["b"],
        "f 0 1 0" if newest_file is None else f"f 0 1000000 {1000000 - int(newest_file.total_seconds())}",
        "opskit-inside-end 50",
        "",
    ]
    return "\r\n".join(lines)


def _ask_terminal(lab: FakeNotebook, name: str) -> dict[str, Any] | None:
    """What is said of one terminal. One whose command has written all is seen once more; then it has looked for files
    that were changed since it began, and is gone where there are none.
    """
    match lab.written.get(name):
        case (begun, True) if lab.saved is None or lab.saved < begun:
            lab.close_terminal(name)
        case (begun, False):
            lab.written[name] = (begun, True)
        case _:
            pass
    return next((each for each in lab.terminals if each["name"] == name), None)


class FakeJupyterHandler(BaseHTTPRequestHandler):
    """What all Jupyters speak, for the notebooks that the server has as its ``rooms``."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        rooms: FakeNotebooks = self.server.rooms  # type: ignore[attr-defined]
        asked = urlsplit(self.path)
        key = parse_qs(asked.query).get("authToken", [""])[0]
        cookie = SimpleCookie(self.headers.get("Cookie")).get("session")
        lab = rooms.labs.get((key or (cookie.value if cookie else "")).partition(".")[0])
        if lab is None:
            self._send(403, b"{}", lab)
            return
        if "/terminals/websocket/" in asked.path:
            self._serve_terminal(lab, rooms)
            return
        if "no_track_activity=1" not in asked.query:
            lab.used = datetime.now(UTC)
        if "/api/terminals/" in asked.path:
            told = rooms.do_inside(lab, "one terminal", lambda: _ask_terminal(lab, asked.path.rpartition("/")[2]))
            self._send(200 if told else 404, json.dumps(told or {}).encode(), lab)
            return
        answer = rooms.answer(lab, "enter" if key else asked.path.rpartition("/")[2])
        if isinstance(answer, Fault):
            self._fail(answer, lab)
        elif key:
            self._send(302, b"", lab, f"Set-Cookie: session={key}; HttpOnly; Path=/\r\nLocation: /tree?\r\n")
        else:
            self._send(404 if answer is None else 200, json.dumps(answer).encode(), lab)

    def do_POST(self) -> None:
        """A terminal is made."""
        rooms: FakeNotebooks = self.server.rooms  # type: ignore[attr-defined]
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if (lab := self._lab()) is None or not lab.has_terminals:
            self._send(404, b"{}", lab)
            return
        known = rooms.do_inside(lab, "a new terminal", lambda: lab.make_terminal(asked["name"]))
        self._send(200, json.dumps(known).encode(), lab)

    def do_DELETE(self) -> None:
        """A terminal is shut."""
        rooms: FakeNotebooks = self.server.rooms  # type: ignore[attr-defined]
        name, lab = urlsplit(self.path).path.rpartition("/")[2], self._lab()
        if lab:
            rooms.do_inside(lab, "a terminal's end", lambda: lab.close_terminal(name))
        self._send(204, b"", lab)

    def _lab(self) -> FakeNotebook | None:
        rooms: FakeNotebooks = self.server.rooms  # type: ignore[attr-defined]
        cookie = SimpleCookie(self.headers.get("Cookie")).get("session")
        return rooms.labs.get((cookie.value if cookie else "").partition(".")[0])

    def _serve_terminal(self, lab: FakeNotebook, rooms: FakeNotebooks) -> None:
        """A shell behind a websocket that answers one command with a reading, and whose terminal stays for a moment
        after that.
        """
        self.close_connection = True
        name = urlsplit(self.path).path.rpartition("/")[2]
        wire, head = WSConnection(ConnectionType.SERVER), self.requestline.encode() + b"\r\n"
        wire.receive_data(
            head + b"".join(f"{name}: {value}\r\n".encode() for name, value in self.headers.items()) + b"\r\n"
        )
        self.wfile.write(wire.send(AcceptConnection()))
        rooms.do_inside(lab, "a prompt", lambda: lab.move_traffic(name))
        self.wfile.write(wire.send(TextMessage(data='["setup", {}]')) + wire.send(TextMessage(data='["stdout", "$ "]')))
        while data := self.connection.recv(65536):
            wire.receive_data(data)
            for event in wire.events():
                if isinstance(event, TextMessage):
                    written = self._read_inside(lab, rooms, name, json.loads(event.data)[1])
                    self.wfile.write(wire.send(TextMessage(data=json.dumps(["stdout", written]))))
                elif isinstance(event, CloseConnection):
                    self.wfile.write(wire.send(event.response()))
                    return

    def _read_inside(self, lab: FakeNotebook, rooms: FakeNotebooks, name: str, typed: str) -> str:
        """What the command writes, whose last step looks for files that were changed since it began."""
        begun = datetime.now(UTC)
        lab.typed.append(typed)
        rooms.do_inside(lab, "a command", lambda: lab.move_traffic(name))
        time.sleep(rooms.inside_seconds())

        def read() -> str:
            return written_inside(lab.job, None if lab.saved is None else datetime.now(UTC) - lab.saved)

        written: str = rooms.do_inside(lab, "a reading", read)  # what happens now, it does not tell
        rooms.do_inside(lab, "its output", lambda: lab.move_traffic(name))
        lab.written[name] = (begun, False)
        return written

    def _fail(self, fault: Fault, lab: FakeNotebook) -> None:
        time.sleep(fault.seconds)
        self.close_connection = True
        if fault == HANGS:
            self.rfile.read(1)  # until the client has had enough
        elif fault in (DRIPS, ENDLESS):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
            while True:
                self.wfile.write(b" " if fault == DRIPS else b" " * 65536)
                time.sleep(0.01 if fault == DRIPS else 0)
        elif fault.status:
            self._send(fault.status, fault.message.encode(), lab)

    def _send(self, status: int, body: bytes, lab: FakeNotebook | None, more: str = "") -> None:
        date = format_datetime(datetime.now(UTC) + (lab.ahead if lab else timedelta(0)), usegmt=True)
        told = f"Date: {date}\r\n" if lab is None or lab.has_clock else ""
        head = f"HTTP/1.1 {status} Said\r\n{told}Content-Length: {len(body)}\r\n{more}\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextmanager
def serve_notebooks(aws: FakeAws, rooms: FakeNotebooks) -> Iterator[FakeAws]:
    """A small AWS with these notebooks, and their Jupyters, for as long as the block lasts."""
    with serve_jupyters(aws, rooms), serve_fake_aws(aws):
        yield aws


@contextmanager
def serve_jupyters(aws: FakeAws, rooms: FakeNotebooks) -> Iterator[FakeNotebooks]:
    """These notebooks in a small AWS that is served already, and their Jupyters, for as long as the block lasts."""
    server = FakeServer(FakeJupyterHandler, aws.gauge)
    server.rooms = rooms  # type: ignore[attr-defined]
    rooms.url = server.url
    aws.running |= rooms.operations()
    with server.serving():
        yield rooms
