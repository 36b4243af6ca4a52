"""How many connections a look at notebooks holds: some to AWS, more to Jupyters, never more than 16 in all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import BoundedSemaphore

from opskit.aws import Door

_TO_AWS = 6
_TO_JUPYTERS = 10
"""An idle Jupyter is asked twice as much as AWS is about it, a busy one as much."""

CALLERS = _TO_AWS + _TO_JUPYTERS + 4
"""Threads that keep every line busy; those too many wait for a line."""


class Lines:
    """Lets callers through to AWS and to Jupyters, so many at once; with ``spare``, some calls may go past it.

    boto3 keeps a connection open after a call, for each Region. So the lines to AWS are shared out among the Regions;
    where there are more Regions than lines, each hangs up after its call.
    """

    def __init__(self, doors: Iterable[Door], spare: int = 0) -> None:
        regions = {door.region for door in doors}
        most = _TO_AWS - spare
        self._hangs_up = len(regions) > most
        self._aws = BoundedSemaphore(most)
        self._of = {region: BoundedSemaphore(max(1, most // len(regions))) for region in regions}
        self._jupyters = BoundedSemaphore(_TO_JUPYTERS)

    @contextmanager
    def to_aws(self, door: Door) -> Iterator[None]:
        """Hold a line to AWS in the door's Region."""
        with self._of[door.region], self._aws:
            try:
                yield
            finally:
                if self._hangs_up:
                    door.connection.hang_up(door.region)

    def to_jupyter(self) -> AbstractContextManager[object]:
        """Hold a line to one Jupyter."""
        return self._jupyters
