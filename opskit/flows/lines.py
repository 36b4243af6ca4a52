"""How many connections a look at notebooks holds: some to AWS, more to Jupyters, one spare, never more than 16."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import BoundedSemaphore

from opskit.aws import Door

_TO_AWS = 5
_TO_JUPYTERS = 10
"""A Jupyter is asked twice as much as AWS is about it. With both, the one left over is for who we are."""

CALLERS = _TO_AWS + _TO_JUPYTERS + 5
"""Threads that keep every line busy; those too many wait for a line."""


class Lines:
    """Lets callers through to AWS and to Jupyters, so many at once.

    boto3 keeps a connection open after a call, for each Region. So the lines to AWS are shared out among the Regions;
    where there are more Regions than lines, each hangs up after its call.
    """

    def __init__(self, doors: Iterable[Door]) -> None:
        regions = {door.region for door in doors}
        self._hangs_up = len(regions) > _TO_AWS
        self._aws = BoundedSemaphore(_TO_AWS)
        self._of = {region: BoundedSemaphore(max(1, _TO_AWS // len(regions))) for region in regions}
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
