"""Endpoints that were stopped: their records, on the tags of their configurations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opskit.aws.client import AwsClient
from opskit.aws.resource_tags import list_kind_tags, read_tags
from opskit.core.exceptions import AwsError
from opskit.core.tag_keys import STOPPED_ENDPOINT
from opskit.endpoints.reads.endpoints import list_config_arns, read_endpoint_config
from opskit.endpoints.rules.restore_record import RestoreRecord, record_owner, unpack_record

_CONFIGS = "sagemaker:endpoint-config"


@dataclass(frozen=True)
class StoppedEndpoint:
    """A record as it was found. ``record`` None: it is not whole, so that it brings nothing back."""

    name: str
    config_arn: str
    record: RestoreRecord | None


def list_stopped(client: AwsClient) -> list[StoppedEndpoint]:
    """Every endpoint of a Region that has a record, by the tagging API, which may lag.

    Raises:
        AwsError: it could not be asked.
    """
    found = list_kind_tags(client, _CONFIGS, STOPPED_ENDPOINT)
    stopped = [
        StoppedEndpoint(owner, arn, unpack_record(tags, arn))
        for arn, tags in found.items()
        if (owner := record_owner(tags)) is not None
    ]
    return sorted(stopped, key=lambda each: each.name)


def find_stopped(client: AwsClient, name: str, likely_configs: tuple[str, ...] = ()) -> StoppedEndpoint | None:
    """The record of one endpoint, as ListTags has it now: on one of the configurations that are likely, else on one
    that the tagging API names, else on any, newest first. None: there is none.

    Raises:
        AwsError: that could not be found out.
    """
    for arn in _candidate_arns(client, name, likely_configs):
        tags = read_tags(client, arn)
        if record_owner(tags) == name:
            return StoppedEndpoint(name, arn, unpack_record(tags, arn))
    return None


def _candidate_arns(client: AwsClient, name: str, likely_configs: tuple[str, ...]) -> Iterator[str]:
    seen = set[str]()
    for config in dict.fromkeys((*likely_configs, name)):
        said = read_endpoint_config(client, config)
        if said is not None:
            seen.add(said["EndpointConfigArn"])
            yield said["EndpointConfigArn"]
    try:
        listed = [each.config_arn for each in list_stopped(client) if each.name == name]
    except AwsError:  # it has a permission of its own; the slow way below needs none
        listed = []
    for arn in listed:
        if arn not in seen:
            seen.add(arn)
            yield arn
    # The index lags, and one that does not know the tag is no proof that there is none.
    for _, arn in list_config_arns(client):
        if arn not in seen:
            yield arn
