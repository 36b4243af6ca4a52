"""Many endpoints as AWS describes them: an endpoint does not say its instance type, its configuration does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.fake_aws import FakeAws, Fault

NO_ENDPOINT = Fault(400, "ValidationException", 'Could not find endpoint "arn:x".')
NO_CONFIG = Fault(400, "ValidationException", 'Could not find endpoint configuration "arn:x".')
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class FleetConfig:
    """An endpoint configuration of one variant."""

    instance_type: str
    count: int = 1
    created: datetime = LONG_AGO


@dataclass
class FleetEndpoint:
    """An endpoint with one variant."""

    config: str
    count: int = 1
    modified: datetime = LONG_AGO + timedelta(hours=1)
    status: str = "InService"


@dataclass
class EndpointFleet:
    """The endpoints and configurations of an account, by name."""

    endpoints: dict[str, FleetEndpoint] = field(default_factory=dict)
    configs: dict[str, FleetConfig] = field(default_factory=dict)

    @classmethod
    def of_size(cls, size: int, instance_type: str = "ml.m4.xlarge") -> EndpointFleet:
        """So many endpoints, each with a configuration of its own."""
        names = [f"serve-{at:03}" for at in range(size)]
        return cls({name: FleetEndpoint(name) for name in names}, {name: FleetConfig(instance_type) for name in names})

    def serve_from(self, aws: FakeAws) -> None:
        """Let an AWS answer with it."""
        aws.running |= {
            "ListEndpoints": self._list_page,
            "DescribeEndpoint": self._describe_endpoint,
            "DescribeEndpointConfig": self._describe_config,
        }

    def search_page(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """A page of what Search has of them."""
        names, start = sorted(self.endpoints), int(asked.get("NextToken", 0))
        end = start + asked.get("MaxResults", 10)
        more = {"NextToken": str(end)} if end < len(names) else {}
        found = [{"Endpoint": self._describe_endpoint({"EndpointName": name})} for name in names[start:end]]
        return {"Results": found, **more}

    def _list_page(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        names, start = sorted(self.endpoints), int(asked.get("NextToken", 0))
        end = start + asked.get("MaxResults", 10)
        more = {"NextToken": str(end)} if end < len(names) else {}
        return {"Endpoints": [self._summary(name) for name in names[start:end]], **more}

    def _summary(self, name: str) -> dict[str, Any]:
        endpoint = self.endpoints[name]
        return {
            "EndpointName": name,
            "EndpointArn": f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{name}",
            "EndpointStatus": endpoint.status,
            "CreationTime": LONG_AGO.timestamp(),
            "LastModifiedTime": endpoint.modified.timestamp(),
        }

    def _describe_endpoint(self, asked: Mapping[str, Any]) -> dict[str, Any] | Fault:
        name = asked["EndpointName"]
        if name not in self.endpoints:
            return NO_ENDPOINT
        count = self.endpoints[name].count
        variant = {"VariantName": "A", "CurrentInstanceCount": count, "DesiredInstanceCount": count}
        return {
            **self._summary(name),
            "EndpointConfigName": self.endpoints[name].config,
            "ProductionVariants": [variant],
        }

    def _describe_config(self, asked: Mapping[str, Any]) -> dict[str, Any] | Fault:
        name = asked["EndpointConfigName"]
        if name not in self.configs:
            return NO_CONFIG
        config = self.configs[name]
        variant = {
            "VariantName": "A",
            "ModelName": "m",
            "InstanceType": config.instance_type,
            "InitialInstanceCount": config.count,
        }
        return {
            "EndpointConfigName": name,
            "EndpointConfigArn": f"arn:{name}",
            "CreationTime": config.created.timestamp(),
            "ProductionVariants": [variant],
        }
