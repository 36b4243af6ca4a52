"""Who let resources run, from CloudTrail's event history: two calls a second, 90 days back, free of charge.

It is asked for the events of a name, the newest first, and never for more than a few pages: an account may hold a
million of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.inventory.rules.resource_owner import EVENT_HISTORY, TrailEvent, event_names, parse_trail_event
from opskit.inventory.rules.running_resource import RunningResource

MAX_TRAIL_CALLS = 10
"""Calls for one Region: about five seconds at the two a second that AWS allows."""
# The most that LookupEvents takes.
_PAGE = 50
# The event is written before the resource says that it began, and on another clock.
_BEFORE_BEGIN = timedelta(hours=1)
TOO_MANY_EVENTS = Unknown(
    f"CloudTrail has more events than the {_PAGE * MAX_TRAIL_CALLS} that opskit reads", "too-many-events"
)
"""Why nothing is known of what older events may tell."""


@dataclass
class TrailLookup:
    """What CloudTrail told: the owners found, by ARN, and of which resources it told nothing although all events were
    read. ``untold`` are those whose newest event does not say who made the call. ``gap`` is why not all could be read;
    None: all were.
    """

    owners: dict[str, str] = field(default_factory=dict)
    untold: set[str] = field(default_factory=set)
    without_event: set[str] = field(default_factory=set)
    gap: Unknown | None = None


def look_up_owners(client: AwsClient, resources: Sequence[RunningResource], now: datetime) -> TrailLookup:
    """Who made or started these resources, as far as a bounded number of calls tells."""
    lookup, calls = TrailLookup(), MAX_TRAIL_CALLS
    for name, wanted in _wanted_by_event(resources).items():
        missing = [each for each in wanted if each.arn not in lookup.owners.keys() | lookup.untold]
        if not missing:
            continue
        calls = _look_up_event(client, name, missing, now, lookup, calls)
        if lookup.gap is not None:
            break
    found = lookup.owners.keys()
    lookup.without_event = set() if lookup.gap else {each.arn for each in resources if each.arn not in found}
    return lookup


def _wanted_by_event(resources: Sequence[RunningResource]) -> Mapping[str, list[RunningResource]]:
    wanted: dict[str, list[RunningResource]] = {}
    for resource in resources:
        for name in event_names(resource):
            wanted.setdefault(name, []).append(resource)
    return wanted


def _look_up_event(
    client: AwsClient,
    name: str,
    wanted: Sequence[RunningResource],
    now: datetime,
    lookup: TrailLookup,
    calls: int,
) -> int:
    """Read the events of a name until all that are wanted are found; the number of calls that are left."""
    missing = {each.arn: each for each in wanted}
    begins = [each.since for each in wanted]
    oldest = min((begin for begin in begins if begin is not None), default=None)
    start = now - EVENT_HISTORY if oldest is None or None in begins else oldest - _BEFORE_BEGIN
    pages = client.paginate(
        "cloudtrail",
        "lookup_events",
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
        StartTime=max(start, now - EVENT_HISTORY),
        EndTime=now,
        MaxResults=_PAGE,
    )
    try:
        while missing:
            if calls == 0:
                lookup.gap = TOO_MANY_EVENTS
                return 0
            page = next(pages, None)
            if page is None:
                return calls
            calls -= 1
            for event in _parse_page(client, page):
                _note_owner(event, missing, lookup)
    except AwsError as failure:
        lookup.gap = unknown_from_error(failure)
    return calls


def _parse_page(client: AwsClient, page: Mapping[str, object]) -> list[TrailEvent]:
    with parse_errors_as_aws(client, "cloudtrail:LookupEvents"):
        events: Sequence[Mapping[str, object]] = page["Events"]  # type: ignore[assignment]
        parsed = [
            parse_trail_event(str(event["EventName"]), event["EventTime"], str(event["CloudTrailEvent"]))  # type: ignore[arg-type]
            for event in events
        ]
    return [event for event in parsed if event is not None]


def _note_owner(event: TrailEvent, missing: dict[str, RunningResource], lookup: TrailLookup) -> None:
    """Note the caller of an event for the resource that it is about: the first, as the newest come first. Where that
    one does not say who it was, an older one would name somebody else.
    """
    for arn, resource in tuple(missing.items()):
        if event.names_resource(resource):
            if event.caller is None:
                lookup.untold.add(arn)
            else:
                lookup.owners[arn] = event.caller
            del missing[arn]
