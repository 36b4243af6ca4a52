"""Look at endpoints: descriptions, tags, invocations, prices; and a verdict over each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.aws.resource_tags import list_kind_tags_or_none, read_arn_tags
from opskit.core.exceptions import AwsError, CredentialsError, Problem
from opskit.core.grace import Patience
from opskit.core.model import Price, PriceKey, Unknown
from opskit.core.owners import is_owner_named, owner_from_tags
from opskit.core.result_or_error import unknown_from_error
from opskit.endpoints.reads.attachments import list_component_names
from opskit.endpoints.reads.endpoints import list_endpoint_names, read_hosted_endpoint
from opskit.endpoints.reads.invocations import MetricSubject, read_endpoint_use
from opskit.endpoints.reads.stopped import StoppedEndpoint, list_stopped
from opskit.endpoints.rules.idleness import (
    EndpointAssessment,
    EndpointPolicy,
    assess_endpoint,
    endpoint_patience,
    protection_reason,
)
from opskit.endpoints.rules.model import EndpointUse, HostedEndpoint
from opskit.inventory.reads.prices import read_prices
from opskit.inventory.rules.prices import hourly_price
from opskit.quotas.reads.usage_listings import EndpointConfigs

_ENDPOINTS = "sagemaker:endpoint"
# So many are asked for their tags one by one, which is fresh, and within ListTags' rate.
_FEW_ENDPOINTS = 5
Tags = Mapping[str, str] | Unknown


@dataclass(frozen=True)
class InspectedEndpoint:
    """One endpoint, looked at. ``use`` None: the verdict did not need it. ``price`` is in USD per hour. ``patience`` is
    after how long this one is idle. ``trail_owner`` is whose it is by CloudTrail; None: not known.
    """

    client: AwsClient
    endpoint: HostedEndpoint
    tags: Tags
    use: EndpointUse | Unknown | None
    assessment: EndpointAssessment
    price: Decimal | Unknown
    patience: Patience
    trail_owner: str | None = None

    @property
    def usd_per_hour(self) -> Decimal | None:
        """Its price; None: not known."""
        return _known_usd(self.price)


@dataclass(frozen=True)
class EndpointFilter:
    """Which endpoints are to be looked at: those of these ``names`` (all, where none is given) whose name matches
    ``glob``, which have the ``tag`` and belong to ``owner`` (None: whatever they are). One whose tags cannot be read
    may be one of them.
    """

    names: Sequence[str] = ()
    glob: str = "*"
    tag: tuple[str, str] | None = None
    owner: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether every name is meant."""
        return not self.names and self.glob == "*"

    def matches_name(self, name: str) -> bool:
        """Whether a name is one of those."""
        return (not self.names or name in self.names) and fnmatchcase(name, self.glob)

    @property
    def has_tag_choice(self) -> bool:
        """Whether tags decide."""
        return self.tag is not None or self.owner is not None

    @property
    def is_narrow(self) -> bool:
        """Whether anything but names chooses."""
        return self.glob != "*" or self.has_tag_choice

    def matches_tag(self, tags: Tags, owner_keys: Sequence[str]) -> bool:
        """Whether tags are, or may be, those. ``owner_keys`` are those that name an owner."""
        if not self.has_tag_choice or isinstance(tags, Unknown):
            return True
        has_tag = self.tag is None or tags.get(self.tag[0]) == self.tag[1]
        return has_tag and (self.owner is None or is_owner_named(owner_from_tags(tags, owner_keys), self.owner))


@dataclass(frozen=True)
class EndpointInspection:
    """A look at the endpoints of ``regions``, or with ``is_narrow`` at those that were chosen. ``stopped`` are those
    that can be brought back; ``problems`` tell what could not be read, and ``all_regions_failed`` says that no Region
    could be listed. ``owners_gap`` is why CloudTrail could not be asked for all owners; None: it was, as far as anybody
    wanted that.
    """

    endpoints: tuple[InspectedEndpoint, ...]
    stopped: tuple[tuple[AwsClient, StoppedEndpoint], ...] = ()
    problems: tuple[Problem, ...] = ()
    all_regions_failed: bool = False
    owners_gap: Unknown | None = None
    regions: tuple[str, ...] = ()
    is_narrow: bool = False

    @property
    def metrics_asked(self) -> int:
        """How many metrics were asked for, each of which is paid for."""
        return sum(seen.use.metrics for seen in self.endpoints if isinstance(seen.use, EndpointUse))


