"""Plans a run and finds everything that blocks it, before anything is created. Nothing here changes an account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.aws.roles import ExecutionRole, find_execution_role
from opskit.aws.s3_objects import object_exists
from opskit.core.aws_names import default_bucket
from opskit.core.cost import CostItem, estimate_usd
from opskit.core.exceptions import AwsError, OpskitError, UsageError
from opskit.core.model import InstanceConfig, Unknown, Workload
from opskit.core.owners import Owner
from opskit.core.result_or_error import result_or_error
from opskit.guards.rules.refusals import RUN_HINTS, quota_refusal
from opskit.quotas.flows.check import check_quotas
from opskit.quotas.rules.headroom import QuotaCheck
from opskit.quotas.rules.requirements import parse_instance_type
from opskit.training.flows.fit_budget import BudgetVerdict, hold_against_budget
from opskit.training.flows.instance_choice import alternative_headrooms, choose_instance_types, price_cost_item
from opskit.training.reads import resources
from opskit.training.reads.s3 import BucketState, read_bucket_state
from opskit.training.rules.algorithms.table import algorithm_of
from opskit.training.rules.instance_preferences import LeftOutType
from opskit.training.rules.job_names import JobAction, base_name, choose_job, choose_transform, list_attempts
from opskit.training.rules.model import Workflow
from opskit.training.sagemaker_sdk import image_uri


@dataclass(frozen=True)
class TrainOptions:
    """The user's options for a run, and whose it is. None: the user named none.

    ``any_of`` are types of which those with room are named to AWS, which takes the first with capacity; ``fit_budget``
    shortens the training's allowed time to what ``max_usd`` allows.
    """

    owner: Owner
    instance_type: str | None = None
    any_of: tuple[str, ...] = ()
    instance_count: int | None = None
    role: str | None = None
    bucket: str | None = None
    max_usd: Decimal | None = None
    fit_budget: bool = False
    guard: bool = True
    request_increase: bool = False
    wait: bool = False
    deploy: bool = False
    again: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class RunPlan:
    """A run as planned. ``job`` and ``transform`` say whether they are started, followed or reused; ``cost_items`` is
    what is still to be paid for.

    None means for ``role``, ``image`` (of the training) and ``serving_image``: the run uses none; where it needs one,
    ``blockers`` says why there is none. ``check`` None: the quotas are not looked at. ``longest_seconds`` and
    ``last_seconds`` are those of the ``BudgetVerdict``, with its None. ``left_out`` are types of ``any_of`` without
    room.
    """

    workflow: Workflow
    region: str
    account: str
    configs: Mapping[Workload, InstanceConfig]
    job: JobAction
    transform: JobAction
    will_deploy: bool
    bucket: str
    creates_bucket: bool = False
    role: str | None = None
    role_reason: str = ""
    image: str | None = None
    serving_image: str | None = None
    cost_items: tuple[CostItem, ...] = ()
    left_out: tuple[LeftOutType, ...] = ()
    longest_seconds: int | None = None
    last_seconds: int | Unknown | None = None
    check: QuotaCheck | None = None
    blockers: tuple[OpskitError, ...] = field(default=(), repr=False)

    @property
    def estimate_usd(self) -> Decimal | None:
        """The highest cost that is still to be paid, in USD, without the hours of an endpoint. None: a price is not
        known.
        """
        return estimate_usd(self.cost_items)


def plan_run(client: AwsClient, workflow: Workflow, options: TrainOptions, now: datetime) -> RunPlan:
    """Plan a run.

    Raises:
        UsageError: an instance type of the workflow or the user is invalid.
        AwsError: STS or the jobs could not be read.
    """
    configs = instance_configs(workflow, options)
    account = client.session.identity().account
    # The instances are part of the name: a run with others is another job, and is paid for anew.
    stem = base_name(workflow, configs[Workload.TRAINING], options.owner.name)
    job = _choose_training_job(client, stem, again=options.again)
    transform = _choose_transform_job(client, job)
    plan = RunPlan(
        workflow=workflow,
        region=client.region,
        account=account,
        configs=configs,
        job=job,
        transform=transform,
        will_deploy=options.deploy and not _endpoint_is_usable(client, job.name),
        bucket=options.bucket or default_bucket(client.region, account),
    )
    # Then role, bucket, prices and quotas need not be read: nothing is going to be created or paid for.
    return plan if _is_finished(plan) else _assess_plan(client, plan, options, now)


def started_concurrently(client: AwsClient, plan: RunPlan) -> bool:
    """Whether another opskit has started the very job of this plan: then the quota that it uses is not missing.

    Raises:
        AwsError: the jobs could not be listed.
    """
    if plan.job.is_new:
        return plan.job.name in resources.list_training_jobs(client, plan.job.name)
    transform = plan.transform
    return transform.is_new and transform.name in resources.list_transform_jobs(client, transform.name)


def _is_finished(plan: RunPlan) -> bool:
    """Whether everything exists already."""
    return plan.job.is_completed and plan.transform.is_completed and not plan.will_deploy


def _assess_plan(client: AwsClient, plan: RunPlan, options: TrainOptions, now: datetime) -> RunPlan:
    """The plan with role, bucket, image, prices and quotas, and with everything that blocks it."""
    workloads = _billed_workloads(plan)
    choices = choose_instance_types(client, plan.configs, workloads, options.any_of, now, guard=options.guard)
    plan = replace(
        plan,
        configs={**plan.configs, **{use: choice.apply_to(plan.configs[use]) for use, choice in choices.items()}},
        left_out=tuple(each for choice in choices.values() for each in choice.left_out),
    )
    price_readers = [partial(price_cost_item, client, workload, plan.configs[workload]) for workload in workloads]
    bucket, role, check, parts = gather(
        partial(result_or_error, partial(_plan_bucket, client, plan)),
        partial(result_or_error, partial(_plan_role, client, plan, options)),
        partial(_check_plan_quotas, client, plan, workloads, now) if options.guard else lambda: None,
        partial(gather_all, price_readers),
    )
    check = check and replace(check, headrooms=(*check.headrooms, *alternative_headrooms(choices)))
    budget = hold_against_budget(client, plan.workflow, parts, options.max_usd, fit=options.fit_budget)
    plan = _with_training_time(plan, budget)
    creates_bucket = isinstance(bucket, BucketState) and bucket.is_to_be_created
    # Only the account's default bucket is made: one that was named and is not there is a typing error.
    if creates_bucket and options.bucket:
        bucket = UsageError("no-bucket", f"There is no bucket '{plan.bucket}'.", "Make it, or leave --bucket out.")
    blockers = [check and quota_refusal(check, RUN_HINTS), budget.error, role, bucket]
    assessed = replace(
        plan,
        creates_bucket=creates_bucket,
        role=role.arn if isinstance(role, ExecutionRole) else None,
        role_reason=role.reason if isinstance(role, ExecutionRole) else "",
        cost_items=budget.cost_items,
        check=check,
        blockers=tuple(opskit_error for opskit_error in blockers if isinstance(opskit_error, OpskitError)),
    )
    return assessed if assessed.blockers else _with_image(assessed)


def _with_training_time(plan: RunPlan, budget: BudgetVerdict) -> RunPlan:
    """The plan with the time that the budget allows the training."""
    seconds = budget.training_seconds
    plan = replace(plan, longest_seconds=budget.longest_seconds, last_seconds=budget.last_seconds)
    if seconds is None:
        return plan
    training = replace(plan.configs[Workload.TRAINING], max_seconds=seconds)
    return replace(plan, configs={**plan.configs, Workload.TRAINING: training})


def _with_image(plan: RunPlan) -> RunPlan:
    """The plan with the algorithm's image."""
    algorithm = algorithm_of(plan.workflow)
    # Last, when nothing else blocks the run: the SDK takes seconds to load.
    image = result_or_error(partial(image_uri, algorithm.training_image(plan.workflow), plan.region))
    serving = result_or_error(partial(image_uri, algorithm.serving_image(plan.workflow), plan.region))
    if isinstance(image, str) and isinstance(serving, str):
        return replace(plan, image=image, serving_image=serving)
    return replace(plan, blockers=tuple(error for error in (image, serving) if isinstance(error, OpskitError))[:1])


