"""How a stopped endpoint can come back: what of it differs from its configuration and cannot be set when it is made
again, and whether the quota will be there (what it holds now becomes free, and whoever comes first may take it).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from opskit.core.model import Unknown
from opskit.endpoints.rules.model import HostedEndpoint, JsonObject
from opskit.endpoints.rules.restore_record import RestoreRecord
from opskit.quotas.rules.model import Headroom


def configuration_differences(endpoint: HostedEndpoint, config: JsonObject) -> tuple[str, ...]:
    """Each as the end of a sentence. Counts and weights of production variants are not among them: those are set."""
    return (*_capture_differences(endpoint, config), *_variant_differences(endpoint, config))


def _capture_differences(endpoint: HostedEndpoint, config: JsonObject) -> Iterator[str]:
    now, then = endpoint.capture or {}, config.get("DataCaptureConfig") or {}
    is_on = bool(now.get("EnableCapture")) and now.get("CaptureStatus", "Started") == "Started"
    pairs = [
        (is_on, bool(then.get("EnableCapture"))),
        (now.get("CurrentSamplingPercentage"), then.get("InitialSamplingPercentage")),
        (now.get("DestinationS3Uri"), then.get("DestinationS3Uri")),
        (now.get("KmsKeyId"), then.get("KmsKeyId")),
    ]
    compared = pairs if is_on or then.get("EnableCapture") else pairs[:1]
    if any(left != right for left, right in compared):
        yield "its data capture is not as its configuration has it"


def _variant_differences(endpoint: HostedEndpoint, config: JsonObject) -> Iterator[str]:
    production = {str(each.get("VariantName")): each for each in config.get("ProductionVariants") or ()}
    shadows = {str(each.get("VariantName")): each for each in config.get("ShadowProductionVariants") or ()}
    for variant in endpoint.variants:
        own = (shadows if variant.is_shadow else production).get(variant.name)
        if own is None:
            yield f"its configuration has no variant {variant.name}"
        elif variant.is_shadow and (variant.count, variant.weight) != (
            own.get("InitialInstanceCount"),
            own.get("InitialVariantWeight", 1.0),
        ):
            yield f"its shadow variant {variant.name} is not as its configuration has it"
        elif variant.is_serverless and variant.provisioned != int(
            (own.get("ServerlessConfig") or {}).get("ProvisionedConcurrency") or 0
        ):
            yield f"the provisioned concurrency of {variant.name} is not as its configuration has it"


def needed_instances(endpoint: HostedEndpoint) -> dict[str, int]:
    """The instances that an endpoint needs at its return, by type."""
    counts: Counter[str] = Counter()
    for variant in endpoint.variants:
        if variant.instance_type and variant.count:
            counts[variant.instance_type] += variant.count
    return dict(counts)


def needed_at_return(config: JsonObject, record: RestoreRecord) -> dict[str, int] | Unknown:
    """The instances that an endpoint takes when it is made again, by type."""
    wanted = {variant.name: variant.count or 0 for variant in record.variants}
    counts: Counter[str] = Counter()
    for member in ("ProductionVariants", "ShadowProductionVariants"):
        for variant in config.get(member) or ():
            if variant.get("ServerlessConfig"):
                continue
            name, kind, first = (variant.get(key) for key in ("VariantName", "InstanceType", "InitialInstanceCount"))
            if kind is None or first is None:
                return Unknown(
                    f"The configuration {record.config} does not tell type and number of instances of {name}"
                )
            # It is made with the configuration's count, then set to the one it had.
            counts[str(kind)] += max(int(first), wanted.get(str(name), 0))
    return dict(counts)


def unknown_instances(endpoint: HostedEndpoint) -> Unknown | None:
    """Why the instances that an endpoint needs at its return are not all known; None: they are."""
    names = [variant.name for variant in endpoint.variants if variant.instances_unknown]
    return Unknown(f"AWS does not tell the type or number of the instances of {', '.join(names)}") if names else None


def restore_blocker(headrooms: Iterable[Headroom], own: Mapping[str, int]) -> str | Unknown | None:
    """What stands in the way of a return, as the quotas are used now: a sentence, ``Unknown`` where that cannot be
    told, None where nothing does. ``own`` are the instances that the endpoint itself holds, by type.
    """
    parts = [_quota_blocker(headroom, own) for headroom in headrooms]
    short = next((part for part in parts if isinstance(part, str)), None)
    return short or next((part for part in parts if isinstance(part, Unknown)), None)


def _quota_blocker(headroom: Headroom, own: Mapping[str, int]) -> str | Unknown | None:
    requirement = headroom.requirement
    held = own.get(requirement.instance_type, 0) if requirement.instance_type else sum(own.values())
    if requirement.per_job or not held:
        return None
    limit = headroom.quota_value
    if limit is None or headroom.used is None:
        return Unknown(f"{headroom.quota_name}: {headroom.reason}")
    most = headroom.used.ceiling
    used = headroom.used.least if most is None else most
    # It needs as many as it holds now, so there is room for it again if all that is in use fits.
    if used > limit:
        return f"{headroom.quota_name}: the quota is {limit:g}, and {used} are in use, {held} of them by it"
    return Unknown(f"{headroom.quota_name}: {headroom.reason}") if most is None else None
