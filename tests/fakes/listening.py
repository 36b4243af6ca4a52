"""How a thread that waits for connections ends."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


def stop_listening(listener: socket.socket, waiting: threading.Thread) -> None:
    """Close a socket on which a thread waits for connections, after the thread has ended. One that is about to wait
    would else wait on whatever socket gets the descriptor next, and answer there in another test.
    """
    with suppress(OSError):  # macOS refuses it, and wakes the thread where the socket is closed
        listener.shutdown(socket.SHUT_RDWR)
        waiting.join()
    listener.close()
