"""Waits until an applied value suffices. The value decides, whatever a request's status says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.aws.polling import PollSchedule, poll
from opskit.core.clock import Clock
from opskit.core.exceptions import CREDENTIAL_CODES, AwsError, CredentialsError, OpskitError, UsageError
from opskit.core.model import NotOffered, Unknown, known_quota
from opskit.core.result_or_error import unknown_from_error
from opskit.increases import store
from opskit.increases.rules.increase import IncreaseTarget
from opskit.increases.rules.plan import LISTING_LAG
from opskit.increases.rules.waiting import (
    Observation,
    OwnRequests,
    WaitResult,
    WaitState,
    evaluate_observation,
    is_wait_over,
)
from opskit.quotas.reads.code_cache import QuotaCodeCache, load_cache
from opskit.quotas.reads.quotas import read_quotas
from opskit.quotas.reads.service_quotas import requests_for_quota
from opskit.quotas.rules.model import IncreaseRequest
from opskit.quotas.rules.requirements import quota_name_for

__all__ = ["WaitResult", "WaitState", "wait_for_targets"]

# Automatic approvals take effect within seconds to minutes, others within days: frequent at first, then once a minute.
_SCHEDULE = PollSchedule(first=1.0, growth=1.5, longest=60.0)
# So that whoever watches, and a log, can tell a wait that goes on from one that hangs.
_HEARTBEAT_INTERVAL = timedelta(minutes=15)


@dataclass
class _Progress:
    """The state of one wait between two reads. ``last_text_at`` is when ``last_text`` was told; None: nothing was."""

    emit: Callable[[str], None]
    started_at: datetime
    last_text: str = ""
    last_text_at: datetime | None = None
    closed_since: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def closed_for(self, region: str, name: str, now: datetime) -> timedelta:
        """How long a quota's request has been closed without a decision."""
        return now - self.closed_since.get((region, name), now)

    def update(self, results: Sequence[WaitResult], now: datetime) -> None:
        """Record closed requests, and report changes; if there are none for a while, report that the wait goes on."""
        for result in (result for result in results if result.closed):
            self.closed_since.setdefault((result.region, result.quota_name), now)
        text = "\n".join(_waiting_line(result) for result in results if not result.state.is_reached)
        if text != self.last_text:
            self.emit(text)
        elif self.last_text_at and now - self.last_text_at >= _HEARTBEAT_INTERVAL:
            self.emit(f"Still waiting after {_format_waited(now - self.started_at)}.")
        else:
            return
        self.last_text, self.last_text_at = text, now


def wait_for_targets(
    clients: Sequence[AwsClient],
    targets: Sequence[IncreaseTarget],
    timeout: timedelta,
    emit: Callable[[str], None],
    clock: Clock,
) -> tuple[WaitResult, ...]:
    """Read until every target is reached, one is refused for good, or ``timeout`` has passed; returns the state of
    each.

    What cannot be read is read again: throttling passes, and credentials may be renewed meanwhile.

    Raises:
        CredentialsError: there were no valid credentials at the start.
        UsageError: opskit's queue cannot be read.
    """
    progress = _Progress(emit, clock.now())
    until = progress.started_at + timeout
    results = _first_observation(clients, targets, progress, clock.now())

    def observe_again() -> tuple[WaitResult, ...]:
        return _observe_again(clients, targets, progress, clock.now(), results)

    for latest in poll(observe_again, clock, _SCHEDULE, until=until, first=results):
        results = latest
        if is_wait_over(results) or clock.now() >= until:
            break
        progress.update(results, clock.now())
    return results


def _first_observation(
    clients: Sequence[AwsClient], targets: Sequence[IncreaseTarget], progress: _Progress, now: datetime
) -> tuple[WaitResult, ...]:
    results = _observe_all(clients, targets, progress, now)
    problems = [result.problem for result in results if result.problem and result.problem.code in CREDENTIAL_CODES]
    # Only at the start and only if all fail: later a sign-in may be renewed while the wait goes on.
    if results and len(problems) == len(results):
        raise CredentialsError(problems[0].code, problems[0].message, problems[0].hint, region=problems[0].region)
    return results