def _plan_bucket(client: AwsClient, plan: RunPlan) -> BucketState:
    """The state of the bucket; it is not checked if nothing is to be written."""
    writes = plan.job.is_new or plan.transform.is_new
    return read_bucket_state(client, plan.bucket, plan.account) if writes else BucketState.OURS


def _plan_role(client: AwsClient, plan: RunPlan, options: TrainOptions) -> ExecutionRole | None:
    """The execution role of jobs and model; None if all of them exist already."""
    if plan.job.is_completed and plan.transform.is_completed and resources.model_exists(client, plan.job.name):
        return None
    return find_execution_role(client, options.role)


def instance_configs(workflow: Workflow, options: TrainOptions) -> dict[Workload, InstanceConfig]:
    """The instances of each part; a type from the user applies to all of them, a count to the training."""
    defaults = {
        Workload.TRAINING: workflow.training,
        Workload.TRANSFORM: workflow.transform,
        Workload.ENDPOINT: workflow.endpoint,
    }
    # Of several types the first stands for all where one is needed.
    first = options.any_of[0] if options.any_of else options.instance_type
    configs = {
        use: replace(instance_config, instance_type=parse_instance_type(first or instance_config.instance_type))
        for use, instance_config in defaults.items()
    }
    count = options.instance_count or workflow.training.count
    training = replace(
        configs[Workload.TRAINING], count=count, preferences=options.any_of if len(options.any_of) > 1 else ()
    )
    keep_alive = workflow.settings.keep_alive_seconds
    warm_pool = {Workload.WARM_POOL: replace(training, max_seconds=keep_alive)} if keep_alive else {}
    return {**configs, Workload.TRAINING: training, **warm_pool}


