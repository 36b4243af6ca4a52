"""What would be asked for: look at the quotas, the requests and what opskit remembers, and plan. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.core.exceptions import AwsError
from opskit.core.model import Quota, Unknown, Workload
from opskit.core.result_or_error import unknown_from_error
from opskit.increases.reads.support_cases import read_support
from opskit.increases.rules.channel import Channel
from opskit.increases.rules.increase import Increase, IncreaseTarget
from opskit.increases.rules.plan import QuotaSnapshot, Submission, SupportInfo, fall_back_to_support, plan_increase
from opskit.increases.rules.support_cases import category_for
from opskit.increases.store import queue
from opskit.quotas.reads.code_cache import load_cache
from opskit.quotas.reads.quotas import add_default, read_quotas
from opskit.quotas.reads.requests import requests_for_quota
from opskit.quotas.rules.model import IncreaseRequest
from opskit.quotas.rules.requirements import quota_name_for, with_totals


@dataclass(frozen=True)
class BlockingTotal:
    """A quota over all instance types that stays below what was wished for one type. ``value`` is what counts."""

    region: str
    workload: Workload
    quota_name: str
    value: float
    target_value: float
    per_job: bool


def plan_with_totals(
    clients: Sequence[AwsClient], targets: Sequence[IncreaseTarget], channel: Channel, now: datetime
) -> tuple[tuple[Increase, ...], tuple[BlockingTotal, ...]]:
    """What would be asked for, and what would still refuse it; read side by side.

    Raises:
        AwsError: AWS does not say who we are.
        UsageError: what opskit remembers cannot be read.
    """
    return gather(
        partial(plan_increases, clients, targets, channel, now), partial(blocking_totals, clients, targets, now)
    )


def plan_increases(
    clients: Sequence[AwsClient], targets: Sequence[IncreaseTarget], channel: Channel, now: datetime
) -> tuple[Increase, ...]:
    """What would be asked for in every Region; changes nothing.

    Raises:
        AwsError: AWS does not say who we are.
        UsageError: what opskit remembers cannot be read.
    """
    looks = gather_all([partial(_plan_region, client, targets, channel, now) for client in clients])
    return tuple(ask for asks in looks for ask in asks)


def queued_increases(
    clients: Sequence[AwsClient], now: datetime, *, everywhere: bool
) -> tuple[tuple[AwsClient, Increase, str], ...]:
    """The remembered requests of the account, each planned anew in its Region, with its reason.

    ``everywhere`` takes all Regions, not only those of the doors.

    Raises:
        AwsError: AWS does not say who we are.
        UsageError: what opskit remembers cannot be read.
    """
    named = {client.region for client in clients}
    found = [request for request in queue.pending_requests(clients[0]) if everywhere or request.region in named]
    session = clients[0].session
    return tuple(
        gather_all([partial(_replan_queued, session.client(request.region), request, now) for request in found])
    )


def blocking_totals(
    clients: Sequence[AwsClient], targets: Sequence[IncreaseTarget], now: datetime
) -> tuple[BlockingTotal, ...]:
    """The quotas over all types that would still refuse what is wished. What cannot be read is left out: it is
    news on the side, and ``quotas check`` says so.
    """
    typed = [target for target in targets if target.instance_type]
    found = gather_all([partial(_region_blocking_totals, client, typed, now) for client in clients]) if typed else []
    return tuple(short for each in found for short in each)


def _replan_queued(client: AwsClient, waiting: queue.QueuedRequest, now: datetime) -> tuple[AwsClient, Increase, str]:
    target = IncreaseTarget(waiting.instance_type, waiting.workload, waiting.desired_value)
    return client, read_and_plan(client, target, Channel(waiting.channel), now)[0], waiting.why


def _plan_region(
    client: AwsClient, targets: Sequence[IncreaseTarget], channel: Channel, now: datetime
) -> list[Increase]:
    return [ask for ask, _ in gather_all([partial(read_and_plan, client, target, channel, now) for target in targets])]


def read_and_plan(
    client: AwsClient, target: IncreaseTarget, channel: Channel, now: datetime
) -> tuple[Increase, QuotaSnapshot]:
    """One wish in one Region: what was seen, and what to do about it. AWS Support is asked only where the way leads
    there, or where Service Quotas cannot take the wish and Support may.

    Raises:
        AwsError: AWS does not say who we are.
        UsageError: what opskit remembers cannot be read.
    """
    name = quota_name_for(target.requirement())
    try:
        submission = last_submission(client, name, channel, now)  # first: without it nothing else is worth a wait
        snapshot = _read_snapshot(client, target, channel, now)
    except AwsError as failure:
        if channel.sends:
            raise
        snapshot, submission = (
            QuotaSnapshot(client.region, name, unknown_from_error(failure)),
            None,
        )  # the form can be filled in all the same
    increase = plan_increase(target, snapshot, channel, now, submission)
    if channel.falls_back and increase.result.only_support:
        snapshot = replace(snapshot, support=_read_support_info(client, target.workload))
        return fall_back_to_support(
            increase,
            plan_increase(target, snapshot, Channel.SUPPORT, now, last_submission(client, name, Channel.SUPPORT, now)),
        ), snapshot
    return increase, snapshot


def _read_snapshot(client: AwsClient, target: IncreaseTarget, channel: Channel, now: datetime) -> QuotaSnapshot:
    """The quota with its default, every request ever made for it, and AWS Support where the way leads there."""
    name = quota_name_for(target.requirement())
    quota = read_quotas(client, [name], load_cache(client, now))[name]
    if not isinstance(quota, Quota):
        return QuotaSnapshot(client.region, name, quota)
    with_default, requests, support = gather(
        partial(_with_known_default, client, quota),
        partial(requests_or_unknown, client, quota.code),
        partial(_read_support_info, client, target.workload) if channel.opens_case else lambda: None,
    )
    return QuotaSnapshot(client.region, name, with_default, requests, support)


def requests_or_unknown(client: AwsClient, code: str) -> tuple[IncreaseRequest, ...] | Unknown:
    """Everything that was ever asked for one quota."""
    try:
        return requests_for_quota(client, code)
    except AwsError as failure:
        return unknown_from_error(failure)


def _read_support_info(client: AwsClient, workload: Workload) -> SupportInfo | Unknown:
    told = read_support(client)
    if isinstance(told, Unknown):
        return told
    services, cases = told
    return SupportInfo(category_for(services, workload), cases)


def _with_known_default(client: AwsClient, quota: Quota) -> Quota:
    """The quota with its default where that can be read. Where it cannot, AWS itself refuses what is below it."""
    known = add_default(client, quota)
    return quota if isinstance(known, Unknown) else known


def last_submission(client: AwsClient, name: str, channel: Channel, now: datetime) -> Submission | None:
    """The filing of ours for this quota whose outcome nobody knows, or that AWS may not show yet; of several, one that
    went the way ``channel`` goes.

    Raises:
        AwsError: AWS does not say who we are.
        UsageError: what opskit remembers cannot be read.
    """
    sent = [
        Submission(request.since, request.desired_value, request.known_ids, Channel(request.channel), request.id)
        for request in queue.submitted_requests(client, name, now)
    ]
    same = [submission for submission in sent if submission.channel.opens_case == channel.opens_case]
    return next(iter([*same, *sent]), None)


def _region_blocking_totals(client: AwsClient, targets: Sequence[IncreaseTarget], now: datetime) -> list[BlockingTotal]:
    above = [
        requirement
        for requirement in with_totals(target.requirement() for target in targets)
        if requirement.instance_type is None
    ]
    try:
        quotas = read_quotas(client, [quota_name_for(requirement) for requirement in above], load_cache(client, now))
    except AwsError:
        return []
    return [
        BlockingTotal(
            client.region,
            requirement.workload,
            quota.name,
            quota.effective_value,
            requirement.count,
            requirement.per_job,
        )
        for requirement in above
        if isinstance(quota := quotas[quota_name_for(requirement)], Quota)
        and quota.effective_value is not None
        and quota.effective_value < requirement.count
    ]


def will_send_only(increases: Sequence[Increase]) -> tuple[Increase, ...]:
    """The asks that would change something, for a prompt."""
    return tuple(increase for increase in increases if increase.will_send)
