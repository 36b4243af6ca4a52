"""A Jupyter server as its makers ship it, with a shell of the test's own.

It is run by its path, ``real_jupyter.py FOLDER SHELL [--own-names]``, and its token is the variable LAB_TOKEN.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

# jsonschema builds forty grammars with this where it is installed, three quarters of what Jupyter's start takes.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

from jupyter_server.serverapp import ServerApp  # noqa: E402
from jupyter_server_terminals.terminalmanager import TerminalManager  # noqa: E402
from traitlets.config import Config  # noqa: E402


def ignore_names() -> None:
    """Give terminals numbers, whatever name was asked for, as the classic notebook does."""
    create = TerminalManager.create
    TerminalManager.create = lambda self, **asked: create(self)  # type: ignore[method-assign]


def main(folder: Path, shell: str) -> None:
    """Serve until SIGTERM; the file ``port`` then holds the port."""
    config: Any = Config()
    config.ServerApp.ip = "127.0.0.1"
    config.ServerApp.port = 0
    config.ServerApp.open_browser = False
    config.ServerApp.allow_root = True
    config.ServerApp.root_dir = str(folder / "SageMaker")
    config.ServerApp.jpserver_extensions = {"jupyter_server_terminals": True}
    config.ServerApp.terminado_settings = {"shell_command": [shell]}
    config.IdentityProvider.token = os.environ["LAB_TOKEN"]
    app = ServerApp.instance(config=config)
    app.initialize(argv=[], find_extensions=False)
    app.io_loop.add_callback(lambda: _tell_port(folder / "port", app.http_server))
    app.start()


def _tell_port(file: Path, server: Any) -> None:
    (socket, *_) = server._sockets.values()
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(str(socket.getsockname()[1]))
    unfinished.rename(file)


if __name__ == "__main__":
    if os.getpid() == 1 and (child := os.fork()):  # in a PID namespace somebody must be the first process
        os.waitpid(child, 0)
        sys.exit()
    if "--own-names" in sys.argv:
        ignore_names()
    main(Path(sys.argv[1]), sys.argv[2])
