"""Runs a Python script as a process of its own without starting a Python for it: a process that has loaded what the
scripts load forks one for each. Nothing of one is seen by another; only the imports, which are most of what a command
or a sandbox costs, are done once.

Run as a program it is that process. Each message on the socket whose file descriptor it is given asks for one child:
its script, arguments, environment and folder, and, as file descriptors, its standard streams and where to say how it
ended.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TextIO

BASE_MODULES = ("boto3", "requests", "rich.console", "rich.table", "tabulate", "typer", "opskit")
SANDBOX_MODULES = (*BASE_MODULES, "moto.server", "moto.moto_server.werkzeug_app", "opskit.sandbox")
SDK_MODULES = (
    *(*BASE_MODULES, "opskit.training.metrics", "opskit.training.sagemaker_sdk"),
    *("sagemaker.core.resources", "sagemaker.core.image_uris", "pandas", "sklearn.metrics", "sklearn.model_selection"),
    *("matplotlib.figure", "matplotlib.font_manager", "matplotlib.backends.backend_agg"),
)
"""What all commands, a sandbox, or those that train load. The modules that define commands are loaded by each process:
a command line loads those of its own.
"""

_LARGEST_MESSAGE = 1 << 20
_FILES_A_MESSAGE = 4
_NO_THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""A thread that a library starts while it is loaded would be missing in each fork."""


