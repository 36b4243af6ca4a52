"""One socket of this machine, asked of Linux by its two ends (``man 7 sock_diag``): a question of microseconds, however
many sockets there are. The table in ``/proc/net/tcp`` has them all, each time it is read.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

# Numbers of Linux's that Python's socket has no names for.
_NETLINK_FAMILY, _NETLINK_SOCK_DIAG = 16, 4
_SOCK_DIAG_BY_FAMILY, _REQUEST = 20, 1
_ALL_STATES, _NO_COOKIE = 0xFFFFFFFF, b"\xff" * 8
# struct nlmsghdr: length, type, flags, sequence number, port.
_HEADER = struct.Struct("=IHHII")
# struct inet_diag_req_v2 as far as the ends: family, protocol, extensions, padding, states.
_QUESTION = struct.Struct("=BBBBI")
# The ends in struct inet_diag_sockid: two ports, two addresses. Then the interface (any) and the cookie (none).
_ENDS = struct.Struct("!HH16s16s")
_MAPPED = bytes(10) + b"\xff\xff"
_REST = struct.pack("=I", 0) + _NO_COOKIE
# struct inet_diag_msg: four bytes, the ends, and after its three queues and timers the uid and the inode.
_ENDS_AT = _HEADER.size + 4
_HOLDER, _HOLDER_AT = struct.Struct("=II"), _ENDS_AT + _ENDS.size + len(_REST) + 12


@dataclass(frozen=True)
class SocketHolder:
    """Who holds a socket; the inode 0: nobody does any more, and the uid means nothing."""

    uid: int
    inode: int


def find_holder(local: tuple[str, int], remote: tuple[str, int]) -> SocketHolder | None:
    """Who holds the TCP socket between these two ends (address, port), as its own side sees them; None where Linux does
    not know it, or cannot be asked: another system, a kernel without this question, an IPv6 address.
    """
    try:
        ends = _pack_ends(local, remote)
        with socket.socket(_NETLINK_FAMILY, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG) as line:
            question = _QUESTION.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ALL_STATES) + ends + _REST
            size = _HEADER.size + len(question)
            line.send(_HEADER.pack(size, _SOCK_DIAG_BY_FAMILY, _REQUEST, 0, 0) + question)
            answer = line.recv(8192)
    except (OSError, ValueError):
        return None
    # A socket of IPv6's that is connected to IPv4's answers to the same question, with addresses of its own kind.
    return _read_holder(answer, (ends, _pack_ends(local, remote, prefix=_MAPPED)))


def _pack_ends(local: tuple[str, int], remote: tuple[str, int], prefix: bytes = b"") -> bytes:
    (address, port), (other_address, other_port) = local, remote
    packed = (prefix + IPv4Address(each).packed for each in (address, other_address))
    return _ENDS.pack(port, other_port, *packed)


def _read_holder(answer: bytes, wanted: tuple[bytes, ...]) -> SocketHolder | None:
    _, kind, *_ = _HEADER.unpack_from(answer)
    # Where no socket has these ends, Linux answers with one that listens at the first of them, or with an error.
    if kind != _SOCK_DIAG_BY_FAMILY or answer[_ENDS_AT : _ENDS_AT + _ENDS.size] not in wanted:
        return None
    uid, inode = _HOLDER.unpack_from(answer, _HOLDER_AT)
    return SocketHolder(uid, inode)
