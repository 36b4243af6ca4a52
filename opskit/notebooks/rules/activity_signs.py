"""What a Jupyter tells of activity, each sign with its time by this machine's clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from opskit.core.model import JupyterState

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
