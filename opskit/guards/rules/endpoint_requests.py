"""What endpoints start: their variants, in a blue/green update a second fleet beside the first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from opskit.core.model import Workload
from opskit.guards.rules.request_model import (
    Describe,
    InstanceNeed,
    NotJudgeable,
    Request,
    RequestLimit,
    RequestNeeds,
    UnknownNeed,
    entries_of,
    join_path,
    member_of,
    merge_needs,
    type_in,
    whole_number,
)
from opskit.quotas.rules.requirements import SERVERLESS_CONCURRENCY, SERVERLESS_ENDPOINTS

_VARIANT_LISTS = ("ProductionVariants", "ShadowProductionVariants")
_SERVERLESS_MEMBERS = ("CurrentServerlessConfig", "DesiredServerlessConfig")
_SERVERLESS_NOTE = "a serverless variant is billed by use, which is in no budget"
_SCALING_NOTE = "{where} may grow to {most} instances: its cost counts them, the quotas are checked for {count}"
_MOST_MEMBER = "ManagedInstanceScaling.MaxInstanceCount"
_NO_TOLD_END = "AWS scales the variant, to how many is not given"
_COPIES_NOTE = "The copies run on the instances that the endpoint has or may scale to."


def endpoint_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of CreateEndpoint: those of its configuration."""
    config = _describe_endpoint_config(request, describe)
    return config_needs(config, f"endpoint configuration {request.get('EndpointConfigName')}")


def _describe_endpoint_config(request: Request, describe: Describe) -> Request:
    name = request.get("EndpointConfigName")
    if not name:
        raise NotJudgeable("EndpointConfigName", "the endpoint configuration is not given")
    return describe("describe_endpoint_config", {"EndpointConfigName": name})


def config_needs(config: Request, source: str) -> RequestNeeds:
    """The needs of an endpoint with this configuration; a shadow variant has instances of its own."""
    parts = [
        _variant_needs(variant, f"{join_path(source, member)}[{index}]", source)
        for member in _VARIANT_LISTS
        for index, variant in enumerate(entries_of(config, member, source))
    ]
    if not parts:
        raise NotJudgeable(join_path(source, "ProductionVariants"), "the variants are not given")
    return merge_needs(parts)


def _variant_needs(variant: Request, where: str, job: str) -> RequestNeeds:
    serverless = variant.get("ServerlessConfig")
    if isinstance(serverless, Mapping):
        if whole_number(serverless, "ProvisionedConcurrency", where, 0):
            reason = "provisioned concurrency is billed by the hour, and its price is not known"
            return RequestNeeds(unknowns=(UnknownNeed(f"{where}.ServerlessConfig.ProvisionedConcurrency", reason),))
        return _serverless_needs(serverless, f"{where}.ServerlessConfig", job)
    unknowns: tuple[UnknownNeed, ...] = ()
    if variant.get("AcceleratorType"):
        unknowns = (UnknownNeed(f"{where}.AcceleratorType", "the quota of accelerators is not known"),)
    count = whole_number(variant, "InitialInstanceCount", where)
    scaling = member_of(variant, "ManagedInstanceScaling", where)
    if _has_no_told_end(scaling):
        unknowns = (*unknowns, UnknownNeed(f"{where}.{_MOST_MEMBER}", _NO_TOLD_END))
    # AWS may scale to this by itself, so it is what may have to be paid for.
    most = max(count, whole_number(scaling, "MaxInstanceCount", join_path(where, "ManagedInstanceScaling"), count))
    pools = entries_of(variant, "InstancePools", where)
    places = [(pool, f"{where}.InstancePools[{index}]") for index, pool in enumerate(pools)] or [(variant, where)]
    needs = tuple(
        InstanceNeed(
            type_in(place, "InstanceType", path),
            Workload.ENDPOINT,
            count,
            path,
            billed=most,
            choice=f"{where}.InstancePools" if pools else "",
            job=job,
        )
        for place, path in places
    )
    notes = (_SCALING_NOTE.format(where=where, most=most, count=count),) if most > count else ()
    return RequestNeeds(needs, unknowns, notes)


