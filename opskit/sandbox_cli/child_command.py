"""The command that runs inside a sandbox, and the signals that end both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from types import FrameType

from opskit.core.file_errors import file_error_text

_SIGNAL_CHECK_SECONDS = 0.5
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What a POSIX shell exits with where a command is not there, cannot be run, or was ended by a signal (plus its number).
_NOT_FOUND = 127
_NOT_ALLOWED = 126
_SIGNALLED = 128


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
    """Run a command to its end, and return the exit code that a shell would: 128 and more where a signal ended it."""
    if asked := ended.signal_number():
        return _SIGNALLED + asked
    try:
        ended.child = subprocess.Popen(words, env=environment)
    except FileNotFoundError:
        return _report_not_runnable(words[0], "there is no such command", _NOT_FOUND)
    except OSError as error:
        return _report_not_runnable(words[0], file_error_text(error), _NOT_ALLOWED)
    if asked := ended.signal_number():  # it came while the command was being started
        ended.child.send_signal(asked)
    code = ended.child.wait()
    return _SIGNALLED - code if code < 0 else code


def _report_not_runnable(word: str, why: str, code: int) -> int:
    from opskit.output.printing import print_text, standard_error

    print_text(f"opskit: Cannot run '{word}': {why}.", standard_error())
    return code
