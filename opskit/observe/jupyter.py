"""What a notebook's own Jupyter says: its kernels, sessions, terminals, and when it was last used."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from opskit.decide.idleness import moment
from opskit.model import JupyterView, Kernel, Terminal, Unread
from opskit.observe.visit import WITHIN_SECONDS, Gap, Visit

_T = TypeVar("_T")

_VISITS = 3


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
        view = asked.so_far(view.kernels, asked.about("api/terminals", _terminals))
    if not settles(view):
        kernels = _merged(view.kernels, asked.about("api/sessions", _session_kernels))
        used = () if kernels or asked.gaps else asked.about("api/status", _last_used)
        view = asked.so_far(kernels, view.terminals, used[0] if used else None)
    return view, asked.passing and not settles(view)


@dataclass
class _Asked:
    """Questions put to one Jupyter; a question without a good answer is a gap."""

    visit: Visit
    gaps: list[str] = field(default_factory=list)
    passing: bool = False

    def so_far(
        self, kernels: tuple[Kernel, ...], terminals: tuple[Terminal, ...] = (), used: datetime | None = None
    ) -> JupyterView:
        """What is known by now."""
        return JupyterView(kernels, terminals, used, tuple(self.gaps), self.visit.ahead)

    def about(self, what: str, read: Callable[[Any], tuple[_T, ...]]) -> tuple[_T, ...]:
        """The answer to ``what``, read; nothing, and a gap, where there is none."""
        try:
            return read(self.visit.ask(what))
        except Gap as gap:
            self.gaps.append(str(gap))
            self.passing = self.passing or gap.passing
        except ValueError:
            self.gaps.append(f"a time in Jupyter's answer to {what} cannot be read")
        except (KeyError, TypeError, AttributeError):
            self.gaps.append(f"Jupyter's answer to {what} does not make sense")
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


def _merged(kernels: tuple[Kernel, ...], later: tuple[Kernel, ...]) -> tuple[Kernel, ...]:
    """Every kernel once, as it was last seen."""
    return tuple(({kernel.id: kernel for kernel in kernels} | {kernel.id: kernel for kernel in later}).values())


def _terminals(answer: Any) -> tuple[Terminal, ...]:
    return tuple(Terminal(str(said["name"]), _moment(said["last_activity"])) for said in _listed(answer))


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
