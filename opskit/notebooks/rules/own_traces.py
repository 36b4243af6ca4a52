"""What a Jupyter tells of activity, each sign with its time by this machine's clock; and what opskit's own looks inside
leave in it: a terminal, where one was killed, and a later "last activity" of the server, which every terminal moves.
Both are taken back here before anything is judged, and nothing else: what may be somebody's is left as it is.
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


def was_used_after(state: JupyterState, moment: datetime, *, ignore_terminals: bool) -> bool:
    """Whether Jupyter itself was used after a ``moment`` of its own clock."""
    return any(when + state.clock_skew > moment for when, _ in server_use(state, ignore_terminals=ignore_terminals))


LOOK_SECONDS = 15.0
"""What one look inside may take in all."""

STALE_AFTER = timedelta(minutes=1)
"""A terminal of ours that is older belongs to a look that was killed."""

# So long after it was asked for there may still have been traffic of ours in a terminal.
_LOOK_SPAN = timedelta(seconds=LOOK_SECONDS + 5)

# Jupyter notes a terminal's traffic twice, right one after the other: for the server, then for the terminal.
_NOTED_TWICE = timedelta(milliseconds=20)

_OUR_NAME = re.compile(r"opskit[0-9a-f]{16}")


@dataclass(frozen=True)
class PastLook:
    """A look inside one notebook, by its Jupyter's clock.

    ``asked_at`` is when the terminal was asked for under the name ``asked_for``, ``before`` the server's last activity
    until then (as it would be without earlier looks) and ``after`` the last that the look itself caused; None: it was
    killed, or could not tell. ``terminal`` is the name that Jupyter gave instead, None where it gave the one asked for
    or was not heard, ``others`` the terminals there were. ``is_typed``: its command may have been typed, so that its
    terminal ends by itself; ``is_shut``: its terminal is gone.
    """

    asked_at: datetime
    before: datetime
    after: datetime | None = None
    terminal: str | None = None
    others: frozenset[str] = frozenset()
    is_shut: bool = False
    asked_for: str | None = None
    is_typed: bool = False


def without_own_traces(state: JupyterState, looks: Sequence[PastLook]) -> JupyterState:
    """What a Jupyter would say if opskit had never looked inside."""
    terminals = tuple(
        replace(each, may_be_left=_may_be_of(each, looks))
        for each in state.terminals
        if not is_own_terminal(each, looks)
    )
    used = activity_without_looks(state.last_activity, looks, state.terminals)
    return replace(state, terminals=terminals, last_activity=used)


def activity_without_looks(
    last_activity: datetime | None, looks: Sequence[PastLook], terminals: Sequence[Terminal] = ()
) -> datetime | None:
    """The server's last activity, or where a look inside caused it, the one before that look. The ``terminals`` are
    those there are: where a look was killed, nothing but its own, still open, tells what it caused.
    """
    for look in looks:
        if last_activity is not None and _is_of_look(last_activity, look, terminals):
            return look.before
    return last_activity


def trace_of_look(used: datetime, traffic: datetime) -> datetime:
    """The last activity that a look causes: ``used``, the server's last, where that is the last ``traffic`` in the
    look's own terminal. Where it is younger, somebody came meanwhile, and no more than the traffic is the look's.
    """
    return used if _is_same_traffic(used, traffic) else traffic


def _is_same_traffic(used: datetime, traffic: datetime) -> bool:
    return traffic - _NOTED_TWICE <= used <= traffic


def _is_of_look(moment: datetime, look: PastLook, terminals: Sequence[Terminal]) -> bool:
    if look.after is not None:
        return moment == look.after
    return any(
        each.last_activity is not None and _is_same_traffic(moment, each.last_activity)
        for each in terminals
        if each.name == look.asked_for or _is_surely_of(each, look)
    )


def is_own_terminal(terminal: Terminal, looks: Sequence[PastLook]) -> bool:
    """Whether a terminal is surely one of opskit's own: by its name, or where Jupyter gave another, by the look that
    wrote that down. Numbers are given again, so that alone does not tell.
    """
    return _OUR_NAME.fullmatch(terminal.name) is not None or any(_is_surely_of(terminal, look) for look in looks)


def _is_surely_of(terminal: Terminal, look: PastLook) -> bool:
    if look.is_shut or look.terminal != terminal.name or terminal.last_activity is None:
        return False
    if look.after is not None:
        return _is_same_traffic(look.after, terminal.last_activity)
    # A shell into which nothing was typed does not end by itself, so its number was not given again.
    return not look.is_typed and timedelta(0) <= terminal.last_activity - look.asked_at <= _LOOK_SPAN


def _may_be_of(terminal: Terminal, looks: Sequence[PastLook]) -> bool:
    """Whether a terminal may be one that a look left which was killed, and may as well be somebody's."""
    return any(
        look.terminal == terminal.name or (look.terminal is None and terminal.name not in look.others)
        for look in looks
        if not look.is_shut and _is_of_its_time(terminal, look)
    )


def _is_of_its_time(terminal: Terminal, look: PastLook) -> bool:
    """Jupyter before notebook 6.1 does not tell when there was traffic."""
    return terminal.last_activity is None or timedelta(0) <= terminal.last_activity - look.asked_at <= _LOOK_SPAN


def find_stale_terminals(terminals: Sequence[Terminal], looks: Sequence[PastLook], now: datetime) -> tuple[str, ...]:
    """The names of the terminals that looks surely left which were killed."""
    return tuple(
        each.name
        for each in terminals
        if is_own_terminal(each, looks) and (each.last_activity is None or each.last_activity <= now - STALE_AFTER)
    )
