"""Plans increases: reads the quotas, the requests and opskit's queue, and decides. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import assert_never

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.core.exceptions import AwsError
from opskit.core.model import NotOffered, Quota, QuotaLookup, Unknown, Workload, known_quota
from opskit.core.result_or_error import unknown_from_error
from opskit.increases import store
from opskit.increases.reads import read_support
from opskit.increases.rules.channel import Channel
from opskit.increases.rules.increase import Increase, IncreaseTarget, Submission
from opskit.increases.rules.plan import QuotaSnapshot, SupportInfo, fall_back_to_support, plan_increase
from opskit.increases.rules.support_cases import category_for
from opskit.quotas.reads.code_cache import load_cache
from opskit.quotas.reads.quotas import add_default, read_quotas
from opskit.quotas.reads.service_quotas import requests_for_quota
from opskit.quotas.rules.model import IncreaseRequest
from opskit.quotas.rules.requirements import quota_name_for, with_totals


@dataclass(frozen=True)
class BlockingTotal:
    """A quota over all instance types that is lower than what was requested for one type, or that could not be read.
    ``value`` is the effective value.
    """

    region: str
    workload: Workload
    quota_name: str
    value: float | Unknown
    target_value: float
    per_job: bool


def plan_with_totals(
    clients: Sequence[AwsClient], targets: Sequence[IncreaseTarget], channel: Channel, now: datetime
) -> tuple[tuple[Increase, ...], tuple[BlockingTotal, ...]]:
    """The planned increases, and the totals that would still limit them or may; read concurrently.

    Raises:
        AwsError: STS could not be read.
        UsageError: opskit's queue cannot be read.
    """
    return gather(
        partial(plan_increases, clients, targets, channel, now), partial(blocking_totals, clients, targets, now)
    )


def plan_increases(
    clients: Sequence[AwsClient], targets: Sequence[IncreaseTarget], channel: Channel, now: datetime
) -> tuple[Increase, ...]:
    """The planned increases in every Region; changes nothing.

    Raises:
        AwsError: STS could not be read.
        UsageError: opskit's queue cannot be read.
    """
    plans = [partial(read_and_plan, client, target, channel, now) for client in clients for target in targets]
    return tuple(increase for increase, _ in gather_all(plans))


def queued_increases(
    clients: Sequence[AwsClient], now: datetime, *, everywhere: bool
) -> tuple[tuple[AwsClient, Increase, str], ...]:
    """The account's queued increases, each planned again in its Region, with its reason.

    ``everywhere`` includes all Regions, not only those of the clients.

    Raises:
        AwsError: STS could not be read.
        UsageError: opskit's queue cannot be read.
    """
    regions = {client.region for client in clients}
    queued = [request for request in store.pending_requests(clients[0]) if everywhere or request.region in regions]
    session = clients[0].session
    return tuple(
        gather_all([partial(_replan_queued, session.client(request.region), request, now) for request in queued])
    )


def blocking_totals(
    clients: Sequence[AwsClient], targets: Sequence[IncreaseTarget], now: datetime
) -> tuple[BlockingTotal, ...]:
    """The quotas over all types that would still limit the increases, and those of which it is not known."""
    typed = [target for target in targets if target.instance_type]
    totals = gather_all([partial(_region_blocking_totals, client, typed, now) for client in clients]) if typed else []
    return tuple(total for region_totals in totals for total in region_totals)


def _replan_queued(client: AwsClient, queued: store.QueuedRequest, now: datetime) -> tuple[AwsClient, Increase, str]:
    target = IncreaseTarget(queued.instance_type, queued.workload, queued.desired_value)
    return client, read_and_plan(client, target, Channel(queued.channel), now)[0], queued.why


def read_and_plan(
    client: AwsClient, target: IncreaseTarget, channel: Channel, now: datetime
) -> tuple[Increase, QuotaSnapshot]:
    """One target in one Region: what was read, and what to do about it. AWS Support is read only if the channel uses
    it, or if Service Quotas cannot take the request and Support may.

    Raises:
        AwsError: STS could not be read.
        UsageError: opskit's queue cannot be read.
    """
    name = quota_name_for(target.requirement())
    try:
        # First: it is local, and its errors make the reads pointless.
        submission = last_submission(client, name, channel, now)
        snapshot = _read_snapshot(client, target, channel, now)
    except AwsError as failure:
        if channel.submission_type.is_sent:
            raise
        snapshot, submission = (
            QuotaSnapshot(client.region, name, unknown_from_error(failure)),
            None,
        )  # the console's form can be filled in anyway
    increase = plan_increase(target, snapshot, channel, now, submission)
    if channel.falls_back_to_support and increase.result.only_support:
        snapshot = replace(snapshot, support=_read_support_info(client, target.workload))
        return fall_back_to_support(
            increase,
            plan_increase(target, snapshot, Channel.SUPPORT, now, last_submission(client, name, Channel.SUPPORT, now)),
        ), snapshot
    return increase, snapshot


def _read_snapshot(client: AwsClient, target: IncreaseTarget, channel: Channel, now: datetime) -> QuotaSnapshot:
    """The quota with its default, every request made for it, and AWS Support if the channel uses it."""
    name = quota_name_for(target.requirement())
    lookup = read_quotas(client, [name], load_cache(client, now))[name]
    quota = known_quota(lookup)
    if quota is None:
        return QuotaSnapshot(client.region, name, lookup)
    with_default, requests, support = gather(
        partial(add_default, client, quota),
        partial(requests_or_unknown, client, quota.code),
        partial(_read_support_info, client, target.workload) if channel.submission_type.is_case else lambda: None,
    )
    # Where the default cannot be read, AWS itself refuses values below it.
    known = quota if isinstance(with_default, Unknown) else with_default
    return QuotaSnapshot(client.region, name, known, requests, support)


def requests_or_unknown(client: AwsClient, code: str) -> tuple[IncreaseRequest, ...] | Unknown:
    """All requests for one quota."""
    try:
        return requests_for_quota(client, code)
    except AwsError as failure:
        return unknown_from_error(failure)


def _read_support_info(client: AwsClient, workload: Workload) -> SupportInfo | Unknown:
    support = read_support(client)
    if isinstance(support, Unknown):
        return support
    services, cases = support
    return SupportInfo(category_for(services, workload), cases)


def last_submission(client: AwsClient, name: str, channel: Channel, now: datetime) -> Submission | None:
    """Opskit's submission for this quota whose outcome is unknown, or that AWS may not list yet; of several, one with
    the same kind of channel.

    Raises:
        AwsError: STS could not be read.
        UsageError: opskit's queue cannot be read.
    """
    submissions = [
        Submission(request.since, request.desired_value, request.known_ids, Channel(request.channel), request.id)
        for request in store.submitted_requests(client, name, now)
    ]
    # Otherwise a request before a case, as for who asks in the console.
    submissions.sort(
        key=lambda each: (
            each.channel.submission_type is not channel.submission_type,
            each.channel.submission_type.is_case,
        )
    )
    return next(iter(submissions), None)


def _region_blocking_totals(client: AwsClient, targets: Sequence[IncreaseTarget], now: datetime) -> list[BlockingTotal]:
    above = [
        requirement
        for requirement in with_totals(target.requirement() for target in targets)
        if requirement.instance_type is None
    ]
    names = [quota_name_for(requirement) for requirement in above]
    quotas: Mapping[str, QuotaLookup]
    try:
        quotas = read_quotas(client, names, load_cache(client, now))
    except AwsError as failure:
        quotas = dict.fromkeys(names, unknown_from_error(failure))
    values = [_value_of(quotas[name]) for name in names]
    return [
        BlockingTotal(client.region, requirement.workload, name, value, requirement.count, requirement.per_job)
        for requirement, name, value in zip(above, names, values, strict=True)
        if value is not None and (isinstance(value, Unknown) or value < requirement.count)
    ]


def _value_of(lookup: QuotaLookup) -> float | Unknown | None:
    """The effective value of a quota; None: the Region has no such quota."""
    match lookup:
        case Quota(effective_value=None):
            return Unknown("AWS tells neither an applied value nor the default", "bad-answer")
        case Quota(effective_value=value):
            return value
        case NotOffered():
            return None
        case Unknown():
            return lookup
        case _:
            assert_never(lookup)
