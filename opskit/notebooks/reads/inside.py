"""Inspects a notebook instance from inside, through a terminal of its Jupyter.

The order matters, since opskit may be killed at any moment: read the server's last activity; delete the terminals that
killed inspections left; record the inspection; open the terminal; read the last activity again before the terminal is
deleted, so that the activity which the inspection itself caused is known.
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
from opskit.notebooks.reads.jupyter_client import NO_CLOCK, JupyterClient, ProbeError
from opskit.notebooks.reads.jupyter_terminal import (
    CLEANUP_SECONDS,
    TERMINALS_PATH,
    NoTerminals,
    delete_terminal,
    read_last_activity,
    read_through_terminal,
)
from opskit.notebooks.rules.evidence import InsideEvidence
from opskit.notebooks.rules.own_traces import (
    INSPECTION_SECONDS,
    PastInspection,
    activity_without_inspections,
    find_stale_terminals,
)
from opskit.notebooks.store import InspectionLog


def make_terminal_name() -> str:
    """A new terminal name, which marks the terminal as opskit's."""
    return f"opskit{secrets.token_hex(8)}"


def inspection_deadline() -> float:
    """The deadline for the reads of an inspection that begins now, by ``time.monotonic``: twelve seconds from now,
    since deleting the terminal takes up to three more.
    """
    return time.monotonic() + INSPECTION_SECONDS - CLEANUP_SECONDS


def inspect_inside(jupyter: JupyterClient, notes: InspectionLog) -> InsideEvidence:
    """Inspect an instance through its Jupyter, which is authenticated. Every failure is Unknown, or NoTerminal, with a
    reason, and is not raised: its text or its chain could carry a key, or a process's arguments.
    """
    try:
        return _log_and_inspect(jupyter, notes)
    except NoTerminals as none:
        return NoTerminal(str(none))
    except ProbeError as gap:
        return Unknown(f"the instance could not be inspected: {gap}")
    except UsageError as failure:
        return Unknown(f"the instance could not be inspected: {failure.problem.message}")
    except ValueError:
        return Unknown("the instance could not be inspected: the output of its shell could not be parsed")
    except Exception as error:
        return Unknown(f"the instance could not be inspected ({type(error).__name__})")


def _log_and_inspect(jupyter: JupyterClient, notes: InspectionLog) -> InstanceReading:
    used = read_last_activity(jupyter)
    if jupyter.clock_skew is None:
        raise ProbeError(NO_CLOCK)
    there = _list_terminals(jupyter)
    past = notes.past_inspections()
    before = activity_without_inspections(used, past, there) or used
    now = datetime.now(UTC) + jupyter.clock_skew
    left = _shut_stale_terminals(jupyter, there, past, notes, now)
    now = datetime.now(UTC) + jupyter.clock_skew
    notes.log_start(PastInspection(now, before, others=frozenset(each.name for each in left)))
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
        return parse_terminals(jupyter.get_json(TERMINALS_PATH))
    except ProbeError as gap:
        if gap.status == 404:
            raise NoTerminals("Jupyter's terminals are switched off") from None
        raise


def _shut_stale_terminals(
    jupyter: JupyterClient,
    there: Sequence[Terminal],
    past: Sequence[PastInspection],
    notes: InspectionLog,
    now: datetime,
) -> tuple[Terminal, ...]:
    """The terminals that exist, without those that killed inspections left."""
    stale = find_stale_terminals(there, past, now)
    gone = {name for name in stale if delete_terminal(jupyter, name)}
    notes.mark_others_shut(gone)
    return tuple(each for each in there if each.name not in gone)
