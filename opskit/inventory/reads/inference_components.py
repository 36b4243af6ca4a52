"""Inference components: models that share the instances of an endpoint. The endpoint's instances bill, whatever runs on
them, so a component costs nothing of its own; its share of them is what it reserves.
"""

from __future__ import annotations

from functools import partial

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.aws.gather import gather_all
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.inventory.rules.running_resource import (
    BilledKind,
    BilledVerdict,
    ComponentReservation,
    InventoryPart,
    RunningResource,
    aws_sagemaker_command,
)
from opskit.quotas.reads.descriptions import Response, describe_resource

_PAGE = 100
_IN_SERVICE, _DELETING = "InService", "Deleting"
# What AWS answers where an operation is not there yet: then nothing of its kind is there either.
_NO_OPERATION = ("UnknownOperationException", "InvalidAction")


def list_components(client: AwsClient, endpoint: str | None = None) -> list[Response]:
    """AWS's summaries of inference components: of one endpoint, or of all of the Region.

    Raises:
        AwsError: they could not be read.
    """
    asked = {"EndpointNameEquals": endpoint} if endpoint else {}
    try:
        pages = list(client.paginate("sagemaker", "list_inference_components", MaxResults=_PAGE, **asked))
    except AwsError as failure:
        if failure.aws_code in _NO_OPERATION:
            return []
        raise
    with parse_errors_as_aws(client, "sagemaker:ListInferenceComponents"):
        listed: list[Response] = [each for page in pages for each in page["InferenceComponents"]]
        for each in listed:
            each["InferenceComponentName"], each["EndpointName"]
    return listed


def read_components(client: AwsClient) -> InventoryPart:
    """The inference components of a Region, each with the endpoint that it runs on."""
    try:
        listed = [each for each in list_components(client) if each.get("InferenceComponentStatus") != _DELETING]
    except AwsError as failure:
        return InventoryPart(gaps=(unknown_from_error(failure),))
    described = gather_all([partial(_describe_component, client, each) for each in listed])
    found = tuple(
        _running_component(client.region, summary, said)
        for summary, said in zip(listed, described, strict=True)
        if said is not None
    )
    return InventoryPart(found, tuple(said for said in described if isinstance(said, Unknown))[:1])


def _describe_component(client: AwsClient, summary: Response) -> Response | Unknown | None:
    key = {"InferenceComponentName": str(summary["InferenceComponentName"])}
    return describe_resource(client, "describe_inference_component", key)


def _running_component(region: str, summary: Response, described: Response | Unknown) -> RunningResource:
    """A component; what it reserves is not known where it could not be described."""
    name, endpoint = str(summary["InferenceComponentName"]), str(summary["EndpointName"])
    status = str(summary.get("InferenceComponentStatus") or "")
    return RunningResource(
        region,
        BilledKind.OTHER,
        name,
        str(summary.get("InferenceComponentArn") or ""),
        status,
        summary.get("CreationTime"),
        free=f"the instances of its endpoint {endpoint} bill",
        verdict=BilledVerdict.RUNNING if status == _IN_SERVICE else BilledVerdict.UNKNOWN,
        reason=f"an inference component of the endpoint {endpoint}, whose instances bill",
        stop_with=aws_sagemaker_command("delete-inference-component", region, inference_component_name=name),
        part_of=endpoint,
        reserves=described if isinstance(described, Unknown) else _reservation(described),
    )


def _reservation(described: Response) -> ComponentReservation | Unknown:
    """What all copies of a component reserve of their instances."""
    specification = described.get("Specification") or {}
    copies = (described.get("RuntimeConfig") or {}).get("CurrentCopyCount")
    # An adapter runs in what its base component reserves.
    if specification.get("BaseInferenceComponentName"):
        return ComponentReservation(0, 0)
    needs = specification.get("ComputeResourceRequirements")
    # Memory each has to reserve, accelerators only if it needs them.
    if copies is None or not needs or needs.get("MinMemoryRequiredInMb") is None:
        return Unknown("AWS does not say what it reserves")
    devices = needs.get("NumberOfAcceleratorDevicesRequired") or 0
    return ComponentReservation(copies * devices, copies * needs["MinMemoryRequiredInMb"])
