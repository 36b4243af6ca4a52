"""Endpoints of every kind: what their variants run on, from Search where its index is up to date.

DescribeEndpoint answers for one at a few calls a second; Search has a hundred in a call, but lags. An endpoint that the
listing and Search agree about is taken from Search; any other is described. The instance types are in the endpoint
configurations, which are read once (``quotas/reads/usage_listings.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.core.aws_statuses import EndpointStatus, EndpointTraits
from opskit.core.model import Unknown
from opskit.core.workloads import PriceComponent
from opskit.inventory.rules.running_resource import (
    BilledConcurrency,
    BilledInstances,
    BilledKind,
    BilledPart,
    BilledVerdict,
    InventoryPart,
    RunningResource,
    aws_sagemaker_command,
    opskit_command,
)
from opskit.quotas.reads.descriptions import Response, describe_listed, listed_endpoint
from opskit.quotas.reads.usage_listings import EndpointConfigs, list_summaries, missing_member

_IDLENESS_UNCHECKED = "idleness was not checked (opskit endpoint list)"
_PLAN_PAID = "a training plan has paid its instances in advance"
_COMPARED = ("EndpointStatus", "LastModifiedTime")


def read_endpoints(client: AwsClient) -> InventoryPart:
    """The endpoints of a Region that bill."""
    listed, searched = gather(partial(_list_endpoints, client), partial(_search_endpoints, client))
    if isinstance(listed, Unknown):
        return InventoryPart(gaps=(listed,))
    listed = [summary for summary in listed if _traits_of(summary).may_bill]
    configs = EndpointConfigs.load(client) if listed else EndpointConfigs(client)
    reads = gather_all([partial(_read_endpoint, client, configs, summary, searched) for summary in listed])
    configs.remember()
    found = tuple(read for read in reads if isinstance(read, RunningResource))
    return InventoryPart(found, tuple(read for read in reads if isinstance(read, Unknown))[:1])


def _list_endpoints(client: AwsClient) -> list[Response] | Unknown:
    # Without a status filter, which would run after the page is cut.
    return list_summaries(client, "list_endpoints", "Endpoints", "EndpointName")


def _search_endpoints(client: AwsClient) -> dict[str, Response]:
    """The endpoints in Search's index, by name; none where it cannot be searched, and then each is described."""
    results = list_summaries(client, "search", "Results", Resource="Endpoint")
    if isinstance(results, Unknown):
        return {}
    endpoints = [result.get("Endpoint") or {} for result in results]
    return {} if missing_member(endpoints, "EndpointName") else {each["EndpointName"]: each for each in endpoints}


def _traits_of(response: Response) -> EndpointTraits:
    return EndpointStatus(response.get("EndpointStatus", EndpointStatus.UNKNOWN)).traits


def _read_endpoint(
    client: AwsClient, configs: EndpointConfigs, summary: Response, searched: dict[str, Response]
) -> RunningResource | Unknown | None:
    """One endpoint; None: it is gone."""
    endpoint = _current_record(summary, searched.get(summary["EndpointName"]))
    if endpoint is None:
        described = describe_listed(client, "describe_endpoint", listed_endpoint(summary))
        if described is None or isinstance(described, Unknown):
            return described
        endpoint = {**summary, **described}
    if not _traits_of(endpoint).may_bill:
        return None
    found, gap = configs.read_config(endpoint)
    return running_endpoint(client.region, endpoint, found[0] if found else None, gap)


def _current_record(summary: Response, record: Response | None) -> Response | None:
    """What Search has of an endpoint, if it is as the listing says; a deployment in progress is in no index."""
    if record is None or not record.get("ProductionVariants") or not _traits_of(summary).is_settled:
        return None
    return record if all(record.get(member) == summary.get(member) for member in _COMPARED) else None


def running_endpoint(region: str, endpoint: Response, config: Response | None, gap: Unknown | None) -> RunningResource:
    """An endpoint as it bills, from AWS's description of it and of its configuration (None: it has none; ``gap``: why
    it is not known).
    """
    name, traits = str(endpoint["EndpointName"]), _traits_of(endpoint)
    variants = _variants_with_plan(endpoint, config)
    on_demand = [each for each in variants if not _is_paid_by_plan(*each)]
    serverless = bool(variants) and all(_is_serverless(variant, plan) for variant, plan in variants)
    # What a training plan has paid is named where it is all that there is, and else left out: it costs nothing more.
    parts = tuple(_endpoint_parts(on_demand or variants, _hosting_component(endpoint, config)))
    free = "its serverless variants bill by request" if serverless and not parts else ""
    free = _PLAN_PAID if variants and not on_demand else free
    is_orphan = config is None and gap is None
    return RunningResource(
        region,
        BilledKind.SERVERLESS if serverless else BilledKind.ENDPOINT,
        name,
        str(endpoint.get("EndpointArn", "")),
        str(endpoint.get("EndpointStatus", "")),
        endpoint.get("CreationTime"),
        parts,
        unpriced=_why_unpriced(variants, is_known=bool(parts or free)),
        free=free,
        verdict=BilledVerdict.RUNNING if traits.surely_bills else BilledVerdict.UNKNOWN,
        reason=_endpoint_reason(endpoint, config, gap, is_sure=traits.surely_bills),
        stop_with=_stop_command(region, name, is_orphan=is_orphan),
        stop_takes_yes=not is_orphan,
        unread=gap,
    )


