"""Training jobs: they are let in by the quotas, and then they truly train."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from opskit.sandbox.account.execution_roles import check_role
from opskit.sandbox.container.images import xgboost_image_uri
from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError, validation_error
from opskit.sandbox.jobs.training_job import ACTIVE_STATUSES, TrainingJob
from opskit.sandbox.jobs.training_run import TrainingRun
from opskit.sandbox.list_responses import list_response
from opskit.sandbox.quotas.quota_ledger import QuotaLedger
from opskit.sandbox.scenarios import ROLE_NAME, RecordSeed
from opskit.sandbox.state import AccountRegion, ApiCall, InstanceUsage, SandboxState
from opskit.sandbox.storage.s3_objects import S3Uri, check_data_source
from opskit.sandbox.tags import TagService, request_tags

_NOT_FOUND = "Requested resource not found."


class TrainingService:
    """CreateTrainingJob and what belongs to it."""

    def __init__(self, state: SandboxState, ledger: QuotaLedger, tags: TagService) -> None:
        self._state = state
        self._ledger = ledger
        self._jobs: dict[AccountRegion, dict[str, TrainingJob]] = {}
        state.usage_sources.append(self.instances_in_use)
        state.seeders["training-job"] = state.seeders["spot-training-job"] = self.add_seed_record
        tags.register_resource_type("training-job", self._job_tags)

    def _jobs_by_name(self, account_region: AccountRegion) -> dict[str, TrainingJob]:
        return self._jobs.setdefault(account_region, {})

    def _job_tags(self, account_region: AccountRegion, name: str) -> dict[str, str] | None:
        job = self._jobs_by_name(account_region).get(name)
        return job.tags if job else None

    def instances_in_use(self, account_region: AccountRegion) -> Iterable[InstanceUsage]:
        """The instances of the jobs that are not over."""
        return [
            held
            for job in self.all_jobs(account_region)
            if job.status in ACTIVE_STATUSES
            for held in job.instance_usage()
        ]

    def all_jobs(self, account_region: AccountRegion) -> list[TrainingJob]:
        """Every job of an account and Region, the oldest first."""
        return list(self._jobs_by_name(account_region).values())

    @aws_operation("sagemaker", "CreateTrainingJob")
    def create_training_job(self, call: ApiCall) -> dict[str, Any]:
        now = self._state.now()
        job = TrainingJob(call.account_region, call.params, now, now, request_tags(call.params))
        self._check_request(job)
        with self._state.lock(call.account_region):
            self._refuse_used_name(job)
            self._check_quotas(call.operation, job)
            job.enter_status("Starting", now)
            self._jobs_by_name(call.account_region)[job.name] = job
        run = TrainingRun(self._state, job, self._create_job_dir(job))
        threading.Thread(target=self._run_and_clean_up, args=(run,), name=job.name, daemon=True).start()
        return {"TrainingJobArn": job.arn}

    def _check_quotas(self, operation: str, job: TrainingJob) -> None:
        account_region, volume = job.account_region, job.params["ResourceConfig"].get("VolumeSizeInGB", 0)
        self._ledger.check_capacity(account_region, operation, *job.instance_usage())
        self._ledger.check_capacity(account_region, operation, *job.rule_usage())
        self._ledger.check_amount(
            account_region, "Longest run time for a training job", job.max_runtime_seconds, "Seconds"
        )
        self._ledger.check_amount(account_region, "Size of EBS volume for a training job instance", volume, "Gigabytes")

    def _create_job_dir(self, job: TrainingJob) -> Path:
        folder = self._state.folder / "training" / job.account_region.account / job.account_region.region / job.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _run_and_clean_up(self, run: TrainingRun) -> None:
        run.run_job()
        shutil.rmtree(run.folder, ignore_errors=True)

    def _refuse_used_name(self, job: TrainingJob) -> None:
        if job.name in self._jobs_by_name(job.account_region):
            raise ApiError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a training job with this "
                f"name already exists ({job.arn})",
            )

    def _check_request(self, job: TrainingJob) -> None:
        self._refuse_used_name(job)
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
            return self._find_job(call).describe()

    def _find_job(self, call: ApiCall) -> TrainingJob:
        try:
            return self._jobs_by_name(call.account_region)[call.params["TrainingJobName"]]
        except KeyError:
            raise validation_error(_NOT_FOUND) from None

    @aws_operation("sagemaker", "ListTrainingJobs")
    def list_training_jobs(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            rows = [job.list_row() for job in self.all_jobs(call.account_region)]
        if "WarmPoolStatusEquals" in call.params or "TrainingPlanArnEquals" in call.params:
            rows = []
        return list_response(call, rows, "TrainingJobSummaries", newest_first=False)

    @aws_operation("sagemaker", "StopTrainingJob")
    def stop_training_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            job = self._find_job(call)
            if job.status == "Stopping":
                return {}
            if job.status != "InProgress":
                raise validation_error(f"The request was rejected because the training job is in status {job.status}.")
            job.enter_status("Stopping", self._state.now())
            job.status = "Stopping"
            job.stop_requested.set()
            if not job.has_process:
                job.finish("Stopped", "Stopped", self._state.now())
        return {}

    @aws_operation("sagemaker", "UpdateTrainingJob")
    def update_training_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            job = self._find_job(call)
            if "ResourceConfig" in call.params:
                raise validation_error(
                    f"The training job {job.name} has no warm pool to update: the sandbox keeps none."
                )
            if job.status != "InProgress":
                raise validation_error(f"The request was rejected because the training job is in status {job.status}.")
            changed = {name: value for name, value in call.params.items() if name != "TrainingJobName"}
            job.params = {**job.params, **changed}
            job.modified = self._state.now()
        return {"TrainingJobArn": job.arn}

    @aws_operation("sagemaker", "DeleteTrainingJob")
    def delete_training_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            job = self._find_job(call)
            if job.status in ACTIVE_STATUSES:
                raise ApiError("ResourceInUse", f"The training job {job.arn} is in status {job.status}.")
            del self._jobs_by_name(call.account_region)[job.name]
        return {}

    def add_seed_record(self, account_region: AccountRegion, seed: RecordSeed) -> None:
        """Enter a job that is said to be training since ``running_for``, without a process."""
        born = self._state.now() - seed.running_for
        job = TrainingJob(account_region, _seed_training_params(account_region, seed), born, born, has_process=False)
        for number, secondary in enumerate(("Starting", "Downloading", "Training")):
            job.enter_status(secondary, born + timedelta(seconds=30 * number))
        with self._state.lock(account_region):
            self._jobs_by_name(account_region)[job.name] = job


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
    if not resources.get("InstanceGroups") and not {"InstanceType", "InstanceCount"} <= set(resources):
        raise validation_error("ResourceConfig must have either InstanceType and InstanceCount, or InstanceGroups.")
    if any(count < 1 for _, count in job.instance_counts()):
        raise validation_error(
            "1 validation error detected: Value '0' at 'resourceConfig.instanceCount' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1"
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
        "RoleArn": f"arn:aws:iam::{account_region.account}:role/service-role/{ROLE_NAME}",
        "HyperParameters": {"num_round": "100"},
        "OutputDataConfig": {"S3OutputPath": f"{bucket}/output"},
        "ResourceConfig": {
            "InstanceType": seed.instance_type,
            "InstanceCount": seed.count,
            "VolumeSizeInGB": 30,
        },
        "EnableManagedSpotTraining": seed.resource == "spot-training-job",
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400},
    }
