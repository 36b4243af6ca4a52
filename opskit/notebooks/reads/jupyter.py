"""What a notebook's own Jupyter says: its kernels, sessions, terminals, and when it was last used."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from opskit.aws.gather import gather_all
from opskit.core.model import JupyterState, Kernel, Terminal, Unknown
from opskit.notebooks.reads.inside import inspect_inside, inspection_deadline
from opskit.notebooks.reads.jupyter_answers import (
    merge_kernels,
    parse_kernels,
    parse_last_used,
    parse_session_kernels,
    parse_terminals,
)
from opskit.notebooks.reads.jupyter_client import NO_CLOCK, TIMEOUT_SECONDS, JupyterClient, ProbeError
from opskit.notebooks.rules.evidence import InsideEvidence
from opskit.notebooks.store import InspectionLog

_T = TypeVar("_T")

_MAX_ATTEMPTS = 3
_TERMINALS_PATH = "api/terminals"
_UNLIMITED = nullcontext()


class _PresignedUrlFilter(logging.Filter):
    """Drops what boto3 would log of a presigned URL when somebody turns its debug log on."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "authtoken" not in record.getMessage().lower()


# At DEBUG each of these writes addresses or bodies, and a presigned URL is such.
for _library in ("botocore.parsers", "botocore.endpoint", "botocore.httpsession", "urllib3.connectionpool"):
    logging.getLogger(_library).addFilter(_PresignedUrlFilter())


def inspect_jupyter(
    make_url: Callable[[], str],
    is_conclusive: Callable[[JupyterState], bool],
    slots: AbstractContextManager[object] = _UNLIMITED,
) -> JupyterState | Unknown:
    """Look into the Jupyter that a presigned URL opens, until everything was asked or what is known
    ``is_conclusive`` the question. ``make_url`` makes a URL, and is asked again when a visit meets a passing
    trouble; what it raises passes through. Each visit holds one of the ``slots``, and waiting for one costs Jupyter
    nothing of its time.
    """
    left = TIMEOUT_SECONDS
    for _ in range(_MAX_ATTEMPTS):
        url = make_url()
        with slots:
            began = time.monotonic()
            state, passing = _visit_once(url, began + left, partial(_read_state, is_conclusive=is_conclusive))
            left -= time.monotonic() - began
        # A visit pays for the way in first: with less than half of the time left, another would hardly get to ask.
        if not passing or left < TIMEOUT_SECONDS / 2:
            break
    return state


def _visit_once(
    url: str, deadline: float, ask: Callable[[JupyterClient], tuple[_T, bool]]
) -> tuple[_T | Unknown, bool]:
    """What one visit comes to, and whether another may come to more."""
    try:
        with JupyterClient(url, deadline) as jupyter:
            jupyter.authenticate()
            return ask(jupyter)
    except ProbeError as gap:
        return Unknown(str(gap)), gap.transient
    # Whatever goes wrong stays here: its text or its chain could carry the URL.
    except Exception as error:
        return Unknown(f"Jupyter could not be looked into ({type(error).__name__})"), False


def _read_state(jupyter: JupyterClient, is_conclusive: Callable[[JupyterState], bool]) -> tuple[JupyterState, bool]:
    """Ask until the question is answered, what settles most first."""
    asked = _Probe(jupyter)
    # A busy kernel ends the questions, so that most notebooks at work cost one question. When Jupyter was last used is
    # asked last: it counts only where nothing else shows work.
    state = asked.state(asked.read("api/kernels", parse_kernels))
    if not is_conclusive(state):
        state = asked.state(state.kernels, asked.read(_TERMINALS_PATH, parse_terminals))
    if not is_conclusive(state):
        kernels = merge_kernels(state.kernels, asked.read("api/sessions", parse_session_kernels))
        state = asked.state(kernels, state.terminals, asked.read("api/status", parse_last_used))
    return state, asked.transient and not is_conclusive(state)


