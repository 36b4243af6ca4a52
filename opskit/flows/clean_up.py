"""Removes what a workflow left in the account and what bills or takes room. Job records stay.

An endpoint is deleted first, and what it uses only when it is gone: AWS reads the configuration until then. Between the
two everything is looked at anew, and right before each thing is deleted its tags are read once more: hours may have
passed at the prompt, minutes with an endpoint, and what is somebody else's by then stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from opskit.act import endpoints as act
from opskit.act import storage
from opskit.act.endpoints import Removable
from opskit.aws import Door
from opskit.aws_errors import is_gone
from opskit.decide.naming import training_job_of
from opskit.decide.running import NOTHING_RUNS
from opskit.errors import AwsFailure, ExitCode, OpskitError, Problem, Unreadable
from opskit.flows.clock import Clock
from opskit.flows.events import State, Tell, news_only
from opskit.flows.follow import follow_endpoint, looks
from opskit.flows.leftovers import OBJECTS, Item, Leftovers, Objects, Staying, unreadable_tags, why_strange
from opskit.flows.made import made
from opskit.left_running import Kind, Running
from opskit.model import IN_THE_MAKING
from opskit.observe import jobs
from opskit.state.journal import confirm

_GONE = "gone"
_LONGEST = timedelta(minutes=30)
"""As long as AWS's own waiter (EndpointDeleted) waits."""
_USERS: Mapping[str, tuple[Removable, ...]] = {
    Removable.ENDPOINT: (),
    Removable.CONFIG: (Removable.ENDPOINT,),
    Removable.MODEL: (Removable.ENDPOINT, Removable.CONFIG),
    OBJECTS: (Removable.ENDPOINT, Removable.CONFIG, Removable.MODEL),
}
"""What may use a thing of each kind."""


@dataclass
class Cleaned:
    """What a cleanup removed, and what it left, with the reasons."""

    left: Leftovers
    items: list[Item] = field(default_factory=list)
    objects: list[Objects] = field(default_factory=list)
    staying: dict[tuple[str, str], Staying] = field(default_factory=dict)
    unread: dict[str, Problem] = field(default_factory=dict)
    failures: list[Problem] = field(default_factory=list)
    was_interrupted: bool = False

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be looked at, and what could not be removed."""
        return (*self.unread.values(), *self.failures, *([NOTHING_RUNS] if self.was_interrupted else []))

    @property
    def exit(self) -> ExitCode:
        """Partly done, when something could not be looked at or removed; AWS's no, when nothing could."""
        if self.was_interrupted:
            return ExitCode.INTERRUPTED
        if not self.unread and not self.failures:
            return ExitCode.DONE
        did_nothing = not (self.items or self.objects)
        return ExitCode.AWS if self.left.saw_nothing or (did_nothing and not self.unread) else ExitCode.PARTLY

    def let_stay(self, each: Staying) -> None:
        """Something is left; the first reason is the one that is told."""
        self.staying.setdefault((each.kind, each.name), each)

    def is_used(self, kind: str, name: str, shown: str = "") -> bool:
        """Whether something that this cleanup could not remove uses a thing, which then stays as well."""
        job = training_job_of(name)
        user = next(
            (one for one in self.staying.values() if training_job_of(one.name) == job and one.kind in _USERS[kind]),
            None,
        )
        if user:
            self.let_stay(
                Staying(kind, shown or name, f"the {user.kind.replace('_', ' ')} {user.name} stays and uses it")
            )
        return user is not None

    def note_unread(self, error: OpskitError) -> None:
        """Something could not be read; what many looks stumble over is told once."""
        self.unread.setdefault(error.problem.message, error.problem)


def clean_up(door: Door, left: Leftovers, look_again: Callable[[], Leftovers], clock: Clock, tell: Tell) -> Cleaned:
    """Remove what was found and is still to go, what bills first. ``look_again`` finds what is left once the endpoints
    are gone. One thing that stays does not keep the others, but what it uses.
    """
    done, tell = Cleaned(left), news_only(tell)
    for each in left.staying:
        done.let_stay(each)
    for error in left.unread:
        done.note_unread(error)
    for endpoint in left.endpoints:
        running = Running(Kind.ENDPOINT, endpoint.name, door.region, sure=True, reached=True)
        door.left_running.note_running(running)
    try:
        _remove_endpoints(door, done, clock, tell)
        if len(left.items) > len(left.endpoints) or left.objects:
            _remove_the_rest(door, done, look_again(), clock)
    except OpskitError as error:
        done.failures.append(error.problem)
    except KeyboardInterrupt:
        done.was_interrupted = True
    return done


