"""An account in memory whose endpoints can be stopped and brought back: tags, metrics and scaling too, all of it as
untidy as AWS may be. A write may be throttled, may be lost on the way, or may have taken effect and answer 500; what a
write changed may be told late; and whoever sent it may die right before or after it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from opskit.core.clock import Clock
from tests.fakes.account import NOW, Account, client_error
from tests.fakes.fake_endpoints import FakeConfig, FakeEndpoint

WRITES = frozenset({
    *("AddTags", "DeleteTags", "CreateEndpoint", "DeleteEndpoint", "UpdateEndpointWeightsAndCapacities"),
    *("RegisterScalableTarget", "PutScalingPolicy", "PutScheduledAction"),
})  # fmt: skip


class Killed(BaseException):
    """The process ends here; nothing after it runs."""


@dataclass
class EndpointAccount(Account):
    """``clock`` moves by sleeping. ``fault`` is asked before each write for ``throttle``, ``lost``, ``done-500``,
    ``kill-before``, ``kill-after`` or nothing; ``late`` is how many looks still tell the tags of before.
    ``invoked`` are the times of invocations by endpoint; ``has_scaling_left``: AWS keeps what scales an endpoint while
    that is gone; ``is_indexed``: the tagging API knows the tags of configurations. ``deletes`` and ``creates`` count
    what took effect.
    """

    endpoints: dict[str, FakeEndpoint] = field(default_factory=dict)
    configs: dict[str, FakeConfig] = field(default_factory=dict)
    models: set[str] = field(default_factory=lambda: {"model"})
    scaling: dict[str, dict[tuple[str, ...], dict[str, Any]]] = field(
        default_factory=lambda: {"targets": {}, "policies": {}, "schedules": {}}
    )
    attached: dict[str, list[str]] = field(default_factory=dict)
    invoked: dict[str, list[datetime]] = field(default_factory=dict)
    metric_status: str = "Complete"
    is_indexed: bool = False
    fault: Callable[[str], str] = lambda operation: ""
    late: Callable[[], int] = lambda: 0
    has_scaling_left: bool = True
    seconds: float = 0.0
    deletes: int = 0
    creates: int = 0
    writes: list[str] = field(default_factory=list)
    _stale: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)

    @property
    def clock(self) -> Clock:
        """A clock that sleeping moves."""
        return Clock(self.now, self._sleep, lambda: self.seconds)

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def _sleep(self, seconds: float) -> None:
        self.seconds += max(seconds, 0.0)

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """AWS's answer, or what goes wrong with it."""
        self.seconds += 0.01
        trouble = self.fault(operation) if operation in WRITES else ""
        if trouble == "throttle":
            raise client_error(operation, "ThrottlingException", "Rate exceeded")
        if trouble == "lost":
            raise client_error(operation, "InternalFailure", "We encountered an internal error.", 500)
        if trouble == "kill-before":
            raise Killed(operation)
        answer = getattr(self, f"do_{_snake(operation)}", None)
        if answer is None:
            result = super().call(operation, params)
        else:
            self.before(operation)
            result = {**copy.deepcopy(answer(params)), "ResponseMetadata": {"HTTPStatusCode": 200}}
            self.after(operation)
        if operation in WRITES:
            self.writes.append(operation)
        if trouble == "done-500":
            raise client_error(operation, "InternalFailure", "We encountered an internal error.", 500)
        if trouble == "kill-after":
            raise Killed(operation)
        return result

    def billing(self) -> set[tuple[str, str]]:
        """The endpoints that run, or come up."""
        return {
            ("Endpoint", name) for name, each in self.endpoints.items() if each.steps[0] not in ("Deleting", "gone")
        }

    def _endpoint(self, operation: str, name: str) -> FakeEndpoint:
        if name not in self.endpoints:
            raise client_error(operation, "ValidationException", f'Could not find endpoint "arn:{name}".')
        return self.endpoints[name]

    def _step(self, endpoint: FakeEndpoint) -> None:
        if len(endpoint.steps) > 1:
            endpoint.steps.pop(0)
        if endpoint.steps[0] == "gone":
            del self.endpoints[endpoint.name]
            if not self.has_scaling_left:
                for part in self.scaling.values():
                    part.clear()

    def do_list_endpoints(self, params: dict[str, Any]) -> dict[str, Any]:
        found = [self.endpoints[name] for name in sorted(self.endpoints)]
        return {
            "Endpoints": [
                {"EndpointName": each.name, "EndpointStatus": each.steps[0], "CreationTime": each.created}
                for each in found
            ]
        }

    def do_describe_endpoint(self, params: dict[str, Any]) -> dict[str, Any]:
        if not re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name := params["EndpointName"]):
            text = f"1 validation error detected: Value '{name}' at 'endpointName' failed to satisfy constraint"
            raise client_error("DescribeEndpoint", "ValidationException", text)
        found = self._endpoint("DescribeEndpoint", name)
        self._step(found)
        found = self._endpoint("DescribeEndpoint", params["EndpointName"])
        return {
            "EndpointName": found.name,
            "EndpointArn": found.arn,
            "EndpointConfigName": found.config,
            "EndpointStatus": found.steps[0],
            "CreationTime": found.created,
            "LastModifiedTime": found.created,
            "ProductionVariants": [
                each.tell(
                    CurrentWeight=each.weight,
                    DesiredWeight=each.weight,
                    CurrentInstanceCount=each.count,
                    DesiredInstanceCount=each.count,
                )
                for each in found.variants
            ],
        }

    def do_describe_endpoint_config(self, params: dict[str, Any]) -> dict[str, Any]:
        config = self.configs.get(params["EndpointConfigName"])
        if config is None:
            raise client_error(
                "DescribeEndpointConfig", "ValidationException", 'Could not find endpoint configuration "arn:x".'
            )
        return {
            "EndpointConfigName": config.name,
            "EndpointConfigArn": config.arn,
            "CreationTime": config.created,
            "ProductionVariants": [each.tell_planned() for each in config.variants],
            "ShadowProductionVariants": [each.tell_planned() for each in config.shadows],
        }

    def do_list_endpoint_configs(self, params: dict[str, Any]) -> dict[str, Any]:
        named = [{"EndpointConfigName": each.name, "EndpointConfigArn": each.arn} for each in self.configs.values()]
        return {"EndpointConfigs": named}

    def do_describe_model(self, params: dict[str, Any]) -> dict[str, Any]:
        if params["ModelName"] not in self.models:
            raise client_error("DescribeModel", "ValidationException", 'Could not find model "arn:x".')
        container = {"ModelDataUrl": f"s3://bucket/{params['ModelName']}.tar.gz"}
        return {"ModelName": params["ModelName"], "ModelArn": "arn:model", "PrimaryContainer": container}

    def do_create_endpoint(self, params: dict[str, Any]) -> dict[str, Any]:
        name = params["EndpointName"]
        if name in self.endpoints:
            text = f'Cannot create already existing endpoint "{name}".'
            raise client_error("CreateEndpoint", "ValidationException", text)
        config = self.configs[params["EndpointConfigName"]]
        self.creates += 1
        tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
        made = FakeEndpoint(name, config.name, self.now(), copy.deepcopy(config.variants), tags)
        made.steps = ["Creating", "Creating", "InService"]
        self.endpoints[name] = made
        return {"EndpointArn": made.arn}

    def do_delete_endpoint(self, params: dict[str, Any]) -> dict[str, Any]:
        found = self._endpoint("DeleteEndpoint", params["EndpointName"])
        if found.steps[0] in ("Creating", "Updating", "Deleting"):
            raise client_error("DeleteEndpoint", "ValidationException", "Cannot update in-progress endpoint.")
        self.deletes += 1
        found.steps = ["InService", "Deleting", "Deleting", "gone"]  # told a look late
        return {}

    def do_update_endpoint_weights_and_capacities(self, params: dict[str, Any]) -> dict[str, Any]:
        operation = "UpdateEndpointWeightsAndCapacities"
        found = self._endpoint(operation, params["EndpointName"])
        if found.steps[0] != "InService":
            raise client_error(operation, "ValidationException", "Cannot update in-progress endpoint.")
        by_name = {each.name: each for each in found.variants}
        for change in params["DesiredWeightsAndCapacities"]:
            variant = by_name[change["VariantName"]]
            variant.weight = change.get("DesiredWeight", variant.weight)
            variant.count = change.get("DesiredInstanceCount", variant.count)
        found.steps = ["InService", "Updating", "Updating", "InService"]
        return {"EndpointArn": found.arn}

    def _tagged(self, arn: str) -> dict[str, str]:
        things: list[FakeEndpoint | FakeConfig] = [*self.endpoints.values(), *self.configs.values()]
        found = next((thing.tags for thing in things if thing.arn == arn), None)
        if found is None:
            raise client_error("ListTags", "ValidationException", f"Could not find resource with ARN {arn}")
        return found

    def _record_stale_tags(self, arn: str) -> None:
        if looks := self.late():
            self._stale[arn] = (looks, dict(self._tagged(arn)))

    def do_add_tags(self, params: dict[str, Any]) -> dict[str, Any]:
        tags = self._tagged(params["ResourceArn"])
        self._record_stale_tags(params["ResourceArn"])
        added = {tag["Key"]: tag["Value"] for tag in params["Tags"]}
        if any(re.fullmatch(r"[\w\s.:/=+\-@]{0,256}", value) is None for value in added.values()):
            raise client_error("AddTags", "ValidationException", "failed to satisfy constraint")
        if len({**tags, **added}) > 50:
            raise client_error("AddTags", "ResourceLimitExceeded", "The tag quota of 50 tags was exceeded")
        tags.update(added)
        return {"Tags": []}

    def do_delete_tags(self, params: dict[str, Any]) -> dict[str, Any]:
        tags = self._tagged(params["ResourceArn"])
        self._record_stale_tags(params["ResourceArn"])
        for key in params["TagKeys"]:
            tags.pop(key, None)
        return {}

    def do_list_tags(self, params: dict[str, Any]) -> dict[str, Any]:
        arn = params["ResourceArn"]
        tags = self._tagged(arn)
        left, before = self._stale.get(arn, (0, {}))
        if left:
            self._stale[arn] = (left - 1, before)
            tags = before
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def do_get_resources(self, params: dict[str, Any]) -> dict[str, Any]:
        """The index, which knows nothing unless told otherwise: it may lag by any time."""
        if not self.is_indexed or params["ResourceTypeFilters"] != ["sagemaker:endpoint-config"]:
            return {"ResourceTagMappingList": []}
        return {
            "ResourceTagMappingList": [
                {"ResourceARN": each.arn, "Tags": [{"Key": key, "Value": value} for key, value in each.tags.items()]}
                for each in self.configs.values()
                if each.tags
            ]
        }

    def do_get_metric_data(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"MetricDataResults": [self._points(query, params) for query in params["MetricDataQueries"]]}

    def _points(self, query: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        dimensions = {each["Name"]: each["Value"] for each in query["MetricStat"]["Metric"]["Dimensions"]}
        times = [
            when
            for when in self.invoked.get(dimensions.get("EndpointName", ""), ())
            if params["StartTime"] <= when < params["EndTime"]
        ]
        values = [1.0] * len(times)
        return {"Id": query["Id"], "Timestamps": times, "Values": values, "StatusCode": self.metric_status}

    def do_get_endpoint_policy(self, params: dict[str, Any]) -> dict[str, Any]:
        if "policy" in self.attached:
            return {"ResourcePolicy": "{}"}
        raise client_error("GetEndpointPolicy", "ValidationException", "The endpoint has no policy.")

    def do_list_monitoring_schedules(self, params: dict[str, Any]) -> dict[str, Any]:
        names = self.attached.get("schedules", ())
        return {"MonitoringScheduleSummaries": [{"MonitoringScheduleName": name} for name in names]}

    def do_list_inference_components(self, params: dict[str, Any]) -> dict[str, Any]:
        found = [
            {"InferenceComponentName": name, "EndpointName": next(iter(self.endpoints))}
            for name in self.attached.get("components", ())
        ]
        return {"InferenceComponents": found}

    def do_list_inference_experiments(self, params: dict[str, Any]) -> dict[str, Any]:
        names = self.attached.get("experiments", ())
        return {"InferenceExperiments": [{"Name": name, "Status": "Running"} for name in names]}

    def do_describe_inference_experiment(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"EndpointMetadata": {"EndpointName": next(iter(self.endpoints))}}

    def do_describe_scalable_targets(self, params: dict[str, Any]) -> dict[str, Any]:
        wanted = params["ResourceIds"]
        return {"ScalableTargets": [each for each in self._scaled("targets") if each["ResourceId"] in wanted]}

    def do_describe_scaling_policies(self, params: dict[str, Any]) -> dict[str, Any]:
        of = params["ResourceId"]
        return {"ScalingPolicies": [each for each in self._scaled("policies") if each["ResourceId"] == of]}

    def do_describe_scheduled_actions(self, params: dict[str, Any]) -> dict[str, Any]:
        of = params["ResourceId"]
        return {"ScheduledActions": [each for each in self._scaled("schedules") if each["ResourceId"] == of]}

    def _scaled(self, part: str) -> list[dict[str, Any]]:
        return list(self.scaling[part].values())

    def do_register_scalable_target(self, params: dict[str, Any]) -> dict[str, Any]:
        self.put_scaled("targets", params, "ScalableDimension")
        return {"ScalableTargetARN": "arn:target"}

    def do_put_scaling_policy(self, params: dict[str, Any]) -> dict[str, Any]:
        self._require_target("PutScalingPolicy", params)
        self.put_scaled("policies", params, "PolicyName")
        return {"PolicyARN": "arn:policy"}

    def do_put_scheduled_action(self, params: dict[str, Any]) -> dict[str, Any]:
        self._require_target("PutScheduledAction", params)
        self.put_scaled("schedules", params, "ScheduledActionName")
        return {}

    def _require_target(self, operation: str, params: dict[str, Any]) -> None:
        if not any(each["ResourceId"] == params["ResourceId"] for each in self._scaled("targets")):
            raise client_error(operation, "ObjectNotFoundException", "No scalable target registered")

    def put_scaled(self, part: str, params: dict[str, Any], key: str) -> None:
        """Set one of what scales an endpoint, with what AWS adds to it."""
        held = {**params, "ServiceNamespace": "sagemaker", "CreationTime": self.now()}
        self.scaling[part][params["ResourceId"], params[key]] = held


def _snake(operation: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
