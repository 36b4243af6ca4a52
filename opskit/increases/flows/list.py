"""Lists increase requests: their status, what has changed since the last listing, and whether the value is in
effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import assert_never

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.core.exceptions import AwsError, OpskitError, Problem
from opskit.core.model import NotOffered, Quota, QuotaLookup, Unknown, known_quota
from opskit.increases import store
from opskit.increases.store import RequestSnapshot, load_snapshots, save_snapshots
from opskit.quotas.reads.code_cache import load_cache
from opskit.quotas.reads.quotas import read_quotas
from opskit.quotas.reads.service_quotas import all_requests
from opskit.quotas.rules.model import IncreaseRequest, format_quota_value


@dataclass(frozen=True)
class RequestState:
    """A request and what was read of its quota. ``previous`` is its state in the last listing that had it; None: none
    had; ``Unknown``: the listings before could not be read. ``age`` is the time since it was created.
    """

    request: IncreaseRequest
    quota: QuotaLookup
    age: timedelta
    previous: RequestSnapshot | Unknown | None = None

    @property
    def value(self) -> float | None:
        """The quota's effective value; None: it has none, and ``quota`` says why."""
        quota = known_quota(self.quota)
        return quota.effective_value if quota else None

    @property
    def is_applied(self) -> bool | Unknown:
        """Whether the requested value is in effect."""
        match self.quota:
            case NotOffered():
                return False
            case Unknown():
                return self.quota
            case Quota(effective_value=None):
                return Unknown("AWS gave no value")
            case Quota(effective_value=value):
                return (value or 0.0) >= self.request.desired_value
            case _:
                assert_never(self.quota)

    @property
    def change(self) -> str | Unknown:
        """What has changed since the last listing, as text; empty: nothing has; ``Unknown``: that is not known."""
        match self.previous:
            case None:
                return "new"
            case Unknown():
                return self.previous
            case RequestSnapshot(status=before, value=old):
                status, moved = self.request.status.value, self._moved_from(old)
                changes = [f"{before} -> {status}"] if before != status else []
                if isinstance(moved, Unknown):
                    return ", ".join(changes) or moved
                return ", ".join([*changes, moved] if moved else changes)
            case _:
                assert_never(self.previous)

    def _moved_from(self, old: float | None) -> str | Unknown:
        """How the quota's value has moved from ``old`` (None: that was not known), as text; empty if it has not."""
        match self.is_applied, self.value:
            case Unknown() as unread, _:
                return unread
            case _, None:  # the Region has no such quota
                return ""
            case _, value if old is None:
                return Unknown(f"the quota is {format_quota_value(value)}, and was not known at the last look")
            case _, value:
                return "" if value == old else f"{format_quota_value(old)} -> {format_quota_value(value)} applied"


@dataclass(frozen=True)
class RequestList:
    """All requests, opskit's own queue, and the Regions that could not be read.

    ``looked`` is when the last listing was made; None: there was none; ``Unknown``: that could not be read.
    """

    states: tuple[RequestState, ...]
    queued: tuple[store.QueuedRequest, ...]
    problems: tuple[Problem, ...]
    failed_regions: int
    looked: datetime | Unknown | None = None


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
    unread = state_problem and Unknown.from_problem(state_problem)
    compared = [replace(state, previous=unread or snapshots.get(state.request.id)) for state in states]
    # Saved even with --open, and unfiltered: otherwise the next listing would call closed requests new.
    if states and state_problem is None:
        save_snapshots(clients[0], (_snapshot(state, snapshots.get(state.request.id), now) for state in states))
    return RequestList(
        tuple(state for state in compared if state.request.status.is_open or not only_open),
        queued,
        (*problems, *((state_problem,) if state_problem and not problems else ())),
        len(problems),
        unread or max((snapshot.seen_at for snapshot in snapshots.values()), default=None),
    )


def _snapshot(state: RequestState, before: RequestSnapshot | None, now: datetime) -> RequestSnapshot:
    """A request for the next listing to compare with. A value that is not known now leaves the last one that was."""
    is_unread = isinstance(state.is_applied, Unknown)
    value = before.value if before and is_unread else state.value
    return RequestSnapshot(state.request.id, state.request.status, value, now)


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
        RequestState(request, quotas[request.quota_name], max(timedelta(0), now - request.created))
        for request in requests
    ]
