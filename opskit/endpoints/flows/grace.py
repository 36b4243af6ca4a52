"""See whose graces of endpoints have begun."""

from __future__ import annotations

from collections.abc import Sequence

from opskit.aws.resource_tags import read_arn_tags
from opskit.core.clock import Clock
from opskit.endpoints.flows.stop_action import EndpointStop, EndpointStopPolicy
from opskit.keeps.flows.grace import settle_sent_graces


def settle_endpoint_graces(
    actions: Sequence[EndpointStop], terms: EndpointStopPolicy, clock: Clock
) -> tuple[EndpointStop, ...]:
    """The same with ``grace_begun`` where a grace has begun with this run."""
    return settle_sent_graces(actions, _tags_of_endpoint, terms.run_id, clock)


def _tags_of_endpoint(action: EndpointStop) -> tuple[str, object]:
    arn = action.inspected.endpoint.arn
    return arn, read_arn_tags(action.inspected.client, arn)