@dataclass(frozen=True)
class _RegionInspection:
    """The endpoints of a Region that were looked at, and why some could not be described. ``staying`` are the names of
    all that are there, or may be, and are not being deleted.
    """

    endpoints: tuple[InspectedEndpoint, ...]
    problems: tuple[Problem, ...]
    staying: frozenset[str]


def inspect_endpoints(
    clients: Sequence[AwsClient],
    policy: EndpointPolicy,
    now: datetime,
    meant: EndpointFilter = EndpointFilter(),
    *,
    with_stopped: bool = False,
) -> EndpointInspection:
    """Look at every endpoint that is meant. A Region that does not answer does not hide the others."""
    regions = gather_all([partial(_inspect_region, client, policy, now, meant) for client in clients])
    problems = [
        problem for region in regions for problem in ([region] if isinstance(region, Problem) else region.problems)
    ]
    seen = [each for region in regions if not isinstance(region, Problem) for each in region.endpoints]
    stopped: list[tuple[AwsClient, StoppedEndpoint]] = []
    for client, region in zip(clients, regions if with_stopped else (), strict=False):
        if isinstance(region, Problem):
            continue
        found = _list_stopped(client)
        if isinstance(found, Problem):
            problems.append(found)
            continue
        # One that could not be described, or has other tags than are meant, may have a record and runs all the same.
        gone = [each for each in found if each.name not in region.staying]
        stopped += [(client, each) for each in gone if _is_meant(client, each, meant)]
    failed = 0 < len(clients) == sum(isinstance(region, Problem) for region in regions)
    return EndpointInspection(
        tuple(seen),
        tuple(stopped),
        tuple(problems),
        all_regions_failed=failed,
        regions=tuple(client.region for client in clients),
        is_narrow=meant.is_narrow,
    )


def _is_meant(client: AwsClient, stopped: StoppedEndpoint, meant: EndpointFilter) -> bool:
    """Whether a stopped endpoint is one of those, by the tags that it had."""
    return meant.matches_name(stopped.name) and meant.matches_tag(stopped.tags, client.owner_keys)


def inspect_endpoint(
    client: AwsClient, known: HostedEndpoint, policy: EndpointPolicy, price: Decimal | Unknown, now: datetime
) -> InspectedEndpoint | None:
    """A ``known`` endpoint as it is now: its description, tags and metrics side by side at one moment, with the price
    that it had then; None: there is none.

    Raises:
        AwsError: AWS does not say how it is.
    """
    own = policy.for_price(_known_usd(price))
    endpoint, tags, (use,) = gather(
        partial(read_hosted_endpoint, client, known.name),
        partial(read_arn_tags, client, known.arn),
        partial(_read_uses, client, [(known, own)], now),
    )
    return None if endpoint is None else _assess(client, endpoint, tags, use, own, price, now)


def _assess(
    client: AwsClient,
    endpoint: HostedEndpoint,
    tags: Tags,
    use: EndpointUse | Unknown | None,
    policy: EndpointPolicy,
    price: Decimal | Unknown,
    now: datetime,
) -> InspectedEndpoint:
    assessment = assess_endpoint(endpoint, tags, use, policy, now)
    patience = endpoint_patience(endpoint, tags, policy)
    return InspectedEndpoint(client, endpoint, tags, use, assessment, price, patience)


def _known_usd(price: Decimal | Unknown) -> Decimal | None:
    return None if isinstance(price, Unknown) else price


def _list_stopped(client: AwsClient) -> list[StoppedEndpoint] | Problem:
    try:
        newest: dict[str, StoppedEndpoint] = {}
        for each in list_stopped(client):
            if each.name not in newest or newest[each.name].written < each.written:
                newest[each.name] = each
        return list(newest.values())
    except AwsError as failure:
        text = f"Which endpoints were stopped could not be read: {failure.problem.message}"
        return Problem("stopped-unread", text, failure.problem.hint, client.region)


