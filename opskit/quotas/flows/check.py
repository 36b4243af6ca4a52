"""Checks requirements against quotas: reads quotas, what is in use and open requests concurrently, then assesses
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all, start_in_background
from opskit.core.exceptions import CREDENTIAL_CODES, Problem
from opskit.core.model import Quota, QuotaLookup, Requirement, Unknown, Workload, is_not_offered
from opskit.quotas.flows.remedies import Held, Suggestions, choose_candidates, find_holders, read_suggestions
from opskit.quotas.reads.code_cache import load_cache
from opskit.quotas.reads.quotas import read_quotas
from opskit.quotas.reads.service_quotas import open_requests
from opskit.quotas.reads.usage import count_in_use
from opskit.quotas.rules.alternatives import find_alternatives, unmet_by_quota, unmet_by_use
from opskit.quotas.rules.headroom import QuotaCheck, assess_headroom, sort_worst_first
from opskit.quotas.rules.model import Headroom, IncreaseRequest, InUseCounts
from opskit.quotas.rules.requirements import quota_name_for, with_all_limits

# Every account has fewer Regions, so all are read concurrently: AWS's rates are per Region.
_REGIONS_AT_ONCE = 40


@dataclass(frozen=True)
class RegionSnapshot:
    """Everything that was read of one Region."""

    region: str
    requirements: Sequence[Requirement]
    quotas: dict[str, QuotaLookup]
    in_use: dict[Workload, InUseCounts]
    requests: tuple[IncreaseRequest, ...] | Unknown
    suggestions: Suggestions = field(default_factory=Suggestions)
    held: Held = field(default_factory=dict)


def check_quotas(clients: Sequence[AwsClient], requirements: Sequence[Requirement], now: datetime) -> QuotaCheck:
    """Assess every requirement, and the account-wide totals above them, in every Region; the worst result comes first.

    Raises:
        CredentialsError: there are no valid credentials.
    """
    return check_clients([(client, requirements) for client in clients], now)


def check_clients(
    wanted: Sequence[tuple[AwsClient, Sequence[Requirement]]], now: datetime, *, suggest: bool = False
) -> QuotaCheck:
    """Assess the requirements of each Region, and the totals above them; the worst result comes first. ``suggest`` also
    looks for other types where there is not enough quota, and for what holds a quota that is too full.

    Raises:
        CredentialsError: there are no valid credentials.
    """
    snapshots = gather_all(
        [
            partial(
                _read_region if len(wanted) == 1 else _read_region_and_release,
                *region_requirements,
                now,
                suggest=suggest,
            )
            for region_requirements in wanted
        ],
        max_workers=_REGIONS_AT_ONCE,
    )
    return _to_check(snapshots)


def read_region(
    client: AwsClient, requirements: Sequence[Requirement], now: datetime, further: Sequence[str] = ()
) -> RegionSnapshot:
    """Read all that assessing these requirements needs, for ``assess_snapshot``, and ``further`` quotas by their names.

    Raises:
        CredentialsError: there are no valid credentials.
    """
    return _read_region(client, requirements, now, suggest=False, further=further)


def assess_snapshot(snapshot: RegionSnapshot, requirements: Sequence[Requirement]) -> QuotaCheck:
    """Assess requirements by what was read of a Region for these types and workloads, in whichever numbers."""
    return _to_check([replace(snapshot, requirements=requirements)])


def _to_check(snapshots: Sequence[RegionSnapshot]) -> QuotaCheck:
    headrooms = [headroom for snapshot in snapshots for headroom in _assess_region(snapshot)]
    unread = [[each for each in part.quotas.values() if isinstance(each, Unknown)] for part in snapshots]
    has_quotas = [any(isinstance(each, Quota) for each in part.quotas.values()) for part in snapshots]
    return QuotaCheck(
        headrooms=sort_worst_first(headrooms),
        problems=tuple(
            dict.fromkeys(
                Problem(each.code, each.reason, each.hint, snapshot.region)
                for snapshot in snapshots
                for each in (
                    *snapshot.quotas.values(),
                    *(in_use.incomplete for in_use in snapshot.in_use.values()),
                    snapshot.requests,
                )
                if isinstance(each, Unknown)
            )
        ),
        failed_regions=frozenset(
            snapshot.region
            for snapshot, unknown, has_quota in zip(snapshots, unread, has_quotas, strict=True)
            # One that is only remembered as not offered was not read, so NotOffered speaks neither way. Service Quotas
            # says it of each quota of a Region that it does not know, and refuses to list the requests there: among
            # others a Region without SageMaker is no failure, but alone it is.
            if not has_quota and (unknown or (isinstance(snapshot.requests, Unknown) and not any(has_quotas)))
        ),
        all_auth_failed=all(part and all(each.code in CREDENTIAL_CODES for each in part) for part in unread),
        held={(snapshot.region, name): held for snapshot in snapshots for name, held in snapshot.held.items()},
    )


def _read_region_and_release(
    client: AwsClient, requirements: Sequence[Requirement], now: datetime, *, suggest: bool
) -> RegionSnapshot:
    """Read one of many Regions, and close its clients afterwards."""
    try:
        return _read_region(client, requirements, now, suggest=suggest)
    finally:
        client.release()


def _read_region(
    client: AwsClient,
    requirements: Sequence[Requirement],
    now: datetime,
    *,
    suggest: bool,
    further: Sequence[str] = (),
) -> RegionSnapshot:
    """Read a Region in as few round trips as what depends on what allows: with known codes three, of which the first
    asks whose account it is and lists what runs, and the last finds what helps.
    """
    wanted = with_all_limits(requirements)
    names = list(dict.fromkeys([*map(quota_name_for, wanted), *further]))
    # The quotas are the longest chain: whose account it is, the values, and what helps.
    client.session.prepare_clients(("sts", client.session.default_region), ("service-quotas", client.region))
    cache = start_in_background(partial(load_cache, client, now))
    quotas = start_in_background(lambda: read_quotas(client, names, cache.result()))
    requests = start_in_background(partial(open_requests, client))
    workloads, with_volumes = {each.workload for each in wanted}, any(each.of_volumes for each in wanted)
    in_use = start_in_background(partial(count_in_use, client, workloads, with_volumes=with_volumes))
    if not suggest:
        read, counts, asked = gather(quotas.result, in_use.result, requests.result)
        return RegionSnapshot(client.region, requirements, read, counts, asked)
    # What is known of the alternatives to quotas that are too small, while what is in use is still being counted.
    too_small = unmet_by_quota(wanted, quotas.result())
    candidates = choose_candidates(too_small, cache.result(), len(names))
    by_quota = start_in_background(partial(read_suggestions, client, candidates, cache.result()))
    snapshot = RegionSnapshot(client.region, requirements, quotas.result(), in_use.result(), requests.result())
    # The alternatives to what is used up, which only the counts can tell, and what uses it.
    headrooms = list(_assess_region(snapshot))
    others = choose_candidates(unmet_by_use(headrooms), cache.result(), len(names) + len(candidates))
    first, second, held = gather(
        by_quota.result,
        partial(read_suggestions, client, others, cache.result()),
        partial(find_holders, client, headrooms, snapshot.in_use, now),
    )
    suggestions = Suggestions({**first.quotas, **second.quotas}, {**first.prices, **second.prices})
    return replace(snapshot, suggestions=suggestions, held=held)


def _assess_region(snapshot: RegionSnapshot) -> Iterable[Headroom]:
    offered = [each for each in snapshot.requirements if not is_not_offered(snapshot.quotas[quota_name_for(each)])]
    above = [requirement for requirement in with_all_limits(offered) if requirement.instance_type is None]
    suggested = {**snapshot.quotas, **snapshot.suggestions.quotas}
    # What nothing more is needed of refuses nothing, though more may be in use than there is.
    for requirement in (each for each in (*snapshot.requirements, *above) if each.count):
        quota, in_use = snapshot.quotas[quota_name_for(requirement)], snapshot.in_use[requirement.workload]
        # A total that does not exist limits nothing.
        if requirement.instance_type is None and is_not_offered(quota):
            continue
        headroom = assess_headroom(snapshot.region, requirement, quota, in_use, snapshot.requests)
        if headroom.verdict.is_no:
            prices = snapshot.suggestions.prices
            alternatives = find_alternatives(snapshot.region, requirement, suggested, in_use, prices)
            headroom = replace(headroom, alternatives=alternatives)
        yield headroom
