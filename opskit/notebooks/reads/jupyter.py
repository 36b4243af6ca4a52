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

from opskit.aws.gather import gather_all
from opskit.core.model import JupyterState, Kernel, Terminal, Unknown
from opskit.notebooks.reads.jupyter_client import TIMEOUT_SECONDS, JupyterClient, ProbeError
from opskit.notebooks.rules.idleness import parse_timestamp

_T = TypeVar("_T")

_MAX_ATTEMPTS = 3
_TERMINALS = "api/terminals"


class _PresignedUrlFilter(logging.Filter):
    """Drops what boto3 would log of a presigned URL when somebody turns its debug log on."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "authtoken" not in record.getMessage().lower()


for _library in ("botocore.parsers", "botocore.endpoint", "botocore.httpsession", "urllib3.connectionpool"):
    logging.getLogger(_library).addFilter(_PresignedUrlFilter())


def inspect_jupyter(
    make_url: Callable[[], str],
    is_conclusive: Callable[[JupyterState], bool],
    slot: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> JupyterState | Unknown:
    """Look into the Jupyter that a presigned URL opens, until everything was asked or what is known
    ``is_conclusive`` the question. ``make_url`` makes a URL, and is asked again when a visit meets a passing
    trouble; what it raises passes through. Each visit holds a ``slot``, and waiting for one costs Jupyter nothing
    of its time.
    """
    left = TIMEOUT_SECONDS
    for _ in range(_MAX_ATTEMPTS):
        url = make_url()
        with slot():
            began = time.monotonic()
            state, passing = _probe_once(url, began + left, is_conclusive)
            left -= time.monotonic() - began
        if not passing or left < TIMEOUT_SECONDS / 2:
            break
    return state


def _probe_once(
    url: str, deadline: float, is_conclusive: Callable[[JupyterState], bool]
) -> tuple[JupyterState | Unknown, bool]:
    """What one visit saw, and whether another may see more. Whatever goes wrong stays here: its text or its chain
    could carry the URL.
    """
    try:
        with JupyterClient(url, deadline) as jupyter:
            jupyter.authenticate()
            return _read_state(jupyter, is_conclusive)
    except ProbeError as gap:
        return Unknown(str(gap)), gap.transient
    except Exception as error:
        return Unknown(f"Jupyter could not be looked into ({type(error).__name__})"), False


def _read_state(jupyter: JupyterClient, is_conclusive: Callable[[JupyterState], bool]) -> tuple[JupyterState, bool]:
    """Ask until the question is answered, what settles most first."""
    asked = _Probe(jupyter)
    state = asked.state(asked.read("api/kernels", _parse_kernels))
    if not is_conclusive(state):
        state = asked.state(state.kernels, asked.read(_TERMINALS, _parse_terminals))
    if not is_conclusive(state):
        kernels = _merge_kernels(state.kernels, asked.read("api/sessions", _parse_session_kernels))
        state = asked.state(kernels, state.terminals, asked.read("api/status", _parse_last_used))
    return state, asked.transient and not is_conclusive(state)


class OpenJupyter:
    """A Jupyter that has let us in, to ask it everything at one moment: ``open_connections``, then ``read_all``. No
    connection is open in between until it gets ready.
    """

    def __init__(self, jupyter: JupyterClient) -> None:
        self._visit = jupyter
        self._lines: list[JupyterClient] = []

    def open_connections(self) -> None:
        """Open a connection for each question, so that asking takes no longer than the longest answer."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        self._lines = [self._visit.open_sibling(deadline) for _ in _QUESTIONS]
        gather_all([partial(_try_connect, line) for line in self._lines])

    def read_all(self) -> JupyterState | Unknown:
        """Everything there is to know, asked side by side."""
        asked = [_Probe(line) for line in self._lines]
        asks = [partial(probe.read, *question) for probe, question in zip(asked, _QUESTIONS.items(), strict=True)]
        try:
            kernels, sessions, terminals, used = gather_all(asks)
        except Exception as error:  # its text or its chain could carry the key
            return Unknown(f"Jupyter could not be looked into ({type(error).__name__})")
        everything = _Probe(max(self._lines, key=lambda line: abs(line.ahead)))
        everything.errors = {what: gap for probe in asked for what, gap in probe.errors.items()}
        return everything.state(_merge_kernels(kernels, sessions), terminals, used)

    def close_connections(self) -> None:
        """End what is open."""
        gather_all([line.close_connection for line in self._lines])


@contextmanager
def open_jupyter(
    make_url: Callable[[], str], slot: Callable[[], AbstractContextManager[object]] = nullcontext
) -> Iterator[OpenJupyter | Unknown]:
    """Enter the Jupyter that a presigned URL opens, for as long as the block lasts. ``make_url`` is as for
    ``inspect_jupyter``; a ``slot`` is held while entering alone.
    """
    entered = _enter_jupyter(make_url, slot)
    try:
        yield entered
    finally:
        if isinstance(entered, OpenJupyter):
            entered.close_connections()


