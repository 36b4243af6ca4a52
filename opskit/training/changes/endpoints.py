"""Creates endpoints and their configurations through the SageMaker SDK v3, and deletes endpoints, configurations and
models.
"""

from __future__ import annotations

from opskit.aws.client import AwsClient
from opskit.aws.errors import is_not_found
from opskit.aws.writer import AwsWriter
from opskit.core.exceptions import AwsError
from opskit.core.live_resources import ResourceKind
from opskit.core.model import InstanceConfig
from opskit.core.owners import Owner
from opskit.state.journal import journal_action
from opskit.training.changes.jobs import create_via_sdk
from opskit.training.rules.deletable_kind import DeletableKind
from opskit.training.rules.model import Workflow
from opskit.training.sagemaker_sdk import load_sdk


def create_endpoint_config(
    client: AwsClient, workflow: Workflow, owner: Owner, config: InstanceConfig, name: str, model: str
) -> None:
    """Create an endpoint configuration: which model, on which instances.

    Raises:
        AwsError: AWS refused, or its response was lost (OutcomeUnknown).
    """
    variant = load_sdk().shapes.ProductionVariant(
        variant_name="AllTraffic",
        model_name=model,
        initial_instance_count=config.count,
        instance_type=config.instance_type,
        initial_variant_weight=1.0,
    )
    create_via_sdk(
        client,
        workflow,
        owner,
        "create_endpoint_config",
        name,
        load_sdk().resources.EndpointConfig,
        endpoint_config_name=name,
        production_variants=[variant],
    )


def create_endpoint(client: AwsClient, workflow: Workflow, owner: Owner, name: str, config: str) -> None:
    """Create an endpoint. It costs money until it is deleted.

    Raises:
        AwsError: AWS refused, or its response was lost (OutcomeUnknown).
    """
    create_via_sdk(
        client,
        workflow,
        owner,
        "create_endpoint",
        name,
        load_sdk().resources.Endpoint,
        starts=ResourceKind.ENDPOINT,
        endpoint_name=name,
        endpoint_config_name=config,
    )


def delete_action(kind: DeletableKind) -> str:
    """The action's name in the journal."""
    return f"delete {kind.label}"


def delete_resource(client: AwsClient, kind: DeletableKind, name: str) -> None:
    """Delete a resource. One that no longer exists counts as deleted.

    Raises:
        AwsError: AWS refused, or its response was lost (OutcomeUnknown).
    """
    parameter = "".join(word.capitalize() for word in kind.split("_")) + "Name"
    try:
        with journal_action(client, delete_action(kind), name, "cleanup"):
            AwsWriter(client).call("sagemaker", f"delete_{kind}", **{parameter: name})
            if kind is DeletableKind.ENDPOINT:
                client.left_running.note_ended(ResourceKind.ENDPOINT, name, client.region)
    except AwsError as failure:
        # An earlier attempt whose response was lost may have deleted it, and deleting is what was wanted.
        if not is_not_found(failure):
            raise
