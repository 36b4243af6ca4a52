"""One reading of an account for the needs of a call: quotas, what is in use, and prices, side by side."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.errors import is_not_found
from opskit.aws.gather import start_in_background
from opskit.aws.prices import bundled_workload_price, read_workload_price
from opskit.core.exceptions import AwsError, OpskitError, Problem
from opskit.core.model import Price, Requirement, Unknown, Workload
from opskit.core.workloads import WORKLOADS
from opskit.guards.rules.call_verdict import ReadQuotas
from opskit.guards.rules.request_model import InstanceNeed, RequestLimit, RequestNeeds
from opskit.guards.rules.started_resources import StartedResource
from opskit.quotas.flows.check import RegionSnapshot, assess_snapshot, read_region
from opskit.quotas.rules.headroom import sort_worst_first
from opskit.quotas.rules.model import Headroom, QuotaHolder

READING_SECONDS = 5.0
"""How long a call waits for its reading. What has not been read by then is unknown."""


@dataclass(frozen=True)
class AccountReading:
    """What was read for some needs. ``snapshot`` None: nothing, and ``problem`` says why. ``ended`` are those of the
    resources asked about that hold nothing any more.
    """

    snapshot: RegionSnapshot | None
    prices: Mapping[tuple[str, Workload], Price | Unknown] = field(default_factory=dict)
    problem: Problem | None = None
    ended: frozenset[StartedResource] = frozenset()

    def holders(self) -> tuple[QuotaHolder, ...]:
        """The resources that AWS's lists show."""
        in_use = {} if self.snapshot is None else self.snapshot.in_use
        return tuple(holder for counts in in_use.values() for holder in counts.holders)

    def assess_needs(self, needs: RequestNeeds, granted: Sequence[InstanceNeed] = ()) -> tuple[Headroom, ...]:
        """Each quota that the needs meet, the worst first. Of alternatives AWS checks each, so each has to fit.
        ``granted`` are needs of other calls that were let through since the reading, which it does not show yet.
        """
        if self.snapshot is None:
            return ()
        return worst_headrooms(self.snapshot, needs.needs_by_moment(), granted)

    def quotas(self) -> ReadQuotas:
        """The quotas that were read."""
        return ReadQuotas() if self.snapshot is None else read_quotas_of(self.snapshot)

    def problems(self) -> tuple[Problem, ...]:
        """Why nothing could be read."""
        return () if self.problem is None else (self.problem,)


def read_quotas_of(snapshot: RegionSnapshot) -> ReadQuotas:
    """The quotas of a snapshot, with what is in use of those that no instances count against."""
    in_use = {name: amount for counts in snapshot.in_use.values() for name, amount in counts.others.items()}
    return ReadQuotas(snapshot.quotas, in_use)


def requirements_to_read(needs: Iterable[InstanceNeed], limits: Iterable[RequestLimit]) -> list[Requirement]:
    """The requirements whose quotas and usage show what needs and limits meet. Shared limits are endpoints'."""
    with_volumes: dict[tuple[str, Workload], bool] = {}
    for need in needs:
        if need.takes_quota:
            key = (need.instance_type, need.workload)
            with_volumes[key] = with_volumes.get(key, False) or need.volume_gb != 0
    endpoints = [Requirement(None, Workload.ENDPOINT, explicit=False)] if any(each.shared for each in limits) else []
    types = [Requirement(*key, volume_gb=None if volumes else 0) for key, volumes in with_volumes.items()]
    return [*types, *endpoints]


def worst_headrooms(
    snapshot: RegionSnapshot, moments: Iterable[Sequence[InstanceNeed]], granted: Sequence[InstanceNeed] = ()
) -> tuple[Headroom, ...]:
    """Each quota that needs meet at some moment, with the worst that is found of it, the worst first."""
    worst: dict[str, Headroom] = {}
    for needs in moments:
        for chosen in _each_choice(needs):
            for headroom in assess_snapshot(snapshot, needs_as_requirements(chosen, granted)).headrooms:
                known = worst.get(headroom.quota_name)
                worst[headroom.quota_name] = _worse_of(known, headroom) if known else headroom
    return sort_worst_first(worst.values())


def _worse_of(one: Headroom, other: Headroom) -> Headroom:
    """The worse verdict; of equal ones the larger need."""
    larger_first = sorted((one, other), key=lambda headroom: -headroom.requirement.count)
    return sort_worst_first(larger_first)[0]


def _each_choice(needs: Sequence[InstanceNeed]) -> Iterable[tuple[InstanceNeed, ...]]:
    """The needs with one alternative of each choice, so that each alternative comes once."""
    groups: dict[str, list[InstanceNeed]] = {}
    for index, need in enumerate(needs):
        if need.takes_quota:
            groups.setdefault(need.choice or f"need {index}", []).append(need)
    # Not every combination: each alternative is to be seen once, beside the first ones of the other choices.
    longest = max(map(len, groups.values()), default=0)
    for index in range(longest):
        yield tuple(group[min(index, len(group) - 1)] for group in groups.values())