def _remove_endpoints(door: Door, done: Cleaned, clock: Clock, tell: Tell) -> None:
    """Delete the endpoints, and wait until they, and those that were going already, are gone."""
    for item in done.left.endpoints:
        _await_settled(door, item.name, clock, tell)
        _remove(door, done, item, clock)
    going = [item.name for item in done.items] + list(done.left.going)
    for name in going if len(done.left.items) > len(done.left.endpoints) or done.left.objects else ():
        try:
            _await_gone(door, name, clock, tell)
        except OpskitError as error:
            done.note_unread(error)


def _await_settled(door: Door, name: str, clock: Clock, tell: Tell) -> None:
    """Wait for an endpoint that is being made or changed: AWS refuses to delete it before."""
    with suppress(AwsFailure):  # then AWS is asked at once, and says what it thinks
        found = jobs.endpoint(door, name)
        if found and found.status in IN_THE_MAKING:
            follow_endpoint(door, name, clock, tell)


def _await_gone(door: Door, name: str, clock: Clock, tell: Tell) -> None:
    """Wait until an endpoint that is being deleted is gone.

    Raises:
        AwsFailure: it cannot be looked at any more.
        Unreadable: it has not gone for half an hour.
    """
    until = clock.now() + _LONGEST
    for found in looks(lambda: jobs.endpoint(door, name), clock, tell):
        if found is None:
            return
        tell(State(Kind.ENDPOINT, name, found.status))
        if clock.now() > until:
            text = f"The endpoint {name} is still {found.status} after 30 minutes; what it uses is left."
            raise Unreadable("still-deleting", text, "Run the same command again when it is gone.", region=door.region)


def _remove_the_rest(door: Door, done: Cleaned, now: Leftovers, clock: Clock) -> None:
    """Remove what was to go and still may, as everything is ``now``: configurations, then models, then objects."""
    for each in now.staying:
        done.let_stay(each)
    for error in now.unread:
        done.note_unread(error)
    for item in now.items:
        if item in done.left.items and not done.is_used(item.kind, item.name):
            _remove(door, done, item, clock)
    planned = {(each.bucket, each.job): each for each in done.left.objects}
    for there in now.objects:
        known = planned.get((there.bucket, there.job))
        if known and not done.is_used(OBJECTS, there.job, there.uri):
            _empty(door, done, replace(known, keys=tuple(key for key in known.keys if key in there.keys)))


def _remove(door: Door, done: Cleaned, item: Item, clock: Clock) -> None:
    """Delete one thing, if it is still the workflow's. A lost answer is looked up, not repeated."""
    why = _why_strange_now(door, done, item.arn)
    if why == _GONE:
        return
    if why is None:
        seen = partial(confirm, door, act.delete_action(item.kind), item.name, "it is gone")
        try:
            made(partial(act.delete, door, item.kind, item.name), partial(_is_going, door, item), clock, seen)
            done.items.append(item)
        except AwsFailure as failure:
            done.failures.append(failure.problem)
            done.let_stay(Staying(item.kind, item.name, "AWS did not delete it"))
            return
    else:
        done.let_stay(Staying(item.kind, item.name, why))
    if item.kind is Removable.ENDPOINT:  # it is on its way, or nobody of ours has to stop it
        door.left_running.note_ended(Kind.ENDPOINT, item.name, door.region)


def _is_going(door: Door, item: Item) -> bool:
    match item.kind:
        case Removable.ENDPOINT:
            found = jobs.endpoint(door, item.name)
            return found is None or found.status == "Deleting"
        case Removable.CONFIG:
            return jobs.endpoint_fleet(door, item.name) is None
        case Removable.MODEL:
            return not jobs.model_exists(door, item.name)


def _empty(door: Door, done: Cleaned, objects: Objects) -> None:
    """Delete the objects of a job, if it is still the workflow's."""
    why = _why_strange_now(door, done, objects.arn)
    if why is not None:
        done.let_stay(Staying(OBJECTS, objects.uri, f"of the training job {objects.job}: {why}", len(objects.keys)))
        return
    try:
        kept = storage.delete_objects(door, done.left.account, objects.bucket, objects.keys)
    except AwsFailure as failure:
        done.failures.append(failure.problem)
        return
    if kept:
        text = f"S3 kept {len(kept)} objects in {objects.bucket}: {'; '.join(kept[:3])}."
        done.failures.append(Problem("objects-kept", text, "Run it again when the reason is gone.", door.region))
    else:
        done.objects.append(objects)


def _why_strange_now(door: Door, done: Cleaned, arn: str) -> str | None:
    """Why something is not the workflow's any more, or may not be; None: it is. ``_GONE``: there is no such thing."""
    why = why_strange(door, done.left.workflow, arn)
    if not isinstance(why, OpskitError):
        return why
    if isinstance(why, AwsFailure) and is_gone(why):
        return _GONE
    done.note_unread(why)
    return unreadable_tags(why)
