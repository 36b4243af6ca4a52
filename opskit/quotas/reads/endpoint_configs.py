"""Reads the configurations of a Region's endpoints, each once: later counts remember them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.notices import send_notice
from opskit.core.aws_statuses import EndpointStatus
from opskit.core.model import Unknown
from opskit.quotas.reads.usage_listings import Response, describe_resource
from opskit.quotas.store.endpoint_configs import EndpointDeployment, load_endpoint_configs, save_endpoint_configs

# All that counting needs of a configuration; the rest may hold what JSON does not.
_MEMBERS = ("ProductionVariants", "ShadowProductionVariants", "AsyncInferenceConfig")

# AWS writes down the two times on different machines.
_CLOCK_TOLERANCE = timedelta(minutes=1)


@dataclass
class EndpointConfigs:
    """The configurations of a Region's endpoints, during one count. Safe across threads."""

    client: AwsClient
    _remembered: Mapping[EndpointDeployment, Response] = field(default_factory=dict)
    _used: dict[EndpointDeployment, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, client: AwsClient) -> EndpointConfigs:
        """With what earlier counts have read."""
        return cls(client, load_endpoint_configs(client))

    def read_config(self, endpoint: Response) -> tuple[list[Response], Unknown | None]:
        """The configuration that a described endpoint was deployed with: none where it was deleted, or where the one
        that has its name now is younger than the deployment. The second value is why it is not known.
        """
        deployment = _deployment(endpoint)
        remembered = self._remembered.get(deployment) if deployment else None
        if deployment and remembered is not None:
            self._used[deployment] = remembered
            return [remembered], None
        name = endpoint.get("EndpointConfigName")
        if not name:
            return [], None
        config = describe_resource(self.client, "describe_endpoint_config", {"EndpointConfigName": name})
        if isinstance(config, Unknown):  # not one that was deleted, which is nobody's fault
            send_notice(f"Instance types of endpoints are not known: {config.reason}")
        if config is None or isinstance(config, Unknown):
            return [], config
        if _is_younger(config, endpoint):
            return [], None
        if deployment:
            self._used[deployment] = {member: config[member] for member in _MEMBERS if member in config}
        return [config], None

    def remember(self) -> None:
        """Write down for the next count what this one has read. Only after all endpoints of the Region were looked at:
        of the others nothing is remembered any more.
        """
        if self._used != self._remembered:
            save_endpoint_configs(self.client, self._used)


def _deployment(endpoint: Response) -> EndpointDeployment | None:
    """The deployment that an endpoint has come to; None: AWS does not say of one."""
    traits = EndpointStatus(endpoint.get("EndpointStatus", EndpointStatus.UNKNOWN)).traits
    named = [endpoint.get(member) for member in ("EndpointName", "EndpointConfigName", "LastModifiedTime")]
    # While one is under way the old configuration's instances run too, so nothing of it is remembered.
    if not (traits.is_settled and traits.is_in_service and all(named)):
        return None
    name, config, modified = map(str, named)
    return EndpointDeployment(name, config, modified)


def _is_younger(config: Response, endpoint: Response) -> bool:
    made, deployed = config.get("CreationTime"), endpoint.get("LastModifiedTime")
    return bool(made and deployed and made > deployed + _CLOCK_TOLERANCE)
