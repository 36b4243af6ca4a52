"""What a workflow's settings add to the requests that make jobs, models and endpoints: types, networks, keys."""

from __future__ import annotations

from typing import Any

from opskit.core.model import InstanceConfig
from opskit.training.rules.model import Workflow


def container_settings(shapes: Any, workflow: Workflow) -> dict[str, Any]:
    """The network of a training job's or a model's containers."""
    settings = workflow.settings
    network = {}
    if settings.subnets:
        network["vpc_config"] = shapes.VpcConfig(
            subnets=list(settings.subnets), security_group_ids=list(settings.security_groups)
        )
    return {**network, **({"enable_network_isolation": True} if settings.network_isolation else {})}


def environment_settings(workflow: Workflow) -> dict[str, Any]:
    """The environment of the training container."""
    environment = dict(workflow.settings.environment)
    return {"environment": environment} if environment else {}


def training_instances(shapes: Any, workflow: Workflow, config: InstanceConfig) -> Any:
    """The instances of a training job. With preferences AWS wants no type of its own beside them."""
    settings = workflow.settings
    if config.preferences:
        preferences = [shapes.InstancePreference(instance_type=name) for name in config.preferences]
        types: dict[str, Any] = {"instance_preferences": preferences}
    else:
        types = {"instance_type": config.instance_type}
    warm_pool = {"keep_alive_period_in_seconds": settings.keep_alive_seconds} if settings.keep_alive_seconds else {}
    return shapes.ResourceConfig(
        **types,
        instance_count=config.count,
        volume_size_in_gb=workflow.volume_gb,
        **_key_parameter("volume_kms_key_id", settings.volume_kms_key),
        **warm_pool,
    )


def endpoint_instances(shapes: Any, config: InstanceConfig) -> dict[str, Any]:
    """The instances of an endpoint's variant: one type, or pools of which the first with capacity is taken."""
    if not config.preferences:
        return {"instance_type": config.instance_type}
    pools = [
        shapes.InstancePool(instance_type=name, priority=priority)
        for priority, name in enumerate(config.preferences, 1)
    ]
    return {"instance_pools": pools}


def output_key(workflow: Workflow) -> dict[str, Any]:
    """The key for what a job writes to S3."""
    return _key_parameter("kms_key_id", workflow.settings.s3_kms_key)


def volume_key(workflow: Workflow) -> dict[str, Any]:
    """The key for the volumes of a transform job."""
    return _key_parameter("volume_kms_key_id", workflow.settings.volume_kms_key)


def endpoint_key(workflow: Workflow) -> dict[str, Any]:
    """The key for the volumes of an endpoint."""
    return _key_parameter("kms_key_id", workflow.settings.volume_kms_key)


def object_key(workflow: Workflow) -> dict[str, str]:
    """The key for an object that is uploaded, in S3's words."""
    key = workflow.settings.s3_kms_key
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}


def _key_parameter(parameter: str, key: str | None) -> dict[str, str]:
    return {parameter: key} if key else {}