def _observe_again(
    clients: Sequence[AwsClient],
    targets: Sequence[IncreaseTarget],
    progress: _Progress,
    now: datetime,
    previous: tuple[WaitResult, ...],
) -> tuple[WaitResult, ...]:
    """Read all targets again."""
    # Waiting takes days, in which a sign-in expires: credentials are then looked up again, as at the start.
    if any(result.problem and result.problem.code in CREDENTIAL_CODES for result in previous):
        _reload_credentials(clients)
    try:
        return _observe_all(clients, targets, progress, now)
    except CredentialsError as failure:
        _reload_credentials(clients)
        progress.emit(f"{failure.problem.message} Waiting goes on. {failure.problem.hint}".strip())
        return previous


def _reload_credentials(clients: Sequence[AwsClient]) -> None:
    for session in {id(client.session): client.session for client in clients}.values():
        with suppress(AwsError, UsageError):  # the next read reports what is wrong
            session.reload_credentials()


def _observe_all(
    clients: Sequence[AwsClient], targets: Sequence[IncreaseTarget], progress: _Progress, now: datetime
) -> tuple[WaitResult, ...]:
    work = [partial(_observe_target, client, target, progress, now) for client in clients for target in targets]
    return tuple(gather_all(work))


def _observe_target(client: AwsClient, target: IncreaseTarget, progress: _Progress, now: datetime) -> WaitResult:
    name = quota_name_for(target.requirement())
    lookup = read_quotas(client, [name], load_cache(client, now))[name]
    if isinstance(lookup, NotOffered) and lookup.seen_at not in (None, now):
        # It would end the wait, and AWS may offer it by now.
        lookup = read_quotas(client, [name], QuotaCodeCache(now))[name]
    # The applied value decides, and a reached one needs no second call. It has been seen raised while the request still
    # read CASE_OPENED.
    quota = known_quota(lookup)
    if quota is None or (quota.effective_value or 0) >= target.value:
        return evaluate_observation(Observation(client.region, target, name, lookup))
    requests = _read_requests(client, quota.code)
    own = _find_own_requests(client, name, requests, now)
    closed_for = progress.closed_for(client.region, name, now)
    observation = Observation(client.region, target, name, lookup, requests, own, closed_for)
    return evaluate_observation(observation)


def _read_requests(client: AwsClient, code: str) -> Sequence[IncreaseRequest] | Unknown:
    try:
        return requests_for_quota(client, code)
    except AwsError as failure:
        return unknown_from_error(failure)


def _find_own_requests(
    client: AwsClient, name: str, requests: Sequence[IncreaseRequest] | Unknown, now: datetime
) -> OwnRequests | Unknown:
    """Whether opskit has a request for a quota in its queue, and when it submitted one that AWS does not list yet. If
    its state is unusable, that is unknown, and an older refusal in AWS's lists does not end the wait.
    """
    listed_ids = set() if isinstance(requests, Unknown) else {request.id for request in requests}
    try:
        queued = any(
            (request.region, request.quota_name) == (client.region, name) for request in store.pending_requests(client)
        )
        unlisted = [
            request
            for request in store.submitted_requests(client, name, now)
            if request.id and request.id not in listed_ids
        ]
    except OpskitError as failure:
        return Unknown.from_problem(failure.problem)
    return OwnRequests(queued, next((request.since for request in unlisted if now - request.since < LISTING_LAG), None))


def _waiting_line(result: WaitResult) -> str:
    hint = f" Waiting goes on. {result.problem.hint}" if result.problem else ""
    return f"{result.quota_name} in {result.region}: {result.reason}{hint}".rstrip()


def _format_waited(duration: timedelta) -> str:
    hours, seconds = divmod(int(duration.total_seconds()), 3600)
    return f"{hours} h {seconds // 60} min" if hours else f"{seconds // 60} min"