class ForkedProcess:
    """A child of the process that forks, as far as a test needs one.

    Its parent reaps it at once, so its number may soon be another's: signals go through its file descriptor.
    """

    def __init__(self, descriptor: int, status: socket.socket) -> None:
        self._descriptor: int | None = descriptor
        self._lock = threading.Lock()
        self._status = status

    def wait(self) -> int:
        """Wait for its end: its exit code, or the number of the signal that ended it, below zero."""
        with self._status:
            code = int(self._status.recv(16))
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
            self._descriptor = None
        return code

    def terminate(self) -> None:
        """Ask it to end, unless it has."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        with self._lock:
            if self._descriptor is not None:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._descriptor, number)


@dataclass
class PipedProcess:
    """A process whose output is read while it goes on."""

    process: ForkedProcess | subprocess.Popen[bytes]
    stdout: TextIO
    stderr: TextIO
    returncode: int | None = None

    def wait(self) -> int:
        """Wait for its end: its exit code, or the number of the signal that ended it, below zero."""
        if self.returncode is None:
            self.returncode = self.process.wait()
        return self.returncode

    def kill(self) -> None:
        """End it, unless it has ended."""
        self.process.kill()

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        self.process.send_signal(number)

    def communicate(self) -> tuple[str, str]:
        """What it still says, to its end."""
        with self.stdout, self.stderr, ThreadPoolExecutor(1) as other:
            complained = other.submit(self.stderr.read)
            said = self.stdout.read()
            self.wait()
            return said, complained.result()


@dataclass(frozen=True)
class Forkserver:
    """The process that forks, seen from the tests. Without one, each script gets a Python of its own."""

    _socket: socket.socket | None

    def start(
        self,
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        output: int,
        errors: int,
        given: int | None = None,
    ) -> ForkedProcess | subprocess.Popen[bytes]:
        """Start a script with arguments. It writes to these file descriptors, and reads ``given``; None: nothing."""
        if self._socket is None:
            command, read = [sys.executable, *words], subprocess.DEVNULL if given is None else given
            return subprocess.Popen(command, cwd=folder, env=environment, stdin=read, stdout=output, stderr=errors)
        ours, its = socket.socketpair(type=socket.SOCK_SEQPACKET)
        asked = json.dumps({"words": list(words), "folder": str(folder), "environment": dict(environment)}).encode()
        with its, Path(os.devnull).open() as nothing:
            streams = [nothing.fileno() if given is None else given, output, errors]
            socket.send_fds(self._socket, [asked], [*streams, its.fileno()])
        _, [descriptor], _, _ = socket.recv_fds(ours, 16, 1)
        return ForkedProcess(descriptor, ours)

    def start_piped(self, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> PipedProcess:
        """Start a script with arguments, which reads nothing, and go on."""
        (said, output), (complained, errors) = os.pipe(), os.pipe()
        process = self.start(words, folder, environment, output, errors)
        os.close(output)
        os.close(errors)
        return PipedProcess(process, os.fdopen(said), os.fdopen(complained))

    def run(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str], given: str = ""
    ) -> tuple[int, str, str]:
        """Run a script to its end, with ``given`` to read: exit code, and what it said."""
        temporary = partial(tempfile.TemporaryFile, "w+")
        with temporary() as read, temporary() as output, temporary() as errors:
            read.write(given)
            read.seek(0)
            code = self.start(words, folder, environment, output.fileno(), errors.fileno(), read.fileno()).wait()
            output.seek(0)
            errors.seek(0)
            return code, output.read(), errors.read()


_running = ExitStack()


@functools.cache
def start_forkserver(*modules: str) -> Forkserver:
    """The process that has loaded these modules and forks, until ``end_forkservers``."""
    return _running.enter_context(_run_forkserver(modules))


def end_forkservers() -> None:
    """End all that were started, once nobody needs them."""
    _running.close()
    start_forkserver.cache_clear()


@contextmanager
def _run_forkserver(modules: Sequence[str]) -> Iterator[Forkserver]:
    if sys.platform != "linux":  # macOS's own libraries do not survive a fork
        yield Forkserver(None)
        return
    ours, its = socket.socketpair(type=socket.SOCK_SEQPACKET)
    words = [sys.executable, __file__, str(its.fileno()), *modules]
    environment = {**os.environ, **_NO_THREADS, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen(words, pass_fds=[its.fileno()], env=environment)
    its.close()
    try:
        yield Forkserver(ours)
    finally:
        ours.close()
        process.wait()


class _Parent:
    """What the process that forks does until nobody asks any more."""

    def __init__(self, asking: socket.socket) -> None:
        self.asking = asking
        self.children: dict[int, socket.socket] = {}

    def serve(self) -> None:
        """Fork for each message, and tell of each child that ended. Returns in the children."""
        signal.signal(signal.SIGCHLD, lambda *_: self.tell_of_the_dead())
        while True:
            message, files, _, _ = socket.recv_fds(self.asking, _LARGEST_MESSAGE, _FILES_A_MESSAGE)
            if not message:
                sys.exit()
            if self.is_child(files):
                run_forked(json.loads(message))

    def is_child(self, files: list[int]) -> bool:
        """Fork, and say in the child that it is one."""
        *streams, status = files
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = os.fork()
        if pid:
            self.children[pid] = socket.socket(fileno=status)
            descriptor = os.pidfd_open(pid)
            socket.send_fds(self.children[pid], [b"forked"], [descriptor])
            os.close(descriptor)
        else:
            self.forget(streams, status)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        for each in streams:
            os.close(each)
        return not pid

    def forget(self, streams: list[int], status: int) -> None:
        """Let go in the child of what is its parent's, and take its own streams."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.asking.close()
        for each in self.children.values():
            each.close()
        os.close(status)
        for at, stream in enumerate(streams):
            os.dup2(stream, at)

    def tell_of_the_dead(self) -> None:
        """Tell how each ended that has, which a signal tells of once for several."""
        while self.children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            with self.children.pop(pid) as told:
                told.send(str(os.waitstatus_to_exitcode(status)).encode())


def run_forked(asked: Mapping[str, Any]) -> NoReturn:
    """Be what was asked for, to the end."""
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - they stay open, as those of Python's own start do
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    os.chdir(asked["folder"])
    sys.argv = asked["words"]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as ended:
        _exit_codes.append(exit_code(ended))
    else:
        _exit_codes.append(0)
    sys.exit(_exit_codes[0])


_exit_codes: list[int] = []


def exit_code(ended: SystemExit) -> int:
    """The exit code of a script, as Python has it: 1 for a text, which goes to standard error."""
    if ended.code is None or isinstance(ended.code, int):
        return (ended.code or 0) & 0xFF
    sys.stderr.write(f"{ended.code}\n")
    return 1


def end_at_once() -> None:
    """End a child when all of its own end has been done: threads, what was registered for the end, streams. To free
    what it never used, all that was loaded, would copy that first, and take longer than many a command.
    """
    if _exit_codes:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_exit_codes[0])


if __name__ == "__main__":
    atexit.register(end_at_once)  # first, so that it is done last
    sys.path[0] = str(Path(__file__).parents[1])  # instead of this folder, which is none of a script's
    from tests.preloading import load_modules

    load_modules(sys.argv[2:])
    _Parent(socket.socket(fileno=int(sys.argv[1]))).serve()
