"""Models and endpoint configurations: records that transform jobs and endpoints are made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opskit.sandbox.account.execution_roles import check_role
from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError, validation_error
from opskit.sandbox.hosting.model_container import model_data_location
from opskit.sandbox.lag import LaggingRead
from opskit.sandbox.list_responses import ListedResource, list_response
from opskit.sandbox.response_shapes import echo_request
from opskit.sandbox.state import AccountRegion, ApiCall, SandboxState
from opskit.sandbox.storage.s3_objects import S3Error, S3Store, S3Uri
from opskit.sandbox.tags import TagService, request_tags


@dataclass(frozen=True)
class StoredRecord:
    """What a client made, as it made it."""

    name: str
    arn: str
    params: dict[str, Any]
    created: datetime
    tags: dict[str, str]


@dataclass(frozen=True)
class RecordStore:
    """The records of one type. ``arn_type`` is the ARN's word, ``description`` the error texts'."""

    arn_type: str
    description: str
    records: dict[AccountRegion, dict[str, StoredRecord]]

    def find_record(self, account_region: AccountRegion, name: str) -> StoredRecord | None:
        """The record of this name, None where there is none."""
        return self.records.get(account_region, {}).get(name)

    def get_record(self, account_region: AccountRegion, name: str) -> StoredRecord:
        """The record of this name. Raises AWS's ValidationException."""
        record = self.find_record(account_region, name)
        if record is None:
            raise self.not_found_error(account_region, name)
        return record

    def not_found_error(self, account_region: AccountRegion, name: str) -> ApiError:
        """What AWS answers where there is no such record."""
        return validation_error(f'Could not find {self.description} "{account_region.arn(f"{self.arn_type}/{name}")}".')

    def create_record(
        self, account_region: AccountRegion, name: str, params: dict[str, Any], now: datetime
    ) -> StoredRecord:
        """Make a record. Raises AWS's ValidationException where the name is taken."""
        arn = account_region.arn(f"{self.arn_type}/{name}")
        shelf = self.records.setdefault(account_region, {})
        if name in shelf:
            raise validation_error(f'Cannot create already existing {self.description} "{arn}".')
        shelf[name] = StoredRecord(name, arn, params, now, request_tags(params))
        return shelf[name]

    def delete_record(self, account_region: AccountRegion, name: str) -> None:
        """Take a record away. Raises AWS's ValidationException."""
        self.get_record(account_region, name)
        del self.records[account_region][name]

    def record_tags(self, account_region: AccountRegion, name: str) -> dict[str, str] | None:
        """The tags of a record, None where there is none."""
        record = self.find_record(account_region, name)
        return record.tags if record else None

    def record_names(self, account_region: AccountRegion) -> list[str]:
        """The names of an account and Region's records."""
        return list(self.records.get(account_region, {}))

    def all_records(self, account_region: AccountRegion) -> list[StoredRecord]:
        """Every record of an account and Region, the oldest first."""
        return list(self.records.get(account_region, {}).values())


