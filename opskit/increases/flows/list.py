"""What was asked of AWS, where it stands, what has changed since the last look, and whether the value has moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.core.exceptions import AwsError, OpskitError, Problem
from opskit.core.model import Quota
from opskit.increases.store import queue
from opskit.increases.store.last_seen import RequestSnapshot, load_snapshots, save_snapshots
from opskit.quotas.reads.code_cache import load_cache
from opskit.quotas.reads.quotas import read_quotas
from opskit.quotas.reads.requests import all_requests
from opskit.quotas.rules.headroom import format_quota_value
from opskit.quotas.rules.model import IncreaseRequest


@dataclass(frozen=True)
class RequestState:
    """A request and the value that counts now; None when that could not be read. ``previous`` is how it stood at the
    last look, None when this is the first; ``age`` how long ago it was made.
    """

    request: IncreaseRequest
    value: float | None
    age: timedelta
    previous: RequestSnapshot | None = None

    @property
    def is_applied(self) -> bool | None:
        """Whether the value now is what was asked for; None when it is not known."""
        return None if self.value is None else self.value >= self.request.desired_value

    @property
    def change(self) -> str:
        """What has changed since the last look, in words; empty where nothing has."""
        if self.previous is None:
            return "new"
        status = self.request.status.value
        told = [f"{self.previous.status} -> {status}"] if self.previous.status != status else []
        if None not in (self.previous.value, self.value) and self.previous.value != self.value:
            told.append(f"{format_quota_value(self.previous.value)} -> {format_quota_value(self.value)} applied")
        return ", ".join(told)


@dataclass(frozen=True)
class RequestList:
    """All that was asked, what waits in opskit's own queue, and the Regions that did not answer.

    ``looked`` is when the last look before this was, None when there was none.
    """

    states: tuple[RequestState, ...]
    queued: tuple[queue.QueuedRequest, ...]
    problems: tuple[Problem, ...]
    failed_regions: int
    looked: datetime | None = None


def list_increase_requests(clients: Sequence[AwsClient], now: datetime, *, only_open: bool) -> RequestList:
    """Read every Region's requests; one that fails does not hide the others. This look is remembered for the next;
    where opskit's state cannot be used, only what has changed is not told.
    """
    parts, remembered = gather(
        partial(gather_all, [partial(_read_region_requests, client, now) for client in clients]),
        partial(_read_remembered, clients),
    )
    asked = [one for part in parts if not isinstance(part, Problem) for one in part]
    problems = [part for part in parts if isinstance(part, Problem)]
    waiting, looks, trouble = remembered
    told = [replace(one, previous=looks.get(one.request.id)) for one in asked]
    if asked and trouble is None:
        save_snapshots(
            clients[0], (RequestSnapshot(one.request.id, one.request.status, one.value, now) for one in asked)
        )
    return RequestList(
        tuple(one for one in told if one.request.status.is_open or not only_open),
        waiting,
        (*problems, *((trouble,) if trouble and not problems else ())),
        len(problems),
        max((look.seen_at for look in looks.values()), default=None),
    )


def _read_remembered(
    clients: Sequence[AwsClient],
) -> tuple[tuple[queue.QueuedRequest, ...], Mapping[str, RequestSnapshot], Problem | None]:
    """What waits in these Regions, the last looks, and why they are not known where they are not."""
    regions = {client.region for client in clients}
    try:
        waiting = tuple(request for request in queue.pending_requests(clients[0]) if request.region in regions)
        return waiting, load_snapshots(clients[0]), None
    except OpskitError as error:
        return (), {}, error.problem


def _read_region_requests(client: AwsClient, now: datetime) -> list[RequestState] | Problem:
    try:
        requests = all_requests(client)
    except AwsError as failure:
        return failure.problem
    names = list(dict.fromkeys(request.quota_name for request in requests))
    quotas = read_quotas(client, names, load_cache(client, now)) if names else {}
    return [
        RequestState(request, _answer_value(quotas[request.quota_name]), max(timedelta(0), now - request.created))
        for request in requests
    ]


def _answer_value(answer: object) -> float | None:
    return answer.effective_value if isinstance(answer, Quota) else None
