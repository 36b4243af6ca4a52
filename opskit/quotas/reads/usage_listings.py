"""What the counts of what is in use share: listings, descriptions, and gaps that leave a count a floor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.errors import is_not_found
from opskit.aws.gather import gather_all
from opskit.core.aws_statuses import JobStatus
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown, Workload
from opskit.core.result_or_error import unknown_from_error
from opskit.quotas.rules.model import InUseCounts

_PAGE = 100
RUNNING_STATES = tuple(status.value for status in JobStatus if status.is_running)
UNKNOWN_TYPE = "?"
"""Under this an instance is counted of which AWS does not tell the type, or how many there are of it: it is in the
totals all the same.
"""

Response = Mapping[str, Any]
Counts = Mapping[str, int]
UsageCounts = Mapping[Workload, InUseCounts]


def list_summaries(
    client: AwsClient, operation: str, key: str, told: str | None = None, **which: Any
) -> list[Response] | Unknown:
    """All of a listing, each of which tells at least ``told``."""
    try:
        pages = client.paginate("sagemaker", operation, MaxResults=_PAGE, **which)
        found = [summary for page in pages for summary in page[key]]
    except AwsError as failure:
        return unknown_from_error(failure)
    return found if told is None else missing_member(found, told) or found


def missing_member(told: Iterable[Response], member: str) -> Unknown | None:
    """Why something counts in no way: one of these leaves out a member that decides."""
    if all(each.get(member) is not None for each in told):
        return None
    return Unknown(f"AWS does not tell the {member} of all that is running", "bad-answer")


def list_names(client: AwsClient, operation: str, key: str, name: str, **which: Any) -> set[str] | Unknown:
    """The names of all in a listing."""
    summaries = list_summaries(client, operation, key, name, **which)
    return summaries if isinstance(summaries, Unknown) else {summary[name] for summary in summaries}


def describe_resources(
    client: AwsClient, operation: str, asked: Iterable[Mapping[str, str]]
) -> tuple[list[Response], Unknown | None]:
    """Descriptions of what still exists: a resource may go between its listing and this."""
    told = gather_all([partial(_describe_one, client, operation, which) for which in asked])
    return [each for each in told if isinstance(each, dict)], first_unknown(*told)


def _describe_one(client: AwsClient, operation: str, which: Mapping[str, str]) -> Response | Unknown | None:
    try:
        return client.read("sagemaker", operation, **which)
    except AwsError as failure:
        return None if is_not_found(failure) else unknown_from_error(failure)


def known_or_empty(read: Any) -> Any:
    """What was read, nothing where it was not; the gap is told by ``first_unknown``."""
    return set() if isinstance(read, Unknown) else read


def union_names(*lists: set[str] | Unknown) -> set[str]:
    """The names in any of the lists that could be read."""
    return set().union(*map(known_or_empty, lists))


def first_unknown(*read: object) -> Unknown | None:
    """Why not all was read, None where all was."""
    return next((unknown for unknown in read if isinstance(unknown, Unknown)), None)


def to_in_use_counts(counts: Mapping[str, int], *gaps: Unknown | None) -> InUseCounts:
    """Counts as what is in use; what is not known of them is missing."""
    untold = Unknown("AWS does not tell the instances of all that is running") if UNKNOWN_TYPE in counts else None
    return InUseCounts(dict(counts), first_unknown(*gaps, untold))


def job_instances(config: Response) -> Counts:
    """The instances of a job: of one type, of several groups, or of the type SageMaker chose from preferences."""
    counts: Counter[str] = Counter()
    for group in config.get("InstanceGroups") or [config]:
        kind = group.get("SelectedInstanceType") or group.get("InstanceType")
        number = group.get("SelectedInstanceCount") or group.get("InstanceCount")
        counts[kind if kind and number else UNKNOWN_TYPE] += number or 1
    return counts