def _stop_command(region: str, name: str, *, is_orphan: bool) -> str:
    """What ends an endpoint. One whose configuration is gone could not be brought back, so opskit does not stop it."""
    if is_orphan:
        return aws_sagemaker_command("delete-endpoint", region, endpoint_name=name)
    return opskit_command("endpoint", "stop", name, region=region)


def _why_unpriced(variants: Sequence[tuple[Response, Response]], *, is_known: bool) -> str:
    """Why an endpoint can have no price; empty: it may have one."""
    if any(plan.get("AcceleratorType") for _, plan in variants):
        return "opskit does not know the price of its elastic inference accelerators"
    if any(_reservation_arn(*each) and not _is_paid_by_plan(*each) for each in variants):
        return "opskit does not know the price of its capacity reservation"
    return "" if is_known else "AWS does not say what it runs on"


def _endpoint_reason(endpoint: Response, config: Response | None, gap: Unknown | None, *, is_sure: bool) -> str:
    if gap:
        return f"its configuration could not be read: {gap.reason}"
    if config is None:
        return "its configuration was deleted, and AWS says its instance types nowhere else"
    return _IDLENESS_UNCHECKED if is_sure else f"AWS says {endpoint.get('EndpointStatus')}, which may bill"


def _all_variants(response: Response) -> list[Response]:
    return [*(response.get("ProductionVariants") or ()), *(response.get("ShadowProductionVariants") or ())]


def _variants_with_plan(endpoint: Response, config: Response | None) -> list[tuple[Response, Response]]:
    """Each variant with what the configuration says of it. A deployment in progress bills for its own on top, which
    say themselves what they are.
    """
    # What is in service may have scaled since it began.
    untold = {"InitialInstanceCount": None} if _traits_of(endpoint).is_in_service else {}
    planned = {variant.get("VariantName"): {**variant, **untold} for variant in _all_variants(config or {})}
    present = _all_variants(endpoint) or list(planned.values())
    pending = _all_variants(endpoint.get("PendingDeploymentSummary") or {})
    return [(each, planned.get(each.get("VariantName")) or {}) for each in present] + [(each, each) for each in pending]


def _reservation_arn(variant: Response, plan: Response) -> str:
    """The capacity reservation that a variant takes its instances from, and no others; empty: none."""
    said = variant.get("CapacityReservationConfig") or plan.get("CapacityReservationConfig") or {}
    return str(said.get("MlReservationArn") or "")


def _is_paid_by_plan(variant: Response, plan: Response) -> bool:
    return _reservation_arn(variant, plan).split(":", 5)[-1].startswith("training-plan/")


def _hosting_component(endpoint: Response, config: Response | None) -> PriceComponent:
    asynchronous = endpoint.get("AsyncInferenceConfig") or (config or {}).get("AsyncInferenceConfig")
    return PriceComponent.ASYNC_HOSTING if asynchronous else PriceComponent.HOSTING


def _endpoint_parts(variants: Sequence[tuple[Response, Response]], component: PriceComponent) -> Iterator[BilledPart]:
    for variant, plan in variants:
        if _is_serverless(variant, plan):
            yield from _provisioned_parts(_serverless_configs(variant, plan)[0])
        elif pools := variant.get("InstancePools"):
            yield from _pool_parts(pools, component)
        else:
            number = variant.get("CurrentInstanceCount", plan.get("InitialInstanceCount"))
            yield BilledInstances(plan.get("InstanceType"), number, component)


def _pool_parts(pools: Sequence[Response], component: PriceComponent) -> Iterator[BilledInstances]:
    for pool in pools:
        if (count := pool.get("CurrentInstanceCount")) != 0:
            yield BilledInstances(pool.get("InstanceType"), count, component)


def _serverless_configs(variant: Response, plan: Response) -> list[Response]:
    """What is known of a serverless variant, what holds now first; empty: it is not serverless."""
    members = ("CurrentServerlessConfig", "DesiredServerlessConfig", "ServerlessConfig")
    sources = [*(variant.get(member) for member in members), plan.get("ServerlessConfig")]
    return [source for source in sources if source is not None]


def _is_serverless(variant: Response, plan: Response) -> bool:
    return bool(_serverless_configs(variant, plan))


def _provisioned_parts(config: Response) -> Iterator[BilledConcurrency]:
    if units := config.get("ProvisionedConcurrency"):
        yield BilledConcurrency(int(config.get("MemorySizeInMB") or 0), int(units))