class OpenJupyter:
    """A Jupyter that has let us in, to ask it everything at one moment: ``open_connections``, then ``read_all``. No
    connection is open in between until it gets ready.
    """

    def __init__(self, jupyter: JupyterClient) -> None:
        self._client = jupyter
        self._connections: list[JupyterClient] = []

    def open_connections(self) -> None:
        """Open a connection for each question, so that asking takes no longer than the longest answer."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        self._connections = [self._client.open_second_connection(deadline) for _ in _QUESTIONS]
        gather_all([partial(_try_connect, connection) for connection in self._connections])

    def read_all(self) -> JupyterState | Unknown:
        """Everything there is to know, asked side by side; Unknown, with the reason, where Jupyter gives no usable
        answer.
        """
        asked = [_Probe(connection) for connection in self._connections]
        asks = [partial(probe.read, *question) for probe, question in zip(asked, _QUESTIONS.items(), strict=True)]
        try:
            kernels, sessions, terminals, used = gather_all(asks)
        except Exception as error:  # its text or its chain could carry the key
            return Unknown(f"Jupyter could not be looked into ({type(error).__name__})")
        # One host has one clock. Where the answers disagree, the largest difference is taken: one that is too large
        # makes the verdict unknown.
        everything = _Probe(max(self._connections, key=lambda connection: abs(connection.clock_skew or timedelta(0))))
        everything.errors = {what: gap for probe in asked for what, gap in probe.errors.items()}
        return everything.state(merge_kernels(kernels, sessions), terminals, used)

    def inspect_inside(self, notes: InspectionLog) -> InsideEvidence:
        """What runs in the instance beside it, seen through a terminal."""
        with self._client.open_second_connection(inspection_deadline()) as connection:
            return inspect_inside(connection, notes)

    def close_connections(self) -> None:
        """End what is open."""
        gather_all([connection.close_connection for connection in self._connections])


@contextmanager
def open_jupyter(
    make_url: Callable[[], str], slots: AbstractContextManager[object] = _UNLIMITED
) -> Iterator[OpenJupyter | Unknown]:
    """Enter the Jupyter that a presigned URL opens, for as long as the block lasts. ``make_url`` is as for
    ``inspect_jupyter``; one of the ``slots`` is held while entering alone.
    """
    # Other than in a visit each attempt has the whole time: what comes of it decides over a change, and no way in means
    # that nothing is changed.
    entered: OpenJupyter | Unknown = Unknown("Jupyter was not asked")
    for _ in range(_MAX_ATTEMPTS):
        url = make_url()
        with slots:
            entered, passing = _visit_once(url, time.monotonic() + TIMEOUT_SECONDS, _authenticated)
        if not passing:
            break
    try:
        yield entered
    finally:
        if isinstance(entered, OpenJupyter):
            entered.close_connections()


def _authenticated(jupyter: JupyterClient) -> tuple[OpenJupyter, bool]:
    jupyter.get_json("api/status")  # the first cookie need not be the one that lets us in
    return OpenJupyter(jupyter), False


def _try_connect(connection: JupyterClient) -> None:
    try:
        connection.connect_now()
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
        gaps = [gap for what, gap in self.errors.items() if what != _TERMINALS_PATH]
        last_used, skew = used[0] if used else None, self.client.clock_skew
        if skew is None and not gaps:
            gaps = [NO_CLOCK]
        return JupyterState(
            kernels, terminals, last_used, tuple(gaps), skew or timedelta(0), self.errors.get(_TERMINALS_PATH)
        )

    def read(self, what: str, read: Callable[[Any], tuple[_T, ...]]) -> tuple[_T, ...]:
        """The answer to ``what``, read; nothing, and a gap, where there is none. A Jupyter that knows no terminals,
        since they are switched off, answers 404: there are none to see.
        """
        try:
            return read(self.client.get_json(what))
        except ProbeError as gap:
            if what != _TERMINALS_PATH or gap.status != 404:
                self.errors[what] = str(gap)
                self.transient = self.transient or gap.transient
        except ValueError:
            self.errors[what] = f"a time in Jupyter's answer to {what} cannot be read"
        except (KeyError, TypeError, AttributeError):
            self.errors[what] = f"Jupyter's response to {what} is not valid"
        return ()


# Each with what reads its answer.
_QUESTIONS: Mapping[str, Callable[[Any], tuple[Any, ...]]] = {
    "api/kernels": parse_kernels,
    "api/sessions": parse_session_kernels,
    _TERMINALS_PATH: parse_terminals,
    "api/status": parse_last_used,
}
