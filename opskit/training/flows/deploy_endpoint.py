"""Creates an endpoint for a model and waits until it is in service."""

from __future__ import annotations

from opskit.aws.client import AwsClient
from opskit.aws.create_once import create_once
from opskit.aws.errors import is_config_unseen
from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError, OutcomeUnknown
from opskit.core.live_resources import ResourceKind
from opskit.core.model import InstanceConfig
from opskit.core.owners import Owner
from opskit.explain.rules.aws_errors import endpoint_failure, enrich_start_error
from opskit.training.changes import endpoints as changes
from opskit.training.events import JobSelected, RunEventSink
from opskit.training.flows.follow import follow_endpoint
from opskit.training.reads import resources
from opskit.training.rules.job_names import Attach, Create, Reuse
from opskit.training.rules.model import Workflow

# CreateEndpoint reads the configuration from a copy that may lag behind CreateEndpointConfig; AWS's API reference
# recommends to repeat the call. Seconds were seen; after half a minute the configuration is really not there.
_CONFIG_LAG_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)


def deploy_model(
    client: AwsClient,
    workflow: Workflow,
    owner: Owner,
    config: InstanceConfig,
    model: str,
    clock: Clock,
    emit: RunEventSink,
) -> str:
    """Create an endpoint with the model's name, or wait for the existing one, and return the name.

    Raises:
        OpskitError: AWS refused it, or the endpoint failed.
    """
    endpoint = resources.read_endpoint(client, model)
    # AWS refuses to create an endpoint whose name is still being deleted, so the deletion is waited for.
    if endpoint and endpoint.traits.is_going:
        endpoint = follow_endpoint(client, model, clock, emit)
    if endpoint and endpoint.traits.is_in_service:
        emit(JobSelected(ResourceKind.ENDPOINT, Reuse(model), config))
        return model
    emit(JobSelected(ResourceKind.ENDPOINT, Attach(model) if endpoint else Create(model), config))
    if endpoint is None:
        _create_endpoint(client, workflow, owner, config, model, clock)
    endpoint = follow_endpoint(client, model, clock, emit)
    if endpoint is None:
        raise AwsError("vanished", f"The endpoint {model} is not there any more.", region=client.region)
    if not endpoint.traits.is_in_service:
        raise endpoint_failure(endpoint, workflow.cli_ref, client.region)
    return model


def _create_endpoint(
    client: AwsClient, workflow: Workflow, owner: Owner, fleet: InstanceConfig, model: str, clock: Clock
) -> None:
    config = _ensure_endpoint_config(client, workflow, owner, fleet, model, clock)
    try:
        _create_until_config_is_seen(client, workflow, owner, model, config, clock)
    except AwsError as failure:
        if isinstance(failure, OutcomeUnknown):
            raise
        raise enrich_start_error(failure) from failure


def _create_until_config_is_seen(
    client: AwsClient, workflow: Workflow, owner: Owner, model: str, config: str, clock: Clock
) -> None:
    """Create the endpoint. A refusal has made nothing, so that the call can be sent again."""

    def attempt() -> None:
        create_once(
            lambda: changes.create_endpoint(client, workflow, owner, model, config),
            lambda: resources.read_endpoint(client, model) is not None,
            clock,
        )

    for seconds in _CONFIG_LAG_SECONDS:
        try:
            attempt()
        except AwsError as failure:
            if not is_config_unseen(failure):
                raise
            clock.sleep(seconds)
        else:
            return
    attempt()


def _ensure_endpoint_config(
    client: AwsClient, workflow: Workflow, owner: Owner, config: InstanceConfig, model: str, clock: Clock
) -> str:
    """A configuration with exactly these instances: an existing one, or a new one, since configurations cannot be
    changed.
    """
    number = 1
    while True:
        name = model if number == 1 else f"{model}-{number}"
        existing = resources.read_endpoint_instances(client, name)
        if existing is None:
            break
        if (existing.instance_type, existing.count, existing.preferences) == (
            config.instance_type,
            config.count,
            config.preferences,
        ):
            return name
        number += 1
    create_once(
        lambda: changes.create_endpoint_config(client, workflow, owner, config, name, model),
        lambda: resources.read_endpoint_instances(client, name) is not None,
        clock,
    )
    return name
