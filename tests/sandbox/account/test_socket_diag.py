"""Linux's answer to who holds a socket: the same that its table gives, and nobody for what is closed."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator

import pytest

from opskit.sandbox import peer_user
from opskit.sandbox.socket_diag import SocketHolder, find_holder
from tests.slow import serves

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers this")
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(params=["IPv4", "IPv6"])
@serves
def connected(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """The two ends of a connection over loopback: who asked, from a socket of this family, and who was asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        family, address = (
            (socket.AF_INET, "127.0.0.1") if request.param == "IPv4" else (socket.AF_INET6, "::ffff:127.0.0.1")
        )
        with socket.socket(family) as asking:
            asking.connect((address, server.getsockname()[1]))
            asked, _ = server.accept()
            with asked:
                yield asking, asked


def test_each_end_is_held_by_this_user(connected: Pair) -> None:
    asking, asked = connected
    here, there = asked.getsockname(), asked.getpeername()
    assert find_holder(there, here) == SocketHolder(os.geteuid(), os.fstat(asking.fileno()).st_ino)
    assert find_holder(here, there) == SocketHolder(os.geteuid(), os.fstat(asked.fileno()).st_ino)
    assert peer_user.is_own_peer(there, here) is True


def test_the_table_says_the_same_where_linux_cannot_be_asked(connected: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = connected[1].getsockname(), connected[1].getpeername()
    monkeypatch.setattr(peer_user, "find_holder", lambda *_: None)
    assert peer_user.peer_uid(there, here) == os.geteuid()


def test_nobody_holds_what_is_closed(connected: Pair) -> None:
    asking, asked = connected
    here, there = asked.getsockname(), asked.getpeername()
    asking.close()
    holder = find_holder(there, here)
    assert holder is None or holder.inode == 0
    assert peer_user.peer_uid(there, here) is None
    asked.close()
    assert find_holder(here, there) in (None, SocketHolder(0, 0)), "the server that listens there is another socket"


def test_an_address_that_cannot_be_asked_for_is_unknown() -> None:
    assert find_holder(("::1", 80), ("127.0.0.1", 1)) is None
