"""The activity that Jupyter reports, without the traces of opskit's own inspections.

Each sign of activity has its time by this machine's clock. An inspection of an instance leaves two traces in Jupyter: a
terminal, if the inspection was killed, and a later "last activity" of the server, which every terminal updates. Both
are removed here before a verdict. Anything that may belong to a user is kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from opskit.core.model import JupyterState, Terminal

SAME_MOMENT = timedelta(milliseconds=100)
"""Jupyter notes a terminal's traffic twice, for the terminal and for the server, one right after the other."""

START = "its start"


def activity_signs(state: JupyterState, *, ignore_terminals: bool) -> list[tuple[datetime, str]]:
    """Every sign of work, with its time and what it is. Traffic of terminals is none with ``ignore_terminals``."""
    signs = [(kernel.last_activity - state.clock_skew, "the last activity of a kernel") for kernel in state.kernels]
    if ignore_terminals:
        return signs
    traffic = [terminal.last_activity for terminal in state.terminals if terminal.last_activity is not None]
    return signs + [(when - state.clock_skew, "the last traffic of a terminal") for when in traffic]


def server_use(state: JupyterState, *, ignore_terminals: bool) -> list[tuple[datetime, str]]:
    """Jupyter's own record of its use, which a save moves and a browser tab that somebody left open. With
    ``ignore_terminals`` it is nothing where it is a terminal's traffic.
    """
    if state.last_activity is None:
        return []
    traffic = [terminal.last_activity for terminal in state.terminals if ignore_terminals and terminal.last_activity]
    # Jupyter keeps one time for all use: where it is a terminal's, nothing else is known to be younger.
    if any(abs(state.last_activity - when) <= SAME_MOMENT for when in traffic):
        return []
    return [(state.last_activity - state.clock_skew, "the last use of Jupyter")]


def untold_traffic(state: JupyterState, *, ignore_terminals: bool) -> datetime | None:
    """The latest that there may have been traffic in a terminal of which Jupyter does not tell when: Jupyter's own last
    use, which such traffic is. None: there is no such terminal, or it counts for nothing.
    """
    if ignore_terminals or all(terminal.last_activity is not None for terminal in state.terminals):
        return None
    return max((when for when, _ in server_use(state, ignore_terminals=False)), default=None)


def was_used_after(state: JupyterState, moment: datetime, *, ignore_terminals: bool) -> bool:
    """Whether Jupyter itself was used after a ``moment`` of its own clock."""
    return any(when + state.clock_skew > moment for when, _ in server_use(state, ignore_terminals=ignore_terminals))


INSPECTION_SECONDS = 15.0
"""The longest that an inspection may take."""

STALE_AFTER = timedelta(minutes=1)
"""An older terminal of opskit's was left by an inspection that was killed."""

# A terminal may have had traffic of opskit's for this long after it was requested.
_INSPECTION_SPAN = timedelta(seconds=INSPECTION_SECONDS + 5)

# Jupyter notes a terminal's traffic twice, right one after the other: for the server, then for the terminal.
_NOTED_TWICE = timedelta(milliseconds=20)

_OUR_NAME = re.compile(r"opskit[0-9a-f]{16}")


@dataclass(frozen=True)
class PastInspection:
    """An earlier inspection of one notebook instance; all times are by its Jupyter's clock.

    ``asked_at`` is when the terminal was asked for under the name ``asked_for``, ``before`` the server's last activity
    until then (as it would be without earlier inspections) and ``after`` the last that the inspection itself caused;
    None: not known. ``terminal`` is the name that Jupyter gave instead; None: no other name is known. ``others`` are
    the terminals there were. ``is_typed``: its command may have been typed, so that its terminal ends by itself;
    ``is_shut``: its terminal is gone.
    """

    asked_at: datetime
    before: datetime
    after: datetime | None = None
    terminal: str | None = None
    others: frozenset[str] = frozenset()
    is_shut: bool = False
    asked_for: str | None = None
    is_typed: bool = False


