"""Creates endpoints and their configurations through the SageMaker SDK v3, and deletes endpoints, configurations and
models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.errors import is_not_found
from opskit.aws.writer import AwsWriter
from opskit.core.exceptions import AwsError
from opskit.core.live_resources import ResourceKind
from opskit.core.model import InstanceConfig
from opskit.core.owners import Owner
from opskit.state.journal import journal_action
from opskit.training.changes.jobs import create_for_workflow
from opskit.training.rules.job_settings import endpoint_instances, endpoint_key
from opskit.training.rules.model import Workflow
from opskit.training.rules.workflow_resources import DeletableKind
from opskit.training.sagemaker_sdk import load_sdk


def create_endpoint_config(
    client: AwsClient, workflow: Workflow, owner: Owner, config: InstanceConfig, name: str, model: str
) -> None:
    """Create an endpoint configuration: which model, on which instances.

    Raises:
        AwsError: AWS refused, or its response was lost (OutcomeUnknown).
    """
    shapes = load_sdk().shapes
    variant = shapes.ProductionVariant(
        variant_name="AllTraffic",
        model_name=model,
        initial_instance_count=config.count,
        **endpoint_instances(shapes, config),
        initial_variant_weight=1.0,
    )
    request = {
        "endpoint_config_name": name,
        "production_variants": [variant],
        **endpoint_key(workflow),
    }

    def send(tags: Mapping[str, Any]) -> None:
        AwsWriter(client).call_via_sdk(
            "sagemaker",
            "create_endpoint_config",
            lambda session: load_sdk().resources.EndpointConfig.create(
                **request, **tags, session=session, region=client.region
            ),
        )

    create_for_workflow(client, workflow, owner, "create endpoint config", name, send)


def create_endpoint(client: AwsClient, workflow: Workflow, owner: Owner, name: str, config: str) -> None:
    """Create an endpoint. It costs money until it is deleted.

    Raises:
        AwsError: AWS refused, or its response was lost (OutcomeUnknown).
    """
    request = {
        "endpoint_name": name,
        "endpoint_config_name": config,
    }

    def send(tags: Mapping[str, Any]) -> None:
        AwsWriter(client).call_via_sdk(
            "sagemaker",
            "create_endpoint",
            lambda session: load_sdk().resources.Endpoint.create(
                **request, **tags, session=session, region=client.region
            ),
        )

    create_for_workflow(client, workflow, owner, "create endpoint", name, send, starts=ResourceKind.ENDPOINT)


def delete_action(kind: DeletableKind) -> str:
    """The action's name in the journal."""
    return f"delete {kind.label}"


def delete_resource(client: AwsClient, kind: DeletableKind, name: str) -> None:
    """Delete a resource. One that no longer exists counts as deleted.

    Raises:
        AwsError: AWS refused, or its response was lost (OutcomeUnknown).
    """
    try:
        with journal_action(client, delete_action(kind), name, "cleanup"):
            match kind:
                case DeletableKind.ENDPOINT:
                    AwsWriter(client).call("sagemaker", "delete_endpoint", EndpointName=name)
                    client.live_resources.note_ended(ResourceKind.ENDPOINT, name, client.region)
                case DeletableKind.CONFIG:
                    AwsWriter(client).call("sagemaker", "delete_endpoint_config", EndpointConfigName=name)
                case DeletableKind.MODEL:
                    AwsWriter(client).call("sagemaker", "delete_model", ModelName=name)
    except AwsError as failure:
        # An earlier attempt whose response was lost may have deleted it, and deleting is what was wanted.
        if not is_not_found(failure):
            raise