def _choose_training_job(client: AwsClient, base: str, *, again: bool) -> JobAction:
    jobs = resources.list_training_jobs(client, base)
    completed = [name for name in list_attempts(base, jobs) if jobs[name].is_completed]
    usable = [] if again else [name for name in completed if _has_model(client, name)]
    return choose_job(base, jobs, again=again, usable=usable)


def _has_model(client: AwsClient, name: str) -> bool:
    """Whether a completed job's model still exists.

    Raises:
        AwsError: AWS does not say.
    """
    # A cleanup deletes the model and no job: AWS cannot delete one, and such a job cannot be reused.
    job = resources.read_training_job(client, name)
    if job is not None and job.model_uri is None:  # it may be there, and another job would be paid for
        text = f"AWS does not tell where the model of the completed training job {name} is."
        raise AwsError("bad-answer", text, "--again trains a new one.", region=client.region)
    return job is not None and job.model_uri is not None and object_exists(client, job.model_uri)


def _choose_transform_job(client: AwsClient, job: JobAction) -> JobAction:
    """The transform of a training job. For a training job that does not exist yet it is always a new one."""
    jobs = resources.list_transform_jobs(client, job.name)
    attempts = [*list_attempts(job.name, jobs), job.name]
    completed = [name for name in attempts if name in jobs and jobs[name].is_completed and not job.is_new]
    return choose_transform(job.name, jobs, [name for name in completed if _has_predictions(client, name)])


def _has_predictions(client: AwsClient, name: str) -> bool:
    job = resources.read_transform_job(client, name)
    return bool(job and object_exists(client, job.predictions_uri))


def _endpoint_is_usable(client: AwsClient, name: str) -> bool:
    endpoint = resources.read_endpoint(client, name)
    return endpoint is not None and not endpoint.traits.is_going


def _billed_workloads(plan: RunPlan) -> list[Workload]:
    workloads = [Workload.TRAINING] if plan.job.is_new else []
    # A warm pool is billed as its training is, for as long as it is kept.
    workloads += [Workload.WARM_POOL] if workloads and plan.workflow.settings.keep_alive_seconds else []
    workloads += [Workload.TRANSFORM] if plan.transform.is_new else []
    return workloads + ([Workload.ENDPOINT] if plan.will_deploy else [])


def _check_plan_quotas(client: AwsClient, plan: RunPlan, workloads: list[Workload], now: datetime) -> QuotaCheck | None:
    cost_items = [CostItem(workload, plan.configs[workload], Unknown("not asked")) for workload in workloads]
    return check_quotas([client], [item.requirement() for item in cost_items], now) if cost_items else None
