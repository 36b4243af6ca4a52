"""Whether there is room for an endpoint that is to be brought back."""

from __future__ import annotations

from dataclasses import replace

from opskit.aws.client import AwsClient
from opskit.core.clock import Clock
from opskit.core.exceptions import GuardRefused, UnreadableState
from opskit.core.model import Requirement, Unknown, Workload
from opskit.endpoints.reads.endpoints import read_endpoint_config
from opskit.endpoints.rules.restore_blockers import needed_at_return
from opskit.endpoints.rules.restore_record import RestoreRecord
from opskit.guards.rules.refusals import capacity_error
from opskit.quotas.flows.check import check_quotas


def check_restore_quota(client: AwsClient, record: RestoreRecord, clock: Clock) -> None:
    """Look whether the quota is there for an endpoint that is to be made again.

    Raises:
        GuardRefused: it is not.
        UnreadableState: that could not be found out, which is no room.
        AwsError: its configuration could not be read.
    """
    config = read_endpoint_config(client, record.config)
    if config is None:
        text = f"The configuration {record.config} of {record.endpoint} was deleted; it cannot be brought back."
        raise GuardRefused("no-configuration", text, "Make the endpoint by hand.", region=client.region)
    needed = needed_at_return(config, record)
    if isinstance(needed, Unknown):
        text = f"Could not determine available quota; nothing was started. {needed.reason}."
        raise UnreadableState("quota-unknown", text, "--no-guard continues anyway.", region=client.region)
    requirements = [Requirement(each, Workload.ENDPOINT, count) for each, count in needed.items()]
    if not requirements:
        return
    error = capacity_error(check_quotas([client], requirements, clock.now()), client.region)
    if error:
        error.problem = replace(error.problem, region=client.region)
        raise error