def without_own_traces(state: JupyterState, inspections: Sequence[PastInspection]) -> JupyterState:
    """What a Jupyter would say if opskit had never inspected the instance."""
    terminals = tuple(
        replace(each, may_be_left=_may_be_of(each, inspections))
        for each in state.terminals
        if not is_own_terminal(each, inspections)
    )
    used = activity_without_inspections(state.last_activity, inspections, state.terminals)
    return replace(state, terminals=terminals, last_activity=used)


def activity_without_inspections(
    last_activity: datetime | None, inspections: Sequence[PastInspection], terminals: Sequence[Terminal] = ()
) -> datetime | None:
    """The server's last activity, or the one before an inspection that caused it. The ``terminals`` are
    those there are: where an inspection was killed, nothing but its own, still open, tells what it caused.
    """
    for inspection in inspections:
        if last_activity is not None and _is_caused_by(last_activity, inspection, terminals):
            return inspection.before
    return last_activity


def trace_of_inspection(used: datetime, traffic: datetime) -> datetime:
    """The last activity that an inspection causes: ``used``, the server's last, where that is the last ``traffic`` in
    the inspection's own terminal. Where it is younger, somebody came meanwhile, and no more than the traffic is the
    inspection's.
    """
    return used if _is_same_traffic(used, traffic) else traffic


def _is_same_traffic(used: datetime, traffic: datetime) -> bool:
    return traffic - _NOTED_TWICE <= used <= traffic


def _is_caused_by(moment: datetime, inspection: PastInspection, terminals: Sequence[Terminal]) -> bool:
    if inspection.after is not None:
        return moment == inspection.after
    return any(
        each.last_activity is not None and _is_same_traffic(moment, each.last_activity)
        for each in terminals
        if each.name == inspection.asked_for or _is_surely_of(each, inspection)
    )


def is_own_terminal(terminal: Terminal, inspections: Sequence[PastInspection]) -> bool:
    """Whether a terminal is surely one of opskit's own: by its name, or where Jupyter gave another, by the inspection
    that wrote that down. Numbers are given again, so that alone does not tell.
    """
    return _OUR_NAME.fullmatch(terminal.name) is not None or any(
        _is_surely_of(terminal, inspection) for inspection in inspections
    )


def _is_surely_of(terminal: Terminal, inspection: PastInspection) -> bool:
    if inspection.is_shut or inspection.terminal != terminal.name or terminal.last_activity is None:
        return False
    if inspection.after is not None:
        return _is_same_traffic(inspection.after, terminal.last_activity)
    # A shell into which nothing was typed does not end by itself, so its number was not given again.
    return not inspection.is_typed and timedelta(0) <= terminal.last_activity - inspection.asked_at <= _INSPECTION_SPAN


def _may_be_of(terminal: Terminal, inspections: Sequence[PastInspection]) -> bool:
    """Whether a killed inspection may have left a terminal, which may as well be a user's."""
    return any(
        inspection.terminal == terminal.name or (inspection.terminal is None and terminal.name not in inspection.others)
        for inspection in inspections
        if not inspection.is_shut and _is_of_its_time(terminal, inspection)
    )


def _is_of_its_time(terminal: Terminal, inspection: PastInspection) -> bool:
    """Jupyter before notebook 6.1 does not tell when there was traffic."""
    return (
        terminal.last_activity is None
        or timedelta(0) <= terminal.last_activity - inspection.asked_at <= _INSPECTION_SPAN
    )


def find_stale_terminals(
    terminals: Sequence[Terminal], inspections: Sequence[PastInspection], now: datetime
) -> tuple[str, ...]:
    """The names of the terminals that killed inspections certainly left."""
    return tuple(
        each.name
        for each in terminals
        if is_own_terminal(each, inspections)
        and (each.last_activity is None or each.last_activity <= now - STALE_AFTER)
    )
