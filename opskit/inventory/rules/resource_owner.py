"""Whose a running resource is: by its tags, else by CloudTrail's record of who made it or started it last."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from opskit.core.owners import caller_owner, owner_from_tags
from opskit.inventory.rules.running_resource import BilledKind, RunningResource

EVENT_HISTORY = timedelta(days=90)
"""How far CloudTrail's event history goes back."""


class OwnershipSource(StrEnum):
    """What tells an owner."""

    TAG = "tag"
    PROFILE = "profile"
    """The Studio user profile that it belongs to."""
    CLOUDTRAIL = "cloudtrail"


@dataclass(frozen=True)
class ResourceOwner:
    """Whose something is, and what tells it. None: nothing that could be read does."""

    name: str | None = None
    source: OwnershipSource | None = None


NO_OWNER = ResourceOwner()


def tagged_owner(resource: RunningResource, keys: Sequence[str]) -> ResourceOwner:
    """The owner that a resource's tags name under one of the ``keys``, else the user profile that it belongs to."""
    if isinstance(resource.tags, Mapping) and (name := owner_from_tags(resource.tags, keys)):
        return ResourceOwner(name, OwnershipSource.TAG)
    if resource.profile_owner:
        return ResourceOwner(resource.profile_owner, OwnershipSource.PROFILE)
    return NO_OWNER


@dataclass(frozen=True)
class OwnerEvents:
    """The events that tell who let a resource run, and the request's members that make up its name."""

    names: tuple[str, ...]
    members: tuple[str, ...]


_APP_MEMBERS = ("domainId", "spaceName", "userProfileName", "appType", "appName")
OWNER_EVENTS: Mapping[BilledKind, tuple[OwnerEvents, ...]] = {
    BilledKind.NOTEBOOK: (OwnerEvents(("StartNotebookInstance", "CreateNotebookInstance"), ("notebookInstanceName",)),),
    BilledKind.ENDPOINT: (OwnerEvents(("CreateEndpoint",), ("endpointName",)),),
    BilledKind.SERVERLESS: (OwnerEvents(("CreateEndpoint",), ("endpointName",)),),
    BilledKind.STUDIO_APP: (OwnerEvents(("CreateApp",), _APP_MEMBERS),),
    BilledKind.TRAINING: (OwnerEvents(("CreateTrainingJob",), ("trainingJobName",)),),
    BilledKind.TRANSFORM: (OwnerEvents(("CreateTransformJob",), ("transformJobName",)),),
    BilledKind.PROCESSING: (OwnerEvents(("CreateProcessingJob",), ("processingJobName",)),),
    BilledKind.TUNING: (OwnerEvents(("CreateHyperParameterTuningJob",), ("hyperParameterTuningJobName",)),),
    BilledKind.WARM_POOL: (OwnerEvents(("CreateTrainingJob",), ("trainingJobName",)),),
    BilledKind.CLUSTER: (OwnerEvents(("CreateCluster",), ("clusterName",)),),
    BilledKind.VOLUME: (
        OwnerEvents(("CreateNotebookInstance",), ("notebookInstanceName",)),
        OwnerEvents(("CreateSpace",), ("domainId", "spaceName")),
    ),
    BilledKind.OTHER: (),
}


def event_names(resource: RunningResource) -> tuple[str, ...]:
    """The events that may tell whose a resource is."""
    return tuple(name for events in OWNER_EVENTS[resource.kind] for name in events.names)


def can_be_in_history(resource: RunningResource, now: datetime) -> bool:
    """Whether the event that tells may be in CloudTrail's history: of what is older there is none."""
    return bool(event_names(resource)) and (resource.since is None or now - resource.since < EVENT_HISTORY)


@dataclass(frozen=True)
class TrailEvent:
    """An event of CloudTrail's: what was called, when, by whom (``caller`` None: it does not say), with what. Refused
    calls are none.
    """

    name: str
    time: datetime
    caller: str | None
    request: Mapping[str, Any]

    def names_resource(self, resource: RunningResource) -> bool:
        """Whether it is about a resource."""
        return any(
            self.name in events.names
            and "/".join(str(self.request[member]) for member in events.members if self.request.get(member))
            == resource.name
            for events in OWNER_EVENTS[resource.kind]
        )


def parse_trail_event(name: str, time: datetime, text: str) -> TrailEvent | None:
    """An event from CloudTrail's JSON; None for a call that was refused.

    Raises:
        ValueError: it is no event.
    """
    event = json.loads(text)
    if not isinstance(event, dict):
        raise ValueError("it is no object")
    caller = _caller_name(_member(event, "userIdentity"))
    return None if event.get("errorCode") else TrailEvent(name, time, caller, _member(event, "requestParameters"))


def _caller_name(identity: Mapping[str, Any]) -> str | None:
    """Who made a call, as opskit's own tags name an owner; a service of AWS's by its host name. None: not said."""
    arn = identity.get("arn")
    if not isinstance(arn, str) or not arn:
        service = identity.get("invokedBy")
        return str(service) if service else None
    person = _member(identity, "sessionContext").get("sourceIdentity")
    return caller_owner(arn, str(person) if person else None).name


def _member(record: Any, name: str) -> Mapping[str, Any]:
    value = record.get(name) if isinstance(record, dict) else None
    return value if isinstance(value, dict) else {}
