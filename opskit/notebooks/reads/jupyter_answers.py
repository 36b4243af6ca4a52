"""What Jupyter's answers mean. What is not as it must be raises ValueError, KeyError, TypeError or AttributeError."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from opskit.core.model import Kernel, Terminal
from opskit.core.tags import parse_timestamp


def parse_kernels(answer: Any) -> tuple[Kernel, ...]:
    """The kernels that ``api/kernels`` answers with.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: the answer is not as it must be.
    """
    return tuple(_parse_kernel(said) for said in _require_list(answer))


def _parse_kernel(said: Mapping[str, Any], path: str | None = None) -> Kernel:
    return Kernel(
        id=str(said["id"]),
        state=str(said["execution_state"]),
        last_activity=_parse_time(said["last_activity"]),
        connections=said["connections"] if isinstance(said.get("connections"), int) else None,
        path=path,
    )


def parse_session_kernels(answer: Any) -> tuple[Kernel, ...]:
    """The kernels of the sessions. A session may outlive its kernel and then has none.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: the answer is not as it must be.
    """
    return tuple(
        _parse_kernel(said["kernel"], said.get("path")) for said in _require_list(answer) if said["kernel"] is not None
    )


def merge_kernels(kernels: Sequence[Kernel], of_sessions: Sequence[Kernel]) -> tuple[Kernel, ...]:
    """Every kernel once, as it was seen last by its own clock (each change of its state moves that), with the path
    that only sessions tell.
    """
    merged = {kernel.id: kernel for kernel in kernels}
    for kernel in of_sessions:
        known = merged.get(kernel.id, kernel)
        last = max(known, kernel, key=lambda kernel: (kernel.last_activity, kernel.state == "busy"))
        merged[kernel.id] = replace(last, path=kernel.path)
    return tuple(merged.values())


def parse_terminals(answer: Any) -> tuple[Terminal, ...]:
    """The terminals that ``api/terminals`` answers with.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: the answer is not as it must be.
    """
    # A Jupyter from before notebook 6.1 tells no time of a terminal's last traffic.
    return tuple(
        Terminal(str(said["name"]), _parse_time(said["last_activity"]) if "last_activity" in said else None)
        for said in _require_list(answer)
    )


def parse_last_used(answer: Any) -> tuple[datetime]:
    """When the server was last used, as ``api/status`` says.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: the answer is not as it must be.
    """
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
