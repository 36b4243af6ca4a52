"""Endpoints that a scenario begins with: real ones, whose time and invocations are set back, and records without a
process.
"""

from __future__ import annotations

import io
import tarfile
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from opskit.sandbox.container.images import xgboost_image_uri
from opskit.sandbox.hosting.endpoint_record import Endpoint, EndpointStatus
from opskit.sandbox.hosting.endpoint_service import EndpointService
from opskit.sandbox.hosting.invocation_metrics import InvocationMetrics
from opskit.sandbox.hosting.model_service import ModelService
from opskit.sandbox.scenarios import EndpointSeed, RecordSeed, execution_role_arn
from opskit.sandbox.state import AccountRegion, SandboxState, UsageResource

_MODEL_FILE = "prices-model.json"
"""A small XGBoost model with three features."""


class SeededEndpoints:
    """Makes the endpoints of a scenario."""

    def __init__(
        self, state: SandboxState, models: ModelService, endpoints: EndpointService, metrics: InvocationMetrics
    ) -> None:
        self._state, self._models, self._endpoints, self._metrics = state, models, endpoints, metrics
        state.seeders[UsageResource.ENDPOINT] = self.add_seed

    def add_seed(self, account_region: AccountRegion, seed: RecordSeed | EndpointSeed) -> None:
        """Enter one endpoint."""
        match seed:
            case RecordSeed():
                self._endpoints.add_seed_record(account_region, seed)
            case EndpointSeed():
                self._add_endpoint(account_region, seed)

    def _add_endpoint(self, account_region: AccountRegion, seed: EndpointSeed) -> None:
        created = self._state.now() - seed.made_ago
        self._put_model(account_region, seed, created)
        endpoint = self._enter_endpoint(account_region, seed, created)
        if seed.serves:
            self._endpoints.serve_seed(endpoint)
        for variant in seed.variants:
            moments = [self._state.now() - ago for ago in seed.invoked_ago]
            self._metrics.publish_past(account_region, seed.name, variant.name, moments)
        if seed.is_asynchronous:  # AWS publishes it each minute; opskit looks at the last quarter of an hour
            moments = [self._state.now() - timedelta(minutes=minutes) for minutes in range(60)]
            self._metrics.publish_backlog(account_region, seed.name, moments)
        if seed.is_scaled:
            self._add_scaling(account_region, seed)

    def _put_model(self, account_region: AccountRegion, seed: EndpointSeed, created: datetime) -> None:
        bucket = f"sagemaker-{account_region.region}-{account_region.account}"
        key = f"{seed.name}/output/model.tar.gz"
        s3 = self._state.client("s3", account_region)
        elsewhere = account_region.region != "us-east-1"  # whose buckets have no location
        where = {"CreateBucketConfiguration": {"LocationConstraint": account_region.region}} if elsewhere else {}
        s3.create_bucket(Bucket=bucket, **where)
        s3.put_object(Bucket=bucket, Key=key, Body=_model_archive())
        container = {"Image": xgboost_image_uri(account_region.region), "ModelDataUrl": f"s3://{bucket}/{key}"}
        role = execution_role_arn(account_region.account)
        params = {"ModelName": seed.name, "PrimaryContainer": container, "ExecutionRoleArn": role}
        with self._state.lock(account_region):
            self._models.models.create_record(account_region, seed.name, params, created)

    def _enter_endpoint(self, account_region: AccountRegion, seed: EndpointSeed, created: datetime) -> Endpoint:
        settings = [_variant_settings(seed, variant.name) for variant in seed.variants]
        params: dict[str, Any] = {"EndpointConfigName": f"{seed.name}-config", "ProductionVariants": settings}
        if seed.is_asynchronous:
            bucket = f"sagemaker-{account_region.region}-{account_region.account}"
            params["AsyncInferenceConfig"] = {"OutputConfig": {"S3OutputPath": f"s3://{bucket}/{seed.name}/answers"}}
        if seed.has_components:
            params["ExecutionRoleArn"] = execution_role_arn(account_region.account)
        with self._state.lock(account_region):
            config = self._models.configs.create_record(account_region, f"{seed.name}-config", params, created)
            variants = self._endpoints.build_variants(account_region, config)
            for variant, wanted in zip(variants, seed.variants, strict=True):
                variant.count, variant.weight = wanted.count, wanted.weight
            status, tags = EndpointStatus.IN_SERVICE, dict(seed.tags)
            endpoint = Endpoint(account_region, seed.name, config, created, created, variants, tags=tags, status=status)
            self._endpoints.enter_endpoint(endpoint)
        return endpoint

    def _add_scaling(self, account_region: AccountRegion, seed: EndpointSeed) -> None:
        """What Application Auto Scaling, which is moto's, holds of its first variant."""
        scaling = self._state.client("application-autoscaling", account_region)
        target: dict[str, Any] = {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{seed.name}/variant/{seed.variants[0].name}",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        }
        scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)
        metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
        scaling.put_scaling_policy(
            **target,
            PolicyName="by-invocations",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 70.0,
                "PredefinedMetricSpecification": metric,
                "ScaleInCooldown": 300,
                "ScaleOutCooldown": 60,
            },
        )
        scaling.put_scheduled_action(
            **target,
            ScheduledActionName="mornings",
            Schedule="cron(0 8 * * ? *)",
            ScalableTargetAction={"MinCapacity": 2, "MaxCapacity": 3},
        )


def _variant_settings(seed: EndpointSeed, name: str) -> dict[str, Any]:
    settings: dict[str, Any] = {"VariantName": name, "InitialVariantWeight": 1.0}
    if not seed.has_components:
        settings["ModelName"] = seed.name
    if seed.provisioned is not None:
        memory = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
        return {**settings, "ServerlessConfig": {**memory, "ProvisionedConcurrency": seed.provisioned}}
    return {**settings, "InstanceType": seed.instance_type, "InitialInstanceCount": 1}


def _model_archive() -> bytes:
    model = files("opskit.sandbox.hosting").joinpath("data", _MODEL_FILE).read_bytes()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("xgboost-model")
        entry.size = len(model)
        archive.addfile(entry, io.BytesIO(model))
    return packed.getvalue()
