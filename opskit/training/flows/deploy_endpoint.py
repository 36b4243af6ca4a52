"""Creates an endpoint for a model and waits until it is in service."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from opskit.aws.client import AwsClient
from opskit.aws.create_once import create_once, create_when_config_visible
from opskit.aws.log_tail import read_log_tail
from opskit.core.aws_names import endpoint_log_group
from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError, OutcomeUnknown
from opskit.core.live_resources import ResourceKind
from opskit.core.model import InstanceConfig, Unknown
from opskit.core.owners import Owner
from opskit.core.tags import DEPLOYED_UNTIL
from opskit.explain.rules.aws_errors import endpoint_failure, explain_start_error, may_say_why_in_log
from opskit.training.changes import endpoints as changes
from opskit.training.events import JobSelected, RunEventSink
from opskit.training.flows.follow import follow_endpoint
from opskit.training.reads import resources
from opskit.training.rules.job_names import Attach, Create, Reuse
from opskit.training.rules.model import Workflow


def deploy_model(
    client: AwsClient,
    workflow: Workflow,
    owner: Owner,
    config: InstanceConfig,
    model: str,
    clock: Clock,
    emit: RunEventSink,
    until: datetime | None = None,
) -> str:
    """Create an endpoint with the model's name, or wait for the existing one, and return the name. A new one is tagged
    with the time ``until`` which it is meant to be used.

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
        _create_endpoint(client, workflow, owner, config, model, clock, until)
    endpoint = follow_endpoint(client, model, clock, emit)
    if endpoint is None:
        raise AwsError("vanished", f"The endpoint {model} is not there any more.", region=client.region)
    if not endpoint.traits.is_in_service:
        tail = (
            read_log_tail(client, endpoint_log_group(model), "", clock)
            if may_say_why_in_log(endpoint.failure)
            else None
        )
        raise endpoint_failure(endpoint, workflow.cli_ref, client.region, tail)
    return model


def _create_endpoint(
    client: AwsClient,
    workflow: Workflow,
    owner: Owner,
    fleet: InstanceConfig,
    model: str,
    clock: Clock,
    until: datetime | None,
) -> None:
    config = _ensure_endpoint_config(client, workflow, owner, fleet, model, clock)
    if until is not None:  # on the endpoint alone: a configuration outlives it
        tags = (*workflow.settings.tags, (DEPLOYED_UNTIL, until.isoformat(timespec="seconds")))
        workflow = replace(workflow, settings=replace(workflow.settings, tags=tags))
    try:
        create_when_config_visible(
            lambda: changes.create_endpoint(client, workflow, owner, model, config),
            lambda: resources.read_endpoint(client, model) is not None,
            clock,
        )
    except AwsError as failure:
        if isinstance(failure, OutcomeUnknown):
            raise
        raise explain_start_error(failure) from failure


def _ensure_endpoint_config(
    client: AwsClient, workflow: Workflow, owner: Owner, config: InstanceConfig, model: str, clock: Clock
) -> str:
    """A configuration with exactly these instances: an existing one, or a new one."""
    # AWS cannot change a configuration: for other instances the name is counted up until one fits or is free.
    number = 1
    while True:
        name = model if number == 1 else f"{model}-{number}"
        existing = resources.read_endpoint_instances(client, name)
        if existing is None:
            break
        if not isinstance(existing, Unknown) and (existing.instance_type, existing.count, existing.preferences) == (
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
