"""What a run would do and what stands in its way, seen before anything is made. Nothing here changes an account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import partial

from opskit.aws import Door, side_by_side
from opskit.decide.demands import parse_instance_type
from opskit.decide.guard import HINTS_OF_A_RUN, Part, estimate_usd, over_budget, refusal
from opskit.decide.headroom import QuotaCheck
from opskit.decide.naming import Next, Show, Start, attempts_of, next_job, next_transform, stem
from opskit.errors import OpskitError, UsageProblem
from opskit.flows.check_quotas import check_quotas
from opskit.flows.tried import tried
from opskit.model import Fleet, JobStatus, Unread, Usage, Workflow
from opskit.observe import jobs
from opskit.observe.prices import COMPONENTS, read_price
from opskit.observe.roles import execution_role
from opskit.observe.storage import BucketState, bucket_state, object_exists
from opskit.sdk import image_uri


@dataclass(frozen=True)
class Wanted:
    """What the user asked of a run. None means: decide it as AWS and the workflow would."""

    instance_type: str | None = None
    instance_count: int | None = None
    role: str | None = None
    bucket: str | None = None
    max_usd: Decimal | None = None
    guard: bool = True
    request_increase: bool = False
    wait: bool = False
    deploy: bool = False
    again: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Plan:
    """A run as it would go. ``job`` and ``transform`` say whether they are started, followed or shown; ``parts`` is
    what is still to be paid for.

    None means for ``role`` and ``image``: not needed, or ``in_the_way`` says why they are not known; ``check``: the
    quotas need not or shall not be looked at.
    """

    workflow: Workflow
    region: str
    account: str
    fleets: Mapping[Usage, Fleet]
    job: Next
    transform: Next
    deploys: bool
    bucket: str
    makes_bucket: bool = False
    role: str | None = None
    image: str | None = None
    parts: tuple[Part, ...] = ()
    check: QuotaCheck | None = None
    in_the_way: tuple[OpskitError, ...] = field(default=(), repr=False)

    @property
    def estimate_usd(self) -> Decimal | None:
        """The most that is still to be paid, in USD, without the hours of an endpoint. None: a price is not known."""
        return estimate_usd(self.parts)


def look_ahead(door: Door, workflow: Workflow, wanted: Wanted, now: datetime) -> Plan:
    """See what the run would do.

    Raises:
        UsageProblem: an instance type of the workflow's, or the user's, cannot be one.
        AwsFailure: AWS does not say who we are, or which jobs there are.
    """
    fleets = _fleets(workflow, wanted)
    account = door.connection.caller().account
    job = _job(door, stem(workflow, fleets[Usage.TRAINING]), again=wanted.again)
    transform = _transform(door, job)
    plan = Plan(
        workflow=workflow,
        region=door.region,
        account=account,
        fleets=fleets,
        job=job,
        transform=transform,
        deploys=wanted.deploy and not _answers_or_will(door, job.name),
        bucket=wanted.bucket or f"sagemaker-{door.region}-{account}",
    )
    return plan if _is_finished(plan) else _judged(door, plan, wanted, now)


def began_meanwhile(door: Door, plan: Plan) -> bool:
    """Whether another opskit started the very job this plan would start: then what it uses is no lack of room.

    Raises:
        AwsFailure: the jobs could not be listed.
    """
    if isinstance(plan.job, Start):
        return plan.job.name in jobs.training_jobs(door, plan.job.name)
    return isinstance(plan.transform, Start) and plan.transform.name in jobs.transform_jobs(door, plan.transform.name)


def _is_finished(plan: Plan) -> bool:
    """Whether all is there already, and nothing is left to make."""
    return isinstance(plan.job, Show) and isinstance(plan.transform, Show) and not plan.deploys


def _judged(door: Door, plan: Plan, wanted: Wanted, now: datetime) -> Plan:
    """The plan with role, bucket, image, prices and quotas, and with everything that stands in the way."""
    usages = _to_pay_for(plan)
    bucket, role, check, *parts = side_by_side(
        [
            partial(tried, partial(_bucket, door, plan)),
            partial(tried, partial(_role, door, plan, wanted)),
            partial(_quotas, door, plan, usages, now) if wanted.guard else lambda: None,
            *(partial(_part, door, usage, plan.fleets[usage]) for usage in usages),
        ]
    )
    if bucket is BucketState.ABSENT and wanted.bucket:
        bucket = UsageProblem("no-bucket", f"There is no bucket '{plan.bucket}'.", "Make it, or leave --bucket out.")
    ways = [check and refusal(check, HINTS_OF_A_RUN), over_budget(parts, wanted.max_usd), role, bucket]
    judged = replace(
        plan,
        makes_bucket=bucket is BucketState.ABSENT,
        role=role if isinstance(role, str) else None,
        parts=tuple(parts),
        check=check,
        in_the_way=tuple(each for each in ways if isinstance(each, OpskitError)),
    )
    return judged if judged.in_the_way else _with_image(judged)


def _with_image(plan: Plan) -> Plan:
    """The plan with the algorithm's image. The SDK takes seconds to load, so this comes when all else is well."""
    image = tried(partial(image_uri, plan.workflow.framework, plan.workflow.version, plan.region))
    return replace(plan, image=image) if isinstance(image, str) else replace(plan, in_the_way=(image,))


