"""Finds what a workflow left in the account, and says of each thing whether it may go. Changes nothing.

A thing is the workflow's where its tag says so, never by its name alone; an object where it lies in the folder of a
training job that carries the tag. What hangs together with something that stays (the configuration of an endpoint, the
model of a configuration, the files of a model, all of a job in progress) stays as well, and so does what may.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from opskit.act.endpoints import Removable
from opskit.aws import Door, side_by_side
from opskit.aws_errors import is_gone
from opskit.decide.naming import WORKFLOW_TAG, belongs_to, is_tagged_for, training_job_of
from opskit.errors import AwsFailure, OpskitError
from opskit.flows.tried import tried
from opskit.left_running import Kind, Running
from opskit.model import JobStatus, Workflow
from opskit.observe import jobs
from opskit.observe.jobs import Listed, Listing
from opskit.observe.notebooks import tags as read_tags
from opskit.observe.storage import objects_under, parts_of

PREFIX = "opskit"
_ANY_JOB = ""
"""Stands for every training job in ``holders``, where what could not be read may hang together with any."""
OBJECTS = "objects"


@dataclass(frozen=True)
class Item:
    """One thing to remove."""

    kind: Removable
    name: str
    arn: str


@dataclass(frozen=True)
class Objects:
    """The objects of one training job, by name and ARN, in one bucket."""

    bucket: str
    workflow: str
    job: str
    arn: str
    keys: tuple[str, ...]

    @property
    def uri(self) -> str:
        """Where they lie."""
        return f"s3://{self.bucket}/{PREFIX}/{self.workflow}/{self.job}/"


@dataclass(frozen=True)
class Staying:
    """Something that looks like the workflow's and is left, and why. Of objects there are ``count``."""

    kind: str
    name: str
    because: str
    count: int = 1


