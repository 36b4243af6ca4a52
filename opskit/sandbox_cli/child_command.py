"""The command that runs inside a sandbox, and the signals that end both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from types import FrameType

from opskit.core.exceptions import CommandNotRunnable, ExitCode
from opskit.core.file_errors import file_error_text

_SIGNAL_CHECK_SECONDS = 0.5
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SIGNALLED = 128  # what a POSIX shell exits with where a signal ended a command, plus its number


class SignalWaiter:
    """Remembers the signal that asked the sandbox to end, and passes it on to the command that runs inside.

    Nothing is raised from the signal itself, so that cleaning up cannot be interrupted half-way.
    """

    def __init__(self) -> None:
        self._by: int | None = None
        self.child: subprocess.Popen[bytes] | None = None
        self._asked = threading.Event()
        for number in _ENDING:
            signal.signal(number, self._note_signal)

    def signal_number(self) -> int | None:
        """The signal that came, None as long as none did."""
        return self._by

    def wait_for_signal(self) -> None:
        """Wait for a signal."""
        # A signal that comes just before the wait begins, or to another thread, does not end it: its handler runs
        # when the main thread wakes next.
        while not self._asked.wait(_SIGNAL_CHECK_SECONDS):
            pass

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        self._by = number
        self._asked.set()
        if self.child and not (number == signal.SIGINT and _terminal_signals_children()):
            self.child.send_signal(number)


def _terminal_signals_children() -> bool:
    """Whether Ctrl-C reaches the child without us."""
    try:
        # A terminal signals every process of its foreground group; passing it on as well would interrupt the child
        # twice.
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False


def with_own_commands(environment: dict[str, str]) -> dict[str, str]:
    """Who runs ``.venv/bin/opskit`` finds ``opskit`` and ``aws`` inside as well, after all that is on the PATH."""
    import sysconfig

    own = sysconfig.get_path("scripts")
    return {**environment, "PATH": os.pathsep.join([environment.get("PATH", os.defpath), own])}


def run_child_command(words: list[str], environment: dict[str, str], ended: SignalWaiter) -> int:
    """Run a command to its end, and return the exit code that a shell would: 128 and more where a signal ended it.

    Raises:
        CommandNotRunnable: it is not there, or the system does not let it run.
    """
    if asked := ended.signal_number():
        return _SIGNALLED + asked
    try:
        ended.child = subprocess.Popen(words, env=environment)
    except FileNotFoundError as error:
        raise CommandNotRunnable(words[0], "there is no such command", ExitCode.NOT_FOUND) from error
    except OSError as error:
        raise CommandNotRunnable(words[0], file_error_text(error), ExitCode.NOT_RUNNABLE) from error
    if asked := ended.signal_number():  # it came while the command was being started
        ended.child.send_signal(asked)
    code = ended.child.wait()
    return _SIGNALLED - code if code < 0 else code
