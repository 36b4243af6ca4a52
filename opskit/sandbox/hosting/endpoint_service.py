"""Endpoints: each variant is a process that holds its model and answers InvokeEndpoint with real predictions."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

from opskit.sandbox.container.images import xgboost_image_uri
from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import truncate_reason, validation_error
from opskit.sandbox.hosting.endpoint_record import Endpoint, EndpointStatus, Variant
from opskit.sandbox.hosting.model_container import ContainerUnhealthy, ModelContainer, ModelNotServable
from opskit.sandbox.hosting.model_service import ModelService, StoredRecord
from opskit.sandbox.list_responses import list_response
from opskit.sandbox.quotas.quota_ledger import QuotaLedger
from opskit.sandbox.scenarios import RecordSeed
from opskit.sandbox.state import AccountRegion, ApiCall, InstanceUsage, SandboxState, UsageResource
from opskit.sandbox.storage.log_streams import LogStream
from opskit.sandbox.tags import TagService, request_tags

_log = logging.getLogger(__name__)

ENDPOINT_LOG_GROUP = "/aws/sagemaker/Endpoints"
_LOG_SECONDS = 0.5
# On AWS an endpoint is told to be Deleting for seconds to minutes after DeleteEndpoint has answered; a client that
# takes the answer for the end deletes the configuration under an endpoint that is still there.
DELETING_SECONDS = 2.0
# An endpoint whose weights or counts change is told to be Updating meanwhile, and serves.
SCALING_SECONDS = 1.0


class EndpointService:
    """CreateEndpoint and what belongs to it."""

    def __init__(self, state: SandboxState, ledger: QuotaLedger, tags: TagService, models: ModelService) -> None:
        self._state = state
        self._ledger = ledger
        self._models = models
        self._endpoints: dict[AccountRegion, dict[str, Endpoint]] = {}
        self.component_sources: list[Callable[[AccountRegion, str], list[str]]] = []
        """Each tells the inference components on an endpoint, which cannot be deleted before them."""
        state.usage_sources.append(self.instances_in_use)
        state.seeders[UsageResource.ENDPOINT] = self.add_seed_record
        tags.register_resource_type("endpoint", self._endpoint_tags, lambda where: list(self._endpoints_by_name(where)))

    def _endpoints_by_name(self, account_region: AccountRegion) -> dict[str, Endpoint]:
        return self._endpoints.setdefault(account_region, {})

    def _endpoint_tags(self, account_region: AccountRegion, name: str) -> dict[str, str] | None:
        endpoint = self.find_endpoint(account_region, name)
        return endpoint.tags if endpoint else None

    def instances_in_use(self, account_region: AccountRegion) -> Iterable[InstanceUsage]:
        """The instances behind endpoints that serve or are about to."""
        return [usage for endpoint in self.all_endpoints(account_region) for usage in endpoint.instance_usage()]

    def all_endpoints(self, account_region: AccountRegion) -> list[Endpoint]:
        """Every endpoint of an account and Region, the oldest first."""
        return list(self._endpoints_by_name(account_region).values())

    def find_endpoint(self, account_region: AccountRegion, name: str) -> Endpoint | None:
        """The endpoint of this name, None where there is none."""
        return self._endpoints_by_name(account_region).get(name)

    def _get_endpoint(self, call: ApiCall) -> Endpoint:
        name = call.params["EndpointName"]
        endpoint = self.find_endpoint(call.account_region, name)
        if endpoint is None:
            raise validation_error(f'Could not find endpoint "{call.account_region.arn(f"endpoint/{name}")}".')
        return endpoint

    def _get_settled_endpoint(self, call: ApiCall) -> Endpoint:
        endpoint = self._get_endpoint(call)
        if endpoint.status.traits.in_progress:
            raise validation_error(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        return endpoint

    @aws_operation("sagemaker", "CreateEndpoint")
    def create_endpoint(self, call: ApiCall) -> dict[str, Any]:
        tags = request_tags(call.params)
        config = self._models.find_usable_config(call.account_region, call.params["EndpointConfigName"])
        variants = self.build_variants(call.account_region, config)
        now, name = self._state.now(), call.params["EndpointName"]
        with self._state.lock(call.account_region):
            if self.find_endpoint(call.account_region, name):
                raise validation_error(
                    f'Cannot create already existing endpoint "{call.account_region.arn(f"endpoint/{name}")}".'
                )
            self._check_room(call, variants)
            endpoint = Endpoint(call.account_region, name, config, now, now, variants, tags=tags)
            endpoint.deployment_config = call.params.get("DeploymentConfig") or None
            self._endpoints_by_name(call.account_region)[name] = endpoint
        self._run_in_background(endpoint, self._bring_into_service)
        return {"EndpointArn": endpoint.arn}

    def _check_room(self, call: ApiCall, variants: list[Variant]) -> None:
        """Refuse variants that have no room; each type of a pool needs it, though only one is taken."""
        for usage in [usage for variant in variants for usage in variant.pool_usage()]:
            self._ledger.check_capacity(call.account_region, call.operation, usage)
        taken = [usage for variant in variants for usage in variant.instance_usage()]
        self._ledger.check_capacity(call.account_region, call.operation, *taken)

    def enter_endpoint(self, endpoint: Endpoint) -> None:
        """Let an endpoint be there already."""
        self._endpoints_by_name(endpoint.account_region)[endpoint.name] = endpoint

    def serve_seed(self, endpoint: Endpoint) -> None:
        """Start what predicts behind an endpoint that already exists.

        Raises:
            RuntimeError: it does not start.
        """
        if problem := self._start_variants(endpoint, endpoint.variants):
            raise RuntimeError(f"{endpoint.name}: {problem}")
        self._run_in_background(endpoint, self._forward_logs)

    def build_variants(self, account_region: AccountRegion, config: StoredRecord) -> list[Variant]:
        return [self._build_variant(account_region, settings) for settings in config.params["ProductionVariants"]]

    def _build_variant(self, account_region: AccountRegion, settings: dict[str, Any]) -> Variant:
        weight, count = float(settings.get("InitialVariantWeight", 1.0)), settings.get("InitialInstanceCount", 0)
        if "ModelName" not in settings:  # inference components will hold the models
            return Variant(settings, None, weight, count)
        model = self._models.models.get_record(account_region, settings["ModelName"]).params
        containers = model.get("Containers") or [model.get("PrimaryContainer", {})]
        return Variant(settings, containers[0].get("Image"), weight, count)

    def _run_in_background(self, endpoint: Endpoint, work: Any) -> None:
        threading.Thread(target=self._run_or_fail, args=(endpoint, work), name=endpoint.name, daemon=True).start()

    def _run_or_fail(self, endpoint: Endpoint, work: Any) -> None:
        try:
            work(endpoint)
        except Exception:
            if not self._state.closing.is_set():
                _log.exception("endpoint %s", endpoint.name)
                self._enter_status(
                    endpoint, EndpointStatus.FAILED, "We encountered an internal error. Please try again."
                )

    def _enter_status(self, endpoint: Endpoint, status: EndpointStatus, failure: str | None = None) -> None:
        with self._state.lock(endpoint.account_region):
            endpoint.enter_status(status, self._state.now(), truncate_reason(failure))

    def _bring_into_service(self, endpoint: Endpoint) -> None:
        problem = self._start_variants(endpoint, endpoint.variants)
        if problem:
            self._stop_variants(endpoint.variants)
            self._enter_status(endpoint, EndpointStatus.FAILED, problem)
            return
        self._enter_status(endpoint, EndpointStatus.IN_SERVICE)
        self._forward_logs(endpoint)

    def _forward_logs(self, endpoint: Endpoint) -> None:
        while not endpoint.deleted.wait(_LOG_SECONDS) and not self._state.closing.is_set():
            for variant in list(endpoint.variants):
                if variant.container:
                    variant.container.forward_log()

    def _start_variants(self, endpoint: Endpoint, variants: list[Variant]) -> str | None:
        """Start the containers of all variants; returns the reason where one of them cannot serve."""
        for variant in (each for each in variants if "ModelName" in each.settings):
            try:
                variant.container = self._start_container(endpoint, variant)
                if not variant.container.wait_until_ready(endpoint.deleted):
                    return "The endpoint was deleted before it was in service."
            except ContainerUnhealthy:
                return (
                    f"The primary container for production variant {variant.name} did not pass the ping health check. "
                    "Please check CloudWatch logs for this endpoint."
                )
            except ModelNotServable as error:
                return str(error)
        return None

    def _start_container(self, endpoint: Endpoint, variant: Variant) -> ModelContainer:
        # An instance id of EC2's form, as AWS's log streams are named by.
        instance = f"i-{uuid4().hex[:17]}"
        account_region = endpoint.account_region
        stream = LogStream(
            self._state, account_region, f"{ENDPOINT_LOG_GROUP}/{endpoint.name}", f"{variant.name}/{instance}"
        )
        folder = (
            self._state.folder / "endpoints" / account_region.account / account_region.region / endpoint.name / instance
        )
        model = self._models.models.get_record(account_region, variant.settings["ModelName"]).params
        return ModelContainer.start(self._state, account_region, model, folder, stream, batch=False)

    def _stop_variants(self, variants: list[Variant]) -> None:
        for variant in variants:
            if variant.container:
                variant.container.end()
                variant.container = None

    @aws_operation("sagemaker", "DescribeEndpoint")
    def describe_endpoint(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            return self._get_endpoint(call).describe()

    @aws_operation("sagemaker", "ListEndpoints")
    def list_endpoints(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            rows = [endpoint.list_row() for endpoint in self.all_endpoints(call.account_region)]
        return list_response(call, rows, "Endpoints")

    @aws_operation("sagemaker", "UpdateEndpoint")
    def update_endpoint(self, call: ApiCall) -> dict[str, Any]:
        config = self._models.configs.get_record(call.account_region, call.params["EndpointConfigName"])
        # Before the lock is taken: a model that was deleted meanwhile is an error of this call, and nothing has
        # begun.
        new_variants = self.build_variants(call.account_region, config)
        with self._state.lock(call.account_region):
            endpoint = self._get_settled_endpoint(call)
            if call.params.get("RetainAllVariantProperties"):
                _retain_properties(
                    endpoint.variants, new_variants, call.params.get("ExcludeRetainedVariantProperties", [])
                )
            if endpoint.status is not EndpointStatus.IN_SERVICE:
                raise validation_error(f'Cannot update endpoint "{endpoint.arn}" in status {endpoint.status}.')
            self._ledger.check_capacity(
                call.account_region,
                call.operation,
                *[usage for variant in new_variants for usage in variant.instance_usage()],
            )
            endpoint.new_variants = new_variants
            endpoint.deployment_config = call.params.get("DeploymentConfig") or endpoint.deployment_config
            endpoint.enter_status(EndpointStatus.UPDATING, self._state.now())
        self._run_in_background(endpoint, lambda endpoint: self._replace_variants(endpoint, config))
        return {"EndpointArn": endpoint.arn}

    def _replace_variants(self, endpoint: Endpoint, config: StoredRecord) -> None:
        """Start the new variants beside the old ones, which serve until the new ones can."""
        problem = self._start_variants(endpoint, endpoint.new_variants)
        with self._state.lock(endpoint.account_region):
            unused = endpoint.new_variants if problem else endpoint.variants
            if not problem:
                endpoint.variants, endpoint.config = endpoint.new_variants, config
            endpoint.new_variants = []
            endpoint.enter_status(EndpointStatus.IN_SERVICE, self._state.now(), problem)
        self._stop_variants(unused)

    @aws_operation("sagemaker", "UpdateEndpointWeightsAndCapacities")
    def update_endpoint_weights_and_capacities(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            endpoint = self._get_settled_endpoint(call)
            by_name = {variant.name: variant for variant in endpoint.variants}
            changes = call.params["DesiredWeightsAndCapacities"]
            for change in changes:
                if change["VariantName"] not in by_name:
                    raise validation_error(
                        f'Could not find variant "{change["VariantName"]}" of endpoint "{endpoint.arn}".'
                    )
            self._ledger.check_capacity(call.account_region, call.operation, *_additional_usage(by_name, changes))
            for change in changes:
                variant = by_name[change["VariantName"]]
                variant.weight = float(change.get("DesiredWeight", variant.weight))
                variant.count = change.get("DesiredInstanceCount", variant.count)
            endpoint.enter_status(EndpointStatus.UPDATING, self._state.now())
        self._run_in_background(endpoint, self._end_scaling)
        return {"EndpointArn": endpoint.arn}

    def _end_scaling(self, endpoint: Endpoint) -> None:
        self._state.closing.wait(SCALING_SECONDS)
        self._enter_status(endpoint, EndpointStatus.IN_SERVICE)

    @aws_operation("sagemaker", "DeleteEndpoint")
    def delete_endpoint(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            endpoint = self._get_settled_endpoint(call)
            if any(source(call.account_region, endpoint.name) for source in self.component_sources):
                raise validation_error(
                    f'Cannot delete endpoint "{endpoint.arn}" because inference components are deployed on it.'
                )
            endpoint.enter_status(EndpointStatus.DELETING, self._state.now())
            endpoint.deleted.set()
        self._run_in_background(endpoint, self._remove_endpoint)
        return {}

    def _remove_endpoint(self, endpoint: Endpoint) -> None:
        self._stop_variants(endpoint.variants)
        self._state.closing.wait(DELETING_SECONDS)
        account_region = endpoint.account_region
        folder = self._state.folder / "endpoints" / account_region.account / account_region.region / endpoint.name
        shutil.rmtree(folder, ignore_errors=True)
        with self._state.lock(account_region):
            self._endpoints_by_name(account_region).pop(endpoint.name, None)

    def add_seed_record(self, account_region: AccountRegion, seed: RecordSeed) -> None:
        """Enter an endpoint that is said to be in service since ``running_for``, without a process."""
        created = self._state.now() - seed.running_for
        settings = {
            "VariantName": "AllTraffic",
            "ModelName": seed.name,
            "InstanceType": seed.instance_type,
            "InitialInstanceCount": seed.count,
        }
        params = {"EndpointConfigName": seed.name, "ProductionVariants": [settings]}
        with self._state.lock(account_region):
            self._models.models.create_record(
                account_region, seed.name, _seed_model_params(account_region, seed), created
            )
            config = self._models.configs.create_record(account_region, seed.name, params, created)
            variants = self.build_variants(account_region, config)
            self._endpoints_by_name(account_region)[seed.name] = Endpoint(
                account_region, seed.name, config, created, created, variants, status=EndpointStatus.IN_SERVICE
            )


def _retain_properties(old: list[Variant], new: list[Variant], exceptions: list[dict[str, str]]) -> None:
    """Give new variants the weights and counts that variants of their names have now."""
    changed = {exception["VariantPropertyType"] for exception in exceptions}
    by_name = {variant.name: variant for variant in old}
    for variant in new:
        if before := by_name.get(variant.name):
            variant.count = variant.count if "DesiredInstanceCount" in changed else before.count
            variant.weight = variant.weight if "DesiredWeight" in changed else before.weight


def _additional_usage(by_name: dict[str, Variant], changes: list[dict[str, Any]]) -> Iterable[InstanceUsage]:
    """The instances that new counts need beyond those there are."""
    for change in changes:
        variant = by_name[change["VariantName"]]
        added = change.get("DesiredInstanceCount", variant.count) - variant.count
        if added > 0 and "InstanceType" in variant.settings:
            yield InstanceUsage(UsageResource.ENDPOINT, variant.settings["InstanceType"], added)


def _seed_model_params(account_region: AccountRegion, seed: RecordSeed) -> dict[str, Any]:
    data = f"s3://sagemaker-{account_region.region}-{account_region.account}/{seed.name}/output/model.tar.gz"
    return {
        "ModelName": seed.name,
        "PrimaryContainer": {"Image": xgboost_image_uri(account_region.region), "ModelDataUrl": data},
    }