@dataclass(frozen=True)
class Leftovers:
    """Everything of a workflow that is in the account: what would go, what stays, and what could not be looked at.

    ``going`` are endpoints that are being deleted already; ``saw_nothing``: not one listing could be read.
    """

    workflow: str
    region: str
    account: str
    items: tuple[Item, ...] = ()
    objects: tuple[Objects, ...] = ()
    going: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    live_jobs: tuple[Running, ...] = ()
    staying: tuple[Staying, ...] = ()
    unread: tuple[OpskitError, ...] = field(default=(), repr=False)
    saw_nothing: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remove."""
        return not (self.items or self.objects)

    @property
    def endpoints(self) -> tuple[Item, ...]:
        """The endpoints to remove."""
        return tuple(item for item in self.items if item.kind is Removable.ENDPOINT)


def leftovers(door: Door, workflow: Workflow, bucket: str | None, *, endpoints_gone: bool = False) -> Leftovers:
    """Look for everything of a workflow. Changes nothing. ``endpoints_gone``: its endpoints were removed, so one that
    is still there is no longer one to remove, but a reason to leave what it uses.

    Raises:
        AwsFailure: AWS does not say who we are, or there are no credentials.
    """
    account = door.connection.caller().account
    look = _Look(door, workflow.name)
    look.list_everything()
    live = look.live_jobs()
    endpoints = look.removable(Listing.ENDPOINT, Removable.ENDPOINT, all_stay=endpoints_gone)
    configs = look.removable(Listing.CONFIG, Removable.CONFIG, Listing.ENDPOINT)
    models = look.removable(Listing.MODEL, Removable.MODEL, *_USERS)
    objects = look.removable_objects(account, bucket or f"sagemaker-{door.region}-{account}")
    return Leftovers(
        workflow=workflow.name,
        region=door.region,
        account=account,
        items=(*endpoints, *configs, *models),
        objects=tuple(objects),
        going=tuple(each.name for each in look.found[Listing.ENDPOINT] if each.status == "Deleting"),
        jobs=tuple(each.name for each in look.found[Listing.TRAINING_JOB]),
        live_jobs=tuple(live),
        staying=tuple(look.staying),
        unread=tuple(look.unread.values()),
        saw_nothing=not look.was_read,
    )


def why_strange(door: Door, workflow: str, arn: str) -> str | OpskitError | None:
    """Why something is not the workflow's, by its tags as they are now; None: it is. An error: they cannot be read.

    Raises:
        NoCredentials: nothing else can be read either.
    """
    told = tried(partial(read_tags, door, arn))
    if isinstance(told, OpskitError):
        return told
    if is_tagged_for(workflow, told):
        return None
    other = told.get(WORKFLOW_TAG)
    return f"its tag {WORKFLOW_TAG} is {other!r}" if other else f"it does not carry the tag {WORKFLOW_TAG}={workflow}"


def unreadable_tags(error: OpskitError) -> str:
    """Why something stays whose tags could not be read."""
    return f"its tags could not be read: {error.problem.message.rstrip('.')}"


_USERS = (Listing.ENDPOINT, Listing.CONFIG, Listing.TRANSFORM_JOB, Listing.TRAINING_JOB)
"""What may use a model; its files are used by models besides."""
_WORDS = {
    Listing.ENDPOINT: "endpoint",
    Listing.CONFIG: "endpoint config",
    Listing.MODEL: "model",
    Listing.TRAINING_JOB: "training job",
    Listing.TRANSFORM_JOB: "transform job",
}


class _Look:
    """What was seen so far, listing by listing, and what follows from it.

    ``strange`` has the reason why a thing, by its ARN, is not the workflow's; ``holders`` for each kind of thing that
    stays the training jobs, by name, with which it hangs together, and so why all else of them stays.
    """

    def __init__(self, door: Door, workflow: str) -> None:
        self.door, self.workflow = door, workflow
        self.found: dict[Listing, list[Listed]] = {each: [] for each in Listing}
        self.was_read: set[Listing] = set()
        self.strange: dict[str, str] = {}
        self.holders: dict[Listing, dict[str, str]] = {each: {} for each in Listing}
        self.staying: list[Staying] = []
        self.unread: dict[str, OpskitError] = {}
        self._judged: set[str] = set()

    def list_everything(self) -> None:
        """List all of such names, and read the tags of what a cleanup deletes or names."""
        contains = f"{self.workflow}-"
        told = side_by_side([partial(tried, partial(jobs.list_named, self.door, each, contains)) for each in Listing])
        for listing, found in zip(Listing, told, strict=True):
            if isinstance(found, OpskitError):
                self._note_unread(found)
                self.holders[listing][_ANY_JOB] = f"which {_WORDS[listing]}s there are could not be read"
            else:
                self.was_read.add(listing)
                self.found[listing] = [each for each in found if belongs_to(self.workflow, each.name)]
        self._read_tags([each for listing in Listing for each in self.found[listing] if _is_judged(listing, each)])

    def live_jobs(self) -> list[Running]:
        """The jobs that are in progress, and bill; all that they may read stays."""
        live = []
        for listing, kind in ((Listing.TRAINING_JOB, Kind.TRAINING_JOB), (Listing.TRANSFORM_JOB, Kind.TRANSFORM_JOB)):
            for each in self.found[listing]:
                if not JobStatus(each.status).is_over:
                    if each.arn not in self.strange:
                        live.append(Running(kind, each.name, self.door.region, sure=True))
                    why = f"the {kind.words} {each.name} is in progress"
                    self.holders[listing].setdefault(training_job_of(each.name), why)
        return live

    def removable(self, listing: Listing, kind: Removable, *users: Listing, all_stay: bool = False) -> list[Item]:
        """What of a kind may go; ``users`` are the kinds of things that may use it."""
        items = []
        for each in self.found[listing]:
            if each.status == "Deleting" and not all_stay:
                continue
            why = self.strange.get(each.arn) or self._why_held(each.name, *users)
            if why or all_stay:
                self._let_stay(listing, each, why or "it is not gone yet")
            else:
                items.append(Item(kind, each.name, each.arn))
        return items

    def removable_objects(self, account: str, home: str) -> list[Objects]:
        """What lies in the folders of the workflow's jobs, in the home bucket and in those that the jobs wrote to."""
        known = {each.name: each for each in self.found[Listing.TRAINING_JOB]}
        told = side_by_side([partial(tried, partial(jobs.training_job, self.door, name)) for name in known])
        uris = [job.output_uri for job in told if job and not isinstance(job, OpskitError) and job.output_uri]
        buckets = list(dict.fromkeys([home, *(parts_of(uri)[0] for uri in uris)]))
        top = f"{PREFIX}/{self.workflow}/"
        kept = [partial(tried, partial(objects_under, self.door, account, bucket, top)) for bucket in buckets]
        folders = []
        for bucket, keys in zip(buckets, side_by_side(kept), strict=True):
            if isinstance(keys, OpskitError):
                self._note_unread(keys)
            else:
                folders += [(bucket, folder, inside) for folder, inside in _by_folder(keys, top).items()]
        # Only now: of the many jobs that an earlier cleanup has left without objects nobody has to know whose they are.
        self._read_tags([job for job in known.values() if f"{job.name}/" in {folder for _, folder, _ in folders}])
        known = {each.name: each for each in self.found[Listing.TRAINING_JOB]}  # without what is gone by now
        objects = []
        for bucket, folder, inside in folders:
            why = self._why_objects_stay(folder, known)
            if why:
                self.staying.append(Staying(OBJECTS, f"s3://{bucket}/{top}{folder}", why, len(inside)))
            else:
                job = known[folder.rstrip("/")]
                objects.append(Objects(bucket, self.workflow, job.name, job.arn, tuple(inside)))
        return objects

    def _why_objects_stay(self, folder: str, known: dict[str, Listed]) -> str | None:
        job = known.get(folder.rstrip("/")) if folder.endswith("/") else None
        if job:
            strange = self.strange.get(job.arn)
            return (
                f"of the training job {job.name}: {strange}"
                if strange
                else self._why_held(job.name, *_USERS, Listing.MODEL)
            )
        unknown = self.holders[Listing.TRAINING_JOB].get(_ANY_JOB)
        return unknown or f"no training job of '{self.workflow}' has such a folder"

    def _why_held(self, name: str, *by: Listing) -> str | None:
        """Why a thing stays because of others, of these kinds, that do, or may be there."""
        held = (self.holders[each].get(key) for each in by for key in (training_job_of(name), _ANY_JOB))
        return next((why for why in held if why), None)

    def _let_stay(self, listing: Listing, each: Listed, why: str) -> None:
        self.staying.append(Staying(_WORDS[listing].replace(" ", "_"), each.name, why))
        what, held = f"the {_WORDS[listing]} {each.name}", self.holders[listing]
        try:
            used = self._jobs_used_by(listing, each.name)
        except AwsFailure as failure:
            self._note_unread(failure)
            used = set()
            held.setdefault(_ANY_JOB, f"what {what} uses could not be read")
        for job in {training_job_of(each.name), *used}:
            held.setdefault(job, f"{what} stays and uses it")

    def _jobs_used_by(self, listing: Listing, name: str) -> set[str]:
        """The training jobs with which hangs together what a thing is made of: its configuration, models, and data.

        Raises:
            AwsFailure: it could not be read.
        """
        found = jobs.endpoint(self.door, name) if listing is Listing.ENDPOINT else None
        configs = [found.config] if found and found.config else [name] if listing is Listing.CONFIG else []
        models = [model for config in configs for model in jobs.models_of_config(self.door, config)]
        models += [name] if listing is Listing.MODEL else []
        keys = [parts_of(uri)[1] for model in models for uri in jobs.model_data(self.door, model)]
        top = f"{PREFIX}/{self.workflow}/"
        folders = {key.removeprefix(top).partition("/")[0] for key in keys if key.startswith(top)}
        return folders | {training_job_of(each) for each in (*configs, *models) if belongs_to(self.workflow, each)}

    def _read_tags(self, found: list[Listed]) -> None:
        """Read the tags of things that were not looked at yet, and note whose they are not."""
        anew = [each for each in found if each.arn not in self._judged]
        self._judged.update(each.arn for each in anew)
        whys = side_by_side([partial(why_strange, self.door, self.workflow, each.arn) for each in anew])
        for each, why in zip(anew, whys, strict=True):
            self._note_strange(each.arn, why)

    def _note_strange(self, arn: str, why: str | OpskitError | None) -> None:
        if isinstance(why, AwsFailure) and is_gone(why):  # since it was listed: there is nothing left to judge
            self.found = {kind: [one for one in found if one.arn != arn] for kind, found in self.found.items()}
        elif isinstance(why, OpskitError):
            self._note_unread(why)
            self.strange[arn] = unreadable_tags(why)
        elif why:
            self.strange[arn] = why

    def _note_unread(self, error: OpskitError) -> None:
        """What many looks stumble over is told once."""
        self.unread.setdefault(error.problem.message, error)


def _is_judged(listing: Listing, each: Listed) -> bool:
    """Whether it matters at once whose a thing is. Of a job that is over it does where there are objects of it."""
    return listing not in (Listing.TRAINING_JOB, Listing.TRANSFORM_JOB) or not JobStatus(each.status).is_over


def _by_folder(keys: list[str], top: str) -> dict[str, list[str]]:
    """Keys by the folder below ``top`` they lie in, with its slash; a key in none is a folder of its own, without."""
    folders: dict[str, list[str]] = {}
    for key in keys:
        name, slash, _ = key.removeprefix(top).partition("/")
        folders.setdefault(f"{name}{slash}", []).append(key)
    return folders
