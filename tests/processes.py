"""Whether a process of a test still runs. It may end between two questions, and one that has ended and that nobody has
waited for runs no more.
"""

from __future__ import annotations

import psutil


def has_ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def has_number_ended(number: int) -> bool:
    """As `has_ended`, of a process of which only the number is known."""
    try:
        return has_ended(psutil.Process(number))
    except psutil.NoSuchProcess:
        return True
