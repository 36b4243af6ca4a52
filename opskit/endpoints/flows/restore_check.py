"""Read everything that decides whether an endpoint could be brought back, side by side at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather
from opskit.aws.resource_tags import read_arn_tags
from opskit.core.exceptions import AwsError, Problem
from opskit.core.model import Requirement, Unknown, Workload
from opskit.core.result_or_error import unknown_from_error
from opskit.endpoints.flows.inspect import InspectedEndpoint
from opskit.endpoints.reads.attachments import read_attachments, read_scaling
from opskit.endpoints.reads.endpoints import read_endpoint_config
from opskit.endpoints.reads.models import ModelParts, read_model_parts
from opskit.endpoints.rules.model import HostedEndpoint, JsonObject, ScalingSettings
from opskit.endpoints.rules.restore_blockers import (
    configuration_differences,
    needed_instances,
    restore_blocker,
    unknown_instances,
)
from opskit.endpoints.rules.restore_record import RestoreRecord, build_record
from opskit.endpoints.rules.stop_refusals import Attachments, RestoreFacts, restore_refusal
from opskit.quotas.flows.check import check_quotas


@dataclass(frozen=True)
class RestoreCheck:
    """What a stop needs: the record, where it goes, and what stands there now. ``refusal`` None: it can be brought
    back. ``record`` None: it cannot. ``data_unread`` is why it is not known whether the models' data are in S3; None:
    that is known.
    """

    facts: RestoreFacts
    record: RestoreRecord | None
    refusal: Problem | None
    data_unread: Unknown | None = None


@dataclass(frozen=True)
class RestoreInputs:
    """What was read of all that a return needs. ``config`` None: there is none."""

    config: JsonObject | Unknown | None
    attachments: Attachments
    scaling: ScalingSettings | Unknown
    config_tags: Mapping[str, str] | Unknown = field(default_factory=dict)
    models: ModelParts = field(default_factory=ModelParts)


def read_restore_inputs(client: AwsClient, known: HostedEndpoint) -> RestoreInputs:
    """Read what a return of an endpoint needs, by the names of its configuration and variants that are ``known``."""
    variants = [variant.name for variant in known.variants]
    (config, config_tags, models), attachments, scaling = gather(
        partial(_read_config_parts, client, known),
        partial(read_attachments, client, known.name),
        partial(read_scaling, client, known.name, variants),
    )
    return RestoreInputs(config, attachments, scaling, config_tags, models)


def _read_config_parts(
    client: AwsClient, known: HostedEndpoint
) -> tuple[JsonObject | Unknown | None, Mapping[str, str] | Unknown, ModelParts]:
    config = _read_config(client, known)
    if isinstance(config, Unknown) or config is None:
        return config, {}, ModelParts()
    arn = str(config["EndpointConfigArn"])
    return config, *gather(partial(read_arn_tags, client, arn), partial(read_model_parts, client, config))


def check_restore(client: AwsClient, seen: InspectedEndpoint, now: datetime) -> RestoreCheck:
    """Whether an endpoint as it was just ``seen`` could be brought back, and by which record. What could not be read
    refuses it.
    """
    return assess_restore(read_restore_inputs(client, seen.endpoint), seen, now)


def assess_restore(parts: RestoreInputs, seen: InspectedEndpoint, now: datetime) -> RestoreCheck:
    """The same for what was read already."""
    endpoint, config, scaling = seen.endpoint, parts.config, parts.scaling
    if isinstance(config, Unknown) or config is None:
        gap = config if isinstance(config, Unknown) else Unknown(f"there is no configuration {endpoint.config}")
        facts = RestoreFacts(endpoint, seen.tags, "", gap, Attachments(), scaling)
    else:
        missing = parts.models.unread or parts.models.missing
        differences = configuration_differences(endpoint, config)
        arn = str(config["EndpointConfigArn"])
        facts = RestoreFacts(
            endpoint, seen.tags, arn, parts.config_tags, parts.attachments, scaling, missing, differences
        )
    refusal = restore_refusal(facts)
    if refusal is not None or isinstance(seen.tags, Unknown) or isinstance(scaling, Unknown):
        return RestoreCheck(facts, None, refusal)
    return RestoreCheck(facts, build_record(endpoint, seen.tags, scaling, now), None, parts.models.data_unread)


def read_restore_warnings(
    client: AwsClient, endpoints: Sequence[HostedEndpoint], now: datetime
) -> dict[str, str | Unknown | None]:
    """Whether the quota will be there at the return of each endpoint, by name: what stands in the way, or why it cannot
    be told; None: nothing does, as the quotas are used now.
    """
    types = list(dict.fromkeys(each for endpoint in endpoints for each in needed_instances(endpoint)))
    wanted = [Requirement(each, Workload.ENDPOINT) for each in types]
    headrooms = check_quotas([client], wanted, now).headrooms if wanted else ()
    return {
        endpoint.name: restore_blocker(headrooms, needed_instances(endpoint)) or unknown_instances(endpoint)
        for endpoint in endpoints
    }


def _read_config(client: AwsClient, endpoint: HostedEndpoint) -> JsonObject | Unknown | None:
    if not endpoint.config:
        return Unknown("AWS does not name its configuration", "bad-answer")
    try:
        return read_endpoint_config(client, endpoint.config)
    except AwsError as failure:
        return unknown_from_error(failure)
