"""Deletes what a workflow left in the account and what costs money or storage. Job records stay.

An endpoint is deleted first, and what it uses only when it is gone: AWS reads the configuration until then. In between
everything is read again, and right before each deletion the tags are read once more: hours may have passed at the
prompt, minutes with an endpoint, and what belongs to somebody else by then stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.create_once import create_once
from opskit.aws.errors import is_not_found
from opskit.aws.polling import AWS_WAITER_MINUTES, poll_until_done
from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError, ExitCode, OpskitError, Problem, UnreadableState
from opskit.core.live_resources import NOTHING_RUNS, LiveResource, ResourceKind
from opskit.core.model import Unknown
from opskit.state.journal import mark_done
from opskit.training.changes import endpoints as changes
from opskit.training.changes import s3
from opskit.training.events import RunEventSink, StatusChanged, deduplicate_events
from opskit.training.flows.find_resources import foreign_reason, unreadable_tags_text
from opskit.training.flows.follow import follow_endpoint
from opskit.training.reads import resources as training_resources
from opskit.training.rules.job_names import training_job_of
from opskit.training.rules.workflow_resources import (
    OBJECTS,
    DeletableKind,
    KeptResource,
    ResourceRef,
    S3Objects,
    WorkflowResources,
)

_GONE = "gone"
# The kinds of resources that may use a resource of each kind.
_USERS: Mapping[str, tuple[DeletableKind, ...]] = {
    DeletableKind.ENDPOINT: (),
    DeletableKind.CONFIG: (DeletableKind.ENDPOINT,),
    DeletableKind.MODEL: (DeletableKind.ENDPOINT, DeletableKind.CONFIG),
    OBJECTS: (DeletableKind.ENDPOINT, DeletableKind.CONFIG, DeletableKind.MODEL),
}


@dataclass
class CleanupResult:
    """What a cleanup deleted, and what it left, with the reasons."""

    resources: WorkflowResources
    items: list[ResourceRef] = field(default_factory=list)
    objects: list[S3Objects] = field(default_factory=list)
    staying: dict[tuple[str, str], KeptResource] = field(default_factory=dict)
    read_errors: dict[str, Problem] = field(default_factory=dict)
    failures: list[Problem] = field(default_factory=list)
    was_interrupted: bool = False

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be read, and what could not be deleted."""
        return (*self.read_errors.values(), *self.failures, *([NOTHING_RUNS] if self.was_interrupted else []))

    @property
    def exit(self) -> ExitCode:
        """Partial if something could not be read or deleted; an AWS error if nothing could."""
        if self.was_interrupted:
            return ExitCode.INTERRUPTED
        if not self.read_errors and not self.failures:
            return ExitCode.OK
        did_nothing = not (self.items or self.objects)
        return (
            ExitCode.AWS_ERROR
            if self.resources.saw_nothing or (did_nothing and not self.read_errors)
            else ExitCode.PARTIAL
        )

    def keep_resource(self, kept_resource: KeptResource) -> None:
        """Record a resource that is left; the first reason is kept."""
        self.staying.setdefault((kept_resource.resource_kind, kept_resource.name), kept_resource)

    def is_still_used(self, resource_kind: str, name: str, shown: str = "") -> bool:
        """Whether a resource is used by one that this cleanup could not delete; it then stays as well."""
        # The resources of one training job are told by its name, which all of them begin with.
        job = training_job_of(name)
        user = next(
            (
                kept_resource
                for kept_resource in self.staying.values()
                if training_job_of(kept_resource.name) == job and kept_resource.resource_kind in _USERS[resource_kind]
            ),
            None,
        )
        if user:
            self.keep_resource(
                KeptResource(
                    resource_kind,
                    shown or name,
                    f"the {user.resource_kind.replace('_', ' ')} {user.name} stays and uses it",
                )
            )
        return user is not None

    def note_unread(self, error: OpskitError) -> None:
        """Record a failed read; the same error is reported once."""
        self.read_errors.setdefault(error.problem.message, error.problem)


def delete_resources(
    client: AwsClient,
    resources: WorkflowResources,
    look_again: Callable[[], WorkflowResources],
    clock: Clock,
    emit: RunEventSink,
) -> CleanupResult:
    """Delete what was found and may still be deleted, what costs money first. ``look_again`` finds what is left after
    the endpoints are gone. A resource that stays does not keep the others, except those it uses.
    """
    done, emit = CleanupResult(resources), deduplicate_events(emit)
    for kept_resource in resources.staying:
        done.keep_resource(kept_resource)
    for error in resources.read_errors:
        done.note_unread(error)
    for endpoint in resources.endpoints:
        # Noted before anything is deleted, so that Ctrl-C during the wait names the endpoints that still bill.
        running = LiveResource(ResourceKind.ENDPOINT, endpoint.name, client.region, confirmed=True, reached=True)
        client.live_resources.note_running(running)
    try:
        _remove_endpoints(client, done, clock, emit)
        if len(resources.items) > len(resources.endpoints) or resources.objects:
            _remove_the_rest(client, done, look_again(), clock)
    except OpskitError as error:
        done.failures.append(error.problem)
    except KeyboardInterrupt:
        done.was_interrupted = True
    return done


def _remove_endpoints(client: AwsClient, done: CleanupResult, clock: Clock, emit: RunEventSink) -> None:
    """Delete the endpoints, and wait until they, and those that were being deleted already, are gone."""
    for item in done.resources.endpoints:
        _await_settled(client, item.name, clock, emit)
        _remove_resource(client, done, item, clock)
    # Those of this cleanup and those that were on their way before: what they use may not go until they are gone.
    going = [item.name for item in done.items] + list(done.resources.going)
    for name in going if len(done.resources.items) > len(done.resources.endpoints) or done.resources.objects else ():
        try:
            _await_gone(client, name, clock, emit)
        except OpskitError as error:
            done.note_unread(error)


