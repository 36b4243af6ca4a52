"""Endpoints: each variant is a process that holds its model and answers InvokeEndpoint with real predictions."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from opskit.sandbox.container.images import xgboost_image
from opskit.sandbox.dispatcher import owns
from opskit.sandbox.errors import invalid
from opskit.sandbox.hosting.endpoint_record import BUSY, Endpoint, Variant
from opskit.sandbox.hosting.model_container import CannotServe, Container, Unhealthy
from opskit.sandbox.hosting.model_service import ModelRoom, Record
from opskit.sandbox.jobs.training_job import LONGEST_REASON
from opskit.sandbox.list_responses import listed
from opskit.sandbox.quotas.quota_ledger import QuotaBook
from opskit.sandbox.scenarios import RecordSeed
from opskit.sandbox.state import Call, Held, Place, World
from opskit.sandbox.storage.log_streams import LogStream
from opskit.sandbox.tags import Tags, tags_given

_log = logging.getLogger(__name__)

GROUP = "/aws/sagemaker/Endpoints"
_LOG_SECONDS = 0.5


class EndpointRoom:
    """CreateEndpoint and what belongs to it."""

    def __init__(self, world: World, book: QuotaBook, tags: Tags, models: ModelRoom) -> None:
        self._world = world
        self._book = book
        self._models = models
        self._endpoints: dict[Place, dict[str, Endpoint]] = {}
        world.holders.append(self.held)
        world.seeders["endpoint"] = self.seed
        tags.own("endpoint", self._tags_of)

    def _at(self, place: Place) -> dict[str, Endpoint]:
        return self._endpoints.setdefault(place, {})

    def _tags_of(self, place: Place, name: str) -> dict[str, str] | None:
        endpoint = self.find(place, name)
        return endpoint.tags if endpoint else None

    def held(self, place: Place) -> Iterable[Held]:
        """The instances behind endpoints that serve or are about to."""
        return [held for endpoint in self.all(place) for held in endpoint.holds()]

    def all(self, place: Place) -> list[Endpoint]:
        """Every endpoint of a place, the oldest first."""
        return list(self._at(place).values())

    def find(self, place: Place, name: str) -> Endpoint | None:
        """The endpoint of this name, None where there is none."""
        return self._at(place).get(name)

    def _named(self, call: Call) -> Endpoint:
        name = call.params["EndpointName"]
        endpoint = self.find(call.place, name)
        if endpoint is None:
            raise invalid(f'Could not find endpoint "{call.place.arn(f"endpoint/{name}")}".')
        return endpoint

    def _settled(self, call: Call) -> Endpoint:
        endpoint = self._named(call)
        if endpoint.status in BUSY:
            raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        return endpoint

    @owns("sagemaker", "CreateEndpoint")
    def create_endpoint(self, call: Call) -> dict[str, Any]:
        tags = tags_given(call.params)
        config = self._models.configs.get(call.place, call.params["EndpointConfigName"])
        variants = self._variants(call.place, config)
        now, name = self._world.now(), call.params["EndpointName"]
        with self._world.lock(call.place):
            if self.find(call.place, name):
                raise invalid(f'Cannot create already existing endpoint "{call.place.arn(f"endpoint/{name}")}".')
            self._book.admit(call.place, call.operation, *[held for variant in variants for held in variant.holds()])
            endpoint = Endpoint(call.place, name, config, now, now, variants, tags=tags)
            endpoint.deployment = call.params.get("DeploymentConfig") or None
            self._at(call.place)[name] = endpoint
        self._soon(endpoint, self._create)
        return {"EndpointArn": endpoint.arn}

    def _variants(self, place: Place, config: Record) -> list[Variant]:
        return [self._variant(place, settings) for settings in config.params["ProductionVariants"]]

    def _variant(self, place: Place, settings: dict[str, Any]) -> Variant:
        model = self._models.models.get(place, settings["ModelName"]).params
        containers = model.get("Containers") or [model.get("PrimaryContainer", {})]
        weight = float(settings.get("InitialVariantWeight", 1.0))
        return Variant(settings, containers[0].get("Image"), weight, settings.get("InitialInstanceCount", 0))

    def _soon(self, endpoint: Endpoint, what: Any) -> None:
        threading.Thread(target=self._safely, args=(endpoint, what), name=endpoint.name, daemon=True).start()

    def _safely(self, endpoint: Endpoint, what: Any) -> None:
        try:
            what(endpoint)
        except Exception:
            if not self._world.closing.is_set():
                _log.exception("endpoint %s", endpoint.name)
                self._move(endpoint, "Failed", "We encountered an internal error. Please try again.")

    def _move(self, endpoint: Endpoint, status: str, failure: str | None = None) -> None:
        with self._world.lock(endpoint.place):
            endpoint.move(status, self._world.now(), failure[:LONGEST_REASON] if failure else None)

    def _create(self, endpoint: Endpoint) -> None:
        problem = self._bring_up(endpoint, endpoint.variants)
        if problem:
            self._take_down(endpoint.variants)
            self._move(endpoint, "Failed", problem)
            return
        self._move(endpoint, "InService")
        self._carry_logs(endpoint)

    def _carry_logs(self, endpoint: Endpoint) -> None:
        while not endpoint.gone.wait(_LOG_SECONDS) and not self._world.closing.is_set():
            for variant in list(endpoint.variants):
                if variant.container:
                    variant.container.carry_log()

    def _bring_up(self, endpoint: Endpoint, variants: list[Variant]) -> str | None:
        """Start the containers of all variants; returns the reason where one of them cannot serve."""
        for variant in variants:
            try:
                variant.container = self._container(endpoint, variant)
                if not variant.container.wait(endpoint.gone):
                    return "The endpoint was deleted before it was in service."
            except Unhealthy:
                return (
                    f"The primary container for production variant {variant.name} did not pass the ping health check. "
                    "Please check CloudWatch logs for this endpoint."
                )
            except CannotServe as error:
                return str(error)
        return None

    def _container(self, endpoint: Endpoint, variant: Variant) -> Container:
        instance = f"i-{uuid4().hex[:17]}"
        place = endpoint.place
        stream = LogStream(self._world, place, f"{GROUP}/{endpoint.name}", f"{variant.name}/{instance}")
        folder = self._world.folder / "endpoints" / place.account / place.region / endpoint.name / instance
        model = self._models.models.get(place, variant.settings["ModelName"]).params
        return Container.start(self._world, place, model, folder, stream, batch=False)

    def _take_down(self, variants: list[Variant]) -> None:
        for variant in variants:
            if variant.container:
                variant.container.end()
                variant.container = None

    @owns("sagemaker", "DescribeEndpoint")
    def describe_endpoint(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            return self._named(call).described()

    @owns("sagemaker", "ListEndpoints")
    def list_endpoints(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            rows = [endpoint.listed() for endpoint in self.all(call.place)]
        return listed(call, rows, "Endpoints")

    @owns("sagemaker", "UpdateEndpoint")
    def update_endpoint(self, call: Call) -> dict[str, Any]:
        config = self._models.configs.get(call.place, call.params["EndpointConfigName"])
        coming = self._variants(call.place, config)
        with self._world.lock(call.place):
            endpoint = self._settled(call)
            if call.params.get("RetainAllVariantProperties"):
                _retain(endpoint.variants, coming, call.params.get("ExcludeRetainedVariantProperties", []))
            if endpoint.status != "InService":
                raise invalid(f'Cannot update endpoint "{endpoint.arn}" in status {endpoint.status}.')
            self._book.admit(call.place, call.operation, *[held for variant in coming for held in variant.holds()])
            endpoint.coming = coming
            endpoint.deployment = call.params.get("DeploymentConfig") or endpoint.deployment
            endpoint.move("Updating", self._world.now())
        self._soon(endpoint, lambda endpoint: self._update(endpoint, config))
        return {"EndpointArn": endpoint.arn}

    def _update(self, endpoint: Endpoint, config: Record) -> None:
        """Start the new variants beside the old ones, which serve until the new ones can."""
        problem = self._bring_up(endpoint, endpoint.coming)
        with self._world.lock(endpoint.place):
            over = endpoint.coming if problem else endpoint.variants
            if not problem:
                endpoint.variants, endpoint.config = endpoint.coming, config
            endpoint.coming = []
            endpoint.move("InService", self._world.now(), problem)
        self._take_down(over)

    @owns("sagemaker", "UpdateEndpointWeightsAndCapacities")
    def update_endpoint_weights_and_capacities(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            endpoint = self._settled(call)
            by_name = {variant.name: variant for variant in endpoint.variants}
            wanted = call.params["DesiredWeightsAndCapacities"]
            for change in wanted:
                if change["VariantName"] not in by_name:
                    raise invalid(f'Could not find variant "{change["VariantName"]}" of endpoint "{endpoint.arn}".')
            self._book.admit(call.place, call.operation, *_more(by_name, wanted))
            for change in wanted:
                variant = by_name[change["VariantName"]]
                variant.weight = float(change.get("DesiredWeight", variant.weight))
                variant.count = change.get("DesiredInstanceCount", variant.count)
            endpoint.move("InService", self._world.now())
        return {"EndpointArn": endpoint.arn}

    @owns("sagemaker", "DeleteEndpoint")
    def delete_endpoint(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            endpoint = self._settled(call)
            endpoint.move("Deleting", self._world.now())
            endpoint.gone.set()
        self._soon(endpoint, self._delete)
        return {}

    def _delete(self, endpoint: Endpoint) -> None:
        self._take_down(endpoint.variants)
        place = endpoint.place
        folder = self._world.folder / "endpoints" / place.account / place.region / endpoint.name
        shutil.rmtree(folder, ignore_errors=True)
        with self._world.lock(place):
            self._at(place).pop(endpoint.name, None)

    def seed(self, place: Place, seed: RecordSeed) -> None:
        """Enter an endpoint that is said to be in service since ``running_for``, without a process."""
        born = self._world.now() - seed.running_for
        settings = {
            "VariantName": "AllTraffic",
            "ModelName": seed.name,
            "InstanceType": seed.instance_type,
            "InitialInstanceCount": seed.count,
        }
        params = {"EndpointConfigName": seed.name, "ProductionVariants": [settings]}
        with self._world.lock(place):
            self._models.models.put(place, seed.name, _seed_model(place, seed), born)
            config = self._models.configs.put(place, seed.name, params, born)
            variants = self._variants(place, config)
            self._at(place)[seed.name] = Endpoint(place, seed.name, config, born, born, variants, status="InService")


def _retain(old: list[Variant], new: list[Variant], but: list[dict[str, str]]) -> None:
    """Give new variants the weights and counts that variants of their names have now."""
    changed = {exception["VariantPropertyType"] for exception in but}
    by_name = {variant.name: variant for variant in old}
    for variant in new:
        if before := by_name.get(variant.name):
            variant.count = variant.count if "DesiredInstanceCount" in changed else before.count
            variant.weight = variant.weight if "DesiredWeight" in changed else before.weight


def _more(by_name: dict[str, Variant], wanted: list[dict[str, Any]]) -> Iterable[Held]:
    """The instances that new counts need beyond those there are."""
    for change in wanted:
        variant = by_name[change["VariantName"]]
        more = change.get("DesiredInstanceCount", variant.count) - variant.count
        if more > 0 and "InstanceType" in variant.settings:
            yield Held("endpoint", variant.settings["InstanceType"], more)


def _seed_model(place: Place, seed: RecordSeed) -> dict[str, Any]:
    data = f"s3://sagemaker-{place.region}-{place.account}/{seed.name}/output/model.tar.gz"
    return {
        "ModelName": seed.name,
        "PrimaryContainer": {"Image": xgboost_image(place.region), "ModelDataUrl": data},
    }
