"""What opskit's own looks inside leave in a Jupyter: a terminal, where one was killed, and a later "last activity" of
the server, which every terminal moves. Both are taken back here before anything is judged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from opskit.core.model import JupyterState, Terminal

LOOK_SECONDS = 15.0
"""What one look inside may take in all."""

STALE_AFTER = timedelta(minutes=1)
"""A terminal of ours that is older belongs to a look that was killed."""

# So long after it was asked for a terminal of ours may still have moved something.
_LOOK_SPAN = timedelta(seconds=LOOK_SECONDS + 5)

# A look that was killed before it was told its terminal's name: what was made so soon after it was asked for is it.
_UNNAMED_SPAN = timedelta(seconds=3)

_OUR_NAME = re.compile(r"opskit[0-9a-f]{16}")


@dataclass(frozen=True)
class PastLook:
    """A look inside one notebook, by its Jupyter's clock.

    ``asked_at`` is when the terminal was asked for, ``before`` the server's last activity until then (as it would be
    without earlier looks) and ``after`` the one once it was gone; None: it was killed, or could not read it.
    ``terminal`` is the name that Jupyter gave, None where that was not heard, ``others`` the terminals there were.
    """

    asked_at: datetime
    before: datetime
    after: datetime | None = None
    terminal: str | None = None
    others: frozenset[str] = frozenset()
    is_shut: bool = False


def without_own_traces(state: JupyterState, looks: Sequence[PastLook]) -> JupyterState:
    """What a Jupyter would say if opskit had never looked inside."""
    terminals = tuple(each for each in state.terminals if not is_own_terminal(each, state.terminals, looks))
    return replace(state, terminals=terminals, last_activity=activity_without_looks(state.last_activity, looks))


def activity_without_looks(last_activity: datetime | None, looks: Sequence[PastLook]) -> datetime | None:
    """The server's last activity, or where a look inside moved it, the one before that look."""
    for look in looks:
        if last_activity is not None and _is_of_look(last_activity, look):
            return look.before
    return last_activity


def _is_of_look(moment: datetime, look: PastLook) -> bool:
    if look.after is not None:
        return moment == look.after
    return look.asked_at <= moment <= look.asked_at + _LOOK_SPAN


def is_own_terminal(terminal: Terminal, there: Sequence[Terminal], looks: Sequence[PastLook]) -> bool:
    """Whether a terminal is one of opskit's own. By its name, or where Jupyter gave another, by the look that wrote
    that down. Numbers are given again: with traffic after the look, it is somebody else's.
    """
    if _OUR_NAME.fullmatch(terminal.name):
        return True
    return any(_is_of_killed_look(terminal, there, look) for look in looks if not look.is_shut)


def _is_of_killed_look(terminal: Terminal, there: Sequence[Terminal], look: PastLook) -> bool:
    if terminal.last_activity is None:  # an old Jupyter: nothing tells it from somebody else's
        return False
    age = terminal.last_activity - look.asked_at
    if look.terminal is not None:
        return terminal.name == look.terminal and timedelta(0) <= age <= _LOOK_SPAN
    if look.after is not None:  # it was not killed, so its terminal has the name that it was asked for under
        return False
    new = [each for each in there if each.name not in look.others and not _OUR_NAME.fullmatch(each.name)]
    return new == [terminal] and timedelta(0) <= age <= _UNNAMED_SPAN


def find_stale_terminals(terminals: Sequence[Terminal], looks: Sequence[PastLook], now: datetime) -> tuple[str, ...]:
    """The names of the terminals that looks left which were killed."""
    return tuple(
        each.name
        for each in terminals
        if is_own_terminal(each, terminals, looks)
        and (each.last_activity is None or each.last_activity <= now - STALE_AFTER)
    )
