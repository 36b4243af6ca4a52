"""One endpoint's record: the variants it serves, and how Describe and List show it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from opskit.sandbox.hosting.model_container import ModelContainer
from opskit.sandbox.hosting.model_service import StoredRecord
from opskit.sandbox.list_responses import ListedResource
from opskit.sandbox.state import AccountRegion, InstanceUsage, UsageResource


@dataclass(frozen=True)
class StatusTraits:
    """What follows from an endpoint's status."""

    holds_instances: bool
    in_progress: bool
    serves: bool
    has_variants: bool = True


class EndpointStatus(StrEnum):
    """The statuses of an endpoint. The sandbox never enters SystemUpdating and RollingBack, which AWS has too."""

    CREATING = "Creating"
    IN_SERVICE = "InService"
    UPDATING = "Updating"
    SYSTEM_UPDATING = "SystemUpdating"
    ROLLING_BACK = "RollingBack"
    DELETING = "Deleting"
    FAILED = "Failed"

    @property
    def traits(self) -> StatusTraits:
        """What follows from the status."""
        return _STATUS_TRAITS[self]


_STATUS_TRAITS: Mapping[EndpointStatus, StatusTraits] = {
    EndpointStatus.CREATING: StatusTraits(holds_instances=True, in_progress=True, serves=False, has_variants=False),
    EndpointStatus.IN_SERVICE: StatusTraits(holds_instances=True, in_progress=False, serves=True),
    EndpointStatus.UPDATING: StatusTraits(holds_instances=True, in_progress=True, serves=True),
    EndpointStatus.SYSTEM_UPDATING: StatusTraits(holds_instances=True, in_progress=True, serves=True),
    EndpointStatus.ROLLING_BACK: StatusTraits(holds_instances=True, in_progress=True, serves=True),
    EndpointStatus.DELETING: StatusTraits(holds_instances=False, in_progress=True, serves=False),
    EndpointStatus.FAILED: StatusTraits(holds_instances=False, in_progress=False, serves=False),
}


@dataclass
class Variant:
    """A production variant. ``image`` is that of its model; None: it has no model of its own. ``container`` is what
    answers behind it; None: nothing does.
    """

    settings: dict[str, Any]
    image: str | None
    weight: float
    count: int
    container: ModelContainer | None = None

    @property
    def name(self) -> str:
        return str(self.settings["VariantName"])

    @property
    def instance_types(self) -> list[str]:
        """Its type, or those of its pools in the order in which they are tried; the sandbox never lacks capacity, so
        the first is taken.
        """
        if "InstanceType" in self.settings:
            return [self.settings["InstanceType"]]
        pools = sorted(self.settings.get("InstancePools", []), key=lambda pool: int(pool["Priority"]))
        return [pool["InstanceType"] for pool in pools]

    def instance_usage(self) -> list[InstanceUsage]:
        """What quotas count for the variant; a serverless one has no instances."""
        return [InstanceUsage(UsageResource.ENDPOINT, name, self.count) for name in self.instance_types[:1]]

    def pool_usage(self) -> list[InstanceUsage]:
        """What each of its types would take."""
        return [InstanceUsage(UsageResource.ENDPOINT, name, self.count) for name in self.instance_types]

    def describe(self, *, ready: bool, now: datetime) -> dict[str, Any]:
        """The variant as DescribeEndpoint shows it."""
        count = self.count if self.instance_types else None
        return {
            "VariantName": self.name,
            "DeployedImages": [{"SpecifiedImage": self.image, "ResolvedImage": self.image, "ResolutionTime": now}]
            if self.image
            else None,
            "CurrentWeight": self.weight,
            "DesiredWeight": self.weight,
            "CurrentInstanceCount": count if ready or count is None else 0,
            "DesiredInstanceCount": count,
            "CurrentServerlessConfig": self.settings.get("ServerlessConfig"),
            "VariantStatus": None if ready else [{"Status": "Creating", "StartTime": now}],
        }


@dataclass
class Endpoint:
    """An endpoint. Change it under the lock of its account and Region. ``failure`` None: it has not failed.
    ``deployment_config`` None: nobody has said how it is to be rolled out.
    """

    account_region: AccountRegion
    name: str
    config: StoredRecord
    created: datetime
    modified: datetime
    variants: list[Variant]
    new_variants: list[Variant] = field(default_factory=list)
    """The variants of a configuration that an update is starting, beside those that still serve."""
    tags: dict[str, str] = field(default_factory=dict)
    status: EndpointStatus = EndpointStatus.CREATING
    failure: str | None = None
    deployment_config: dict[str, Any] | None = None
    deleted: threading.Event = field(default_factory=threading.Event)
    _before: EndpointStatus = EndpointStatus.CREATING

    @property
    def arn(self) -> str:
        return self.account_region.arn(f"endpoint/{self.name}")

    def enter_status(self, status: EndpointStatus, now: datetime, failure: str | None = None) -> None:
        """Go on to another status."""
        self._before = self.status
        self.status, self.modified, self.failure = status, now, failure

    def as_of(self, when: datetime) -> Endpoint:
        """The endpoint before its last change, where that came after this moment: Search's index lags so."""
        return self if self.modified <= when else replace(self, status=self._before, failure=None)

    def instance_usage(self) -> list[InstanceUsage]:
        """What quotas count for the endpoint now."""
        if not self.status.traits.holds_instances:
            return []
        return [usage for variant in (*self.variants, *self.new_variants) for usage in variant.instance_usage()]

    def describe(self) -> dict[str, Any]:
        """The answer of DescribeEndpoint."""
        ready = self.status.traits.has_variants
        variants = [variant.describe(ready=ready, now=self.created) for variant in self.variants]
        return {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "EndpointConfigName": self.config.name,
            "ProductionVariants": variants if self.status.traits.holds_instances else None,
            "EndpointStatus": self.status,
            "FailureReason": self.failure,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "LastDeploymentConfig": self.deployment_config,
            "AsyncInferenceConfig": self.config.params.get("AsyncInferenceConfig"),
        }

    def list_row(self) -> ListedResource:
        """The endpoint as ListEndpoints shows it."""
        summary = {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "EndpointStatus": self.status,
        }
        return ListedResource(self.name, self.created, self.modified, self.status, summary)
