"""What is said beside a command's result: what goes wrong without ending it, and what reads have to say while they take
their time, once a text and command. The screen listens.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from opskit.core.exceptions import RUN_PROBLEM_CODES, Problem


def log_problem(problem: Problem) -> None:
    """Log it as a warning, where no command listens."""
    import logging

    logging.getLogger(__name__).warning("opskit: %s %s", problem.message, problem.hint)


problem_hook: Callable[[Problem], None] = log_problem
"""Told of each problem once, by any thread."""

_reported: list[Problem] = []
_lock = threading.Lock()


def begin_run_problems(hook: Callable[[Problem], None]) -> None:
    """Forget what an earlier command of this process has reported, and tell ``hook`` from now on."""
    global problem_hook  # noqa: PLW0603 - one command runs at a time in a process
    with _lock:
        _reported.clear()
    problem_hook = hook


def report_run_problem(problem: Problem) -> None:
    """Report a problem, unless one of its code was reported in this run."""
    with _lock:
        is_new = all(problem.code != each.code for each in _reported)
        if is_new:
            _reported.append(problem)
    # Outside the lock: the hook prints, and may come to report a problem itself.
    if is_new:
        problem_hook(problem)


def run_problems() -> tuple[Problem, ...]:
    """What was reported in this run so far."""
    with _lock:
        return tuple(_reported)


def distinct_problems(problems: Iterable[Problem]) -> list[Problem]:
    """The problems in their order, with what goes wrong beside a command once: a command and one that it runs in a
    process of its own both meet it, and both report it.
    """
    kept: list[Problem] = []
    for problem in problems:
        is_beside = problem.code in RUN_PROBLEM_CODES
        if not is_beside or all((problem.code, problem.message) != (each.code, each.message) for each in kept):
            kept.append(problem)
    return kept


def _ignore_notice(text: str) -> None:
    """The listener when nobody listens."""


notice_hook: Callable[[str], None] = _ignore_notice
"""Told of each notice once, by any thread; a command with a screen listens here."""

_sent: set[str] = set()
_notices_lock = threading.Lock()


def send_notice(text: str) -> None:
    """Tell who listens why something takes longer than usual, unless that was told already."""
    with _notices_lock:
        is_new = text not in _sent
        _sent.add(text)
    if is_new:
        notice_hook(text)
