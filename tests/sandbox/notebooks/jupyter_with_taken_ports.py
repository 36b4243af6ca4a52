"""Serves Jupyter by the orders in the file that is its argument; the ports of its first kernel are another's before the
kernel takes them.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

from jupyter_client.connect import ConnectionFileMixin

sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # as the notebook's own process does

from opskit.sandbox.notebooks.jupyter.serve import serve_jupyter  # noqa: E402

_write = ConnectionFileMixin.write_connection_file
_taken: list[socket.socket] = []


def _write_and_take_ports(manager: Any, **options: Any) -> None:
    _write(manager, **options)
    if not _taken:
        for port in (manager.shell_port, manager.iopub_port, manager.control_port):
            _taken.append(socket.create_server((manager.ip, port)))


if __name__ == "__main__":
    ConnectionFileMixin.write_connection_file = _write_and_take_ports  # type: ignore[method-assign,assignment]
    serve_jupyter(Path(sys.argv[1]))
