"""Which user of this machine is at the other end of a connection over loopback, as Linux tells it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from opskit.sandbox.socket_diag import find_holder

_TABLES = ("tcp", "tcp6")
# Columns of /proc/net/tcp.
_LOCAL, _REMOTE, _UID, _INODE = 1, 2, 7, 9


def peer_uid(peer: tuple[str, int], own: tuple[str, int]) -> int | None:
    """The uid that holds the socket ``peer`` (address, port) which is connected to ``own``; None where that cannot be
    told: another system, a socket that is closed, a user of another container.
    """
    holder = find_holder(peer, own)
    if holder is not None:
        return _known_uid(holder.uid, is_held=holder.inode != 0)
    wanted = [(_table_address(*peer, version), _table_address(*own, version)) for version in (4, 6)]
    for table in _TABLES:
        for row in table_rows(table):
            if (row[_LOCAL], row[_REMOTE]) in wanted and row[_INODE] != "0":
                return _known_uid(int(row[_UID]), is_held=True)
    return None


def _known_uid(uid: int, *, is_held: bool) -> int | None:
    """The uid that Linux names, unless it stands for nobody in particular."""
    # A socket without an inode is held by nobody any more, and root is named for it.
    return uid if is_held and uid != overflow_uid() else None


def is_own_peer(peer: tuple[str, int], own: tuple[str, int]) -> bool | None:
    """Whether this process's user, or root, is at the other end; None where that cannot be told."""
    uid = peer_uid(peer, own)
    return None if uid is None else uid in (0, os.getuid(), os.geteuid())


def table_rows(table: str) -> Iterator[list[str]]:
    """The rows of the kernel's table of sockets, ``tcp`` or ``tcp6``, by column; none where there is no such table."""
    try:
        lines = Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
    except (OSError, UnicodeDecodeError):  # no Linux, or no IPv6
        return
    for line in lines:
        row = line.split()
        if len(row) > _INODE:
            yield row


def _table_address(address: str, port: int, version: int) -> str:
    """An address as the kernel prints it: words of four bytes in the machine's order, and the port."""
    parsed: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    packed = parsed.packed
    if version == 6 and isinstance(parsed, IPv4Address):
        packed = socket.inet_pton(socket.AF_INET6, f"::ffff:{parsed}")
    words = [packed[at : at + 4] for at in range(0, len(packed), 4)]
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{port:04X}"


def overflow_uid() -> int:
    """What stands for every user that this container does not know, so that it may be anybody."""
    try:
        return int(Path("/proc/sys/kernel/overflowuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return -1