def _bucket(door: Door, plan: Plan) -> BucketState:
    """The state of the bucket; one that nothing is to be written to is taken as it is."""
    writes = isinstance(plan.job, Start) or isinstance(plan.transform, Start)
    return bucket_state(door, plan.bucket, plan.account) if writes else BucketState.OURS


def _role(door: Door, plan: Plan, wanted: Wanted) -> str | None:
    """The role that jobs and the model work with; None when all of them are made already."""
    shown = isinstance(plan.job, Show) and isinstance(plan.transform, Show)
    if shown and jobs.model_exists(door, plan.job.name):
        return None
    return execution_role(door, wanted.role)


def _fleets(workflow: Workflow, wanted: Wanted) -> dict[Usage, Fleet]:
    """The instances of each part; a type named by the user is meant for all of them, a count for the training."""
    own = {Usage.TRAINING: workflow.training, Usage.TRANSFORM: workflow.transform, Usage.ENDPOINT: workflow.endpoint}
    fleets = {
        use: replace(each, instance_type=parse_instance_type(wanted.instance_type or each.instance_type))
        for use, each in own.items()
    }
    count = wanted.instance_count or workflow.training.count
    return fleets | {Usage.TRAINING: replace(fleets[Usage.TRAINING], count=count)}


def _job(door: Door, base: str, *, again: bool) -> Next:
    found = jobs.training_jobs(door, base)
    completed = [name for name in attempts_of(base, found) if found[name] is JobStatus.COMPLETED]
    usable = [] if again else [name for name in completed if _has_model(door, name)]
    return next_job(base, found, again=again, usable=usable)


def _has_model(door: Door, name: str) -> bool:
    """Whether a completed job's model is still there; a cleanup removes it, and then nothing can be shown."""
    job = jobs.training_job(door, name)
    return bool(job and job.model_uri and object_exists(door, job.model_uri))


def _transform(door: Door, job: Next) -> Next:
    """The transform of a job. For a job that is still to be made it is a new one, whatever has its name already."""
    found = jobs.transform_jobs(door, job.name)
    ours = [*attempts_of(job.name, found), job.name]
    completed = [name for name in ours if found.get(name) is JobStatus.COMPLETED and not isinstance(job, Start)]
    return next_transform(job.name, found, [name for name in completed if _has_predictions(door, name)])


def _has_predictions(door: Door, name: str) -> bool:
    job = jobs.transform_job(door, name)
    return bool(job and object_exists(door, job.predictions_uri))


def _answers_or_will(door: Door, name: str) -> bool:
    found = jobs.endpoint(door, name)
    return found is not None and found.status != "Deleting"


def _to_pay_for(plan: Plan) -> list[Usage]:
    wanted = [Usage.TRAINING] if isinstance(plan.job, Start) else []
    wanted += [Usage.TRANSFORM] if isinstance(plan.transform, Start) else []
    return wanted + ([Usage.ENDPOINT] if plan.deploys else [])


def _quotas(door: Door, plan: Plan, usages: list[Usage], now: datetime) -> QuotaCheck | None:
    parts = [Part(usage, plan.fleets[usage], Unread("not asked")) for usage in usages]
    return check_quotas([door], [part.demand() for part in parts], now) if parts else None


def _part(door: Door, usage: Usage, fleet: Fleet) -> Part:
    return Part(usage, fleet, read_price(door, fleet.instance_type, COMPONENTS[usage]))
