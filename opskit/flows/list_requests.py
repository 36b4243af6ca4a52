"""What was asked of AWS, where it stands, and whether the applied value has moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from opskit.aws import Door, side_by_side
from opskit.errors import AwsFailure, Problem
from opskit.model import Quota, Request
from opskit.observe.known_codes import memory_of
from opskit.observe.quotas import read_quotas
from opskit.observe.requests import all_requests
from opskit.state import queue


@dataclass(frozen=True)
class Asked:
    """A request and the value that counts now; None when that could not be read."""

    request: Request
    value: float | None

    @property
    def has_moved(self) -> bool | None:
        """Whether the value now is what was asked for; None when it is not known."""
        return None if self.value is None else self.value >= self.request.desired


@dataclass(frozen=True)
class RequestList:
    """All that was asked, what waits in opskit's own queue, and the Regions that did not answer."""

    asked: tuple[Asked, ...]
    waiting: tuple[queue.Waiting, ...]
    problems: tuple[Problem, ...]
    dark: int


def list_requests(doors: Sequence[Door], now: datetime, *, only_open: bool) -> RequestList:
    """Read every Region's requests; one that fails does not hide the others."""
    parts = side_by_side([partial(_region, door, now, only_open) for door in doors])
    asked = [one for part in parts if not isinstance(part, Problem) for one in part]
    problems = tuple(part for part in parts if isinstance(part, Problem))
    regions = {door.region for door in doors}
    try:
        waiting = tuple(one for one in queue.waiting(doors[0]) if one.region in regions)
    except AwsFailure:
        waiting = ()
    return RequestList(tuple(asked), waiting, problems, len(problems))


def _region(door: Door, now: datetime, only_open: bool) -> list[Asked] | Problem:
    try:
        requests = [one for one in all_requests(door) if one.status.is_open or not only_open]
    except AwsFailure as failure:
        return failure.problem
    names = list(dict.fromkeys(request.quota_name for request in requests))
    quotas = read_quotas(door, names, memory_of(door, now)) if names else {}
    return [Asked(request, _value(quotas[request.quota_name])) for request in requests]


def _value(answer: object) -> float | None:
    return answer.value if isinstance(answer, Quota) else None
