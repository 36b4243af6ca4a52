"""Endpoints that were stopped: their records, on the tags of their configurations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from opskit.aws.client import AwsClient
from opskit.aws.resource_tags import list_kind_tags, read_tags
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.tags import STOPPED_ENDPOINT
from opskit.endpoints.reads.endpoints import list_config_arns, read_endpoint_config
from opskit.endpoints.rules.restore_record import RestoreRecord, record_owner, record_time, unpack_record

_CONFIGS = "sagemaker:endpoint-config"


@dataclass(frozen=True)
class StoppedEndpoint:
    """A record as it was found. ``record`` None: this opskit cannot read it. ``written`` is when it was written, as its
    first tag says.
    """

    name: str
    config_arn: str
    record: RestoreRecord | None
    written: datetime

    @property
    def tags(self) -> Mapping[str, str] | Unknown:
        """The tags that the endpoint had, which only its record tells."""
        return self.record.tags if self.record else Unknown("what brings it back cannot be read", "record-damaged")


def list_stopped(client: AwsClient) -> list[StoppedEndpoint]:
    """Every endpoint of a Region that has a record, by the tagging API, which may lag.

    Raises:
        AwsError: it could not be asked.
    """
    found = list_kind_tags(client, _CONFIGS, key=STOPPED_ENDPOINT)
    stopped = [
        StoppedEndpoint(owner, arn, unpack_record(tags, arn), record_time(tags))
        for arn, tags in found.items()
        if (owner := record_owner(tags)) is not None
    ]
    return sorted(stopped, key=lambda each: each.name)


def find_stopped(client: AwsClient, name: str, likely_configs: tuple[str, ...] = ()) -> StoppedEndpoint | None:
    """The record of one endpoint, as ListTags has it now: the newest of those on the configurations that are likely and
    that the tagging API names, since a stop that was killed may have left an older one on a configuration of before;
    else the first on any configuration, the newest first. Where that API cannot be asked, it is the newest of those on
    all configurations. None: there is none.

    Raises:
        AwsError: that could not be found out.
    """
    likely, indexed = _likely_arns(client, (*likely_configs, name)), _indexed_arns(client, name)
    arns = list(dict.fromkeys((*likely, *(indexed or ()))))
    found = [each for arn in arns if (each := _read_record(client, name, arn)) is not None]
    if found and indexed is not None:
        return max(found, key=lambda each: each.written)
    # The index lags, and one that does not know the tag is no proof that there is none.
    others = (arn for _, arn in list_config_arns(client) if arn not in arns)
    elsewhere = (each for arn in others if (each := _read_record(client, name, arn)) is not None)
    if indexed is not None:
        return next(elsewhere, None)
    return max((*found, *elsewhere), key=lambda each: each.written, default=None)


def _read_record(client: AwsClient, name: str, arn: str) -> StoppedEndpoint | None:
    tags = read_tags(client, arn)
    if record_owner(tags) != name:
        return None
    return StoppedEndpoint(name, arn, unpack_record(tags, arn), record_time(tags))


def _likely_arns(client: AwsClient, configs: tuple[str, ...]) -> list[str]:
    described = [read_endpoint_config(client, config) for config in dict.fromkeys(configs)]
    return [said["EndpointConfigArn"] for said in described if said is not None]


def _indexed_arns(client: AwsClient, name: str) -> list[str] | None:
    """The configurations that have the endpoint's record by the tagging API; None: it cannot be asked, as it has a
    permission of its own.
    """
    try:
        return [each.config_arn for each in list_stopped(client) if each.name == name]
    except AwsError:
        return None
