"""One endpoint's record: the variants it serves, and how Describe and List show it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from opskit.sandbox.hosting.model_container import ModelContainer
from opskit.sandbox.hosting.model_service import StoredRecord
from opskit.sandbox.list_responses import ListedResource
from opskit.sandbox.state import AccountRegion, InstanceUsage

HOLDING = ("Creating", "InService", "Updating", "SystemUpdating", "RollingBack")
BUSY = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")


@dataclass
class Variant:
    """A production variant: its settings, and the container behind it once there is one."""

    settings: dict[str, Any]
    image: str | None
    weight: float
    count: int
    container: ModelContainer | None = None

    @property
    def name(self) -> str:
        return str(self.settings["VariantName"])

    def instance_usage(self) -> list[InstanceUsage]:
        """What quotas count for the variant; a serverless one has no instances."""
        instance_type = self.settings.get("InstanceType")
        return [InstanceUsage("endpoint", instance_type, self.count)] if instance_type else []

    def describe(self, *, ready: bool, now: datetime) -> dict[str, Any]:
        """The variant as DescribeEndpoint shows it."""
        count = self.count if self.settings.get("InstanceType") else None
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
    """An endpoint. Change it under the lock of its account and Region."""

    account_region: AccountRegion
    name: str
    config: StoredRecord
    created: datetime
    modified: datetime
    variants: list[Variant]
    new_variants: list[Variant] = field(default_factory=list)
    """The variants of a configuration that an update is starting, beside those that still serve."""
    tags: dict[str, str] = field(default_factory=dict)
    status: str = "Creating"
    failure: str | None = None
    deployment_config: dict[str, Any] | None = None
    deleted: threading.Event = field(default_factory=threading.Event)

    @property
    def arn(self) -> str:
        return self.account_region.arn(f"endpoint/{self.name}")

    def enter_status(self, status: str, now: datetime, failure: str | None = None) -> None:
        """Go on to another status."""
        self.status, self.modified, self.failure = status, now, failure

    def instance_usage(self) -> list[InstanceUsage]:
        """What quotas count for the endpoint now."""
        if self.status not in HOLDING:
            return []
        return [held for variant in (*self.variants, *self.new_variants) for held in variant.instance_usage()]

    def describe(self) -> dict[str, Any]:
        """The answer of DescribeEndpoint."""
        ready = self.status != "Creating"
        variants = [variant.describe(ready=ready, now=self.created) for variant in self.variants]
        return {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "EndpointConfigName": self.config.name,
            "ProductionVariants": variants if self.status not in ("Failed", "Deleting") else None,
            "EndpointStatus": self.status,
            "FailureReason": self.failure,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "LastDeploymentConfig": self.deployment_config,
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