class ModelService:
    """CreateModel, CreateEndpointConfig, and what belongs to them."""

    def __init__(self, state: SandboxState, tags: TagService) -> None:
        self._state = state
        self.models = RecordStore("model", "model", {})
        self.configs = RecordStore("endpoint-config", "endpoint configuration", {})
        for shelf in (self.models, self.configs):
            tags.register_resource_type(shelf.arn_type, shelf.record_tags, shelf.record_names)

    @aws_operation("sagemaker", "CreateModel")
    def create_model(self, call: ApiCall) -> dict[str, Any]:
        params = call.params
        self._check_containers(call)
        check_role(self._state, call.account_region, params.get("ExecutionRoleArn"))
        return {"ModelArn": self._create_record(self.models, call, params["ModelName"]).arn}

    def _create_record(self, shelf: RecordStore, call: ApiCall, name: str) -> StoredRecord:
        with self._state.lock(call.account_region):
            return shelf.create_record(call.account_region, name, call.params, self._state.now())

    def _delete_record(self, shelf: RecordStore, call: ApiCall, name: str) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            shelf.delete_record(call.account_region, name)
        return {}

    def _check_containers(self, call: ApiCall) -> None:
        primary, containers = call.params.get("PrimaryContainer"), call.params.get("Containers")
        if bool(primary) == bool(containers):
            raise validation_error("Exactly one of PrimaryContainer and Containers must be specified.")
        for container in containers or [primary]:
            if "Image" not in container and "ModelPackageName" not in container:
                raise validation_error("One of Image and ModelPackageName must be specified in a container definition.")
            self._check_model_data(call.account_region, container)

    def _check_model_data(self, account_region: AccountRegion, container: dict[str, Any]) -> None:
        uri, zipped = model_data_location(container)
        if uri is None:
            return
        store, parsed = S3Store(self._state, account_region), S3Uri.parse(uri)
        try:
            has_data = (
                store.object_exists(parsed) if zipped else store.list_sources({"S3DataType": "S3Prefix", "S3Uri": uri})
            )
        except S3Error as error:
            raise validation_error(str(error)) from error
        if not has_data:
            raise validation_error(f"Could not find model data at {uri}.")

    @aws_operation("sagemaker", "DescribeModel")
    def describe_model(self, call: ApiCall) -> dict[str, Any]:
        record = self.models.get_record(call.account_region, call.params["ModelName"])
        return {
            "EnableNetworkIsolation": False,
            **echo_request("DescribeModel", record.params),
            "ModelArn": record.arn,
            "CreationTime": record.created,
        }

    @aws_operation("sagemaker", "ListModels")
    def list_models(self, call: ApiCall) -> dict[str, Any]:
        return list_response(
            call, [_listed_record(record, "Model") for record in self.models.all_records(call.account_region)], "Models"
        )

    @aws_operation("sagemaker", "DeleteModel")
    def delete_model(self, call: ApiCall) -> dict[str, Any]:
        return self._delete_record(self.models, call, call.params["ModelName"])

    @aws_operation("sagemaker", "CreateEndpointConfig")
    def create_endpoint_config(self, call: ApiCall) -> dict[str, Any]:
        for variant in [*call.params["ProductionVariants"], *call.params.get("ShadowProductionVariants", [])]:
            self._check_variant(call.account_region, variant, has_role="ExecutionRoleArn" in call.params)
        names = [variant["VariantName"] for variant in call.params["ProductionVariants"]]
        if len(names) != len(set(names)):
            raise validation_error("Production variant names must be unique within an endpoint configuration.")
        return {"EndpointConfigArn": self._create_record(self.configs, call, call.params["EndpointConfigName"]).arn}

    def find_usable_config(self, account_region: AccountRegion, name: str) -> StoredRecord:
        """The configuration of this name as CreateEndpoint finds it, which may be later than Describe does. Raises
        AWS's ValidationException.
        """
        config = self.configs.get_record(account_region, name)
        delay = self._state.lag.delay(LaggingRead.ENDPOINT_CONFIG, config.arn)
        if self._state.now() < config.created + delay:
            raise self.configs.not_found_error(account_region, name)
        return config

    def _check_variant(self, account_region: AccountRegion, variant: dict[str, Any], *, has_role: bool) -> None:
        if "ModelName" in variant:
            self.models.get_record(account_region, variant["ModelName"])
        elif not has_role:
            raise validation_error(
                f"Production variant {variant['VariantName']} without ModelName needs an ExecutionRoleArn."
            )
        if "ServerlessConfig" in variant:
            return
        if "InstancePools" in variant:
            _check_pools(variant)
            return
        if not {"InstanceType", "InitialInstanceCount"} <= set(variant):
            raise validation_error(
                f"Either ServerlessConfig or InstanceType and InitialInstanceCount must be specified for "
                f"production variant {variant['VariantName']}."
            )

    @aws_operation("sagemaker", "DescribeEndpointConfig")
    def describe_endpoint_config(self, call: ApiCall) -> dict[str, Any]:
        record = self.configs.get_record(call.account_region, call.params["EndpointConfigName"])
        variants = [{"InitialVariantWeight": 1.0, **variant} for variant in record.params["ProductionVariants"]]
        return {
            "EnableNetworkIsolation": False,
            **echo_request("DescribeEndpointConfig", record.params),
            "ProductionVariants": variants,
            "EndpointConfigArn": record.arn,
            "CreationTime": record.created,
        }

    @aws_operation("sagemaker", "ListEndpointConfigs")
    def list_endpoint_configs(self, call: ApiCall) -> dict[str, Any]:
        rows = [_listed_record(record, "EndpointConfig") for record in self.configs.all_records(call.account_region)]
        return list_response(call, rows, "EndpointConfigs")

    @aws_operation("sagemaker", "DeleteEndpointConfig")
    def delete_endpoint_config(self, call: ApiCall) -> dict[str, Any]:
        return self._delete_record(self.configs, call, call.params["EndpointConfigName"])


def _listed_record(record: StoredRecord, prefix: str) -> ListedResource:
    summary = {f"{prefix}Name": record.name, f"{prefix}Arn": record.arn, "CreationTime": record.created}
    return ListedResource(record.name, record.created, record.created, "", summary)


def _check_pools(variant: dict[str, Any]) -> None:
    if "InstanceType" in variant or "InitialInstanceCount" not in variant:
        raise validation_error(
            f"InstancePools and InitialInstanceCount must be specified without InstanceType for production variant "
            f"{variant['VariantName']}."
        )
    priorities = [pool["Priority"] for pool in variant["InstancePools"]]
    if len(priorities) != len(set(priorities)):
        raise validation_error(f"InstancePools of production variant {variant['VariantName']} share a priority.")
