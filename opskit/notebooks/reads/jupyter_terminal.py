"""A terminal of a Jupyter's, opened for one command, read to its end, and shut."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from opskit.notebooks.reads.instance_command import COMMAND, LAST_LINE
from opskit.notebooks.reads.jupyter_client import JupyterClient, ProbeError
from opskit.notebooks.reads.jupyter_websocket import JupyterWebSocket
from opskit.notebooks.store.inside_looks import LookNotes

TERMINALS = "api/terminals"
# What a Jupyter answers that has no terminals. A 403 may be about us alone: whoever is not let in knows nothing.
_NO_TERMINALS = (404, 405, 501)

# A shell that has not said a word by then has no prompt. What is typed before it has come up is not lost.
_PROMPT_SECONDS = 0.5

_DONE = re.compile(rf"^{LAST_LINE} \d+\r?$", re.MULTILINE)
_GOODBYE_SECONDS = 1.0
CLEANUP_SECONDS = 3.0
"""What there is to shut a terminal and to see what that left, whatever came before."""


class NoTerminals(Exception):
    """This Jupyter lets nobody have a terminal."""


def create_terminal(jupyter: JupyterClient, name: str) -> str:
    """Make a terminal under this name, or under the one that Jupyter gives instead.

    Raises:
        NoTerminals: none is to be had.
        ProbeError: there is no usable answer.
    """
    status, answer = jupyter.send_json("POST", TERMINALS, {"name": name})
    if status in _NO_TERMINALS:
        raise NoTerminals(f"Jupyter opened no terminal (HTTP {status})")
    given = answer.get("name") if isinstance(answer, dict) else None
    if status not in (200, 201) or not isinstance(given, str) or not re.fullmatch(r"\w{1,64}", given):
        raise ProbeError(f"Jupyter's answer to {TERMINALS} does not make sense (HTTP {status})", status=status)
    return given


def delete_terminal(jupyter: JupyterClient, name: str) -> bool:
    """Shut a terminal. Whether it is gone.

    Raises:
        ProbeError: there is no answer.
    """
    status, _ = jupyter.send_json("DELETE", f"{TERMINALS}/{name}")
    return status in (200, 204, 404)


def run_in_terminal(jupyter: JupyterClient, name: str) -> str:
    """Type the command into a terminal that was just made, and return all that it wrote.

    Raises:
        ProbeError: it does not come to its end.
    """
    with jupyter.open_websocket(f"terminals/websocket/{name}") as line:
        return _read_to_the_end(line)


def _read_to_the_end(line: JupyterWebSocket) -> str:
    written = [_wait_for_prompt(line)]
    line.send_text(json.dumps(["stdin", COMMAND]))
    until: float | None = None
    tail = ""
    while True:
        try:
            kind, text = _parse_message(line.receive_text(until))
        except TimeoutError:
            if until is None:
                raise
            break
        if kind == "disconnect":
            break
        written.append(text)
        tail = (tail + text)[-4 * len(LAST_LINE) :]
        if until is None and _DONE.search(tail):  # its shell ends now, and says so
            until = time.monotonic() + _GOODBYE_SECONDS
    return "".join(written)


def _wait_for_prompt(line: JupyterWebSocket) -> str:
    until = time.monotonic() + _PROMPT_SECONDS
    try:
        while True:
            kind, text = _parse_message(line.receive_text(until))
            if kind == "disconnect":
                raise ConnectionError("the shell has ended")
            if text:
                return text
    except TimeoutError:
        return ""


def _parse_message(message: str | None) -> tuple[str, str]:
    """What a message is about, and the text that a shell wrote."""
    if message is None:
        return "disconnect", ""
    said: Any = json.loads(message)
    if not isinstance(said, list) or not said:
        raise TypeError("not a list")
    return str(said[0]), str(said[1]) if said[0] == "stdout" and len(said) > 1 else ""


def read_through_terminal(jupyter: JupyterClient, notes: LookNotes) -> str:
    """Make a terminal, run the command in it, and shut it, however that went. Where Jupyter gave it another name, that
    is written down before anything goes through it.

    Raises:
        NoTerminals, ProbeError: as above.
    """
    given = create_terminal(jupyter, notes.asked_for)
    try:
        if given != notes.asked_for:
            notes.keep_terminal(given)
        return run_in_terminal(jupyter, given)
    finally:
        jupyter.extend_deadline(CLEANUP_SECONDS)
        if delete_terminal(jupyter, given):
            notes.mark_shut()
