"""What an instance type can be used for, and everything that depends on it: the quota's name, the billed component,
what is counted, and the words of AWS Support and of AWS's errors.

A new workload is a member of ``Workload``, a row here and, if nothing counts it yet, a counter in
``quotas/reads/usage.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from opskit.core.model import Workload


class PriceComponent(StrEnum):
    """What an instance is billed as, in the words of AWS's price list."""

    TRAINING = "Training"
    TRANSFORM = "Batch Transform"
    HOSTING = "Hosting"
    NOTEBOOK = "Notebook"
    PROCESSING = "Processing"
    ASYNC_HOSTING = "AsyncInf"
    STUDIO_JUPYTERLAB = "Studio-JupyterLab"
    STUDIO_CODEEDITOR = "Studio-CodeEditor"
    STUDIO_KERNELGATEWAY = "Studio-Notebook"
    RSTUDIO_SESSION = "RStudio:RSession"
    RSTUDIO_SERVER = "RStudio:RServer"
    TENSORBOARD = "TensorBoard"
    CLUSTER = "Cluster"


class StoragePrice(StrEnum):
    """What the storage of a volume is billed as: the end of its usage type in AWS's price list."""

    NOTEBOOK = "Notebk:VolumeUsage.gp2"
    STUDIO = "Studio:VolumeUsage.gp3"


class UsageCounter(StrEnum):
    """What is listed to count the instances of a workload. One listing may count several workloads."""

    TRAINING_JOBS = "training jobs"
    TRANSFORM_JOBS = "transform jobs"
    PROCESSING_JOBS = "processing jobs"
    ENDPOINTS = "endpoints"
    NOTEBOOKS = "notebook instances"
    WARM_POOLS = "warm pools"
    STUDIO_APPS = "Studio apps"
    CLUSTERS = "HyperPod clusters"


@dataclass(frozen=True, kw_only=True)
class WorkloadSpec:
    """What is known of a workload. None means that none is known: no account-wide quota (``total_quota``), none per job
    (``per_job_quota``), no price of its own (``price``). Several workloads may share a ``total_quota``.
    """

    type_quota: str
    """The name of the quota for an instance type, which replaces ``{}``. The exact name identifies a quota."""
    total_quota: str | None = None
    per_job_quota: str | None = None
    volume_quota: str | None = None
    """The quota of the GB of all volumes together, whether or not anything runs on them."""
    default_volume_gb: int = 0
    """The GB of a volume whose size no request names."""
    per_job_unit: str = "job"
    """What ``per_job_quota`` limits by itself."""
    is_checked_alone: bool = False
    """Whether it is one of those that a type is checked for where no workload is named."""
    price: PriceComponent | None = None
    type_list: tuple[str, ...] = ()
    """The operation and the path of its member that takes several types, of which AWS chooses; empty: it takes one."""
    counter: UsageCounter
    studio_app: str | None = None
    """The AppType of a Studio app."""
    error_word: str
    """The word in the resource names and operations that AWS's errors quote: ``training-job/ml.m4.xlarge``."""
    error_word_is_common: bool = False
    """Whether errors about other workloads say that word too, so that theirs are looked for first."""
    support_words: tuple[str, ...]
    """Words by which a category of AWS Support, or an old case, may call it."""
    other_support_words: tuple[str, ...] = ()
    """Words that mean another workload even if one of ``support_words`` is present."""


NOTEBOOK_VOLUMES = "Total EBS volume size in GB across all notebook instances"
# Each app of JupyterLab's and Code Editor's has a space of its own, and a new space a volume.
SPACE_VOLUMES = "Total EBS volume size in GB across all Studio Spaces"

# One quota over the apps of every kind, so it is the total of several workloads.
_STUDIO_TOTAL = "Maximum number of running Studio apps allowed per account"

