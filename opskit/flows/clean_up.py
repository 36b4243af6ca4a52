"""Finds everything of a workflow in the account, and removes what bills or takes room. Job records stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from opskit.act import endpoints as act
from opskit.act import storage
from opskit.act.endpoints import Removable
from opskit.aws import Door, side_by_side
from opskit.decide.naming import belongs_to
from opskit.decide.running import NOTHING_RUNS
from opskit.errors import AwsFailure, ExitCode, OpskitError, Problem
from opskit.flows.clock import Clock
from opskit.flows.events import Tell, news_only
from opskit.flows.follow import follow_endpoint
from opskit.flows.tried import tried
from opskit.left_running import Kind, Running
from opskit.model import IN_THE_MAKING, JobStatus, Workflow
from opskit.observe import jobs
from opskit.observe.storage import objects_under, parts_of

_PREFIX = "opskit"
_LISTINGS = 5


@dataclass(frozen=True)
class Item:
    """One thing to remove."""

    kind: Removable
    name: str


@dataclass(frozen=True)
class Objects:
    """The objects of a workflow in one bucket."""

    bucket: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Leftovers:
    """Everything of a workflow that is in the account: what would go, what stays, and what could not be looked at."""

    workflow: str
    region: str
    items: tuple[Item, ...]
    objects: tuple[Objects, ...]
    jobs: tuple[str, ...]
    live_jobs: tuple[Running, ...]
    unread: tuple[OpskitError, ...] = field(default=(), repr=False)
    knows_endpoints: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remove."""
        return not (self.items or self.objects)


@dataclass
class Cleaned:
    """What a cleanup removed, and what it could not."""

    left: Leftovers
    items: list[Item] = field(default_factory=list)
    objects: list[Objects] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    was_interrupted: bool = False

    @property
    def exit(self) -> ExitCode:
        """Partly done, when something could not be looked at or removed; AWS's no, when nothing could."""
        if self.was_interrupted:
            return ExitCode.INTERRUPTED
        if not self.problems:
            return ExitCode.DONE
        did_nothing = not (self.items or self.objects)
        saw_nothing = len(self.left.unread) >= _LISTINGS and not self.left.jobs
        return ExitCode.AWS if did_nothing and (saw_nothing or not self.left.is_empty) else ExitCode.PARTLY

    @property
    def endpoints(self) -> list[Running]:
        """The endpoints that are still there, and bill."""
        there = [item for item in self.left.items if item.kind is Removable.ENDPOINT and item not in self.items]
        return [Running(Kind.ENDPOINT, item.name, self.left.region, sure=True, reached=True) for item in there]


def leftovers(door: Door, workflow: Workflow, bucket: str | None) -> Leftovers:
    """Look for everything of a workflow. Changes nothing.

    Raises:
        AwsFailure: AWS does not say who we are.
    """
    home = bucket or f"sagemaker-{door.region}-{door.connection.caller().account}"
    contains = f"{workflow.name}-"
    endpoints, configs, models, training, transforms = side_by_side(
        [
            partial(tried, partial(jobs.endpoints, door, contains)),
            partial(tried, partial(jobs.endpoint_configs, door, contains)),
            partial(tried, partial(jobs.models, door, contains)),
            partial(tried, partial(jobs.training_jobs, door, contains)),
            partial(tried, partial(jobs.transform_jobs, door, contains)),
        ]
    )
    ours = partial(_ours, workflow.name)
    going = [name for name in ours(endpoints) if endpoints[name] != "Deleting"]
    live = [
        *_live(Kind.TRAINING_JOB, training, ours, door.region),
        *_live(Kind.TRANSFORM_JOB, transforms, ours, door.region),
    ]
    objects = _objects(door, workflow.name, home, ours(training))
    return Leftovers(
        workflow=workflow.name,
        region=door.region,
        items=(
            *(Item(Removable.ENDPOINT, name) for name in going),
            *(Item(Removable.CONFIG, name) for name in ours(configs)),
            *(Item(Removable.MODEL, name) for name in ours(models)),
        ),
        objects=tuple(each for each in objects if isinstance(each, Objects) and each.keys),
        jobs=tuple(ours(training)),
        live_jobs=tuple(live),
        unread=tuple(
            each
            for each in (endpoints, configs, models, training, transforms, *objects)
            if isinstance(each, OpskitError)
        ),
        knows_endpoints=not isinstance(endpoints, OpskitError),
    )


