"""The notebook's process: a real Jupyter server with the sign-in of presigned URLs in front of it."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

from jupyter_server.serverapp import ServerApp
from traitlets.config import Config

from opskit.sandbox.notebooks.jupyter.auth import SessionIdentityProvider, install_auth
from opskit.sandbox.notebooks.jupyter.backdate import replay_past
from opskit.sandbox.notebooks.jupyter.presigned_tokens import PresignedTokens
from opskit.sandbox.notebooks.jupyter.start_orders import StartOrders

_HOST = "127.0.0.1"


def _choose_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def _server_config(volume: str, *, has_terminals: bool) -> Config:
    config = Config()
    config.ServerApp.ip = _HOST
    config.ServerApp.port = _choose_port()
    config.ServerApp.open_browser = False
    # In a container the sandbox may be root.
    config.ServerApp.allow_root = True
    config.ServerApp.root_dir = volume
    # In memory only: Jupyter would write it into its runtime folder.
    config.ServerApp.cookie_secret = secrets.token_bytes(32)
    config.ServerApp.identity_provider_class = SessionIdentityProvider
    # No extension but this one: each takes time at the start.
    config.ServerApp.jpserver_extensions = {"jupyter_server_terminals": True}
    config.ServerApp.terminado_settings = {"shell_command": ["/bin/sh"]}
    config.ServerApp.terminals_enabled = has_terminals
    # A server that silently has no terminals would be another one than AWS's.
    config.ServerApp.reraise_server_extension_failures = True
    # A busy kernel is killed after a second, so that StopNotebookInstance takes seconds.
    config.KernelManager.shutdown_wait_time = 1.0
    return config


async def _replay_and_report_ready(app: ServerApp, orders: StartOrders) -> None:
    if orders.past:
        await replay_past(app, orders.past)
    # The sandbox polls for the port file, so it appears with all of its content or not at all.
    unfinished = orders.port_file.with_suffix(".unfinished")
    unfinished.write_text(str(app.port))
    unfinished.rename(orders.port_file)


def serve_jupyter(path: Path) -> None:
    """Serve until SIGTERM, as the orders in ``path`` say; they are read once and removed."""
    orders = StartOrders.take_from(path)
    has_terminals = orders.past is None or orders.past.work.has_terminals
    app = ServerApp.instance(config=_server_config(str(orders.volume), has_terminals=has_terminals))
    app.initialize(argv=[], find_extensions=False)
    install_auth(app, PresignedTokens(orders.secret))
    app.io_loop.add_callback(_replay_and_report_ready, app, orders)
    app.start()
