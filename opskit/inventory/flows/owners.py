"""Whose running resources are: tags first, then CloudTrail for those that have none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.core.model import Unknown
from opskit.inventory.reads.trail_events import TOO_MANY_EVENTS, look_up_owners
from opskit.inventory.rules.resource_owner import (
    OwnershipSource,
    ResourceOwner,
    can_be_in_history,
    tagged_owner,
)
from opskit.inventory.rules.running_resource import RunningResource
from opskit.inventory.store import UNREACHED, load_trail_owners, save_trail_owners

# CloudTrail writes an event down some minutes late; what is younger may yet get one.
_TRAIL_LAG = timedelta(hours=1)


@dataclass(frozen=True)
class OwnersFound:
    """The owners of a Region's resources: by the ``keys`` of tags, and by ARN as CloudTrail knows them. ``gap`` is why
    it could not be asked for all; None: it was.
    """

    keys: tuple[str, ...]
    owners: Mapping[str, ResourceOwner] = field(default_factory=dict)
    gap: Unknown | None = None

    def owner_of(self, resource: RunningResource) -> ResourceOwner:
        """Whose a resource is."""
        tagged = tagged_owner(resource, self.keys)
        return tagged if tagged.name else self.owners.get(resource.arn, tagged)


def find_listed_owners(
    listed: Sequence[tuple[AwsClient, RunningResource]], now: datetime
) -> tuple[Mapping[str, str | None], Unknown | None]:
    """The owners by ARN that CloudTrail knows of those in a list, each with the client of its Region, whose tags name
    none: of 90 days, at two calls a second, bounded for each Region. Also why it could not be asked for all.
    """
    clients = {id(client): client for client, _ in listed}.values()
    by_client = [(client, [resource for of, resource in listed if of is client]) for client in clients]
    found = gather_all([partial(find_trail_owners, client, there, now) for client, there in by_client])
    owners = {arn: owner.name for each in found for arn, owner in each.owners.items()}
    return owners, next((each.gap for each in found if each.gap), None)


def find_trail_owners(client: AwsClient, resources: Sequence[RunningResource], now: datetime) -> OwnersFound:
    """The owners that CloudTrail knows of those whose tags name none. It is asked once for each."""
    untagged = [each for each in resources if tagged_owner(each, client.owner_keys).name is None]
    askable = [each for each in untagged if can_be_in_history(each, now)]
    # One for each ARN: a volume has that of its notebook, which comes first and counts.
    wanted = list({each.arn: each for each in reversed(askable) if each.arn}.values())
    without_arn = (each.name for each in askable if not each.arn)
    no_arn = next((Unknown(f"AWS did not report the ARN of {name}", "bad-answer") for name in without_arn), None)
    if not wanted:
        return OwnersFound(client.owner_keys, gap=no_arn)
    known = load_trail_owners(client, wanted)
    missing = [each for each in wanted if each.arn not in known]
    lookup = look_up_owners(client, missing, now)
    settled = {each.arn for each in missing if each.since is not None and now - each.since > _TRAIL_LAG}
    unreached = settled - lookup.owners.keys() if lookup.gap is TOO_MANY_EVENTS else set()
    learnt = {**known, **dict.fromkeys(unreached, UNREACHED), **lookup.owners}
    learnt |= dict.fromkeys(lookup.without_event & settled)
    if learnt != known:
        save_trail_owners(client, wanted, learnt)
    named = {arn: name for arn, name in learnt.items() if name not in (None, UNREACHED)}
    owners = {arn: ResourceOwner(name, OwnershipSource.CLOUDTRAIL) for arn, name in named.items()}
    return OwnersFound(
        client.owner_keys, owners, lookup.gap or no_arn or (TOO_MANY_EVENTS if UNREACHED in learnt.values() else None)
    )
