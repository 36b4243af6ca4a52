"""Looks at the invocations of the endpoints that bill, where that was asked for: CloudWatch is paid for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from opskit.aws.client import AwsClient
from opskit.bills.rules.endpoint_verdicts import billed_verdict
from opskit.core.exceptions import Problem
from opskit.endpoints.flows.inspect import EndpointFilter, inspect_endpoints
from opskit.endpoints.rules.idleness import EndpointAssessment, EndpointPolicy
from opskit.inventory.rules.running_resource import RunningResource


@dataclass(frozen=True)
class EndpointUses:
    """The verdicts over a Region's endpoints by name; ``problems`` are why some could not be looked at."""

    assessments: Mapping[str, EndpointAssessment] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    metrics: int = 0

    def assess(self, resource: RunningResource) -> RunningResource:
        """A resource with the verdict over it, where it is one of those endpoints."""
        found = self.assessments.get(resource.name) if resource.kind.is_endpoint else None
        if found is None:
            return resource
        return replace(resource, verdict=billed_verdict(found.verdict), reason=found.reason)


def look_at_endpoint_uses(
    client: AwsClient, resources: Sequence[RunningResource], policy: EndpointPolicy | None, now: datetime
) -> EndpointUses:
    """Which of these endpoints are idle. ``policy`` None: nobody asked."""
    names = [resource.name for resource in resources if resource.kind.is_endpoint]
    if policy is None or not names:
        return EndpointUses()
    look = inspect_endpoints([client], policy, now, EndpointFilter(names=names))
    unread = [each for each in look.endpoints if not each.assessment.readable]
    problems = list(look.problems)
    if unread:
        text = f"Whether {len(unread)} endpoints are idle is not known: {unread[0].assessment.reason.rstrip('.')}."
        problems.append(Problem("endpoint-use-unread", text, region=client.region))
    return EndpointUses(
        {each.endpoint.name: each.assessment for each in look.endpoints}, tuple(problems), look.metrics_asked
    )
