"""Jobs that run other jobs, or people: tuning, AutoML and labeling jobs. What they start bills and is listed on its
own, so that nothing is counted twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from opskit.aws.client import AwsClient
from opskit.core.job_statuses import JobStatus, LabelingJobStatus, TuningJobStatus
from opskit.inventory.rules.running_resource import BilledKind, InventoryPart, RunningResource, aws_sagemaker_command
from opskit.quotas.reads.descriptions import Response
from opskit.quotas.reads.job_listings import JobKind, read_live_jobs


@dataclass(frozen=True)
class ParentJobs:
    """Jobs of a kind, in AWS's words. ``stop_word`` is the AWS CLI's. ``free`` or ``unpriced`` say what they cost."""

    kind: JobKind
    billed: BilledKind
    stop_word: str
    free: str = ""
    unpriced: str = ""


_TUNING = ParentJobs(
    JobKind(
        "hyper_parameter_tuning_job",
        "HyperParameterTuningJob",
        TuningJobStatus,
        listing="list_hyper_parameter_tuning_jobs",
        summaries="HyperParameterTuningJobSummaries",
        description="describe_hyper_parameter_tuning_job",
    ),
    BilledKind.TUNING,
    "hyper-parameter-tuning-job",
    free="its training jobs bill, and are listed on their own",
)
_AUTOML = ParentJobs(
    # The newer description is of jobs that were made by either call.
    JobKind(
        "auto_ml_job",
        "AutoMLJob",
        JobStatus,
        listing="list_auto_ml_jobs",
        summaries="AutoMLJobSummaries",
        description="describe_auto_ml_job_v2",
    ),
    BilledKind.OTHER,
    "auto-ml-job",
    free="the jobs that it runs bill, and are listed on their own",
)
_LABELING = ParentJobs(
    JobKind(
        "labeling_job",
        "LabelingJob",
        LabelingJobStatus,
        listing="list_labeling_jobs",
        summaries="LabelingJobSummaryList",
        description="describe_labeling_job",
    ),
    BilledKind.OTHER,
    "labeling-job",
    unpriced="labeling is billed by object and by who labels",
)


def read_tuning_jobs(client: AwsClient) -> InventoryPart:
    """The tuning jobs of a Region that run."""
    return _read_parent_jobs(client, _TUNING)


def read_automl_jobs(client: AwsClient) -> InventoryPart:
    """The AutoML jobs of a Region that run."""
    return _read_parent_jobs(client, _AUTOML)


def read_labeling_jobs(client: AwsClient) -> InventoryPart:
    """The labeling jobs of a Region that run."""
    return _read_parent_jobs(client, _LABELING)


def _read_parent_jobs(client: AwsClient, parents: ParentJobs) -> InventoryPart:
    jobs, gap = read_live_jobs(client, parents.kind)
    found = tuple(_running_parent(client.region, job, parents) for job in jobs)
    return InventoryPart(found, () if gap is None else (gap,))


def _running_parent(region: str, job: Response, parents: ParentJobs) -> RunningResource:
    prefix, option = parents.kind.prefix, f"{parents.stop_word.replace('-', '_')}_name"
    name, status = str(job[f"{prefix}Name"]), str(job[f"{prefix}Status"])
    return RunningResource(
        region,
        parents.billed,
        name,
        str(job.get(f"{prefix}Arn", "")),
        status,
        job.get("CreationTime"),
        free=parents.free,
        unpriced=parents.unpriced,
        reason=f"AWS says {status}",
        stop_with=aws_sagemaker_command(f"stop-{parents.stop_word}", region, **{option: name}),
    )
