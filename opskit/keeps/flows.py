"""Keep a resource from being stopped, and stop keeping it: tags on it, which everybody sees. See whose graces have
begun: of several runs that found a thing idle at once, one tells of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from opskit.aws.client import AwsClient
from opskit.aws.create_once import create_once
from opskit.aws.gather import gather_all
from opskit.aws.pacing import AdaptivePacer, send_until_accepted
from opskit.aws.resource_tags import read_tags
from opskit.core.clock import Clock
from opskit.core.exceptions import AccessDenied, AwsError, ConfirmationRequired, OpskitError
from opskit.core.grace import judge_sent_grace
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.core.stop_outcome import SETTLE_SECONDS, ResourceStop
from opskit.keeps.rules import KEEP_TAG_KEYS, CurrentKeep, KeepTags, current_keep, inherit_reason, would_shorten
from opskit.notifications.rules import StoppableKind
from opskit.notifications.store import note_new_grace
from opskit.state.journal import PendingChange, mark_done


class KeptResource(Protocol):
    """What can be kept."""

    @property
    def name(self) -> str:
        """By which its user knows it."""

    @property
    def arn(self) -> str:
        """By which AWS knows its tags."""

    @property
    def region(self) -> str:
        """Where it is."""

    @property
    def account(self) -> str | None:
        """Whose; None: its ARN does not tell."""


ResourceT = TypeVar("ResourceT", bound=KeptResource)


@dataclass(frozen=True)
class KeptKind(Generic[ResourceT]):
    """A kind of resource that can be kept: its ``command`` (``opskit notebook``), the list of its rows in JSON, what
    the journal calls its tagging, how one is found by its name (UsageError: there is none), and what changes its tags.
    """

    command: str
    records: str
    tag_action: str
    find: Callable[[AwsClient, str], ResourceT]
    prepare_tagging: Callable[
        [AwsClient, ResourceT, Iterable[str]], AbstractContextManager[PendingChange[[Mapping[str, str]]]]
    ]
    prepare_untagging: Callable[[AwsClient, ResourceT, Sequence[str]], AbstractContextManager[PendingChange[[]]]]


@dataclass(frozen=True)
class KeepPlan(Generic[ResourceT]):
    """A keep, and the one whose place it would take. ``current`` None: the resource is not kept; ``Unknown``: the
    caller may not read its tags.
    """

    kind: KeptKind[ResourceT]
    resource: ResourceT
    keep: KeepTags
    current: CurrentKeep | Unknown | None

    @property
    def may_shorten(self) -> bool:
        """Whether the resource would be kept for less long than now, as far as is known."""
        if isinstance(self.current, Unknown):
            return self.keep.until is not None
        return self.current is not None and would_shorten(self.current, self.keep)


def plan_keep(
    client: AwsClient, kind: KeptKind[ResourceT], name: str, keep: KeepTags, clock: Clock
) -> KeepPlan[ResourceT]:
    """See what a keep would replace. Where it takes nothing away, a reason that is there already stays.

    Raises:
        UsageError: there is no such resource.
        AwsError: AWS does not say how it is.
    """
    found = kind.find(client, name)
    current = _read_current_keep(client, found, clock)
    if isinstance(current, CurrentKeep) and not would_shorten(current, keep):
        keep = inherit_reason(current, keep)
    return KeepPlan(kind, found, keep, current)


def keep_resource(client: AwsClient, plan: KeepPlan[ResourceT], clock: Clock) -> None:
    """Put a keep in the place of the one that was seen. The new tags come first: at no moment is it not kept.

    Raises:
        ConfirmationRequired: somebody has kept it otherwise meanwhile, and nobody agreed to replace that.
        AwsError: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    found, keep = plan.resource, plan.keep
    create_once(
        partial(_send_keep_tags, client, plan, clock),
        lambda: keep.tags.items() <= read_tags(client, found.arn).items(),
        clock,
        partial(mark_done, client, plan.kind.tag_action, found.name, "the tags are there"),
    )
    _remove_tags(client, plan.kind, found, keep.tags_to_remove, clock)


def keep_resources(client: AwsClient, plans: Sequence[KeepPlan[ResourceT]], clock: Clock) -> list[OpskitError | None]:
    """Keep several; one that fails does not hinder the others. Why each is not kept, None where it is."""
    return [_keep_or_error(client, plan, clock) for plan in plans]


def _keep_or_error(client: AwsClient, plan: KeepPlan[ResourceT], clock: Clock) -> OpskitError | None:
    try:
        keep_resource(client, plan, clock)
    except (AwsError, ConfirmationRequired) as error:
        return error
    return None


@dataclass(frozen=True)
class EndedKeep(Generic[ResourceT]):
    """Which tags went from a resource, or with ``is_dry`` would go; no tags: it was not kept. ``previous`` is how it
    was kept; None: it was not; ``Unknown``: the caller may not read its tags.
    """

    resource: ResourceT
    removed: Sequence[str]
    previous: CurrentKeep | Unknown | None
    is_dry: bool = False


