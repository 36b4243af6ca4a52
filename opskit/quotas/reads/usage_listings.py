"""What all counters share: listings, descriptions, and the gaps that make a count a minimum."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.errors import is_not_found
from opskit.aws.gather import gather_all
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown, Workload
from opskit.core.result_or_error import unknown_from_error
from opskit.quotas.rules.model import NUMBER_UNKNOWN, UNKNOWN_TYPE, InUseCounts, QuotaHolder

_PAGE = 100  # AWS's maximum; the default of 10 would take ten times the calls
Response = Mapping[str, Any]
Counts = Mapping[str, int]
UsageCounts = Mapping[Workload, InUseCounts]


def list_summaries(
    client: AwsClient, operation: str, key: str, required: str | None = None, **filters: Any
) -> list[Response] | Unknown:
    """All entries of a listing, each of which has at least the member ``required``."""
    try:
        pages = client.paginate("sagemaker", operation, MaxResults=_PAGE, **filters)
        summaries = [summary for page in pages for summary in page[key]]
    except AwsError as failure:
        return unknown_from_error(failure)
    return summaries if required is None else missing_member(summaries, required) or summaries


def missing_member(responses: Iterable[Response], member: str) -> Unknown | None:
    """Why a count is incomplete: one of the responses lacks a member that decides."""
    if all(response.get(member) is not None for response in responses):
        return None
    return Unknown(f"AWS did not report the {member} of some running resources", "bad-answer")


def list_names(client: AwsClient, operation: str, key: str, name: str, **filters: Any) -> set[str] | Unknown:
    """The names of all entries of a listing."""
    summaries = list_summaries(client, operation, key, name, **filters)
    return summaries if isinstance(summaries, Unknown) else {summary[name] for summary in summaries}


def describe_resources(
    client: AwsClient, operation: str, keys: Iterable[Mapping[str, str]]
) -> tuple[list[Response], Unknown | None]:
    """Descriptions of the resources that still exist: one may be deleted between its listing and this."""
    responses = gather_all([partial(describe_resource, client, operation, key) for key in keys])
    return [response for response in responses if isinstance(response, dict)], first_unknown(*responses)


def describe_resource(client: AwsClient, operation: str, key: Mapping[str, str]) -> Response | Unknown | None:
    """One description; None if there is no such resource any more."""
    try:
        return client.read("sagemaker", operation, **key)
    except AwsError as failure:
        return None if is_not_found(failure) else unknown_from_error(failure)


def known_or_empty(read: Any) -> Any:
    """What was read, or nothing; ``first_unknown`` returns the gap."""
    return set() if isinstance(read, Unknown) else read


def first_unknown(*read: object) -> Unknown | None:
    """Why something was not read; None if everything was."""
    return next((unknown for unknown in read if isinstance(unknown, Unknown)), None)


def to_in_use_counts(holders: Iterable[QuotaHolder], *gaps: Unknown | None) -> InUseCounts:
    """The counts of all holders, with the first of their gaps."""
    counts: Counter[str] = Counter()
    holding = [holder for holder in holders if holder.instances]
    for holder in holding:
        counts.update(holder.instances)
    number_gap = (
        Unknown("AWS did not report the number of instances of some running resources", "bad-answer")
        if NUMBER_UNKNOWN in counts
        else None
    )
    return InUseCounts(without_marks(counts), first_unknown(*gaps, number_gap), holders=tuple(holding))


def without_marks(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts of instances alone."""
    return {key: number for key, number in counts.items() if key != NUMBER_UNKNOWN}


def instance_counts(instance_type: object, number: int | None) -> Counts:
    """So many instances of a type, either of which AWS may not return. Where it returns no number it is at least one: a
    count that is too low would let a run start that AWS refuses.
    """
    key = str(instance_type) if instance_type else UNKNOWN_TYPE
    if number is None:
        return {key: 1, NUMBER_UNKNOWN: 1}
    return {key: number} if number else {}


def job_holder(kind: str, job: Response, instances: Counts) -> QuotaHolder:
    """A job as the holder of its instances. ``kind`` as AWS names it: ``TrainingJob``."""
    name, arn = job.get(f"{kind}Name", ""), job.get(f"{kind}Arn")
    return QuotaHolder(_plain_words(kind), str(name), instances, job.get("CreationTime"), arn)


def _plain_words(kind: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind).lower()


def job_instances(config: Response) -> Counts:
    """The instances of a job: of one type, of several groups, or of the type that SageMaker selected from
    preferences.
    """
    counts: Counter[str] = Counter()
    for group in config.get("InstanceGroups") or [config]:
        instance_type = group.get("SelectedInstanceType") or group.get("InstanceType")
        # Before SageMaker has selected, it is the most that one of the preferences may take.
        preferred = [
            each["InstanceCount"] for each in group.get("InstancePreferences") or () if each.get("InstanceCount")
        ]
        number = group.get("SelectedInstanceCount") or group.get("InstanceCount") or max(preferred, default=None)
        counts.update(instance_counts(instance_type, number))
    return counts