WORKLOADS: Mapping[Workload, WorkloadSpec] = {
    Workload.TRAINING: WorkloadSpec(
        type_quota="{} for training job usage",
        total_quota="Number of instances across all training jobs",
        per_job_quota="Maximum number of instances per training job",
        is_checked_alone=True,
        price=PriceComponent.TRAINING,
        type_list=("CreateTrainingJob", "ResourceConfig", "InstancePreferences"),
        counter=UsageCounter.TRAINING_JOBS,
        error_word="training",
        error_word_is_common=True,  # "spot-training", "training warm pool"
        support_words=("training",),
        # A case about spot training or warm pools contains the word training too, and would pass for a duplicate.
        other_support_words=("spot", "warm pool"),
    ),
    Workload.SPOT_TRAINING: WorkloadSpec(
        type_quota="{} for spot training job usage",
        total_quota="Number of instances across all spot training jobs",
        per_job_quota="Maximum number of instances per spot training job",
        price=PriceComponent.TRAINING,  # the list has no spot prices: on demand is the most it can cost
        counter=UsageCounter.TRAINING_JOBS,
        error_word="spot-training",
        support_words=("spot",),
    ),
    Workload.TRANSFORM: WorkloadSpec(
        type_quota="{} for transform job usage",
        total_quota="Number of instances across all transform jobs",
        is_checked_alone=True,
        price=PriceComponent.TRANSFORM,
        counter=UsageCounter.TRANSFORM_JOBS,
        error_word="transform",
        support_words=("transform",),
    ),
    Workload.ENDPOINT: WorkloadSpec(
        type_quota="{} for endpoint usage",
        total_quota="Number of instances across active endpoints",
        per_job_quota="Maximum number of instances per endpoint",
        per_job_unit="endpoint",
        is_checked_alone=True,
        price=PriceComponent.HOSTING,
        type_list=("CreateEndpointConfig", "ProductionVariants", "InstancePools"),
        counter=UsageCounter.ENDPOINTS,
        error_word="endpoint",
        error_word_is_common=True,  # of an address, too
        support_words=("endpoint", "hosting"),
    ),
    Workload.NOTEBOOK: WorkloadSpec(
        type_quota="{} for notebook instance usage",
        total_quota="Total number of notebook instances",
        volume_quota=NOTEBOOK_VOLUMES,
        default_volume_gb=5,
        price=PriceComponent.NOTEBOOK,
        counter=UsageCounter.NOTEBOOKS,
        error_word="notebook",
        support_words=("notebook",),
    ),
    Workload.PROCESSING: WorkloadSpec(
        type_quota="{} for processing job usage",
        total_quota="Number of instances across all processing jobs",
        per_job_quota="Maximum number of instances per processing job",
        price=PriceComponent.PROCESSING,
        counter=UsageCounter.PROCESSING_JOBS,
        error_word="processing",
        support_words=("processing",),
    ),
    Workload.WARM_POOL: WorkloadSpec(
        type_quota="{} for training warm pool usage",
        counter=UsageCounter.WARM_POOLS,
        error_word="warm-pool",
        support_words=("warm pool",),
    ),
    Workload.STUDIO_JUPYTERLAB: WorkloadSpec(
        type_quota="Studio JupyterLab Apps running on {} instances",
        total_quota=_STUDIO_TOTAL,
        counter=UsageCounter.STUDIO_APPS,
        studio_app="JupyterLab",
        volume_quota=SPACE_VOLUMES,
        default_volume_gb=5,
        error_word="jupyterlab",
        support_words=("jupyterlab",),
    ),
    Workload.STUDIO_CODEEDITOR: WorkloadSpec(
        type_quota="Studio CodeEditor Apps running on {} instances",
        total_quota=_STUDIO_TOTAL,
        counter=UsageCounter.STUDIO_APPS,
        studio_app="CodeEditor",
        volume_quota=SPACE_VOLUMES,
        default_volume_gb=5,
        error_word="codeeditor",
        support_words=("codeeditor", "code editor"),
    ),
    Workload.STUDIO_KERNELGATEWAY: WorkloadSpec(
        type_quota="Studio KernelGateway Apps running on {} instance",  # without an s, as Service Quotas has it
        total_quota=_STUDIO_TOTAL,
        counter=UsageCounter.STUDIO_APPS,
        studio_app="KernelGateway",
        error_word="kernelgateway",
        support_words=("kernelgateway", "kernel gateway"),
    ),
    Workload.CLUSTER: WorkloadSpec(
        type_quota="{} for cluster usage",
        total_quota="Total number of instances allowed across SageMaker HyperPod clusters",
        per_job_quota="Maximum number instances allowed per SageMaker HyperPod cluster",  # AWS's own wording
        per_job_unit="cluster",
        counter=UsageCounter.CLUSTERS,
        error_word="cluster",
        support_words=("cluster",),
    ),
}