def _volumes_of(key: tuple[str, Workload], needs: Iterable[InstanceNeed], count: int) -> int | None:
    """The GB of the volumes of these instances, of which no request may name a size; None: none does."""
    named = [each for each in needs if (each.instance_type, each.workload) == key and each.volume_gb is not None]
    if not named:
        return None
    others = count - sum(each.count for each in named)
    return sum(each.volume_gb or 0 for each in named) + WORKLOADS[key[1]].default_volume_gb * others


def needs_as_requirements(needs: Iterable[InstanceNeed], granted: Sequence[InstanceNeed] = ()) -> list[Requirement]:
    """The needs as requirements: of each type and workload one, and of each workload the largest single job."""
    needs = tuple(needs)
    counts: dict[tuple[str, Workload], int] = {}
    made: dict[tuple[str, Workload], bool] = {}
    jobs: dict[tuple[Workload, str], int] = {}
    for need in needs:
        key = (need.instance_type, need.workload)
        counts[key] = counts.get(key, 0) + need.count
        made[key] = need.already_made and made.get(key, True)
        job = (need.workload, need.job or need.source)
        jobs[job] = jobs.get(job, 0) + (need.count if need.per_job is None else need.per_job)
    apart: dict[Workload, int] = {}
    for need in granted:
        key = (need.instance_type, need.workload)
        if key in counts:
            counts[key] += need.count
        else:
            apart[need.workload] = apart.get(need.workload, 0) + need.count
    requirements = [
        Requirement(*key, count, already_made=made[key], volume_gb=_volumes_of(key, needs, count))
        for key, count in counts.items()
    ]
    for workload in dict.fromkeys(workload for workload, _ in jobs):
        if WORKLOADS[workload].per_job_quota:
            largest = max(count for (used_for, _), count in jobs.items() if used_for is workload)
            requirements.append(Requirement(None, workload, largest, explicit=False, per_job=True))
        # Instances of other types that were let through meanwhile fill the total, whose own types are not asked about.
        if apart.get(workload) and WORKLOADS[workload].total_quota:
            total = apart[workload] + sum(count for (_, used_for), count in counts.items() if used_for is workload)
            requirements.append(Requirement(None, workload, total, explicit=False))
    return requirements


@dataclass(frozen=True)
class PendingReading:
    """A reading that has begun: its parts are read side by side, and each may be late without the other."""

    region: str
    snapshot: Future[RegionSnapshot]
    prices: Mapping[tuple[str, Workload], Future[Price | Unknown]]
    started: Mapping[StartedResource, Future[bool]] = field(default_factory=dict)

    def finish(self, seconds: float) -> AccountReading:
        """What is known after so many seconds: of quotas nothing if they have not all been read, of prices what the
        bundled table has.
        """
        until = time.monotonic() + seconds
        try:
            snapshot, problem = self.snapshot.result(max(0.0, seconds)), None
        except TimeoutError:
            text = f"Quotas and usage could not be read within {READING_SECONDS:g} s."
            snapshot, problem = None, Problem("timeout", text)
        except OpskitError as failure:
            snapshot, problem = None, failure.problem
        prices = {key: self._finish_price(key, future, until) for key, future in self.prices.items()}
        ended = frozenset(each for each, future in self.started.items() if _has_ended(future))
        return AccountReading(snapshot, prices, problem, ended)

    def _finish_price(
        self, key: tuple[str, Workload], future: Future[Price | Unknown], until: float
    ) -> Price | Unknown:
        try:
            return future.result(max(0.0, until - time.monotonic()))
        except TimeoutError:
            why = f"AWS's price list did not answer within {READING_SECONDS:g} s"
            return bundled_workload_price(self.region, *key, why)
        except OpskitError as failure:
            return bundled_workload_price(self.region, *key, failure.problem.message.rstrip("."))


def _has_ended(future: Future[bool]) -> bool:
    """Whether something is known to have ended by now; nobody waits for it."""
    return future.done() and future.exception() is None and future.result()


def _read_ended(client: AwsClient, resource: StartedResource, *, would_be_found: bool) -> bool:
    operation, params = resource.description_call
    try:
        return resource.has_ended(client.read("sagemaker", operation, **params))
    except AwsError as failure:
        # Not readable, or not found yet: it may hold its instances.
        return would_be_found and is_not_found(failure)


def start_reading(
    client: AwsClient,
    needs: Sequence[InstanceNeed],
    now: datetime,
    limits: Iterable[RequestLimit] = (),
    *,
    with_prices: bool = True,
    started: Mapping[StartedResource, bool] | None = None,
) -> PendingReading:
    """Begin to read what these needs meet, the quotas of these limits, and whether what was ``started`` has ended: each
    with whether AWS would find it by now, if it were there.
    """
    priced = dict.fromkeys((need.instance_type, need.price_workload) for need in needs) if with_prices else {}
    limits = tuple(limits)
    requirements = requirements_to_read(needs, limits)
    further = list(dict.fromkeys(limit.quota_name for limit in limits))
    return PendingReading(
        client.region,
        start_in_background(partial(read_region, client, requirements, now, further)),
        {each: start_in_background(partial(read_workload_price, client, *each)) for each in priced},
        {
            each: start_in_background(partial(_read_ended, client, each, would_be_found=found))
            for each, found in (started or {}).items()
        },
    )
