"""Finds what a workflow left in the account, and decides for each resource whether it may be deleted. Changes nothing.

A resource is the workflow's, and its owner's, if its tags say so, never by its name alone; an object if it lies in the
folder of a training job with those tags. What something that stays uses (the configuration of an endpoint, the model of
a configuration, the files of a model, everything of a running job) stays as well, and so does what may be used.
"""

from __future__ import annotations

from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.errors import is_not_found
from opskit.aws.gather import gather_all
from opskit.aws.resource_tags import read_tags
from opskit.aws.s3_objects import split_s3_uri
from opskit.core.aws_names import default_bucket, workflow_prefix
from opskit.core.aws_statuses import EndpointStatus
from opskit.core.exceptions import AwsError, OpskitError
from opskit.core.job_statuses import JobStatus
from opskit.core.live_resources import LiveResource
from opskit.core.result_or_error import result_or_error
from opskit.training.reads import resources
from opskit.training.reads.resources import ListableKind, ListedResource
from opskit.training.reads.s3 import list_object_keys
from opskit.training.rules.job_names import is_owned_name, training_job_of
from opskit.training.rules.workflow_resources import (
    OBJECTS,
    CleanupScope,
    DeletableKind,
    KeptResource,
    ResourceRef,
    S3Objects,
    WorkflowResources,
    why_left,
)

# The key for every training job in ``holders``, for unread resources that may belong to any of them.
_ANY_JOB = ""


def find_resources(
    client: AwsClient, scope: CleanupScope, bucket: str | None, *, endpoints_gone: bool = False
) -> WorkflowResources:
    """Find everything of a workflow in the scope, and what stays. ``endpoints_gone``: its endpoints were deleted, so
    one that still exists is a reason to keep what it uses.

    Raises:
        AwsError: STS could not be read, or there are no credentials.
    """
    account = client.session.identity().account
    scan = _ResourceScan(client, scope)
    scan.list_everything()
    live = scan.live_jobs()
    endpoints = scan.removable_resources(ListableKind.ENDPOINT, DeletableKind.ENDPOINT, all_stay=endpoints_gone)
    configs = scan.removable_resources(ListableKind.CONFIG, DeletableKind.CONFIG, ListableKind.ENDPOINT)
    models = scan.removable_resources(ListableKind.MODEL, DeletableKind.MODEL, *_USERS)
    objects = scan.removable_objects(account, bucket or default_bucket(client.region, account))
    return WorkflowResources(
        scope=scope,
        region=client.region,
        account=account,
        items=(*endpoints, *configs, *models),
        objects=tuple(objects),
        going=tuple(
            listed_resource.name
            for listed_resource in scan.found[ListableKind.ENDPOINT]
            if EndpointStatus(listed_resource.status).traits.is_going
        ),
        jobs=tuple(listed_resource.name for listed_resource in scan.found[ListableKind.TRAINING_JOB]),
        live_jobs=tuple(live),
        staying=tuple(scan.staying),
        read_errors=tuple(scan.unread.values()),
        saw_nothing=not scan.was_read,
    )


def foreign_reason(client: AwsClient, scope: CleanupScope, arn: str) -> str | OpskitError | None:
    """Why a resource is out of scope, by its current tags; None: it is not. An error: the tags could not be read.

    Raises:
        CredentialsError: no other read would succeed either.
    """
    tags = result_or_error(partial(read_tags, client, arn))
    if isinstance(tags, OpskitError):
        return tags
    return why_left(scope, tags)


def unreadable_tags_text(error: OpskitError) -> str:
    """Why a resource stays whose tags could not be read."""
    return f"its tags could not be read: {error.problem.message.rstrip('.')}"


# The kinds that may use a model; its files may be used by models as well.
_USERS = tuple(listable_kind for listable_kind in ListableKind if listable_kind.may_use_models)
_WORDS = {
    ListableKind.ENDPOINT: "endpoint",
    ListableKind.CONFIG: "endpoint config",
    ListableKind.MODEL: "model",
    ListableKind.TRAINING_JOB: "training job",
    ListableKind.TRANSFORM_JOB: "transform job",
}