def unkeep_resource(
    client: AwsClient, kind: KeptKind[ResourceT], name: str, clock: Clock, *, dry_run: bool = False
) -> EndedKeep[ResourceT]:
    """Take every keep off a resource.

    Raises:
        UsageError: there is no such resource.
        ConfirmationRequired: somebody has kept it otherwise meanwhile.
        AwsError: AWS refused.
    """
    found = kind.find(client, name)
    current = _read_current_keep(client, found, clock)
    if dry_run:
        there = _present_tags(_tags_or_denied(client, found), KEEP_TAG_KEYS)
        return EndedKeep(found, there, current, is_dry=True)
    return EndedKeep(found, _remove_tags(client, kind, found, KEEP_TAG_KEYS, clock), current)


def _read_current_keep(client: AwsClient, resource: KeptResource, clock: Clock) -> CurrentKeep | Unknown | None:
    told = _tags_or_denied(client, resource)
    return told if isinstance(told, Unknown) else current_keep(told, clock.now())


def _tags_or_denied(client: AwsClient, resource: KeptResource) -> Mapping[str, str] | Unknown:
    try:
        return read_tags(client, resource.arn)
    except AccessDenied as failure:
        return unknown_from_error(failure)


def _send_keep_tags(client: AwsClient, plan: KeepPlan[ResourceT], clock: Clock) -> None:
    """Send the tags of a keep, each time after a look: while nobody looked, somebody may have kept it for longer."""
    with plan.kind.prepare_tagging(client, plan.resource, plan.keep.tags) as intent:

        def attempt() -> None:
            current = _read_current_keep(client, plan.resource, clock)
            if isinstance(current, CurrentKeep) and current != plan.current and would_shorten(current, plan.keep):
                text = f"Somebody has kept {plan.resource.name} meanwhile ({current.why_kept}). Nothing was changed."
                raise ConfirmationRequired("kept-meanwhile", text, "Run the command again to replace that.")
            intent.send_change(plan.keep.tags)

        send_until_accepted(AdaptivePacer(clock), attempt)


def _present_tags(told: Mapping[str, str] | Unknown, keys: Sequence[str]) -> list[str]:
    """Those of the keys that are there, or may be."""
    return list(keys) if isinstance(told, Unknown) else [key for key in told if key in keys]


def _remove_tags(
    client: AwsClient, kind: KeptKind[ResourceT], resource: ResourceT, keys: Sequence[str], clock: Clock
) -> list[str]:
    """Remove those of the tags that are there; where the tags may not be read, all of them."""
    told = _tags_or_denied(client, resource)
    there = _present_tags(told, keys)
    if there:
        pace = AdaptivePacer(clock)
        with kind.prepare_untagging(client, resource, there) as intent:

            def attempt() -> None:
                if pace.was_throttled and _tags_or_denied(client, resource) != told:
                    text = (
                        f"Somebody has changed the tags of {resource.name} meanwhile; these stay: {', '.join(there)}."
                    )
                    raise ConfirmationRequired("kept-meanwhile", text, "Run the command again.")
                intent.send_change()

            send_until_accepted(pace, attempt)
    return there


def record_grace_before_tag(kind: StoppableKind, resource: KeptResource, stops_at: datetime) -> None:
    """Remember that somebody is to hear of a grace, before its tag is sent: where the run is killed after that, the
    next one finds what was not told. A note whose tag was never sent is of no grace that runs, and nobody tells of it.
    """
    place = {"account": resource.account, "region": resource.region, "name": resource.name}
    note_new_grace({"kind": kind, **place, "stops_at": stops_at.isoformat()})


ActionT = TypeVar("ActionT", bound=ResourceStop[Any])
TagReader = Callable[[ActionT], tuple[str, object]]
"""The ARN of an action's thing, and its tags of now; tags that cannot be read are Unknown."""


def confirm_sent_graces(
    actions: Sequence[ActionT], read_tags: TagReader[ActionT], run_id: str, clock: Clock
) -> tuple[ActionT, ...]:
    """The same with ``grace_begun`` where a grace has begun with this run: its tag stands after a moment, also where
    AWS's answer to it was lost. Where the tags cannot be read, it counts as this run's: told twice is better than not
    at all.
    """
    if not any(action.sent_grace for action in actions):
        return tuple(actions)
    clock.sleep(SETTLE_SECONDS)
    return tuple(gather_all([partial(_confirm_grace, action, read_tags, run_id) for action in actions]))


def _confirm_grace(action: ActionT, read_tags: TagReader[ActionT], run_id: str) -> ActionT:
    if not action.sent_grace:
        return action
    arn, tags = read_tags(action)
    found = judge_sent_grace(tags, arn, run_id, action.stops_at)
    is_known = found.stops_at is not None and not isinstance(tags, Unknown)
    return replace(
        action,
        reason=f"{action.reason}; {found.word}" if found.word else action.reason,
        grace_begun=found.is_own,
        stops_at=found.stops_at,
        outcome=None if is_known else action.outcome,
    )
