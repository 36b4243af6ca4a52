"""Look whether there is room: quotas, what is in use and what was asked for, side by side, then judge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.core.exceptions import CREDENTIAL_CODES, Problem
from opskit.core.model import NotOffered, Quota, QuotaLookup, Requirement, Unknown, Workload
from opskit.quotas.flows.suggest import Suggestions, find_suggestions
from opskit.quotas.reads.code_cache import QuotaCodeCache, load_cache
from opskit.quotas.reads.quotas import read_quotas
from opskit.quotas.reads.requests import open_requests
from opskit.quotas.reads.usage import count_in_use
from opskit.quotas.rules.alternatives import find_alternatives, unmet_by_quota, unmet_by_use
from opskit.quotas.rules.headroom import QuotaCheck, assess_headroom, sort_worst_first
from opskit.quotas.rules.model import Headroom, IncreaseRequest, InUseCounts
from opskit.quotas.rules.requirements import quota_name_for, with_totals

_REGIONS_AT_ONCE = 40


@dataclass(frozen=True)
class _RegionSnapshot:
    """What one look at a Region brought back."""

    region: str
    requirements: Sequence[Requirement]
    quotas: dict[str, QuotaLookup]
    in_use: dict[Workload, InUseCounts]
    requests: tuple[IncreaseRequest, ...] | Unknown
    suggestions: Suggestions = field(default_factory=Suggestions)


def check_quotas(clients: Sequence[AwsClient], requirements: Sequence[Requirement], now: datetime) -> QuotaCheck:
    """Judge every demand, and the totals above them, in every Region; the worst comes first.

    Raises:
        CredentialsError: there are none to ask with.
    """
    return check_clients([(client, requirements) for client in clients], now)


def check_clients(
    wanted: Sequence[tuple[AwsClient, Sequence[Requirement]]], now: datetime, *, suggest: bool = False
) -> QuotaCheck:
    """Judge what is demanded of each Region, and the totals above it; the worst comes first. ``suggest`` looks for
    other types where there is no room.

    Raises:
        CredentialsError: there are none to ask with.
    """
    looks = gather_all(
        [
            partial(_read_region if len(wanted) == 1 else _read_region_and_release, *each, now, suggest=suggest)
            for each in wanted
        ],
        max_workers=_REGIONS_AT_ONCE,
    )
    headrooms = [headroom for look in looks for headroom in _assess_region(look)]
    return QuotaCheck(
        headrooms=sort_worst_first(headrooms),
        problems=tuple(dict.fromkeys(problem for look in looks for problem in _read_problems(look))),
        failed_regions=frozenset(look.region for look in looks if _no_quota_read(look)),
        all_auth_failed=all(_all_auth_failed(look) for look in looks),
    )


def _read_region_and_release(
    client: AwsClient, requirements: Sequence[Requirement], now: datetime, *, suggest: bool
) -> _RegionSnapshot:
    """A look at one Region of many: nothing of it stays but what was seen."""
    try:
        return _read_region(client, requirements, now, suggest=suggest)
    finally:
        client.release()


def _read_region(
    client: AwsClient, requirements: Sequence[Requirement], now: datetime, *, suggest: bool
) -> _RegionSnapshot:
    wanted = with_totals(requirements)
    (quotas, others, memory), in_use, requests = gather(
        lambda: _read_region_quotas(client, wanted, now, suggest=suggest),
        lambda: count_in_use(client, {requirement.workload for requirement in wanted}),
        lambda: open_requests(client),
    )
    seen = _RegionSnapshot(client.region, requirements, quotas, in_use, requests, others)
    return _with_more_suggestions(client, seen, memory) if suggest else seen


def _read_region_quotas(
    client: AwsClient, wanted: Sequence[Requirement], now: datetime, *, suggest: bool
) -> tuple[dict[str, QuotaLookup], Suggestions, QuotaCodeCache]:
    """The quotas, and those of other types where no count can make these suffice: while what is in use is still
    being counted.
    """
    cache = load_cache(client, now)
    quotas = read_quotas(client, list(dict.fromkeys(map(quota_name_for, wanted))), cache)
    short = unmet_by_quota(wanted, quotas) if suggest else []
    return quotas, find_suggestions(client, short, cache, len(quotas)), cache


def _with_more_suggestions(client: AwsClient, seen: _RegionSnapshot, cache: QuotaCodeCache) -> _RegionSnapshot:
    """Other types for what is used up, too, which only the count could tell."""
    asked = len(seen.quotas) + len(seen.suggestions.quotas)
    more = find_suggestions(client, unmet_by_use(list(_assess_region(seen))), cache, asked)
    return replace(
        seen, suggestions=Suggestions(seen.suggestions.quotas | more.quotas, {**seen.suggestions.prices, **more.prices})
    )


def _assess_region(seen: _RegionSnapshot) -> Iterable[Headroom]:
    offered = [
        requirement for requirement in seen.requirements if not isinstance(_quota_of(seen, requirement), NotOffered)
    ]
    above = [requirement for requirement in with_totals(offered) if requirement.instance_type is None]
    for requirement in (*seen.requirements, *above):
        # A total that does not exist stands above nothing.
        if requirement.instance_type or not isinstance(_quota_of(seen, requirement), NotOffered):
            yield _assess_requirement(seen, requirement)


def _assess_requirement(seen: _RegionSnapshot, requirement: Requirement) -> Headroom:
    in_use = seen.in_use[requirement.workload]
    headroom = assess_headroom(seen.region, requirement, _quota_of(seen, requirement), in_use, seen.requests)
    if not headroom.verdict.is_no:
        return headroom
    quotas = {**seen.quotas, **seen.suggestions.quotas}
    return replace(
        headroom, alternatives=find_alternatives(seen.region, requirement, quotas, in_use, seen.suggestions.prices)
    )


def _quota_of(seen: _RegionSnapshot, requirement: Requirement) -> QuotaLookup:
    return seen.quotas[quota_name_for(requirement)]


def _read_problems(seen: _RegionSnapshot) -> Iterable[Problem]:
    unread = [answer for answer in seen.quotas.values() if isinstance(answer, Unknown)]
    unread += [in_use.incomplete for in_use in seen.in_use.values() if in_use.incomplete]
    if isinstance(seen.requests, Unknown):
        unread.append(seen.requests)
    for value in unread:
        yield Problem(value.code, value.reason, value.hint, seen.region)


def _no_quota_read(seen: _RegionSnapshot) -> bool:
    """Whether no quota could be read. What is only remembered as not offered was not read."""
    answers = seen.quotas.values()
    return any(isinstance(answer, Unknown) for answer in answers) and not any(
        isinstance(answer, Quota) for answer in answers
    )


def _all_auth_failed(seen: _RegionSnapshot) -> bool:
    unread = [answer for answer in seen.quotas.values() if isinstance(answer, Unknown)]
    return bool(unread) and all(answer.code in CREDENTIAL_CODES for answer in unread)
