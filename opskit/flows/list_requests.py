"""What was asked of AWS, where it stands, what has changed since the last look, and whether the value has moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from opskit.aws import Door, side_by_side
from opskit.decide.headroom import number
from opskit.errors import AwsFailure, OpskitError, Problem
from opskit.model import Quota, Request
from opskit.observe.known_codes import memory_of
from opskit.observe.quotas import read_quotas
from opskit.observe.requests import all_requests
from opskit.state import queue
from opskit.state.looks import Look, last_looks, remember_looks


@dataclass(frozen=True)
class Asked:
    """A request and the value that counts now; None when that could not be read. ``before`` is how it stood at the
    last look, None when this is the first; ``age`` how long ago it was made.
    """

    request: Request
    value: float | None
    age: timedelta
    before: Look | None = None

    @property
    def has_moved(self) -> bool | None:
        """Whether the value now is what was asked for; None when it is not known."""
        return None if self.value is None else self.value >= self.request.desired

    @property
    def change(self) -> str:
        """What has changed since the last look, in words; empty where nothing has."""
        if self.before is None:
            return "new"
        status = self.request.status.value
        told = [f"{self.before.status} -> {status}"] if self.before.status != status else []
        if None not in (self.before.value, self.value) and self.before.value != self.value:
            told.append(f"{number(self.before.value)} -> {number(self.value)} applied")
        return ", ".join(told)


@dataclass(frozen=True)
class RequestList:
    """All that was asked, what waits in opskit's own queue, and the Regions that did not answer.

    ``looked`` is when the last look before this was, None when there was none.
    """

    asked: tuple[Asked, ...]
    waiting: tuple[queue.Waiting, ...]
    problems: tuple[Problem, ...]
    dark: int
    looked: datetime | None = None


def list_requests(doors: Sequence[Door], now: datetime, *, only_open: bool) -> RequestList:
    """Read every Region's requests; one that fails does not hide the others. This look is remembered for the next;
    where opskit's state cannot be used, only what has changed is not told.
    """
    *parts, remembered = side_by_side([*(partial(_region, door, now) for door in doors), partial(_remembered, doors)])
    asked = [one for part in parts if not isinstance(part, Problem) for one in part]
    problems = [part for part in parts if isinstance(part, Problem)]
    waiting, looks, trouble = remembered
    told = [replace(one, before=looks.get(one.request.id)) for one in asked]
    if asked and trouble is None:
        remember_looks(doors[0], (Look(one.request.id, one.request.status, one.value, now) for one in asked))
    return RequestList(
        tuple(one for one in told if one.request.status.is_open or not only_open),
        waiting,
        (*problems, *((trouble,) if trouble and not problems else ())),
        len(problems),
        max((look.at for look in looks.values()), default=None),
    )


def _remembered(doors: Sequence[Door]) -> tuple[tuple[queue.Waiting, ...], Mapping[str, Look], Problem | None]:
    """What waits in these Regions, the last looks, and why they are not known where they are not."""
    regions = {door.region for door in doors}
    try:
        waiting = tuple(one for one in queue.waiting(doors[0]) if one.region in regions)
        return waiting, last_looks(doors[0]), None
    except OpskitError as error:
        return (), {}, error.problem


def _region(door: Door, now: datetime) -> list[Asked] | Problem:
    try:
        requests = all_requests(door)
    except AwsFailure as failure:
        return failure.problem
    names = list(dict.fromkeys(request.quota_name for request in requests))
    quotas = read_quotas(door, names, memory_of(door, now)) if names else {}
    return [Asked(each, _value(quotas[each.quota_name]), max(timedelta(0), now - each.created)) for each in requests]


def _value(answer: object) -> float | None:
    return answer.value if isinstance(answer, Quota) else None
