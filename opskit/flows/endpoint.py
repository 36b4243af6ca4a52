"""Puts a model behind an endpoint and waits until it answers."""

from __future__ import annotations

from opskit.act import endpoints as act
from opskit.aws import Door
from opskit.decide.naming import Follow, Show, Start
from opskit.decide.refusals import endpoint_failed, explained
from opskit.errors import AwsFailure, OutcomeUnknown
from opskit.flows.clock import Clock
from opskit.flows.events import Chosen, Tell
from opskit.flows.follow import follow_endpoint
from opskit.flows.made import made
from opskit.left_running import Kind
from opskit.model import Fleet, Workflow
from opskit.observe import jobs


def put_behind_endpoint(door: Door, workflow: Workflow, fleet: Fleet, model: str, clock: Clock, tell: Tell) -> str:
    """Put a model behind an endpoint of its name, or wait for the one there is, and return the name.

    Raises:
        OpskitError: AWS refused it, or it failed.
    """
    found = jobs.endpoint(door, model)
    if found and found.status == "Deleting":
        found = follow_endpoint(door, model, clock, tell)
    if found and found.status == "InService":
        tell(Chosen(Kind.ENDPOINT, Show(model), fleet))
        return model
    tell(Chosen(Kind.ENDPOINT, Follow(model) if found else Start(model), fleet))
    if found is None:
        _make(door, workflow, fleet, model, clock)
    found = follow_endpoint(door, model, clock, tell)
    if found is None:
        raise AwsFailure("vanished", f"The endpoint {model} is not there any more.", region=door.region)
    if found.status != "InService":
        raise endpoint_failed(found, workflow.word, door.region)
    return model


def _make(door: Door, workflow: Workflow, fleet: Fleet, model: str, clock: Clock) -> None:
    config = _config(door, workflow, fleet, model, clock)
    try:
        made(
            lambda: act.make_endpoint(door, workflow, model, config),
            lambda: jobs.endpoint(door, model) is not None,
            clock,
        )
    except AwsFailure as failure:
        if isinstance(failure, OutcomeUnknown):
            raise
        raise explained(failure) from failure


def _config(door: Door, workflow: Workflow, fleet: Fleet, model: str, clock: Clock) -> str:
    """A configuration for just these instances: the one there is, or a new one. They cannot be changed."""
    number = 1
    while True:
        name = model if number == 1 else f"{model}-{number}"
        found = jobs.endpoint_fleet(door, name)
        if found is None:
            break
        if (found.instance_type, found.count) == (fleet.instance_type, fleet.count):
            return name
        number += 1
    made(
        lambda: act.make_config(door, workflow, fleet, name, model),
        lambda: jobs.endpoint_fleet(door, name) is not None,
        clock,
    )
    return name
