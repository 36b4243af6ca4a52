"""What can hang on an endpoint beside inference components: its policy; monitoring schedules and experiments, of which
the sandbox has none.
"""

from __future__ import annotations

from typing import Any

from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import validation_error
from opskit.sandbox.hosting.endpoint_service import EndpointService
from opskit.sandbox.state import AccountRegion, ApiCall, SandboxState


class EndpointAttachmentService:
    """PutEndpointPolicy and what belongs to it, and the lists of what there is none of."""

    def __init__(self, state: SandboxState, endpoints: EndpointService) -> None:
        self._state = state
        self._endpoints = endpoints
        self._policies: dict[tuple[AccountRegion, str], str] = {}

    @aws_operation("sagemaker", "PutEndpointPolicy")
    def put_endpoint_policy(self, call: ApiCall) -> dict[str, Any]:
        arn = self._endpoint_arn(call)
        self._policies[call.account_region, arn] = call.params["ResourcePolicy"]
        return {"EndpointArn": arn}

    @aws_operation("sagemaker", "GetEndpointPolicy")
    def get_endpoint_policy(self, call: ApiCall) -> dict[str, Any]:
        arn = self._endpoint_arn(call)
        policy = self._policies.get((call.account_region, arn))
        if policy is None:
            raise validation_error(f'Endpoint "{arn}" has no policy.')
        return {"EndpointName": call.params["EndpointName"], "EndpointArn": arn, "ResourcePolicy": policy}

    @aws_operation("sagemaker", "DeleteEndpointPolicy")
    def delete_endpoint_policy(self, call: ApiCall) -> dict[str, Any]:
        self._policies.pop((call.account_region, self._endpoint_arn(call)), None)
        return {}

    @aws_operation("sagemaker", "ListMonitoringSchedules")
    def list_monitoring_schedules(self, call: ApiCall) -> dict[str, Any]:
        return {"MonitoringScheduleSummaries": []}

    @aws_operation("sagemaker", "ListInferenceExperiments")
    def list_inference_experiments(self, call: ApiCall) -> dict[str, Any]:
        return {"InferenceExperiments": []}

    def _endpoint_arn(self, call: ApiCall) -> str:
        name = str(call.params["EndpointName"])
        endpoint = self._endpoints.find_endpoint(call.account_region, name)
        if endpoint is None:
            raise validation_error(f'Could not find endpoint "{call.account_region.arn(f"endpoint/{name}")}".')
        return endpoint.arn
