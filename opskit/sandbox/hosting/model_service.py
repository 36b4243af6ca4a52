"""Models and endpoint configurations: records that transform jobs and endpoints are made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opskit.sandbox.account.execution_roles import check_role
from opskit.sandbox.dispatcher import owns
from opskit.sandbox.errors import ApiError, invalid
from opskit.sandbox.hosting.model_container import model_data
from opskit.sandbox.list_responses import Listed, listed
from opskit.sandbox.request_echo import echoed
from opskit.sandbox.state import Call, Place, World
from opskit.sandbox.storage.s3_objects import S3Uri, StorageFailure, Store
from opskit.sandbox.tags import Tags, tags_given


@dataclass(frozen=True)
class Record:
    """What a client made, as it made it."""

    name: str
    arn: str
    params: dict[str, Any]
    created: datetime
    tags: dict[str, str]


@dataclass(frozen=True)
class Shelf:
    """The records of one kind, by place and name. ``kind`` is the ARN's word, ``words`` the error texts'."""

    kind: str
    words: str
    records: dict[Place, dict[str, Record]]

    def find(self, place: Place, name: str) -> Record | None:
        """The record of this name, None where there is none."""
        return self.records.get(place, {}).get(name)

    def get(self, place: Place, name: str) -> Record:
        """The record of this name. Raises AWS's ValidationException."""
        record = self.find(place, name)
        if record is None:
            raise invalid(f'Could not find {self.words} "{place.arn(f"{self.kind}/{name}")}".')
        return record

    def put(self, place: Place, name: str, params: dict[str, Any], now: datetime) -> Record:
        """Make a record. Raises AWS's ValidationException where the name is taken."""
        arn = place.arn(f"{self.kind}/{name}")
        shelf = self.records.setdefault(place, {})
        if name in shelf:
            raise invalid(f'Cannot create already existing {self.words} "{arn}".')
        shelf[name] = Record(name, arn, params, now, tags_given(params))
        return shelf[name]

    def drop(self, place: Place, name: str) -> None:
        """Take a record away. Raises AWS's ValidationException."""
        self.get(place, name)
        del self.records[place][name]

    def tags_of(self, place: Place, name: str) -> dict[str, str] | None:
        """The tags of a record, None where there is none."""
        record = self.find(place, name)
        return record.tags if record else None

    def all(self, place: Place) -> list[Record]:
        """Every record of a place, the oldest first."""
        return list(self.records.get(place, {}).values())


class ModelRoom:
    """CreateModel, CreateEndpointConfig, and what belongs to them."""

    def __init__(self, world: World, tags: Tags) -> None:
        self._world = world
        self.models = Shelf("model", "model", {})
        self.configs = Shelf("endpoint-config", "endpoint configuration", {})
        for shelf in (self.models, self.configs):
            tags.own(shelf.kind, shelf.tags_of)

    @owns("sagemaker", "CreateModel")
    def create_model(self, call: Call) -> dict[str, Any]:
        params = call.params
        self._check_containers(call)
        check_role(self._world, call.place, params.get("ExecutionRoleArn"))
        return {"ModelArn": self._make(self.models, call, params["ModelName"]).arn}

    def _make(self, shelf: Shelf, call: Call, name: str) -> Record:
        with self._world.lock(call.place):
            return shelf.put(call.place, name, call.params, self._world.now())

    def _drop(self, shelf: Shelf, call: Call, name: str) -> dict[str, Any]:
        with self._world.lock(call.place):
            shelf.drop(call.place, name)
        return {}

    def _check_containers(self, call: Call) -> None:
        primary, others = call.params.get("PrimaryContainer"), call.params.get("Containers")
        if bool(primary) == bool(others):
            raise invalid("Exactly one of PrimaryContainer and Containers must be specified.")
        for container in others or [primary]:
            if "Image" not in container and "ModelPackageName" not in container:
                raise invalid("One of Image and ModelPackageName must be specified in a container definition.")
            self._check_data(call.place, container)

    def _check_data(self, place: Place, container: dict[str, Any]) -> None:
        uri, zipped = model_data(container)
        if uri is None:
            return
        store, parsed = Store(self._world, place), S3Uri.parse(uri)
        try:
            found = store.exists(parsed) if zipped else store.sources({"S3DataType": "S3Prefix", "S3Uri": uri})
        except StorageFailure as error:
            raise invalid(str(error)) from error
        if not found:
            raise invalid(f"Could not find model data at {uri}.")

    @owns("sagemaker", "DescribeModel")
    def describe_model(self, call: Call) -> dict[str, Any]:
        record = self.models.get(call.place, call.params["ModelName"])
        return {
            "EnableNetworkIsolation": False,
            **echoed("DescribeModel", record.params),
            "ModelArn": record.arn,
            "CreationTime": record.created,
        }

    @owns("sagemaker", "ListModels")
    def list_models(self, call: Call) -> dict[str, Any]:
        return listed(call, [_row(record, "Model") for record in self.models.all(call.place)], "Models")

    @owns("sagemaker", "DeleteModel")
    def delete_model(self, call: Call) -> dict[str, Any]:
        return self._drop(self.models, call, call.params["ModelName"])

    @owns("sagemaker", "CreateEndpointConfig")
    def create_endpoint_config(self, call: Call) -> dict[str, Any]:
        for variant in [*call.params["ProductionVariants"], *call.params.get("ShadowProductionVariants", [])]:
            self._check_variant(call.place, variant)
        names = [variant["VariantName"] for variant in call.params["ProductionVariants"]]
        if len(names) != len(set(names)):
            raise invalid("Production variant names must be unique within an endpoint configuration.")
        return {"EndpointConfigArn": self._make(self.configs, call, call.params["EndpointConfigName"]).arn}

    def _check_variant(self, place: Place, variant: dict[str, Any]) -> None:
        if "ModelName" not in variant:
            raise ApiError("ValidationException", "The sandbox has no inference components: a variant needs ModelName.")
        self.models.get(place, variant["ModelName"])
        if "ServerlessConfig" in variant:
            return
        if not {"InstanceType", "InitialInstanceCount"} <= set(variant):
            raise invalid(
                f"Either ServerlessConfig or InstanceType and InitialInstanceCount must be specified for "
                f"production variant {variant['VariantName']}."
            )

    @owns("sagemaker", "DescribeEndpointConfig")
    def describe_endpoint_config(self, call: Call) -> dict[str, Any]:
        record = self.configs.get(call.place, call.params["EndpointConfigName"])
        variants = [{"InitialVariantWeight": 1.0, **variant} for variant in record.params["ProductionVariants"]]
        return {
            "EnableNetworkIsolation": False,
            **echoed("DescribeEndpointConfig", record.params),
            "ProductionVariants": variants,
            "EndpointConfigArn": record.arn,
            "CreationTime": record.created,
        }

    @owns("sagemaker", "ListEndpointConfigs")
    def list_endpoint_configs(self, call: Call) -> dict[str, Any]:
        rows = [_row(record, "EndpointConfig") for record in self.configs.all(call.place)]
        return listed(call, rows, "EndpointConfigs")

    @owns("sagemaker", "DeleteEndpointConfig")
    def delete_endpoint_config(self, call: Call) -> dict[str, Any]:
        return self._drop(self.configs, call, call.params["EndpointConfigName"])


def _row(record: Record, what: str) -> Listed:
    summary = {f"{what}Name": record.name, f"{what}Arn": record.arn, "CreationTime": record.created}
    return Listed(record.name, record.created, record.created, "", summary)
