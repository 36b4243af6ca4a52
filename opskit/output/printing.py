"""Everything that opskit prints for people passes through this module: tables, notes, progress, prompts, errors,
warnings.

Names, tags, reasons, log lines and error texts come from outside, and a terminal interprets what is in them: an escape
sequence can clear the screen, a bidirectional mark can reverse a name, an invisible character can make two names look
alike. So each such character is printed as an escape such as ``\x1b`` or ``\u202e``; nothing else is changed.
opskit's own colours and links are added afterwards. JSON does not pass through here: it is exact
(``opskit.core.json_text``).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from types import TracebackType
from typing import IO

from opskit.core.exceptions import OutputNotWritten
from opskit.core.file_errors import file_error_text
from opskit.core.redaction import redact_secrets

# Up to what cannot be part of one, and without the marks that end the sentence it stands in.
_URL = r"https?://[^\s<>\"'`|]+(?<![.,;:!?)\]}])"
# The first version of each that shows links; () is any version.
_PROGRAMS: Mapping[str, tuple[int, ...]] = {
    "iTerm.app": (3, 1),
    "WezTerm": (20200620,),
    "ghostty": (),
    "vscode": (1, 72),
    "zed": (),
}
_TERMINALS = ("alacritty", "xterm-ghostty", "xterm-kitty")
_FIRST_VTE = 5000  # 0.50.0, which GNOME Terminal and others write so; 0.50.0 itself crashes


def shows_hyperlinks(environment: Mapping[str, str]) -> bool:
    """Whether the terminal that the environment tells of is known to show links. FORCE_HYPERLINK answers for others."""
    if forced := environment.get("FORCE_HYPERLINK"):
        return forced != "0"
    if environment.get("CI") or environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    # A terminal in a terminal: what is around it says nothing about it.
    if environment.get("TMUX") or environment.get("STY"):
        return False
    program = environment.get("TERM_PROGRAM", "")
    if program in _PROGRAMS:
        return _version(environment.get("TERM_PROGRAM_VERSION", "")) >= _PROGRAMS[program]
    vte = environment.get("VTE_VERSION", "")
    if vte:
        return vte.isdecimal() and int(vte) > _FIRST_VTE
    return "WT_SESSION" in environment or environment.get("TERM") in _TERMINALS


def _version(text: str) -> tuple[int, ...]:
    """A version such as 3.4.1 or 20240203-110809-5046fc22, as far as it is numbers."""
    match = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, match[0].split("."))) if match else ()


# What a terminal obeys, or shows in another order or not at all: text from outside could hide or forge a line. Compiled
# when first used, since help uses none.
_UNSEEN = (
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters (C0 but for tab and line feed, DEL, C1), escape among them
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what changes the direction of the text around it
    "\u2028\u2029"  # line and paragraph separators
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # what Unicode calls ignorable
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\U00013430-\U0001343f"  # other format characters
    "\ud800-\udfff"  # half characters, such as Python makes of bytes that are no text
    "]"
)


def visible_text(text: str) -> str:
    """The text with every control, bidirectional and invisible character written as an escape. Line breaks and tabs
    stay.
    """
    return re.sub(_UNSEEN, _escape_characters, text.replace("\r\n", "\n"))


def visible_line(text: str) -> str:
    """The same on one line, for a table cell: line breaks and tabs are escaped too."""
    return re.sub(_UNSEEN, _escape_characters, text).replace("\n", "\\n").replace("\t", "\\t")


def _escape_characters(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == 0x0D:
        return "\\r"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def standard_output() -> IO[str]:
    """Where results go unless a screen says otherwise. Looked up at each call, since tests replace ``sys.stdout``."""
    return sys.stdout


def standard_error() -> IO[str]:
    """Where messages go unless a screen says otherwise."""
    return sys.stderr


def print_text(text: str, stream: IO[str], *, end: str = "\n", strong: bool = False) -> None:
    """Print a text for people; ``strong`` prints it in bold, for terminals.

    Raises:
        BrokenPipeError: the reader has closed the pipe.
        OutputNotWritten: stdout takes nothing.
    """
    shown = visible_text(text)
    if "://" in shown and stream.isatty() and shows_hyperlinks(os.environ):
        # As links, so that a URL which is longer than a line is still one.
        shown = re.sub(_URL, lambda match: f"\033]8;;{match[0]}\033\\{match[0]}\033]8;;\033\\", shown)
    _write_pieces([(f"\033[1m{shown}\033[0m" if strong else shown) + end], stream)


def print_exact(pieces: Iterable[str], stream: IO[str]) -> None:
    """Print output for programs, unchanged.

    Raises:
        BrokenPipeError: the reader has closed the pipe.
        OutputNotWritten: stdout takes nothing.
    """
    _write_pieces(chain(pieces, ("\n",)), stream)


def _write_pieces(pieces: Iterable[str], stream: IO[str]) -> None:
    """Write and flush. Where stderr takes nothing, its message is lost, and the command goes on.

    Raises:
        BrokenPipeError: the reader has closed the pipe.
        OutputNotWritten: stdout takes nothing.
    """
    try:
        stream.writelines(pieces)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard_output(stream)
        if stream is not sys.stderr:
            raise OutputNotWritten(file_error_text(error)) from error


def can_prompt() -> bool:
    """Whether a prompt would be seen, and can be answered, at a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_for_number(question: str, most: int) -> int | None:
    """Ask on stderr for a number from 1 to ``most``; None: an empty answer, or end of input (Ctrl-D).

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    while True:
        print_text(f"{redact_secrets(question)} [1-{most}, empty: none]: ", sys.stderr, end="")
        line = sys.stdin.readline()
        answer = line.strip()
        if not answer:
            if not line:
                print_text("", sys.stderr)  # end the line: the cursor is still behind the prompt
            return None
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= most:
            return int(answer)


def ask_yes_or_no(question: str) -> bool:
    """Ask on stderr until the answer is yes or no; end of input (Ctrl-D) counts as no.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    while True:
        print_text(f"{redact_secrets(question)} [y/N]: ", sys.stderr, end="")
        line = ""
        try:
            line = sys.stdin.readline()
        finally:
            if not line:
                print_text("", sys.stderr)  # end the line: the cursor is still behind the prompt
        if not line:
            return False
        match line.strip().lower():
            case "y" | "yes":
                return True
            case "" | "n" | "no":
                return False
            case _:
                pass


