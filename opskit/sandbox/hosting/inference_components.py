"""Inference components: models that share the instances of an endpoint. Nothing predicts behind these records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import validation_error
from opskit.sandbox.hosting.endpoint_service import EndpointService
from opskit.sandbox.list_responses import ListedResource, ListRow, list_response
from opskit.sandbox.state import AccountRegion, ApiCall, SandboxState
from opskit.sandbox.tags import TagService, request_tags


@dataclass(frozen=True)
class InferenceComponent:
    """What a client made, as it made it; it is in service at once."""

    name: str
    arn: str
    params: dict[str, Any]
    created: datetime
    tags: dict[str, str]

    def describe(self) -> dict[str, Any]:
        """The answer of DescribeInferenceComponent, without the endpoint's ARN."""
        copies = self.params.get("RuntimeConfig", {}).get("CopyCount", 0)
        return {
            "InferenceComponentName": self.name,
            "InferenceComponentArn": self.arn,
            "EndpointName": self.params["EndpointName"],
            "VariantName": self.params["VariantName"],
            "Specification": self.params.get("Specification"),
            "RuntimeConfig": {"DesiredCopyCount": copies, "CurrentCopyCount": copies},
            "CreationTime": self.created,
            "LastModifiedTime": self.created,
            "InferenceComponentStatus": "InService",
        }


class InferenceComponentService:
    """CreateInferenceComponent and what belongs to it."""

    def __init__(self, state: SandboxState, endpoints: EndpointService, tags: TagService) -> None:
        self._state = state
        self._endpoints = endpoints
        self._components: dict[AccountRegion, dict[str, InferenceComponent]] = {}
        endpoints.component_sources.append(self._names_on_endpoint)
        tags.register_resource_type("inference-component", self._component_tags, lambda where: list(self._named(where)))

    def _named(self, account_region: AccountRegion) -> dict[str, InferenceComponent]:
        return self._components.setdefault(account_region, {})

    def _component_tags(self, account_region: AccountRegion, name: str) -> dict[str, str] | None:
        found = self._named(account_region).get(name)
        return found.tags if found else None

    def _names_on_endpoint(self, account_region: AccountRegion, endpoint: str) -> list[str]:
        return [each.name for each in self._named(account_region).values() if each.params["EndpointName"] == endpoint]

    def _get_component(self, call: ApiCall) -> InferenceComponent:
        name = call.params["InferenceComponentName"]
        found = self._named(call.account_region).get(name)
        if found is None:
            arn = call.account_region.arn(f"inference-component/{name}")
            raise validation_error(f'Could not find inference component "{arn}".')
        return found

    @aws_operation("sagemaker", "CreateInferenceComponent")
    def create_inference_component(self, call: ApiCall) -> dict[str, Any]:
        name, endpoint = call.params["InferenceComponentName"], call.params["EndpointName"]
        arn = call.account_region.arn(f"inference-component/{name}")
        found = self._endpoints.find_endpoint(call.account_region, endpoint)
        if found is None:
            raise validation_error(f'Could not find endpoint "{call.account_region.arn(f"endpoint/{endpoint}")}".')
        params = {"VariantName": found.variants[0].name, **call.params}
        with self._state.lock(call.account_region):
            named = self._named(call.account_region)
            if name in named:
                raise validation_error(f'Cannot create already existing inference component "{arn}".')
            named[name] = InferenceComponent(name, arn, params, self._state.now(), request_tags(params))
        return {"InferenceComponentArn": arn}

    @aws_operation("sagemaker", "DescribeInferenceComponent")
    def describe_inference_component(self, call: ApiCall) -> dict[str, Any]:
        found = self._get_component(call)
        endpoint = call.account_region.arn(f"endpoint/{found.params['EndpointName']}")
        return {**found.describe(), "EndpointArn": endpoint}

    @aws_operation("sagemaker", "ListInferenceComponents")
    def list_inference_components(self, call: ApiCall) -> dict[str, Any]:
        rows = [_list_row(call.account_region, each) for each in self._named(call.account_region).values()]

        def is_asked_for(row: ListRow) -> bool:
            wanted = {"EndpointName": "EndpointNameEquals", "VariantName": "VariantNameEquals"}
            return all(call.params.get(flag, row.summary[key]) == row.summary[key] for key, flag in wanted.items())

        return list_response(call, rows, "InferenceComponents", also=is_asked_for)

    @aws_operation("sagemaker", "DeleteInferenceComponent")
    def delete_inference_component(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            del self._named(call.account_region)[self._get_component(call).name]
        return {}


def _list_row(account_region: AccountRegion, component: InferenceComponent) -> ListedResource:
    summary = {
        "CreationTime": component.created,
        "InferenceComponentArn": component.arn,
        "InferenceComponentName": component.name,
        "EndpointArn": account_region.arn(f"endpoint/{component.params['EndpointName']}"),
        "EndpointName": component.params["EndpointName"],
        "VariantName": component.params["VariantName"],
        "InferenceComponentStatus": "InService",
        "LastModifiedTime": component.created,
    }
    return ListedResource(component.name, component.created, component.created, "InService", summary)