class _ResourceScan:
    """What was read so far, listing by listing, and what follows from it.

    ``strange`` maps ARNs to the reason why that resource is out of scope; ``holders`` maps, for each kind that
    stays, training jobs by name to the reason why everything else of that job stays.
    """

    def __init__(self, client: AwsClient, scope: CleanupScope) -> None:
        self.client, self.scope, self.workflow = client, scope, scope.workflow
        self.found: dict[ListableKind, list[ListedResource]] = {listable_kind: [] for listable_kind in ListableKind}
        self.was_read: set[ListableKind] = set()
        self.strange: dict[str, str] = {}
        self.holders: dict[ListableKind, dict[str, str]] = {listable_kind: {} for listable_kind in ListableKind}
        self.staying: list[KeptResource] = []
        self.unread: dict[str, OpskitError] = {}
        self._judged: set[str] = set()

    def list_everything(self) -> None:
        """List all resources with such names, and read the tags of those that a cleanup deletes or reports."""
        contains = f"{self.workflow}-"
        listings = gather_all(
            [
                partial(result_or_error, partial(resources.list_named, self.client, listable_kind, contains))
                for listable_kind in ListableKind
            ]
        )
        for listing, listed in zip(ListableKind, listings, strict=True):
            if isinstance(listed, OpskitError):
                self._note_unread(listed)
                # What could not be listed may use any resource of the workflow, so all of them stay.
                self.holders[listing][_ANY_JOB] = f"which {_WORDS[listing]}s there are could not be read"
            else:
                self.was_read.add(listing)
                self.found[listing] = [resource for resource in listed if is_owned_name(self.workflow, resource.name)]
        self._read_tags(
            [
                listed_resource
                for listing in ListableKind
                for listed_resource in self.found[listing]
                if _is_judged(listing, listed_resource)
            ]
        )

    def live_jobs(self) -> list[LiveResource]:
        """The jobs that are running, and cost money; everything that they may read stays."""
        live = []
        for listing in ListableKind:
            kind = listing.kind_of_job
            if kind is None:
                continue
            for listed_resource in self.found[listing]:
                if not JobStatus(listed_resource.status).is_finished:
                    if listed_resource.arn not in self.strange:
                        live.append(LiveResource(kind, listed_resource.name, self.client.region, confirmed=True))
                    why = f"the {kind.label} {listed_resource.name} is in progress"
                    self.holders[listing].setdefault(training_job_of(listed_resource.name), why)
        return live

    def removable_resources(
        self, listing: ListableKind, kind: DeletableKind, *users: ListableKind, all_stay: bool = False
    ) -> list[ResourceRef]:
        """The resources of a kind that may be deleted; ``users`` are the kinds that may use them."""
        items = []
        for listed_resource in self.found[listing]:
            if EndpointStatus(listed_resource.status).traits.is_going and not all_stay:
                continue
            why = self.strange.get(listed_resource.arn) or self._why_held(listed_resource.name, *users)
            if why or all_stay:
                self._keep_resource(listing, listed_resource, why or "it is not gone yet")
            else:
                items.append(ResourceRef(kind, listed_resource.name, listed_resource.arn))
        return items

    def removable_objects(self, account: str, default: str) -> list[S3Objects]:
        """The objects in the folders of the workflow's jobs, in the default bucket and in those that the jobs wrote
        to.
        """
        known = {listed_resource.name: listed_resource for listed_resource in self.found[ListableKind.TRAINING_JOB]}
        buckets = list(dict.fromkeys([default, *self._buckets_of_jobs(list(known))]))
        top = workflow_prefix(self.workflow)
        kept = [
            partial(result_or_error, partial(list_object_keys, self.client, account, bucket, top)) for bucket in buckets
        ]
        folders = []
        for bucket, keys in zip(buckets, gather_all(kept), strict=True):
            if isinstance(keys, OpskitError):
                self._note_unread(keys)
            else:
                folders += [(bucket, folder, inside) for folder, inside in _by_folder(keys, top).items()]
        # Only now: of the many jobs that an earlier cleanup has left without objects nobody has to know whose they are.
        self._read_tags([job for job in known.values() if f"{job.name}/" in {folder for _, folder, _ in folders}])
        known = {
            listed_resource.name: listed_resource for listed_resource in self.found[ListableKind.TRAINING_JOB]
        }  # without what is gone by now
        objects = []
        for bucket, folder, inside in folders:
            why = self._why_objects_stay(folder, known)
            if why:
                self.staying.append(KeptResource(OBJECTS, f"s3://{bucket}/{top}{folder}", why, len(inside)))
            else:
                job = known[folder.rstrip("/")]
                objects.append(S3Objects(bucket, self.workflow, job.name, job.arn, tuple(inside)))
        return objects

    def _buckets_of_jobs(self, names: list[str]) -> list[str]:
        """The buckets that training jobs wrote to; those of a job that cannot be described are unread."""
        told = gather_all([partial(result_or_error, partial(self._bucket_of_job, name)) for name in names])
        if failed := [bucket for bucket in told if isinstance(bucket, OpskitError)]:
            what = "the training job" if len(failed) == 1 else f"{len(failed)} training jobs"
            first = failed[0].problem
            text = f"Which bucket {what} wrote to could not be read, so files there are not found: {first.message}"
            self._note_unread(AwsError(first.code, text, first.hint, region=first.region))
        return [bucket for bucket in told if isinstance(bucket, str)]

    def _bucket_of_job(self, name: str) -> str | None:
        """The bucket that a training job wrote to; None: the job is gone.

        Raises:
            AwsError: it could not be read, or AWS does not tell it.
        """
        job = resources.read_training_job(self.client, name)
        if job is not None and job.output_uri is None:
            raise AwsError("bad-answer", f"AWS does not tell it of {name}.", region=self.client.region)
        return split_s3_uri(job.output_uri)[0] if job is not None and job.output_uri else None

    def _why_objects_stay(self, folder: str, known: dict[str, ListedResource]) -> str | None:
        job = known.get(folder.rstrip("/")) if folder.endswith("/") else None
        if job:
            strange = self.strange.get(job.arn)
            return (
                f"of the training job {job.name}: {strange}"
                if strange
                else self._why_held(job.name, *_USERS, ListableKind.MODEL)
            )
        unknown = self.holders[ListableKind.TRAINING_JOB].get(_ANY_JOB)
        return unknown or f"no training job of '{self.workflow}' has such a folder"

    def _why_held(self, name: str, *by: ListableKind) -> str | None:
        """Why a resource stays because of others of these kinds that exist, or may exist."""
        held = (
            self.holders[listable_kind].get(key) for listable_kind in by for key in (training_job_of(name), _ANY_JOB)
        )
        return next((why for why in held if why), None)

    def _keep_resource(self, listing: ListableKind, listed_resource: ListedResource, why: str) -> None:
        self.staying.append(KeptResource(_WORDS[listing].replace(" ", "_"), listed_resource.name, why))
        what, held = f"the {_WORDS[listing]} {listed_resource.name}", self.holders[listing]
        try:
            used = self._jobs_used_by(listing, listed_resource.name)
        except AwsError as failure:
            self._note_unread(failure)
            used = set()
            # Without its configuration or models nobody can tell what it uses: it may use anything.
            held.setdefault(_ANY_JOB, f"what {what} uses could not be read")
        for job in {training_job_of(listed_resource.name), *used}:
            held.setdefault(job, f"{what} stays and uses it")

    def _jobs_used_by(self, listing: ListableKind, name: str) -> set[str]:
        """The training jobs that a resource's configuration, models and data belong to.

        Raises:
            AwsError: it could not be read.
        """
        configs, models = self._configs_and_models_of(listing, name)
        models += [model for config in configs for model in resources.models_of_config(self.client, config)]
        keys = [split_s3_uri(uri)[1] for model in models for uri in resources.model_data(self.client, model)]
        top = workflow_prefix(self.workflow)
        folders = {key.removeprefix(top).partition("/")[0] for key in keys if key.startswith(top)}
        return folders | {training_job_of(each) for each in (*configs, *models) if is_owned_name(self.workflow, each)}

    def _configs_and_models_of(self, listing: ListableKind, name: str) -> tuple[list[str], list[str]]:
        """The configurations and models that a resource names, or is itself."""
        match listing:
            case ListableKind.ENDPOINT:
                endpoint = resources.read_endpoint(self.client, name)
                return ([endpoint.config] if endpoint and endpoint.config else []), []
            case ListableKind.CONFIG:
                return [name], []
            case ListableKind.MODEL:
                return [], [name]
            case ListableKind.TRAINING_JOB | ListableKind.TRANSFORM_JOB:
                return [], []

    def _read_tags(self, listed: list[ListedResource]) -> None:
        """Read the tags of resources that were not checked yet, and record which are not the workflow's."""
        anew = [listed_resource for listed_resource in listed if listed_resource.arn not in self._judged]
        self._judged.update(listed_resource.arn for listed_resource in anew)
        whys = gather_all(
            [partial(foreign_reason, self.client, self.scope, listed_resource.arn) for listed_resource in anew]
        )
        for listed_resource, why in zip(anew, whys, strict=True):
            self._record_foreign(listed_resource.arn, why)

    def _record_foreign(self, arn: str, why: str | OpskitError | None) -> None:
        if isinstance(why, AwsError) and is_not_found(why):  # deleted since it was listed
            self.found = {
                kind: [listed_resource for listed_resource in found if listed_resource.arn != arn]
                for kind, found in self.found.items()
            }
        elif isinstance(why, OpskitError):
            self._note_unread(why)
            self.strange[arn] = unreadable_tags_text(why)
        elif why:
            self.strange[arn] = why

    def _note_unread(self, error: OpskitError) -> None:
        """Record a failed read; the same error is reported once."""
        self.unread.setdefault(error.problem.message, error)


def _is_judged(listing: ListableKind, listed_resource: ListedResource) -> bool:
    """Whether the owner of a resource matters now. For a finished job it does only if it has objects."""
    return not (listing.is_job and JobStatus(listed_resource.status).is_finished)


def _by_folder(keys: list[str], top: str) -> dict[str, list[str]]:
    """Keys by the folder below ``top`` that contains them, with its slash; a key outside of any folder is an entry of
    its own.
    """
    folders: dict[str, list[str]] = {}
    for key in keys:
        name, slash, _ = key.removeprefix(top).partition("/")
        folders.setdefault(f"{name}{slash}", []).append(key)
    return folders