def _enter_jupyter(
    make_url: Callable[[], str], slot: Callable[[], AbstractContextManager[object]]
) -> OpenJupyter | Unknown:
    seen = Unknown("Jupyter was not asked")
    for _ in range(_MAX_ATTEMPTS):
        url = make_url()
        with slot():
            entered, passing = _authenticate_once(url, time.monotonic() + TIMEOUT_SECONDS)
        if isinstance(entered, OpenJupyter):
            return entered
        seen = entered
        if not passing:
            break
    return seen


def _authenticate_once(url: str, deadline: float) -> tuple[OpenJupyter | Unknown, bool]:
    """The way in, or why there is none and whether another try may find one."""
    try:
        with JupyterClient(url, deadline) as jupyter:
            jupyter.authenticate()
            jupyter.get_json("api/status")  # the first cookie need not be the one that opens the door
            return OpenJupyter(jupyter), False
    except ProbeError as gap:
        return Unknown(str(gap)), gap.transient
    except Exception as error:  # its text or its chain could carry the URL
        return Unknown(f"Jupyter could not be looked into ({type(error).__name__})"), False


def _try_connect(line: JupyterClient) -> None:
    try:
        line.connect_now()
    except ProbeError:
        return  # whoever asks on it tries again, and tells what is wrong


@dataclass
class _Probe:
    """Questions put to one Jupyter; a question without a good answer is a gap."""

    client: JupyterClient
    errors: dict[str, str] = field(default_factory=dict)
    transient: bool = False

    def state(
        self, kernels: tuple[Kernel, ...], terminals: tuple[Terminal, ...] = (), used: tuple[datetime, ...] = ()
    ) -> JupyterState:
        """What is known by now."""
        gaps = tuple(gap for what, gap in self.errors.items() if what != _TERMINALS)
        last_used = used[0] if used else None
        return JupyterState(kernels, terminals, last_used, gaps, self.client.ahead, self.errors.get(_TERMINALS))

    def read(self, what: str, read: Callable[[Any], tuple[_T, ...]]) -> tuple[_T, ...]:
        """The answer to ``what``, read; nothing, and a gap, where there is none. A Jupyter that knows no terminals,
        since they are switched off, answers 404: there are none to see.
        """
        try:
            return read(self.client.get_json(what))
        except ProbeError as gap:
            if what != _TERMINALS or gap.status != 404:
                self.errors[what] = str(gap)
                self.transient = self.transient or gap.transient
        except ValueError:
            self.errors[what] = f"a time in Jupyter's answer to {what} cannot be read"
        except (KeyError, TypeError, AttributeError):
            self.errors[what] = f"Jupyter's answer to {what} does not make sense"
        return ()


def _parse_kernels(answer: Any) -> tuple[Kernel, ...]:
    return tuple(_parse_kernel(said) for said in _require_list(answer))


def _parse_kernel(said: Mapping[str, Any], path: str | None = None) -> Kernel:
    return Kernel(
        id=str(said["id"]),
        state=str(said["execution_state"]),
        last_activity=_parse_time(said["last_activity"]),
        connections=said["connections"] if isinstance(said.get("connections"), int) else None,
        path=path,
    )


def _parse_session_kernels(answer: Any) -> tuple[Kernel, ...]:
    """The kernels of the sessions. A session may outlive its kernel and then has none."""
    return tuple(
        _parse_kernel(said["kernel"], said.get("path")) for said in _require_list(answer) if said["kernel"] is not None
    )


def _merge_kernels(kernels: Sequence[Kernel], of_sessions: Sequence[Kernel]) -> tuple[Kernel, ...]:
    """Every kernel once, as it was seen last by its own clock (each change of its state moves that), with the path
    that only sessions tell.
    """
    merged = {kernel.id: kernel for kernel in kernels}
    for kernel in of_sessions:
        known = merged.get(kernel.id, kernel)
        last = max(known, kernel, key=lambda kernel: (kernel.last_activity, kernel.state == "busy"))
        merged[kernel.id] = replace(last, path=kernel.path)
    return tuple(merged.values())


def _parse_terminals(answer: Any) -> tuple[Terminal, ...]:
    return tuple(Terminal(str(said["name"]), _moment_if_told(said)) for said in _require_list(answer))


def _moment_if_told(said: Mapping[str, Any]) -> datetime | None:
    """The time of a terminal's last traffic; None where its Jupyter, one from before notebook 6.1, tells none."""
    return _parse_time(said["last_activity"]) if "last_activity" in said else None


def _parse_last_used(answer: Any) -> tuple[datetime]:
    return (_parse_time(answer["last_activity"]),)


def _require_list(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise TypeError("not a list")
    return answer


def _parse_time(text: Any) -> datetime:
    when = parse_timestamp(text)
    if when is None:
        raise ValueError("not a time")
    return when


_QUESTIONS: Mapping[str, Callable[[Any], tuple[Any, ...]]] = {
    "api/kernels": _parse_kernels,
    "api/sessions": _parse_session_kernels,
    _TERMINALS: _parse_terminals,
    "api/status": _parse_last_used,
}
"""Each with what reads its answer."""
