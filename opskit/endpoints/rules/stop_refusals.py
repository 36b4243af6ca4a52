"""Which endpoints are not stopped, because they could not be brought back as they are, or because nobody agreed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opskit.core.exceptions import Problem
from opskit.core.model import Unknown
from opskit.endpoints.rules.idleness import EndpointAssessment
from opskit.endpoints.rules.model import EndpointVerdict, HostedEndpoint, ScalingSettings
from opskit.endpoints.rules.restore_record import RestoreRecord, is_whole_record, record_owner, unpack_record
from opskit.endpoints.rules.scaling import step_policies_with_alarms

_ALL_THE_SAME = "--yes stops it anyway"


@dataclass(frozen=True)
class Attachments:
    """What hangs on an endpoint and is lost, or fails, without it: each a sentence's end, such as ``it has the
    monitoring schedule m``. ``unread`` is why part of it is not known; None: all was read.
    """

    found: tuple[str, ...] = ()
    unread: Unknown | None = None


@dataclass(frozen=True)
class RestoreFacts:
    """All that decides whether an endpoint could be brought back."""

    endpoint: HostedEndpoint
    tags: Mapping[str, str] | Unknown
    config_arn: str
    config_tags: Mapping[str, str] | Unknown
    attachments: Attachments
    scaling: ScalingSettings | Unknown
    missing_models: tuple[str, ...] | Unknown = ()
    """The ends of sentences."""
    differences: tuple[str, ...] = ()


def restore_refusal(facts: RestoreFacts) -> Problem | None:
    """Why an endpoint is not stopped, whoever agrees: it could not be brought back as it is. None: it could be."""
    reason = next(_reasons(facts), None)
    if reason is None:
        return None
    name = facts.endpoint.name
    hint = f"`aws sagemaker delete-endpoint --endpoint-name {name}` deletes it for good."
    return Problem("no-return", f"{name} could not be brought back as it is: {reason}.", hint, facts.endpoint.region)


def _reasons(facts: RestoreFacts) -> Iterator[str]:
    endpoint = facts.endpoint
    if isinstance(endpoint.has_config, Unknown):
        yield f"its configuration could not be read ({endpoint.has_config.reason})"
    elif not endpoint.has_config:
        yield f"its configuration {endpoint.config} was deleted, or made anew, after it was deployed"
    yield from _tag_reasons(facts)
    yield from facts.attachments.found
    if facts.attachments.unread is not None:
        yield f"what hangs on it could not be read ({facts.attachments.unread.reason})"
    yield from _capacity_reasons(endpoint)
    yield from _scaling_reasons(facts.scaling)
    if isinstance(facts.missing_models, Unknown):
        yield f"its models could not be read ({facts.missing_models.reason})"
    else:
        yield from facts.missing_models
    yield from facts.differences


def _tag_reasons(facts: RestoreFacts) -> Iterator[str]:
    if isinstance(facts.tags, Unknown):
        yield f"its tags could not be read ({facts.tags.reason})"
    elif own := next((key for key in facts.tags if key.lower().startswith("aws:")), None):
        yield f"it has the tag {own}={facts.tags[own]}, which only AWS itself can set"
    if isinstance(facts.config_tags, Unknown):
        yield f"the tags of its configuration could not be read ({facts.config_tags.reason})"
        return
    owner = record_owner(facts.config_tags)
    if owner is not None and owner != facts.endpoint.name:
        yield f"its configuration {facts.endpoint.config} holds what brings the endpoint {owner} back"
        return
    record = unpack_record(facts.config_tags, facts.config_arn)
    if record is None and is_whole_record(facts.config_tags, facts.config_arn):
        yield f"its configuration {facts.endpoint.config} holds what brings it back, by another version of opskit"
    elif owner is not None and not _is_replaceable_record(facts.endpoint, record):
        again = f"`opskit endpoint start {owner}`"
        yield f"{again} has not brought it back wholly since it was last stopped; run that first"


def _is_replaceable_record(endpoint: HostedEndpoint, record: RestoreRecord | None) -> bool:
    """Whether a record may be replaced: it is left over from a stop that never deleted this endpoint, or it is not
    whole and brings nothing back.
    """
    return record is None or record.created == endpoint.created.replace(microsecond=0)


def _capacity_reasons(endpoint: HostedEndpoint) -> Iterator[str]:
    """What it could not be set back to, because AWS does not say how it is."""
    for variant in endpoint.variants:
        if variant.count_unknown:
            yield f"AWS does not tell the number of instances of its variant {variant.name}"
    # The weight of an only variant decides nothing: it has all the traffic.
    serving = endpoint.serving_variants
    for variant in serving if len(serving) > 1 else ():
        if variant.weight is None:
            yield f"AWS does not tell the weight of its variant {variant.name}"


def _scaling_reasons(scaling: ScalingSettings | Unknown) -> Iterator[str]:
    if isinstance(scaling, Unknown):
        yield f"what scales it could not be read ({scaling.reason})"
        return
    for policy in step_policies_with_alarms(scaling):
        alarms = ", ".join(str(alarm.get("AlarmName")) for alarm in policy["Alarms"])
        yield f"alarms ({alarms}) start its scaling policy {policy.get('PolicyName')} by an ARN that is new each time"


def consent_question(endpoint: HostedEndpoint, assessment: EndpointAssessment) -> Problem | None:
    """What somebody has to agree to before an endpoint that was named is stopped; None: nothing speaks against it."""
    name, why = endpoint.name, assessment.reason
    match assessment.verdict:
        case EndpointVerdict.BUSY:
            return Problem("busy", f"{name} is in use: {why}.", f"{_ALL_THE_SAME}.", endpoint.region)
        case EndpointVerdict.PROTECTED:
            unkeep = f"; `opskit endpoint unkeep {name}` ends the keep" if why.startswith("kept") else ""
            return Problem("kept", f"{name} is protected: {why}.", f"{_ALL_THE_SAME}{unkeep}.", endpoint.region)
        case EndpointVerdict.UNKNOWN:
            text = f"Whether {name} is in use is not known: {why}."
            return Problem("not-seen", text, f"{_ALL_THE_SAME}.", endpoint.region)
        case EndpointVerdict.IDLE | EndpointVerdict.STARTING | EndpointVerdict.STOPPED | EndpointVerdict.FAILED:
            return None


def endpoint_status_refusal(endpoint: HostedEndpoint) -> Problem | None:
    """Why AWS takes no stop of an endpoint as it is; None where it takes one."""
    if not endpoint.traits.is_transitioning and not endpoint.is_deploying:
        return None
    text = f"{endpoint.name} is {endpoint.status}, and AWS deletes no endpoint during a deployment."
    return Problem("cannot-stop", text, "Stop it when it is InService.", endpoint.region)