def _has_no_told_end(scaling: Request) -> bool:
    """Whether AWS scales a variant by itself, and nothing says to how many instances."""
    return bool(scaling) and scaling.get("Status") != "DISABLED" and scaling.get("MaxInstanceCount") is None


def _serverless_needs(serverless: Request, where: str, job: str) -> RequestNeeds:
    """What a serverless variant takes up: no instance, but concurrency, and its endpoint is one of so many."""
    most = whole_number(serverless, "MaxConcurrency", where)
    limits = (
        RequestLimit(SERVERLESS_CONCURRENCY, most, f"{where}.MaxConcurrency", shared=True),
        RequestLimit(SERVERLESS_ENDPOINTS, 1, job, shared=True),
    )
    return RequestNeeds(notes=(_SERVERLESS_NOTE,), limits=limits)


def endpoint_update_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of UpdateEndpoint: the new fleet stands beside the old one until traffic has moved, so all of it comes
    on top of what is in use. A rolling update makes a batch at a time.
    """
    source = f"endpoint configuration {request.get('EndpointConfigName')}"
    new = config_needs(_describe_endpoint_config(request, describe), source)
    policy = member_of(member_of(request, "DeploymentConfig", ""), "RollingUpdatePolicy", "DeploymentConfig")
    if request.get("RetainAllVariantProperties"):
        new = _with_present_counts(new, request, describe)
    if not policy:
        return new
    batch = member_of(policy, "MaximumBatchSize", "DeploymentConfig.RollingUpdatePolicy")
    return replace(new, needs=tuple(_in_batches(need, batch) for need in new.needs))


def _with_present_counts(new: RequestNeeds, request: Request, describe: Describe) -> RequestNeeds:
    """The needs where each variant may keep the number of instances that it has scaled to."""
    name = request.get("EndpointName")
    variants = entries_of(describe("describe_endpoint", {"EndpointName": name}), "ProductionVariants", "")
    if not variants:
        raise NotJudgeable(f"endpoint {name}", "AWS does not say which variants it has now")
    counts = [
        max(
            _instances_now(variant, f"variant {variant.get('VariantName')}"),
            int(variant.get("DesiredInstanceCount") or 0),
        )
        for variant in variants
        if not any(variant.get(member) for member in _SERVERLESS_MEMBERS)
    ]
    # The larger one counts: an endpoint that has scaled out may keep what it has.
    most = max(counts, default=0)
    grown = [replace(need, count=max(need.count, most), billed=max(need.billed_count, most)) for need in new.needs]
    return replace(new, needs=tuple(grown))


def _in_batches(need: InstanceNeed, batch: Request) -> InstanceNeed:
    value = whole_number(batch, "Value", "DeploymentConfig.RollingUpdatePolicy.MaximumBatchSize")
    is_share = batch.get("Type") == "CAPACITY_PERCENT"
    size = math.ceil(need.count * value / 100) if is_share else value
    return replace(need, count=min(need.count, max(size, 1)), billed=need.billed_count, per_job=need.count)


def capacity_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of UpdateEndpointWeightsAndCapacities: the instances that a variant is to have more than now."""
    wanted = entries_of(request, "DesiredWeightsAndCapacities", "")
    if not any("DesiredInstanceCount" in each or "ServerlessUpdateConfig" in each for each in wanted):
        return RequestNeeds()
    endpoint = describe("describe_endpoint", {"EndpointName": request.get("EndpointName")})
    config = _describe_endpoint_config(endpoint, describe)
    present = {variant.get("VariantName"): variant for variant in _all_variants(endpoint)}
    planned = {variant.get("VariantName"): variant for variant in _all_variants(config)}
    parts: list[RequestNeeds] = []
    for index, each in enumerate(wanted):
        where, name = f"DesiredWeightsAndCapacities[{index}]", each.get("VariantName")
        if "ServerlessUpdateConfig" in each:
            reason = "the price of provisioned concurrency is not known"
            parts.append(RequestNeeds(unknowns=(UnknownNeed(f"{where}.ServerlessUpdateConfig", reason),)))
        if "DesiredInstanceCount" in each:
            desired = whole_number(each, "DesiredInstanceCount", where)
            plan = {**planned.get(name, {}), "InitialInstanceCount": desired, "ManagedInstanceScaling": None}
            now = _instances_now(present.get(name, {}), where)
            parts.append(_only_more(_variant_needs(plan, where, "the endpoint"), now))
    return merge_needs(parts)


