"""Puts models behind endpoints through the SageMaker SDK v3, and removes endpoints, their configurations and models."""

from __future__ import annotations

from enum import StrEnum

from opskit.act.training import create, tags
from opskit.aws import Door
from opskit.aws_errors import is_gone
from opskit.errors import AwsFailure
from opskit.left_running import Kind
from opskit.model import Fleet, Workflow
from opskit.sdk import sdk
from opskit.state.journal import record


class Removable(StrEnum):
    """What a cleanup deletes, in boto3's words."""

    ENDPOINT = "endpoint"
    CONFIG = "endpoint_config"
    MODEL = "model"

    @property
    def words(self) -> str:
        """As people say it."""
        return self.value.replace("_", " ")


def make_config(door: Door, workflow: Workflow, fleet: Fleet, name: str, model: str) -> None:
    """Make the configuration of an endpoint: which model, on which instances.

    Raises:
        AwsFailure: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    variant = sdk().shapes.ProductionVariant(
        variant_name="AllTraffic",
        model_name=model,
        initial_instance_count=fleet.count,
        instance_type=fleet.instance_type,
        initial_variant_weight=1.0,
    )
    create(
        door,
        "create_endpoint_config",
        name,
        sdk().resources.EndpointConfig,
        endpoint_config_name=name,
        production_variants=[variant],
        tags=tags(workflow),
    )


def make_endpoint(door: Door, workflow: Workflow, name: str, config: str) -> None:
    """Make an endpoint. It bills until it is deleted.

    Raises:
        AwsFailure: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    create(
        door,
        "create_endpoint",
        name,
        sdk().resources.Endpoint,
        starts=Kind.ENDPOINT,
        endpoint_name=name,
        endpoint_config_name=config,
        tags=tags(workflow),
    )


def delete_action(kind: Removable) -> str:
    """What the journal calls it."""
    return f"delete {kind.words}"


def delete(door: Door, kind: Removable, name: str) -> None:
    """Delete one of them. What is gone already is as good as deleted.

    Raises:
        AwsFailure: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    parameter = "".join(word.capitalize() for word in kind.split("_")) + "Name"
    try:
        with record(door, delete_action(kind), name, "cleanup"):
            door.write("sagemaker", f"delete_{kind}", **{parameter: name})
            if kind is Removable.ENDPOINT:
                door.left_running.note_ended(Kind.ENDPOINT, name, door.region)
    except AwsFailure as failure:
        if not is_gone(failure):
            raise
