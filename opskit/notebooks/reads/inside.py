"""One look inside a notebook instance, through a terminal of its Jupyter's.

The order matters, since opskit may be killed at any moment: the server's last activity is read; terminals that killed
looks left are shut; the look is written down; then comes the terminal, and before it goes the last activity once more,
so that what the look itself moved is known.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from opskit.core.exceptions import UsageError
from opskit.core.instance_processes import InstanceReading, NoTerminal
from opskit.core.model import Terminal, Unknown
from opskit.notebooks.reads.instance_reading import parse_reading
from opskit.notebooks.reads.jupyter_answers import parse_terminals
from opskit.notebooks.reads.jupyter_client import JupyterClient, ProbeError
from opskit.notebooks.reads.jupyter_terminal import (
    CLEANUP_SECONDS,
    TERMINALS,
    NoTerminals,
    delete_terminal,
    read_last_activity,
    read_through_terminal,
)
from opskit.notebooks.rules.evidence import InsideEvidence
from opskit.notebooks.rules.own_traces import (
    LOOK_SECONDS,
    PastLook,
    activity_without_looks,
    find_stale_terminals,
)
from opskit.notebooks.store import LookNotes


def make_terminal_name() -> str:
    """A name that no terminal has, and that tells opskit's own from all others."""
    return f"opskit{secrets.token_hex(8)}"


def look_deadline() -> float:
    """Until when a look that begins now may read, in seconds of ``time.monotonic``: twelve from now, since shutting the
    terminal takes up to three more.
    """
    return time.monotonic() + LOOK_SECONDS - CLEANUP_SECONDS


def look_inside(jupyter: JupyterClient, notes: LookNotes) -> InsideEvidence:
    """Look inside through a Jupyter that has let us in. Whatever goes wrong is Unknown, or NoTerminal, with a reason,
    and is not raised: its text or its chain could carry a key, or a process's arguments.
    """
    try:
        return _look_and_note(jupyter, notes)
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


def _look_and_note(jupyter: JupyterClient, notes: LookNotes) -> InstanceReading:
    used = read_last_activity(jupyter)  # also tells how its clock is ahead
    there = _list_terminals(jupyter)
    past = notes.past_looks()
    before = activity_without_looks(used, past, there) or used
    left = _shut_stale_terminals(jupyter, there, past, notes)
    now = datetime.now(UTC) + jupyter.clock_skew
    notes.begin_look(PastLook(now, before, others=frozenset(each.name for each in left)))
    try:
        output = read_through_terminal(jupyter, notes)
    except NoTerminals:
        notes.mark_shut()
        raise
    reading = parse_reading(output.text)
    return replace(reading, is_changing=output.is_changing)


def _list_terminals(jupyter: JupyterClient) -> tuple[Terminal, ...]:
    """The terminals there are.

    Raises:
        NoTerminals: they are switched off.
    """
    try:
        return parse_terminals(jupyter.get_json(TERMINALS))
    except ProbeError as gap:
        if gap.status == 404:
            raise NoTerminals("Jupyter's terminals are switched off") from None
        raise


def _shut_stale_terminals(
    jupyter: JupyterClient, there: Sequence[Terminal], past: Sequence[PastLook], notes: LookNotes
) -> tuple[Terminal, ...]:
    """The terminals there are, without those that killed looks left."""
    stale = find_stale_terminals(there, past, datetime.now(UTC) + jupyter.clock_skew)
    gone = {name for name in stale if delete_terminal(jupyter, name)}
    notes.mark_others_shut(gone)
    return tuple(each for each in there if each.name not in gone)