def _inspect_region(
    client: AwsClient, policy: EndpointPolicy, now: datetime, meant: EndpointFilter
) -> _RegionInspection | Problem:
    configs = EndpointConfigs.load(client)
    try:
        names = [name for name in list_endpoint_names(client) if meant.matches_name(name)]
    except AwsError as failure:
        return failure.problem
    described = gather_all([partial(_describe_or_problem, client, name, configs) for name in names])
    problems = tuple(each for each in described if isinstance(each, Problem))
    if meant.is_open and not problems:
        configs.remember()
    endpoints = [each for each in described if each is not None and not isinstance(each, Problem)]
    tags = _read_tags(client, endpoints)
    told_of = zip(endpoints, tags, strict=True)
    wanted = [(endpoint, told) for endpoint, told in told_of if meant.matches_tag(told, client.owner_keys)]
    # Before the metrics: for how long they are asked may depend on the price.
    prices = read_prices(client, [endpoint.billed for endpoint, _ in wanted if endpoint.billed is not None], now)
    told_prices = [endpoint_price(endpoint, prices) for endpoint, _ in wanted]
    policies = [policy.for_price(_known_usd(price)) for price in told_prices]
    asked = [
        (endpoint, own)
        for (endpoint, told), own in zip(wanted, policies, strict=True)
        if _needs_metrics(endpoint, told, policy, now)
    ]
    uses = dict(zip((each.name for each, _ in asked), _read_uses(client, asked, now), strict=True))
    seen = [
        _assess(client, endpoint, told, uses.get(endpoint.name), own, price, now)
        for (endpoint, told), own, price in zip(wanted, policies, told_prices, strict=True)
    ]
    going = {each.name for each in endpoints if each.traits.is_going}
    gone = {name for name, each in zip(names, described, strict=True) if each is None}
    return _RegionInspection(tuple(seen), problems, frozenset(names) - going - gone)


def _describe_or_problem(client: AwsClient, name: str, configs: EndpointConfigs) -> HostedEndpoint | Problem | None:
    """An endpoint, None where it is gone; or why it could not be described, which hides no other."""
    try:
        return read_hosted_endpoint(client, name, configs)
    except CredentialsError:
        raise
    except AwsError as failure:
        text = f"The endpoint {name} could not be read: {failure.problem.message}"
        return Problem(failure.problem.code, text, failure.problem.hint, client.region)


def _read_tags(client: AwsClient, endpoints: Sequence[HostedEndpoint]) -> list[Tags]:
    listed = list_kind_tags_or_none(client, _ENDPOINTS) if len(endpoints) > _FEW_ENDPOINTS else None
    if listed is not None:
        return [dict(listed.tags_of(endpoint.arn)) for endpoint in endpoints]
    return list(gather_all([partial(read_arn_tags, client, endpoint.arn) for endpoint in endpoints]))


def _needs_metrics(endpoint: HostedEndpoint, tags: Tags, policy: EndpointPolicy, now: datetime) -> bool:
    """Whether metrics, which are paid for, could change the verdict."""
    if not endpoint.traits.is_in_service or isinstance(tags, Unknown) or endpoint.is_deploying:
        return False
    return protection_reason(tags, policy, now) is None


def _read_uses(
    client: AwsClient, endpoints: Sequence[tuple[HostedEndpoint, EndpointPolicy]], now: datetime
) -> list[EndpointUse | Unknown]:
    """How endpoints were used, each for as long as its own policy asks."""
    if not endpoints:
        return []
    try:
        components = list_component_names(client, endpoints[0][0].name if len(endpoints) == 1 else None)
    except AwsError as failure:
        return [unknown_from_error(failure)] * len(endpoints)
    subjects = [
        MetricSubject(
            endpoint.name,
            tuple(variant.name for variant in endpoint.serving_variants),
            tuple(components.get(endpoint.name, ())),
            endpoint.is_async,
            policy.after,
        )
        for endpoint, policy in endpoints
    ]
    return read_endpoint_use(client, subjects, now)


def endpoint_price(endpoint: HostedEndpoint, prices: Mapping[PriceKey, Price | Unknown]) -> Decimal | Unknown:
    """What an endpoint costs an hour, as ``opskit costs`` has it; or why that is not known."""
    if endpoint.billed is None:
        return Unknown("AWS does not say what it is billed for", "no-price")
    usd = hourly_price(endpoint.billed, prices)
    return usd if isinstance(usd, Unknown) else Decimal(f"{usd.normalize():f}")
