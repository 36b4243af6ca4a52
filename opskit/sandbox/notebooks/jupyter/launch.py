"""A notebook's Jupyter as the sandbox sees it: a folder, a child process, the port it answers on."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from opskit.sandbox.notebooks.jupyter.isolation import install_programs, isolating_command
from opskit.sandbox.notebooks.jupyter.presigned_tokens import PresignedTokens
from opskit.sandbox.notebooks.jupyter.start_orders import (
    ON_START_FAILED,
    ON_START_LOG,
    ON_START_SCRIPT,
    NotebookPast,
    StartOrders,
)
from opskit.sandbox.processes import ChildProcesses

HOST = "127.0.0.1"
_REQUIRED_MODULES = ("jupyter_server", "jupyter_server_terminals", "ipykernel")
_INHERITED_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
# Jupyter starts in seconds, but not on a machine that starts many at a time.
_START_TIMEOUT_SECONDS = 240.0


class JupyterFailed(Exception):
    """Jupyter could not be started; the text is what a notebook's FailureReason says."""


@dataclass(frozen=True)
class NotebookFolder:
    """A notebook's files: ``volume`` is kept over Stop and Start, ``instance`` is the part that a stop loses."""

    root: Path

    @property
    def volume(self) -> Path:
        return self.root / "SageMaker"

    @property
    def instance(self) -> Path:
        return self.root / "instance"

    @property
    def log(self) -> Path:
        return self.instance / "jupyter.log"

    @property
    def on_start_log(self) -> Path:
        return self.instance / ON_START_LOG

    @property
    def programs(self) -> Path:
        return self.instance / "bin"

    def recreate_instance(self) -> None:
        """Make an empty instance beside the volume, with the volume in the home directory as on AWS."""
        self.delete_instance()
        self.volume.mkdir(parents=True, exist_ok=True)
        home = self.instance / "ec2-user"
        home.mkdir(parents=True)
        (self.instance / "tmp").mkdir()
        (home / "SageMaker").symlink_to(self.volume)

    def delete_instance(self) -> None:
        shutil.rmtree(self.instance, ignore_errors=True)

    def delete(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


@dataclass(frozen=True)
class InstanceSetup:
    """What an instance is started with: its type, what was done in it before (``past``; None: nothing), and the script
    that runs first (``on_start``; None: none does).
    """

    instance_type: str
    past: NotebookPast | None = None
    on_start: str | None = None


class JupyterProcess:
    """One life of a notebook's Jupyter server, from start to stop.

    Raises:
        JupyterFailed: it is not installed beside the sandbox.
        RuntimeError: the sandbox is ending.
    """

    def __init__(
        self,
        processes: ChildProcesses,
        folder: NotebookFolder,
        environment: Mapping[str, str],
        setup: InstanceSetup,
    ) -> None:
        _require_jupyter()
        self._processes = processes
        self._folder = folder
        self._tokens = PresignedTokens(secret := secrets.token_hex(32))
        self._port: int | None = None
        self._port_file = folder.instance / "port"
        folder.recreate_instance()
        orders = folder.instance / "orders.json"
        StartOrders(secret, folder.volume, self._port_file, setup.past).write_to(orders)
        install_programs(folder.programs, setup.instance_type)
        if setup.on_start is not None:
            _write_script(folder.instance / ON_START_SCRIPT, setup.on_start)
        isolated = isolating_command(setup.past.idle_seconds if setup.past else 0.0)
        with folder.log.open("wb") as log:
            self._process = processes.start(
                [*isolated, sys.executable, "-m", "opskit.sandbox.notebooks.jupyter", str(orders)],
                cwd=folder.volume,
                env=_jupyter_environment(folder, environment),
                output=log,
            )

    def wait_until_ready(self, closing: threading.Event) -> None:
        """Return when Jupyter answers and its past (if any) is in place.

        Raises:
            JupyterFailed: it ended or was not ready in time.
        """
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not self._port_file.exists():
            if self._process.poll() == ON_START_FAILED:
                raise JupyterFailed("The lifecycle configuration's OnStart script failed. Please check your logs.")
            if self._process.poll() is not None or closing.wait(0.05):
                raise JupyterFailed(f"Jupyter ended before it was ready: {self._last_log_line()}")
            if time.monotonic() > deadline:
                self.stop()
                raise JupyterFailed(f"Jupyter was not ready within {_START_TIMEOUT_SECONDS:.0f} seconds.")
        self._port = int(self._port_file.read_text())

    @property
    def host(self) -> str | None:
        """Address and port that Jupyter answers on; None until it is ready."""
        return f"{HOST}:{self._port}" if self._port else None

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def authorized_url(self, now: datetime, session_seconds: int) -> str:
        """The URL that opens this Jupyter once within five minutes. A bearer key: never log it."""
        return f"http://{self.host}?authToken={self._tokens.issue_token(now, session_seconds)}"

    def stop(self) -> None:
        """End Jupyter, its kernels and its terminals."""
        self._processes.end(self._process)

    def _last_log_line(self) -> str:
        lines = self._folder.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing."


def _write_script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _require_jupyter() -> None:
    missing = [module for module in _REQUIRED_MODULES if find_spec(module) is None]
    if missing:
        raise JupyterFailed(
            f"Jupyter is not installed beside the sandbox ({', '.join(missing)} missing). "
            "Install it, in the clone of opskit: pip install '.[sandbox]'"
        )


def _jupyter_environment(folder: NotebookFolder, extra: Mapping[str, str]) -> dict[str, str]:
    """An environment in which nothing of the user's own Jupyter, IPython, shell or AWS set-up is read."""
    home = folder.instance / "ec2-user"
    return {
        **{name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ},
        **extra,
        "PATH": os.pathsep.join((str(folder.programs), os.environ.get("PATH", os.defpath))),
        "HOME": str(home),
        "SHELL": "/bin/sh",
        "TMPDIR": str(folder.instance / "tmp"),
        "IPYTHONDIR": str(home / ".ipython"),
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_CONFIG_DIR": str(home / ".jupyter"),
        "JUPYTER_DATA_DIR": str(home / ".local/share/jupyter"),
        "JUPYTER_RUNTIME_DIR": str(folder.instance / "runtime"),
    }
