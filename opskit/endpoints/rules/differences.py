"""What of an endpoint differs from its configuration and cannot be set when it is made again."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.endpoints.rules.model import HostedEndpoint, JsonObject


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
