"""Lists increase requests: their status, what has changed since the last listing, and whether the value is in
effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.core.exceptions import AwsError, OpskitError, Problem
from opskit.core.model import QuotaLookup, known_quota
from opskit.increases import store
from opskit.increases.store import RequestSnapshot, load_snapshots, save_snapshots
from opskit.quotas.reads.code_cache import load_cache
from opskit.quotas.reads.quotas import read_quotas
from opskit.quotas.reads.service_quotas import all_requests
from opskit.quotas.rules.model import IncreaseRequest, format_quota_value


@dataclass(frozen=True)
class RequestState:
    """A request and the quota's effective value; None if that could not be read. ``previous`` is its state in the last
    listing, None if this is the first; ``age`` is the time since it was created.
    """

    request: IncreaseRequest
    value: float | None
    age: timedelta
    previous: RequestSnapshot | None = None

    @property
    def is_applied(self) -> bool | None:
        """Whether the requested value is in effect; None if that is unknown."""
        return None if self.value is None else self.value >= self.request.desired_value

    @property
    def change(self) -> str:
        """What has changed since the last listing, as text; empty if nothing has."""
        if self.previous is None:
            return "new"
        status = self.request.status.value
        changes = [f"{self.previous.status} -> {status}"] if self.previous.status != status else []
        if None not in (self.previous.value, self.value) and self.previous.value != self.value:
            changes.append(f"{format_quota_value(self.previous.value)} -> {format_quota_value(self.value)} applied")
        return ", ".join(changes)


@dataclass(frozen=True)
class RequestList:
    """All requests, opskit's own queue, and the Regions that could not be read.

    ``looked`` is when the last listing was made; None if there was none.
    """

    states: tuple[RequestState, ...]
    queued: tuple[store.QueuedRequest, ...]
    problems: tuple[Problem, ...]
    failed_regions: int
    looked: datetime | None = None


def list_and_remember_requests(clients: Sequence[AwsClient], now: datetime, *, only_open: bool) -> RequestList:
    """Read every Region's requests; a Region that fails does not hide the others. The result is stored for the next
    listing; if opskit's state is unusable, only the changes are missing.
    """
    parts, remembered = gather(
        partial(gather_all, [partial(_read_region_requests, client, now) for client in clients]),
        partial(_read_remembered, clients),
    )
    states = [state for part in parts if not isinstance(part, Problem) for state in part]
    problems = [part for part in parts if isinstance(part, Problem)]
    queued, snapshots, state_problem = remembered
    compared = [replace(state, previous=snapshots.get(state.request.id)) for state in states]
    # Saved even with --open, and unfiltered: otherwise the next listing would call closed requests new.
    if states and state_problem is None:
        save_snapshots(
            clients[0], (RequestSnapshot(state.request.id, state.request.status, state.value, now) for state in states)
        )
    return RequestList(
        tuple(state for state in compared if state.request.status.is_open or not only_open),
        queued,
        (*problems, *((state_problem,) if state_problem and not problems else ())),
        len(problems),
        max((snapshot.seen_at for snapshot in snapshots.values()), default=None),
    )


def _read_remembered(
    clients: Sequence[AwsClient],
) -> tuple[tuple[store.QueuedRequest, ...], Mapping[str, RequestSnapshot], Problem | None]:
    """The queue of these Regions, the last snapshots, and why they are unknown if they are."""
    regions = {client.region for client in clients}
    try:
        queued = tuple(request for request in store.pending_requests(clients[0]) if request.region in regions)
        return queued, load_snapshots(clients[0]), None
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
        RequestState(request, _effective_value(quotas[request.quota_name]), max(timedelta(0), now - request.created))
        for request in requests
    ]


def _effective_value(lookup: QuotaLookup) -> float | None:
    quota = known_quota(lookup)
    return quota.effective_value if quota else None