def clean_up(door: Door, left: Leftovers, clock: Clock, tell: Tell) -> Cleaned:
    """Remove what was found, what bills first. One that stays does not keep the others, but an endpoint that stays
    keeps its configuration and its model: without them nobody could tell any more what it runs on.
    """
    done, tell = Cleaned(left, problems=[error.problem for error in left.unread]), news_only(tell)
    for endpoint in done.endpoints:
        door.left_running.note_running(endpoint)
    try:
        for item in left.items:
            if not _is_needed(item, done) and _removed(partial(_delete, door, item, clock, tell), done.problems):
                done.items.append(item)
        for each in left.objects:
            if _emptied(door, each, done.problems):
                done.objects.append(each)
    except KeyboardInterrupt:
        done.was_interrupted = True
        done.problems.append(NOTHING_RUNS)
    return done


def _is_needed(item: Item, done: Cleaned) -> bool:
    """Whether an endpoint that stays, or that may be there unseen, is made of this."""
    if item.kind is Removable.ENDPOINT:
        return False
    return not done.left.knows_endpoints or any(f"{item.name}-".startswith(f"{one.name}-") for one in done.endpoints)


def _delete(door: Door, item: Item, clock: Clock, tell: Tell) -> None:
    """Delete one thing; an endpoint that is being made or changed once it is done, as AWS refuses it before."""
    if item.kind is Removable.ENDPOINT:
        with suppress(AwsFailure):  # then AWS is asked at once, and says what it thinks
            found = jobs.endpoint(door, item.name)
            if found and found.status in IN_THE_MAKING:
                follow_endpoint(door, item.name, clock, tell)
    act.delete(door, item.kind, item.name)


def _ours(workflow: str, found: Iterable[str] | OpskitError) -> list[str]:
    if isinstance(found, OpskitError):
        return []
    return [name for name in found if belongs_to(workflow, name)]


def _live(
    kind: Kind, found: Mapping[str, JobStatus] | OpskitError, ours: Callable[..., list[str]], region: str
) -> list[Running]:
    """The jobs that are in progress, and bill."""
    if isinstance(found, OpskitError):
        return []
    return [Running(kind, name, region, sure=True) for name in ours(found) if not found[name].is_over]


def _objects(door: Door, workflow: str, home: str, training: Iterable[str]) -> list[Objects | OpskitError]:
    """What lies under the workflow's prefix in the home bucket, and in those its jobs wrote to."""
    described = side_by_side([partial(tried, partial(jobs.training_job, door, name)) for name in training])
    told = [job.output_uri for job in described if job and not isinstance(job, OpskitError) and job.output_uri]
    buckets = dict.fromkeys([home, *(parts_of(uri)[0] for uri in told)])
    return side_by_side([partial(tried, partial(_under, door, bucket, workflow)) for bucket in buckets])


def _under(door: Door, bucket: str, workflow: str) -> Objects:
    return Objects(bucket, tuple(objects_under(door, bucket, f"{_PREFIX}/{workflow}/")))


def _removed(remove: Callable[[], None], problems: list[Problem]) -> bool:
    try:
        remove()
    except AwsFailure as failure:
        problems.append(failure.problem)
        return False
    return True


def _emptied(door: Door, objects: Objects, problems: list[Problem]) -> bool:
    try:
        kept = storage.delete_objects(door, objects.bucket, objects.keys)
    except AwsFailure as failure:
        problems.append(failure.problem)
        return False
    if kept:
        text = f"S3 kept {len(kept)} objects in {objects.bucket}: {'; '.join(kept[:3])}."
        problems.append(Problem("objects-kept", text, "Run it again when the reason is gone.", door.region))
    return not kept