def _await_settled(client: AwsClient, name: str, clock: Clock, emit: RunEventSink) -> None:
    """Wait for an endpoint that is being created or changed: AWS refuses to delete it before."""
    with suppress(AwsError):  # then the deletion is tried right away, and AWS's refusal is reported
        endpoint = training_resources.read_endpoint(client, name)
        if endpoint and endpoint.traits.is_transitioning:
            follow_endpoint(client, name, clock, emit)


def _await_gone(client: AwsClient, name: str, clock: Clock, emit: RunEventSink) -> None:
    """Wait until an endpoint that is being deleted is gone.

    Raises:
        AwsError: the endpoint could not be read.
        UnreadableState: it was not gone after half an hour.
    """
    until = clock.now() + timedelta(minutes=AWS_WAITER_MINUTES)
    for endpoint in poll_until_done(lambda: training_resources.read_endpoint(client, name), clock, emit):
        if endpoint is None:
            return
        emit(StatusChanged(ResourceKind.ENDPOINT, name, endpoint.status))
        if clock.now() > until:
            status = f"still {endpoint.status} after {AWS_WAITER_MINUTES} minutes"
            text = f"The endpoint {name} is {status}; what it uses is left."
            raise UnreadableState(
                "still-deleting", text, "Run the same command again when it is gone.", region=client.region
            )


def _remove_the_rest(client: AwsClient, done: CleanupResult, now: WorkflowResources, clock: Clock) -> None:
    """Delete what was planned and still may be deleted, given what exists ``now``: configurations, then models, then
    objects.
    """
    for kept_resource in now.staying:
        done.keep_resource(kept_resource)
    for error in now.read_errors:
        done.note_unread(error)
    for item in now.items:
        # Only what was shown at the prompt: what appeared since nobody has agreed to delete.
        if item in done.resources.items and not done.is_still_used(item.resource_kind, item.name):
            _remove_resource(client, done, item, clock)
    planned = {(s3_objects.bucket, s3_objects.job): s3_objects for s3_objects in done.resources.objects}
    for present in now.objects:
        planned_objects = planned.get((present.bucket, present.job))
        if planned_objects and not done.is_still_used(OBJECTS, present.job, present.uri):
            _delete_objects(
                client,
                done,
                replace(planned_objects, keys=tuple(key for key in planned_objects.keys if key in present.keys)),
            )


def _remove_resource(client: AwsClient, done: CleanupResult, item: ResourceRef, clock: Clock) -> None:
    """Delete one resource if it is still the workflow's. If the response is lost, it is looked up, not repeated."""
    # Right before the delete: its tags may have changed since the plan, and nothing is deleted on an old look.
    why = _foreign_reason_now(client, done, item.arn)
    if why is None:
        on_recovered = partial(mark_done, client, changes.delete_action(item.resource_kind), item.name, "it is gone")
        try:
            create_once(
                partial(changes.delete_resource, client, item.resource_kind, item.name),
                partial(_is_being_deleted, client, item),
                clock,
                on_recovered,
            )
            done.items.append(item)
        except AwsError as failure:
            done.failures.append(failure.problem)
            done.keep_resource(KeptResource(item.resource_kind, item.name, "AWS did not delete it"))
            return
    elif why != _GONE:
        done.keep_resource(KeptResource(item.resource_kind, item.name, why.reason if isinstance(why, Unknown) else why))
    # It is being deleted or gone, or belongs to somebody else; one of which that is not known stays, and bills.
    if item.resource_kind is DeletableKind.ENDPOINT and not isinstance(why, Unknown):
        client.live_resources.note_ended(ResourceKind.ENDPOINT, item.name, client.region)


def _is_being_deleted(client: AwsClient, item: ResourceRef) -> bool:
    match item.resource_kind:
        case DeletableKind.ENDPOINT:
            endpoint = training_resources.read_endpoint(client, item.name)
            return endpoint is None or endpoint.traits.is_going
        case DeletableKind.CONFIG:
            return training_resources.read_endpoint_instances(client, item.name) is None
        case DeletableKind.MODEL:
            return not training_resources.model_exists(client, item.name)


def _delete_objects(client: AwsClient, done: CleanupResult, objects: S3Objects) -> None:
    """Delete the objects of a job if it is still the workflow's."""
    why = _foreign_reason_now(client, done, objects.arn)
    if why is not None:
        said = why.reason if isinstance(why, Unknown) else why
        done.keep_resource(
            KeptResource(OBJECTS, objects.uri, f"of the training job {objects.job}: {said}", len(objects.keys))
        )
        return
    try:
        # Only keys that were listed and shown: S3 deletes without a question what is written under them meanwhile.
        kept = s3.delete_objects(client, done.resources.account, objects.bucket, objects.keys)
    except AwsError as failure:
        done.failures.append(failure.problem)
        return
    if kept:
        text = f"S3 kept {len(kept)} objects in {objects.bucket}: {'; '.join(kept[:3])}."
        done.failures.append(Problem("objects-kept", text, "Run it again when the reason is gone.", client.region))
    else:
        done.objects.append(objects)


def _foreign_reason_now(client: AwsClient, done: CleanupResult, arn: str) -> str | Unknown | None:
    """Why a resource is no longer in scope, or why that is not known; None: it is. ``_GONE``: it no longer exists."""
    why = foreign_reason(client, done.resources.scope, arn)
    if not isinstance(why, OpskitError):
        return why
    if isinstance(why, AwsError) and is_not_found(why):
        return _GONE
    done.note_unread(why)
    return Unknown(unreadable_tags_text(why))
