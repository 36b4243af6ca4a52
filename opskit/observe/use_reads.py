"""What the counts of what is in use share: listings, descriptions, and gaps that leave a count a floor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from opskit.aws import Door, side_by_side
from opskit.aws_errors import is_gone
from opskit.errors import AwsFailure
from opskit.model import InUse, Unread, Usage
from opskit.observe.quotas import unread

_PAGE = 100
RUNNING_STATES = ("InProgress", "Stopping")
UNKNOWN_TYPE = "?"
"""Under this an instance is counted of which AWS does not tell the type, or how many there are of it: it is in the
totals all the same.
"""

Told = Mapping[str, Any]
Counts = Mapping[str, int]
Found = Mapping[Usage, InUse]


def listed_summaries(
    door: Door, operation: str, key: str, told: str | None = None, **which: Any
) -> list[Told] | Unread:
    """All of a listing, each of which tells at least ``told``."""
    try:
        pages = door.pages("sagemaker", operation, MaxResults=_PAGE, **which)
        found = [summary for page in pages for summary in page[key]]
    except AwsFailure as failure:
        return unread(failure)
    return found if told is None else untold_member(found, told) or found


def untold_member(told: Iterable[Told], member: str) -> Unread | None:
    """Why something counts in no way: one of these leaves out a member that decides."""
    if all(each.get(member) is not None for each in told):
        return None
    return Unread(f"AWS does not tell the {member} of all that is running", "bad-answer")


def listed_names(door: Door, operation: str, key: str, name: str, **which: Any) -> set[str] | Unread:
    """The names of all in a listing."""
    summaries = listed_summaries(door, operation, key, name, **which)
    return summaries if isinstance(summaries, Unread) else {summary[name] for summary in summaries}


def described_resources(
    door: Door, operation: str, asked: Iterable[Mapping[str, str]]
) -> tuple[list[Told], Unread | None]:
    """Descriptions of what still exists: a resource may go between its listing and this."""
    told = side_by_side([partial(_one, door, operation, which) for which in asked])
    return [each for each in told if isinstance(each, dict)], first_gap(*told)


def _one(door: Door, operation: str, which: Mapping[str, str]) -> Told | Unread | None:
    try:
        return door.read("sagemaker", operation, **which)
    except AwsFailure as failure:
        return None if is_gone(failure) else unread(failure)


def known_part(read: Any) -> Any:
    """What was read, nothing where it was not; the gap is told by ``first_gap``."""
    return set() if isinstance(read, Unread) else read


def all_names(*lists: set[str] | Unread) -> set[str]:
    """The names in any of the lists that could be read."""
    return set().union(*map(known_part, lists))


def first_gap(*read: object) -> Unread | None:
    """Why not all was read, None where all was."""
    return next((each for each in read if isinstance(each, Unread)), None)


def counted_use(counts: Mapping[str, int], *gaps: Unread | None) -> InUse:
    """Counts as what is in use; what is not known of them is missing."""
    untold = Unread("AWS does not tell the instances of all that is running") if UNKNOWN_TYPE in counts else None
    return InUse(dict(counts), first_gap(*gaps, untold))


def instances_of(config: Told) -> Counts:
    """The instances of a job: of one type, of several groups, or of the type SageMaker chose from preferences."""
    counts: Counter[str] = Counter()
    for group in config.get("InstanceGroups") or [config]:
        kind = group.get("SelectedInstanceType") or group.get("InstanceType")
        number = group.get("SelectedInstanceCount") or group.get("InstanceCount")
        counts[kind if kind and number else UNKNOWN_TYPE] += number or 1
    return counts
