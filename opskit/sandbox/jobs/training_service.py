"""Training jobs: they are let in by the quotas, and then they truly train."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from opskit.sandbox.account.execution_roles import check_role
from opskit.sandbox.container.images import xgboost_image_uri
from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError, validation_error
from opskit.sandbox.jobs.job_history import PastJob
from opskit.sandbox.jobs.job_record import JobStore
from opskit.sandbox.jobs.job_status import JobStatus
from opskit.sandbox.jobs.training_job import SecondaryStatus, TrainingJob
from opskit.sandbox.jobs.training_run import TrainingRun
from opskit.sandbox.jobs.warm_pool import WarmPool, WarmPoolState, fits_pool, warm_pool_for
from opskit.sandbox.list_responses import ListRow, list_response
from opskit.sandbox.quotas.quota_ledger import QuotaLedger
from opskit.sandbox.scenarios import RecordSeed, execution_role_arn
from opskit.sandbox.state import AccountRegion, ApiCall, InstanceUsage, SandboxState, UsageResource
from opskit.sandbox.storage.s3_objects import S3Uri, check_data_source
from opskit.sandbox.tags import TagService, request_tags


class TrainingService:
    """CreateTrainingJob and what belongs to it."""

    def __init__(self, state: SandboxState, ledger: QuotaLedger, tags: TagService) -> None:
        self._state = state
        self._ledger = ledger
        self.jobs = JobStore(state, tags, TrainingJob, _past_training_job)
        state.seeders[UsageResource.TRAINING_JOB] = self.add_seed_record
        state.seeders[UsageResource.SPOT_TRAINING_JOB] = self.add_seed_record

    @aws_operation("sagemaker", "CreateTrainingJob")
    def create_training_job(self, call: ApiCall) -> dict[str, Any]:
        now = self._state.now()
        job = TrainingJob(call.account_region, call.params, now, now, request_tags(call.params))
        self._check_request(job)
        job.pool = warm_pool_for(call.params)
        with self._state.lock(call.account_region):
            # Again, under the lock: another request may have used the name since the first look.
            self.jobs.refuse_used_name(job)
            with self._warm_pool_taken(job, now):
                self._check_quotas(call.operation, job)
            job.enter_status(SecondaryStatus.STARTING, now)
            self.jobs.add_job(job)
        run = TrainingRun(self._state, job, self._create_job_dir(job))
        threading.Thread(target=run.run_job, name=job.name, daemon=True).start()
        return {"TrainingJobArn": job.arn}

    @contextmanager
    def _warm_pool_taken(self, job: TrainingJob, now: datetime) -> Iterator[None]:
        """Give the job the warm pool that fits it, where one waits. It is given back where the job is refused."""
        waiting = [
            other.pool
            for other in self.jobs.all_jobs(job.account_region)
            if other.pool and other.pool_state(now) is WarmPoolState.AVAILABLE and fits_pool(job.params, other.params)
        ]
        if waiting:
            # Before the quotas are looked at: its instances are then held once, not twice.
            waiting[0].take_over(job.name, now)
            job.pool = job.pool or WarmPool(0)
        try:
            yield
        except ApiError:
            if waiting:
                waiting[0].give_back()
            raise

    def _check_pool_quota(self, job: TrainingJob) -> None:
        """A job that keeps its instances needs room for them among the warm pools, too."""
        now = self._state.now()
        kept = [each for each in self.jobs.all_jobs(job.account_region) if each.holds_pool(now)]
        for instance_type, count in job.instance_counts() if job.pool else ():
            in_use = sum(held for each in kept for kind, held in each.instance_counts() if kind == instance_type)
            name = f"{instance_type} for training warm pool usage"
            self._ledger.check_amount(job.account_region, name, count, "Instances", in_use=in_use)

    def _check_quotas(self, operation: str, job: TrainingJob) -> None:
        account_region, volume = job.account_region, job.params["ResourceConfig"].get("VolumeSizeInGB", 0)
        # One type without room refuses a whole list of preferences.
        for instance_type, count in job.preferred_counts():
            usage = InstanceUsage(UsageResource.TRAINING_JOB, instance_type, count)
            self._ledger.check_capacity(account_region, operation, usage)
        self._ledger.check_capacity(account_region, operation, *job.instance_usage())
        self._ledger.check_capacity(account_region, operation, *job.rule_usage())
        self._check_pool_quota(job)
        self._ledger.check_amount(
            account_region, "Longest run time for a training job", job.max_runtime_seconds, "Seconds"
        )
        self._ledger.check_amount(account_region, "Size of EBS volume for a training job instance", volume, "Gigabytes")

    def _create_job_dir(self, job: TrainingJob) -> Path:
        folder = self._state.folder / "training" / job.account_region.account / job.account_region.region / job.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _check_request(self, job: TrainingJob) -> None:
        self.jobs.refuse_used_name(job)
        _check_algorithm(job.params)
        _check_resources(job)
        _check_spot_times(job.params)
        S3Uri.parse(job.params["OutputDataConfig"]["S3OutputPath"])
        check_role(self._state, job.account_region, job.params["RoleArn"])
        self._check_channels(job)

    def _check_channels(self, job: TrainingJob) -> None:
        channels = job.params.get("InputDataConfig", [])
        names = [channel["ChannelName"] for channel in channels]
        if len(names) != len(set(names)):
            raise validation_error("Duplicate channel names found in InputDataConfig.")
        for channel in channels:
            if source := channel["DataSource"].get("S3DataSource"):
                check_data_source(self._state, job.account_region, source, job.params["RoleArn"])

    @aws_operation("sagemaker", "DescribeTrainingJob")
    def describe_training_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            return self.jobs.get_job(call).describe(self._state.now())

    @aws_operation("sagemaker", "ListTrainingJobs")
    def list_training_jobs(self, call: ApiCall) -> dict[str, Any]:
        now, params = self._state.now(), call.params
        rows = self.jobs.list_rows(call.account_region, now)

        def fits_pool_and_plan(row: ListRow) -> bool:
            pool = (row.summary.get("WarmPoolStatus") or {}).get("Status")
            return params.get("WarmPoolStatusEquals", pool) == pool and "TrainingPlanArnEquals" not in params

        return list_response(call, rows, "TrainingJobSummaries", newest_first=False, also=fits_pool_and_plan)

    @aws_operation("sagemaker", "StopTrainingJob")
    def stop_training_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            job = self.jobs.get_job(call)
            if not job.needs_stop():
                return {}
            job.enter_status(SecondaryStatus.STOPPING, self._state.now())
            job.status = JobStatus.STOPPING
            job.stop_requested.set()
            if not job.has_process:
                job.finish(JobStatus.STOPPED, SecondaryStatus.STOPPED, self._state.now())
        return {}

    def _require_in_progress(self, job: TrainingJob) -> None:
        if job.status is not JobStatus.IN_PROGRESS:
            raise validation_error(f"The request was rejected because the training job is in status {job.status}.")

    @aws_operation("sagemaker", "UpdateTrainingJob")
    def update_training_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            job = self.jobs.get_job(call)
            now, changed = self._state.now(), dict(call.params)
            del changed["TrainingJobName"]
            resources = changed.pop("ResourceConfig", None)
            if changed or not resources:
                self._require_in_progress(job)
            if resources:
                self._update_pool(job, resources["KeepAlivePeriodInSeconds"], now)
            job.params = {**job.params, **changed}
            job.modified = now
        return {"TrainingJobArn": job.arn}

    def _update_pool(self, job: TrainingJob, seconds: int, now: datetime) -> None:
        if job.pool is None or not job.holds_pool(now):
            raise validation_error(f"The training job {job.name} has no warm pool whose retention could be updated.")
        job.pool.keep_alive(seconds, now)
        job.params = {
            **job.params,
            "ResourceConfig": {**job.params["ResourceConfig"], "KeepAlivePeriodInSeconds": seconds},
        }

    @aws_operation("sagemaker", "DeleteTrainingJob")
    def delete_training_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            job = self.jobs.get_job(call)
            if job.status.is_active:
                raise ApiError("ResourceInUse", f"The training job {job.arn} is in status {job.status}.")
            state = job.pool_state(self._state.now())
            if state and state.waits_for_job:
                raise ApiError("ResourceInUse", f"The warm pool of the training job {job.arn} is not terminated.")
            self.jobs.delete_job(job)
        return {}

    def add_seed_record(self, account_region: AccountRegion, seed: RecordSeed) -> None:
        """Enter a job that is said to be training since ``running_for``, without a process."""
        self.jobs.add_job(_seed_training_job(account_region, seed, self._state.now() - seed.running_for))


def _seed_training_job(account_region: AccountRegion, seed: RecordSeed, created: datetime) -> TrainingJob:
    params = _seed_training_params(account_region, seed)
    job = TrainingJob(account_region, params, created, created, has_process=False)
    steps = (SecondaryStatus.STARTING, SecondaryStatus.DOWNLOADING, SecondaryStatus.TRAINING)
    for number, secondary in enumerate(steps):
        # Half a minute a step.
        job.enter_status(secondary, created + timedelta(seconds=30 * number))
    return job


def _past_training_job(past: PastJob[TrainingJob]) -> TrainingJob:
    job = _seed_training_job(past.history.account_region, past.seed, past.created)
    job.finish(past.status, SecondaryStatus(past.status), past.modified, past.failure)
    return job


def _check_algorithm(params: dict[str, Any]) -> None:
    specification = params.get("AlgorithmSpecification")
    if specification is None:
        raise validation_error("AlgorithmSpecification is required.")
    if ("TrainingImage" in specification) == ("AlgorithmName" in specification):
        raise validation_error(
            "Exactly one of TrainingImage and AlgorithmName must be specified in AlgorithmSpecification."
        )


def _check_resources(job: TrainingJob) -> None:
    resources = job.params.get("ResourceConfig")
    if resources is None:
        raise validation_error("ResourceConfig is required.")
    if resources.get("InstancePreferences"):
        _check_preferences(job.params, resources)
    elif not resources.get("InstanceGroups") and not {"InstanceType", "InstanceCount"} <= set(resources):
        raise validation_error("ResourceConfig must have either InstanceType and InstanceCount, or InstanceGroups.")
    # The API's model lets a count of 0 pass; AWS answers in the words of its validation all the same.
    if any(count < 1 for _, count in job.instance_counts()):
        raise validation_error(
            "1 validation error detected: Value '0' at 'resourceConfig.instanceCount' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1"
        )


def _check_preferences(params: dict[str, Any], resources: dict[str, Any]) -> None:
    """What a list of instance types excludes, by AWS's documentation of InstancePreferences."""
    excluded: list[str] = [
        name for name in ("InstanceType", "InstanceGroups", "InstancePlacementConfig") if name in resources
    ]
    excluded += ["EnableManagedSpotTraining"] if params.get("EnableManagedSpotTraining") else []
    if excluded:
        raise validation_error(f"InstancePreferences cannot be specified together with {excluded[0]}.")
    counted = ["InstanceCount" in each for each in resources["InstancePreferences"]]
    if any(counted) != all(counted) or any(counted) == ("InstanceCount" in resources):
        raise validation_error(
            "InstanceCount must be specified either in ResourceConfig or in every one of InstancePreferences."
        )


def _check_spot_times(params: dict[str, Any]) -> None:
    if not params.get("EnableManagedSpotTraining"):
        return
    condition = params.get("StoppingCondition", {})
    longest, patience = condition.get("MaxRuntimeInSeconds", 0), condition.get("MaxWaitTimeInSeconds", 0)
    if patience < max(1, longest):
        raise validation_error(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        )


def _seed_training_params(account_region: AccountRegion, seed: RecordSeed) -> dict[str, Any]:
    bucket = f"s3://sagemaker-{account_region.region}-{account_region.account}/{seed.name}"
    return {
        "TrainingJobName": seed.name,
        "AlgorithmSpecification": {
            "TrainingImage": xgboost_image_uri(account_region.region),
            "TrainingInputMode": "File",
        },
        "RoleArn": execution_role_arn(account_region.account),
        "HyperParameters": {"num_round": "100"},
        "OutputDataConfig": {"S3OutputPath": f"{bucket}/output"},
        "ResourceConfig": {
            "InstanceType": seed.instance_type,
            "InstanceCount": seed.count,
            "VolumeSizeInGB": 30,
        },
        "EnableManagedSpotTraining": seed.resource is UsageResource.SPOT_TRAINING_JOB,
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400},
    }