def prepare_streams() -> None:
    """Prepare the process's streams: none is missing, characters that the terminal cannot show are replaced instead of
    raising, and uncaught exceptions are printed like everything else.
    """
    # Without one, as by ``>&-``, the next file that is opened would get its number. What is written to stdout then
    # fails, so that nobody takes a lost answer for an empty one. In the order of their numbers: each file gets the
    # lowest that is free.
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if hasattr(sys.stdout, "reconfigure"):
        # Python would raise at the first character that the locale's encoding lacks, after the work was already done.
        sys.stdout.reconfigure(errors="replace")
    sys.excepthook = _print_exception


def redirect_warnings() -> None:
    """Print warnings and errors that opskit and its libraries log like everything else."""
    import logging

    class RedactingHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            print_text(redact_secrets(self.format(record)), sys.stderr)

    handler = RedactingHandler(logging.WARNING)
    logging.lastResort = handler  # for whatever has no handler of its own
    logging.getLogger("py.warnings").handlers[:] = [handler]  # otherwise logging adds a NullHandler to it
    logging.captureWarnings(True)


def print_traceback() -> None:
    """Print the traceback of the exception that is being handled, without secrets, for a bug report."""
    import traceback

    print_text(redact_secrets(traceback.format_exc()), sys.stderr, end="")


@contextmanager
def restored_terminal() -> Iterator[None]:
    """Restore the terminal's settings at the end. A prompt for an MFA code (botocore's, in a thread) switches echo off,
    and an interrupt leaves it no time to switch it on again.
    """
    try:
        import termios

        # The controlling terminal and not stdin, which may be a pipe; O_NOCTTY so that opening it never acquires one.
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except (ImportError, OSError):  # no such system, or no terminal
        yield
        return
    before = termios.tcgetattr(terminal)
    try:
        yield
    finally:
        # In the background, tcsetattr would stop the process (SIGTTOU); then the terminal belongs to another job.
        if termios.tcgetattr(terminal) != before and os.tcgetpgrp(terminal) == os.getpgrp():
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        os.close(terminal)


def flush_output() -> None:
    """Write out buffered output before another program uses the terminal."""
    sys.stdout.flush()


def close_output() -> None:
    """Discard all further output: the reader has closed the pipe, and Python must not report that at exit."""
    _discard_output(sys.stdout)


def _discard_output(stream: IO[str]) -> None:
    """Discard what is not written yet, which Python would report at exit with an exit code of its own, and all else."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _print_exception(
    error_type: type[BaseException], error: BaseException, traceback_: TracebackType | None
) -> None:  # pragma: no cover - Python calls it at its end
    import traceback

    print_text(redact_secrets("".join(traceback.format_exception(error_type, error, traceback_))), sys.stderr, end="")
