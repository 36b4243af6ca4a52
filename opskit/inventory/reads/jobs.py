"""Jobs that run: training and what it keeps warm, transform and processing jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opskit.aws.client import AwsClient
from opskit.core.job_statuses import JobStatus
from opskit.core.workloads import PriceComponent
from opskit.inventory.rules.running_resource import (
    BilledInstances,
    BilledKind,
    BilledPart,
    BilledVerdict,
    InventoryPart,
    RunningResource,
    aws_sagemaker_command,
)
from opskit.quotas.reads.descriptions import Response
from opskit.quotas.reads.job_listings import PROCESSING_JOBS, TRANSFORM_JOBS, JobKind, read_live_jobs
from opskit.quotas.reads.training_usage import read_live_training_jobs

# A job in one of these has no instances yet, and AWS bills from the time when training starts.
_BEFORE_INSTANCES = {"Starting", "Pending", "LaunchingMLInstances", "PreparingTrainingStack"}
_PLAN_PAID = "a training plan has paid its instances in advance"
_FREE_RULE = "AWS does not bill the built-in rules of Debugger"
_SPOT = "AWS's price list has no spot prices"
_NO_INSTANCES_YET = "it has no instances yet, and bills from its start"


def read_training_jobs(client: AwsClient) -> InventoryPart:
    """The training jobs of a Region that run, and the warm pools that ended jobs keep."""
    live = read_live_training_jobs(client)
    running = [_running_training_job(client.region, job) for job in live.running]
    warm = [_warm_pool(client.region, job) for job in live.warm]
    return InventoryPart((*running, *warm), tuple(filter(None, (live.jobs_gap, live.pool_gap))))


def read_transform_jobs(client: AwsClient) -> InventoryPart:
    """The transform jobs of a Region that run."""
    kind, component = BilledKind.TRANSFORM, PriceComponent.TRANSFORM
    return _read_jobs(client, TRANSFORM_JOBS, kind, component, lambda job: job.get("TransformResources"))


def read_processing_jobs(client: AwsClient) -> InventoryPart:
    """The processing jobs of a Region that run."""
    return _read_jobs(
        client,
        PROCESSING_JOBS,
        BilledKind.PROCESSING,
        PriceComponent.PROCESSING,
        lambda job: (job.get("ProcessingResources") or {}).get("ClusterConfig"),
    )


def _read_jobs(
    client: AwsClient,
    job_kind: JobKind,
    kind: BilledKind,
    component: PriceComponent,
    resources: Callable[[Response], Response | None],
) -> InventoryPart:
    jobs, gap = read_live_jobs(client, job_kind)
    found = [_running_job(client.region, job, job_kind, kind, component, resources(job) or {}) for job in jobs]
    return InventoryPart(tuple(found), () if gap is None else (gap,))


def _running_job(
    region: str, job: Response, job_kind: JobKind, kind: BilledKind, component: PriceComponent, resources: Response
) -> RunningResource:
    name, prefix = str(job[f"{job_kind.prefix}Name"]), job_kind.prefix
    started, status = job.get(f"{prefix.removesuffix('Job')}StartTime"), str(job[f"{prefix}Status"])
    # AWS tells of no start until there are instances; of a status that opskit does not know that says nothing.
    not_begun = started is None and JobStatus(status).is_running
    option = f"{job_kind.name}_name"
    stop = aws_sagemaker_command(f"stop-{job_kind.name.replace('_', '-')}", region, **{option: name})
    return RunningResource(
        region,
        kind,
        name,
        str(job.get(f"{prefix}Arn", "")),
        status,
        started,
        tuple(_instance_parts(resources, component)),
        free=_FREE_RULE if _is_debugger_rule(job) else "",
        not_begun=not_begun,
        reason=_NO_INSTANCES_YET if not_begun else f"AWS says {status}",
        stop_with=stop,
    )


def _is_debugger_rule(job: Response) -> bool:
    """Whether a processing job is a built-in rule of Debugger or Profiler, which a training job brings along."""
    image = str((job.get("AppSpecification") or {}).get("ImageUri", ""))
    return bool(job.get("TrainingJobArn")) and "/sagemaker-debugger-rules" in image


def _running_training_job(region: str, job: Response) -> RunningResource:
    name, config = str(job["TrainingJobName"]), job.get("ResourceConfig") or {}
    started, phase = job.get("TrainingStartTime"), job.get("SecondaryStatus")
    not_begun = started is None and phase in _BEFORE_INSTANCES
    return RunningResource(
        region,
        BilledKind.TRAINING,
        name,
        str(job.get("TrainingJobArn", "")),
        str(job["TrainingJobStatus"]),
        started,
        tuple(_instance_parts(config, PriceComponent.TRAINING)),
        unpriced=_SPOT if job.get("EnableManagedSpotTraining") else "",
        free=_PLAN_PAID if config.get("TrainingPlanArn") else "",
        not_begun=not_begun,
        reason=_NO_INSTANCES_YET if not_begun else f"AWS says {phase or job['TrainingJobStatus']}",
        stop_with=aws_sagemaker_command("stop-training-job", region, training_job_name=name),
        tags=searched_tags(job),
    )


def _warm_pool(region: str, job: Response) -> RunningResource:
    """The instances that an ended job keeps for the next; they bill like training."""
    name = str(job["TrainingJobName"])
    return RunningResource(
        region,
        BilledKind.WARM_POOL,
        name,
        str(job.get("TrainingJobArn", "")),
        str((job.get("WarmPoolStatus") or {}).get("Status", "")),
        job.get("TrainingEndTime"),
        tuple(_instance_parts(job.get("ResourceConfig") or {}, PriceComponent.TRAINING)),
        verdict=BilledVerdict.IDLE,
        reason="the job has ended, and its instances wait for another",
        stop_with=aws_sagemaker_command(
            "update-training-job", region, training_job_name=name, resource_config="KeepAlivePeriodInSeconds=0"
        ),
        tags=searched_tags(job),
    )


def searched_tags(record: Response) -> dict[str, str] | None:
    """The tags that Search has of a resource; None: they have to be read, as a description never has any."""
    tags = record.get("Tags")
    return None if tags is None else {str(tag.get("Key")): str(tag.get("Value", "")) for tag in tags}


def _instance_parts(config: Response, component: PriceComponent) -> Iterable[BilledPart]:
    """The instances of a job: of one type, of several groups, or of the type that AWS took from preferences. Until it
    has taken one, the type is not known.
    """
    for group in config.get("InstanceGroups") or [config]:
        instance_type = group.get("SelectedInstanceType") or group.get("InstanceType")
        yield BilledInstances(
            instance_type, group.get("SelectedInstanceCount") or group.get("InstanceCount"), component
        )
