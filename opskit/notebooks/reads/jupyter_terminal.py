"""A terminal of a Jupyter's, opened for one command, read to its end, and shut.

Any traffic in a terminal moves the server's last activity, and hides who was there before. So before the terminal goes
it is asked when its own last traffic was: what the server tells beyond that is somebody's.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opskit.core.model import Terminal
from opskit.notebooks.reads.instance_command import COMMAND, FIND_SECONDS, HOLD_SECONDS, LAST_LINE
from opskit.notebooks.reads.jupyter_answers import parse_last_used, parse_terminals
from opskit.notebooks.reads.jupyter_client import JupyterClient, ProbeError
from opskit.notebooks.reads.jupyter_websocket import JupyterWebSocket
from opskit.notebooks.rules.own_traces import trace_of_inspection
from opskit.notebooks.store import InspectionLog

TERMINALS_PATH = "api/terminals"
# What a Jupyter answers that has no terminals. A 403 may be about us alone: whoever is not let in knows nothing.
_NO_TERMINALS = (404, 405, 501)

# A shell that has not said a word by then has no prompt. What is typed before it has come up is not lost.
_PROMPT_SECONDS = 0.5

_DONE = re.compile(rf"^{LAST_LINE} \d+\r?$", re.MULTILINE)
_CLOSE_TIMEOUT_SECONDS = 1.0
# Whether the terminal goes by itself, or stays since a file was changed.
_GONE_SECONDS = HOLD_SECONDS + FIND_SECONDS + 2.0
_POLL_SECONDS = 0.2
CLEANUP_SECONDS = 3.0
"""What there is to shut a terminal and to see what that left, whatever came before."""


class NoTerminals(Exception):
    """This Jupyter lets nobody have a terminal."""


@dataclass(frozen=True)
class TerminalOutput:
    """What the command wrote, and whether it stayed since a file was changed while it looked at them."""

    text: str
    is_changing: bool


def create_terminal(jupyter: JupyterClient, name: str) -> str:
    """Make a terminal under this name, or under the one that Jupyter gives instead.

    Raises:
        NoTerminals: none is to be had.
        ProbeError: there is no usable answer.
    """
    status, answer = jupyter.send_json("POST", TERMINALS_PATH, {"name": name})
    if status in _NO_TERMINALS:
        raise NoTerminals(f"Jupyter opened no terminal (HTTP {status})")
    given = answer.get("name") if isinstance(answer, dict) else None
    if status not in (200, 201) or not isinstance(given, str) or not re.fullmatch(r"\w{1,64}", given):
        raise ProbeError(f"Jupyter's answer to {TERMINALS_PATH} does not make sense (HTTP {status})", status=status)
    return given


def delete_terminal(jupyter: JupyterClient, name: str) -> bool:
    """Shut a terminal. Whether it is gone.

    Raises:
        ProbeError: there is no answer.
    """
    status, _ = jupyter.send_json("DELETE", f"{TERMINALS_PATH}/{name}")
    return status in (200, 204, 404)


def run_in_terminal(jupyter: JupyterClient, name: str, notes: InspectionLog) -> str:
    """Type the command into a terminal that was just made, and return all that it wrote.

    Raises:
        ProbeError: it does not come to its last line, or the state folder cannot be used.
    """
    with jupyter.open_websocket(f"terminals/websocket/{name}") as websocket:
        written = _wait_for_prompt(websocket)
        notes.mark_typed()
        websocket.send_text(json.dumps(["stdin", COMMAND]))
        written += _read_to_last_line(websocket)
        websocket.finish_websocket(time.monotonic() + _CLOSE_TIMEOUT_SECONDS)
    return written


def _read_to_last_line(websocket: JupyterWebSocket) -> str:
    written: list[str] = []
    tail = ""
    while not _DONE.search(tail):
        kind, text = _parse_message(websocket.receive_text())
        if kind == "disconnect":
            break
        written.append(text)
        # Enough of the end to hold the last line, however the terminal cuts it; searching all each time would be
        # quadratic.
        tail = (tail + text)[-4 * len(LAST_LINE) :]
    return "".join(written)


def _wait_for_prompt(websocket: JupyterWebSocket) -> str:
    until = time.monotonic() + _PROMPT_SECONDS
    try:
        while True:
            kind, text = _parse_message(websocket.receive_text(until))
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


def read_last_activity(jupyter: JupyterClient) -> datetime:
    """When a Jupyter says that it was last used.

    Raises:
        ProbeError, ValueError: it does not say.
    """
    (moment,) = parse_last_used(jupyter.get_json("api/status"))
    return moment


def read_through_terminal(jupyter: JupyterClient, notes: InspectionLog) -> TerminalOutput:
    """Make a terminal, run the command in it, and shut it, however that went. Where Jupyter gave it another name, that
    is written down before anything goes through it.

    Raises:
        NoTerminals, ProbeError, UsageError: as above.
    """
    given = create_terminal(jupyter, notes.asked_for)
    is_noted = is_gone = False
    try:
        if given != notes.asked_for:
            notes.keep_terminal(given)
        written = run_in_terminal(jupyter, given, notes)
        is_noted = True
        _note_own_traffic(jupyter, given, notes)
        is_gone = _wait_until_gone(jupyter, given)
    finally:
        # However the look went: a terminal that stays would keep the notebook on.
        jupyter.extend_deadline(CLEANUP_SECONDS)
        try:
            if not is_noted:
                _note_own_traffic(jupyter, given, notes)
        finally:
            if is_gone or delete_terminal(jupyter, given):
                notes.mark_shut()
    return TerminalOutput(written, is_changing=not is_gone)


def _note_own_traffic(jupyter: JupyterClient, name: str, notes: InspectionLog) -> None:
    """Write down what the look itself moved, as long as its terminal tells."""
    there = _read_terminal(jupyter, name)
    used = read_last_activity(jupyter)
    if there is not None and there.last_activity is not None:
        notes.log_end(trace_of_inspection(used, there.last_activity))
    else:
        # A terminal that has gone, or does not tell, leaves what is somebody's use for all that is known.
        notes.left = used


def _read_terminal(jupyter: JupyterClient, name: str) -> Terminal | None:
    try:
        (there,) = parse_terminals([jupyter.get_json(f"{TERMINALS_PATH}/{name}")])
    except ProbeError as gap:
        if gap.status != 404:
            raise
        return None
    return there


def _wait_until_gone(jupyter: JupyterClient, name: str) -> bool:
    """Whether it goes by itself.

    Raises:
        ProbeError: there is no time left to see that.
    """
    until = time.monotonic() + _GONE_SECONDS
    try:
        while _read_terminal(jupyter, name) is not None:
            if time.monotonic() > until:
                return False
            time.sleep(_POLL_SECONDS)
    except ProbeError as gap:
        raise ProbeError(f"whether a file was changed meanwhile was not seen in time ({gap})") from None
    return True
