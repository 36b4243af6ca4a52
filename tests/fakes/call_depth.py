"""How many calls of AWS wait for one another, whatever the machine: a call takes one trip of a clock that only this
knows, what runs side by side begins at the same trip, and who takes a result is no earlier than it. Work is done in one
thread, in the order in which it is started, so that the number is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from opskit.aws import api_call, gather, session


@dataclass
class CallDepth:
    """The trips so far of what runs now; ``calls`` are the operations with the trip at which each was answered."""

    now: int = 0
    calls: list[tuple[str, int]] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    """When the threads began that run now, the innermost last."""

    @property
    def deepest(self) -> int:
        """The trips of the longest chain."""
        return max((trip for _, trip in self.calls), default=0)

    def trips_of(self, operation: str) -> set[int]:
        """At which trips an operation was answered."""
        return {trip for called, trip in self.calls if called == operation}


class _TimedFuture(Future[Any]):
    """One whose result nobody has before it is there."""

    depth: CallDepth
    ended = 0

    def set_result(self, result: Any) -> None:
        self.ended = self.depth.now
        super().set_result(result)

    def set_exception(self, exception: BaseException | None) -> None:
        self.ended = self.depth.now
        super().set_exception(exception)

    def result(self, timeout: float | None = None) -> Any:
        assert self.done(), "what is waited for was not started before"
        self.depth.now = max(self.depth.now, self.ended)
        return super().result(timeout)


@contextmanager
def counted_depth() -> Iterator[CallDepth]:
    """Count the calls of a block by what they wait for. There must be no more of them at once than connections."""
    depth = CallDepth()
    timed = type("TimedFuture", (_TimedFuture,), {"depth": depth})

    class Thread:
        def __init__(self, target: Callable[..., None], args: tuple[Any, ...] = (), daemon: bool = False) -> None:
            self._target, self._args = target, args

        def start(self) -> None:
            depth.begun.append(depth.now)
            self._target(*self._args)
            depth.now = depth.begun.pop()

    set_outcome, send = gather.set_outcome, api_call.send_call

    def set_outcome_in_time(result: Any, work: Callable[[], Any]) -> None:
        depth.now = depth.begun[-1]
        set_outcome(result, work)

    def send_in_time(aws: Any, region: str, service: str, operation: str, *rest: Any, **how: Any) -> Any:
        depth.now += 1
        depth.calls.append((operation, depth.now))
        return send(aws, region, service, operation, *rest, **how)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gather, "threading", SimpleNamespace(Thread=Thread))
        patched.setattr(gather, "Future", timed)
        patched.setattr(session, "Future", timed)
        patched.setattr(gather, "set_outcome", set_outcome_in_time)
        patched.setattr(api_call, "send_call", send_in_time)
        yield depth
