"""What a notebook's own Jupyter says: its kernels, sessions, terminals, and when it was last used."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from opskit.aws import side_by_side
from opskit.decide.idleness import moment
from opskit.model import JupyterView, Kernel, Terminal, Unread
from opskit.observe.visit import WITHIN_SECONDS, Gap, Visit

_T = TypeVar("_T")

_VISITS = 3
_TERMINALS = "api/terminals"


class _NoKeys(logging.Filter):
    """Drops what boto3 would log of a presigned URL when somebody turns its debug log on."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "authtoken" not in record.getMessage().lower()


for _library in ("botocore.parsers", "botocore.endpoint", "botocore.httpsession", "urllib3.connectionpool"):
    logging.getLogger(_library).addFilter(_NoKeys())


def look_inside(
    make_url: Callable[[], str],
    settles: Callable[[JupyterView], bool],
    line: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> JupyterView | Unread:
    """Look into the Jupyter that a presigned URL opens, until everything was asked or what is known ``settles`` the
    question. ``make_url`` makes a URL, and is asked again when a visit meets a passing trouble; what it raises passes
    through. Each visit holds a ``line``, and waiting for one costs Jupyter nothing of its time.
    """
    left = WITHIN_SECONDS
    for _ in range(_VISITS):
        url = make_url()
        with line():
            began = time.monotonic()
            view, passing = _visited(url, began + left, settles)
            left -= time.monotonic() - began
        if not passing or left < WITHIN_SECONDS / 2:
            break
    return view


def _visited(url: str, deadline: float, settles: Callable[[JupyterView], bool]) -> tuple[JupyterView | Unread, bool]:
    """What one visit saw, and whether another may see more. Whatever goes wrong stays here: its text or its chain
    could carry the URL.
    """
    try:
        with Visit(url, deadline) as visit:
            visit.enter()
            return _view(visit, settles)
    except Gap as gap:
        return Unread(str(gap)), gap.passing
    except Exception as error:
        return Unread(f"Jupyter could not be looked into ({type(error).__name__})"), False


def _view(visit: Visit, settles: Callable[[JupyterView], bool]) -> tuple[JupyterView, bool]:
    """Ask until the question is answered, what settles most first."""
    asked = _Asked(visit)
    view = asked.so_far(asked.about("api/kernels", _kernels))
    if not settles(view):
        view = asked.so_far(view.kernels, asked.about(_TERMINALS, _terminals))
    if not settles(view):
        kernels = _merged(view.kernels, asked.about("api/sessions", _session_kernels))
        view = asked.so_far(kernels, view.terminals, asked.about("api/status", _last_used))
    return view, asked.passing and not settles(view)


class WayIn:
    """A Jupyter that has let us in, to ask it everything at one moment: ``get_ready``, then ``look``. No connection is
    open in between until it gets ready.
    """

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._lines: list[Visit] = []

    def get_ready(self) -> None:
        """Open a connection for each question, so that asking takes no longer than the longest answer."""
        deadline = time.monotonic() + WITHIN_SECONDS
        self._lines = [self._visit.beside(deadline) for _ in _QUESTIONS]
        side_by_side([partial(_connected, line) for line in self._lines])

    def look(self) -> JupyterView | Unread:
        """Everything there is to know, asked side by side."""
        asked = [_Asked(line) for line in self._lines]
        asks = [partial(each.about, *question) for each, question in zip(asked, _QUESTIONS.items(), strict=True)]
        try:
            kernels, sessions, terminals, used = side_by_side(asks)
        except Exception as error:  # its text or its chain could carry the key
            return Unread(f"Jupyter could not be looked into ({type(error).__name__})")
        everything = _Asked(max(self._lines, key=lambda line: abs(line.ahead)))
        everything.gaps = {what: gap for each in asked for what, gap in each.gaps.items()}
        return everything.so_far(_merged(kernels, sessions), terminals, used)

    def hang_up(self) -> None:
        """End what is open."""
        side_by_side([line.hang_up for line in self._lines])


@contextmanager
def way_in(
    make_url: Callable[[], str], line: Callable[[], AbstractContextManager[object]] = nullcontext
) -> Iterator[WayIn | Unread]:
    """Enter the Jupyter that a presigned URL opens, for as long as the block lasts. ``make_url`` is as for
    ``look_inside``; a ``line`` is held while entering alone.
    """
    entered = _entered(make_url, line)
    try:
        yield entered
    finally:
        if isinstance(entered, WayIn):
            entered.hang_up()


def _entered(make_url: Callable[[], str], line: Callable[[], AbstractContextManager[object]]) -> WayIn | Unread:
    seen = Unread("Jupyter was not asked")
    for _ in range(_VISITS):
        url = make_url()
        with line():
            entered, passing = _let_in(url, time.monotonic() + WITHIN_SECONDS)
        if isinstance(entered, WayIn):
            return entered
        seen = entered
        if not passing:
            break
    return seen


def _let_in(url: str, deadline: float) -> tuple[WayIn | Unread, bool]:
    """The way in, or why there is none and whether another try may find one."""
    try:
        with Visit(url, deadline) as visit:
            visit.enter()
            visit.ask("api/status")  # the first cookie need not be the one that opens the door
            return WayIn(visit), False
    except Gap as gap:
        return Unread(str(gap)), gap.passing
    except Exception as error:  # its text or its chain could carry the URL
        return Unread(f"Jupyter could not be looked into ({type(error).__name__})"), False


def _connected(line: Visit) -> None:
    try:
        line.connect()
    except Gap:
        return  # whoever asks on it tries again, and tells what is wrong


@dataclass
class _Asked:
    """Questions put to one Jupyter; a question without a good answer is a gap."""

    visit: Visit
    gaps: dict[str, str] = field(default_factory=dict)
    passing: bool = False

    def so_far(
        self, kernels: tuple[Kernel, ...], terminals: tuple[Terminal, ...] = (), used: tuple[datetime, ...] = ()
    ) -> JupyterView:
        """What is known by now."""
        gaps = tuple(gap for what, gap in self.gaps.items() if what != _TERMINALS)
        last_used = used[0] if used else None
        return JupyterView(kernels, terminals, last_used, gaps, self.visit.ahead, self.gaps.get(_TERMINALS))

    def about(self, what: str, read: Callable[[Any], tuple[_T, ...]]) -> tuple[_T, ...]:
        """The answer to ``what``, read; nothing, and a gap, where there is none. A Jupyter that knows no terminals,
        since they are switched off, answers 404: there are none to see.
        """
        try:
            return read(self.visit.ask(what))
        except Gap as gap:
            if what != _TERMINALS or gap.status != 404:
                self.gaps[what] = str(gap)
                self.passing = self.passing or gap.passing
        except ValueError:
            self.gaps[what] = f"a time in Jupyter's answer to {what} cannot be read"
        except (KeyError, TypeError, AttributeError):
            self.gaps[what] = f"Jupyter's answer to {what} does not make sense"
        return ()


def _kernels(answer: Any) -> tuple[Kernel, ...]:
    return tuple(_kernel(said) for said in _listed(answer))


def _kernel(said: Mapping[str, Any], path: str | None = None) -> Kernel:
    return Kernel(
        id=str(said["id"]),
        state=str(said["execution_state"]),
        last_activity=_moment(said["last_activity"]),
        connections=said["connections"] if isinstance(said.get("connections"), int) else None,
        path=path,
    )


def _session_kernels(answer: Any) -> tuple[Kernel, ...]:
    """The kernels of the sessions. A session may outlive its kernel and then has none."""
    return tuple(_kernel(said["kernel"], said.get("path")) for said in _listed(answer) if said["kernel"] is not None)


def _merged(kernels: Sequence[Kernel], of_sessions: Sequence[Kernel]) -> tuple[Kernel, ...]:
    """Every kernel once, as it was seen last by its own clock (each change of its state moves that), with the path
    that only sessions tell.
    """
    merged = {kernel.id: kernel for kernel in kernels}
    for kernel in of_sessions:
        known = merged.get(kernel.id, kernel)
        last = max(known, kernel, key=lambda each: (each.last_activity, each.state == "busy"))
        merged[kernel.id] = replace(last, path=kernel.path)
    return tuple(merged.values())


def _terminals(answer: Any) -> tuple[Terminal, ...]:
    return tuple(Terminal(str(said["name"]), _moment_if_told(said)) for said in _listed(answer))


def _moment_if_told(said: Mapping[str, Any]) -> datetime | None:
    """The time of a terminal's last traffic; None where its Jupyter, one from before notebook 6.1, tells none."""
    return _moment(said["last_activity"]) if "last_activity" in said else None


def _last_used(answer: Any) -> tuple[datetime]:
    return (_moment(answer["last_activity"]),)


def _listed(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise TypeError("not a list")
    return answer


def _moment(text: Any) -> datetime:
    when = moment(text)
    if when is None:
        raise ValueError("not a time")
    return when


_QUESTIONS: Mapping[str, Callable[[Any], tuple[Any, ...]]] = {
    "api/kernels": _kernels,
    "api/sessions": _session_kernels,
    _TERMINALS: _terminals,
    "api/status": _last_used,
}
"""Each with what reads its answer."""