def _instances_now(variant: Request, where: str) -> int:
    """How many instances a variant of a described endpoint has.

    Raises:
        NotJudgeable: AWS does not say it, as of an endpoint that is being created.
    """
    if "CurrentInstanceCount" not in variant:
        raise NotJudgeable(where, "AWS does not say how many instances the variant has now")
    return whole_number(variant, "CurrentInstanceCount", where)


def _only_more(new: RequestNeeds, now: int) -> RequestNeeds:
    """What is needed beyond the instances that there are: they are in use, and paid for, already."""
    more = [
        replace(need, count=need.count - now, billed=need.count - now, per_job=need.count)
        for need in new.needs
        if need.count > now
    ]
    return replace(new, needs=tuple(more))


def component_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of an inference component's copies: none where the endpoint cannot grow by itself, else up to what
    its configuration lets it grow to.
    """
    name = request.get("EndpointName")
    if not name:
        component = {"InferenceComponentName": request.get("InferenceComponentName")}
        name = describe("describe_inference_component", component).get("EndpointName")
    endpoint = describe("describe_endpoint", {"EndpointName": name})
    config = _describe_endpoint_config(endpoint, describe)
    present = {variant.get("VariantName"): variant for variant in _all_variants(endpoint)}
    parts = []
    for index, variant in enumerate(_all_variants(config)):
        scaling = member_of(variant, "ManagedInstanceScaling", "")
        where = f"variant {index + 1} of endpoint {name}"
        if _has_no_told_end(scaling):
            raise NotJudgeable(f"{where}.{_MOST_MEMBER}", _NO_TOLD_END)
        most = whole_number(scaling, "MaxInstanceCount", "ManagedInstanceScaling", 0)
        if not most or scaling.get("Status") == "DISABLED":
            continue
        now = _instances_now(present.get(variant.get("VariantName"), {}), where)
        if most > now:
            plan = {**variant, "InitialInstanceCount": most}
            parts.append(_only_more(_variant_needs(plan, where, "the endpoint"), now))
    return replace(merge_needs(parts), notes=(_COPIES_NOTE,))


def experiment_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of an inference experiment: the instances of its model variants."""
    return _experiment_variants(request, "ModelVariants")


def experiment_end_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of StopInferenceExperiment where it says what the endpoint is to have afterwards."""
    return _experiment_variants(request, "DesiredModelVariants")


def started_experiment_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of StartInferenceExperiment: those of the experiment."""
    return _experiment_variants(
        describe("describe_inference_experiment", {"Name": request.get("Name")}), "ModelVariants"
    )


def _experiment_variants(request: Request, member: str) -> RequestNeeds:
    needs = []
    for index, variant in enumerate(entries_of(request, member, "")):
        where = f"{member}[{index}].InfrastructureConfig"
        infrastructure = member_of(variant, "InfrastructureConfig", f"{member}[{index}]")
        instances = member_of(infrastructure, "RealTimeInferenceConfig", where)
        where = f"{where}.RealTimeInferenceConfig"
        count = whole_number(instances, "InstanceCount", where)
        needs.append(
            InstanceNeed(type_in(instances, "InstanceType", where), Workload.ENDPOINT, count, where, job="the endpoint")
        )
    return RequestNeeds(tuple(needs))


def _all_variants(response: Request) -> Sequence[Request]:
    return [variant for member in _VARIANT_LISTS for variant in entries_of(response, member, "")]
