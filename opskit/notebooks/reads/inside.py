"""One look inside a notebook instance, through a terminal of its Jupyter's.

The order matters, since opskit may be killed at any moment: terminals that killed looks left are shut; the server's
last activity is read; the look is written down; then comes the terminal, and when it is gone the last activity once
more, so that what the look itself moved is known.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from opskit.core.exceptions import UsageError
from opskit.core.instance_processes import InstanceReading, NoTerminal
from opskit.core.model import Terminal, Unknown
from opskit.notebooks.reads.instance_reading import parse_reading
from opskit.notebooks.reads.jupyter_answers import parse_last_used, parse_terminals
from opskit.notebooks.reads.jupyter_client import JupyterClient, ProbeError
from opskit.notebooks.reads.jupyter_terminal import (
    CLEANUP_SECONDS,
    TERMINALS,
    NoTerminals,
    delete_terminal,
    read_through_terminal,
)
from opskit.notebooks.rules.own_traces import (
    LOOK_SECONDS,
    PastLook,
    activity_without_looks,
    find_stale_terminals,
)
from opskit.notebooks.store.inside_looks import LookNotes

InsideEvidence = InstanceReading | NoTerminal | Unknown
"""What a look inside brings back."""


def make_terminal_name() -> str:
    """A name that no terminal has, and that tells opskit's own from all others."""
    return f"opskit{secrets.token_hex(8)}"


def look_deadline() -> float:
    """Until when (of ``time.monotonic``) a look that begins now may read."""
    return time.monotonic() + LOOK_SECONDS - CLEANUP_SECONDS


def look_inside(jupyter: JupyterClient, notes: LookNotes, past: Sequence[PastLook]) -> InsideEvidence:
    """Look inside through a Jupyter that has let us in. Whatever goes wrong stays here: its text or its chain could
    carry a key, or a process's arguments.
    """
    try:
        return _look_and_note(jupyter, notes, past)
    except NoTerminals as none:
        return NoTerminal(str(none))
    except ProbeError as gap:
        return Unknown(f"it could not be looked into from inside: {gap}")
    except UsageError as failure:
        return Unknown(f"it could not be looked into from inside: {failure.problem.message}")
    except ValueError:
        return Unknown("it could not be looked into from inside: the output of its shell could not be parsed")
    except Exception as error:
        return Unknown(f"it could not be looked into from inside ({type(error).__name__})")


def _look_and_note(jupyter: JupyterClient, notes: LookNotes, past: Sequence[PastLook]) -> InstanceReading:
    before = _read_last_activity(jupyter)  # also tells how its clock is ahead
    there = _shut_stale_terminals(jupyter, past)
    now = datetime.now(UTC) + jupyter.ahead
    others = frozenset(each.name for each in there)
    notes.begin_look(PastLook(now, activity_without_looks(before, past) or before, others=others))
    try:
        written = read_through_terminal(jupyter, notes)
    except NoTerminals:
        notes.mark_shut()
        raise
    except ProbeError:
        jupyter.extend_deadline(CLEANUP_SECONDS)
        notes.end_look(_read_last_activity(jupyter))  # its terminal was shut, or the next look shuts it
        raise
    notes.end_look(_read_last_activity(jupyter))
    return parse_reading(written)


def _read_last_activity(jupyter: JupyterClient) -> datetime:
    (moment,) = parse_last_used(jupyter.get_json("api/status"))
    return moment


def _shut_stale_terminals(jupyter: JupyterClient, past: Sequence[PastLook]) -> tuple[Terminal, ...]:
    """The terminals there are, without those that killed looks left.

    Raises:
        NoTerminals: they are switched off.
    """
    try:
        there = parse_terminals(jupyter.get_json(TERMINALS))
    except ProbeError as gap:
        if gap.status == 404:
            raise NoTerminals("Jupyter's terminals are switched off") from None
        raise
    stale = find_stale_terminals(there, past, datetime.now(UTC) + jupyter.ahead)
    gone = {name for name in stale if delete_terminal(jupyter, name)}
    return tuple(each for each in there if each.name not in gone)
