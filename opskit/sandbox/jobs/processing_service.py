"""Processing jobs: the quotas let them in and count them, and then no container runs, which they say as they fail."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opskit.sandbox.account.execution_roles import check_role
from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError, validation_error
from opskit.sandbox.jobs.job_history import PastJob
from opskit.sandbox.jobs.job_record import JobRecord, JobStore
from opskit.sandbox.jobs.job_status import JobStatus
from opskit.sandbox.list_responses import ListedResource, list_response
from opskit.sandbox.quotas.quota_ledger import QuotaLedger
from opskit.sandbox.response_shapes import echo_request
from opskit.sandbox.scenarios import RecordSeed, execution_role_arn
from opskit.sandbox.state import AccountRegion, ApiCall, InstanceUsage, SandboxState, UsageResource
from opskit.sandbox.tags import TagService, request_tags

# Long enough to be seen in use, and to be stopped.
RUN_SECONDS = 1.0
_NO_CONTAINER = "ClientError: The sandbox runs no processing containers; the job was let in by the quotas and no more."


@dataclass
class ProcessingJob(JobRecord):
    """A processing job."""

    arn_type = "processing-job"
    name_member = "ProcessingJobName"

    @property
    def max_runtime_seconds(self) -> int:
        return int(self.params.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 0))

    def instance_usage(self) -> list[InstanceUsage]:
        cluster = self.params["ProcessingResources"]["ClusterConfig"]
        return [InstanceUsage(UsageResource.PROCESSING_JOB, cluster["InstanceType"], cluster["InstanceCount"])]

    def describe(self) -> dict[str, Any]:
        """The answer of DescribeProcessingJob."""
        request_members = echo_request("DescribeProcessingJob", self.params)
        return {**request_members, **self._summary_members(), "ProcessingStartTime": self.started}

    def list_row(self, now: datetime) -> ListedResource:
        """The job as ListProcessingJobs shows it."""
        return ListedResource(self.name, self.created, self.modified, self.status, self._summary_members())

    def _summary_members(self) -> dict[str, Any]:
        return {
            "ProcessingJobName": self.name,
            "ProcessingJobArn": self.arn,
            "ProcessingJobStatus": self.status,
            "FailureReason": self.failure,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "ProcessingEndTime": self.ended,
        }


class ProcessingService:
    """CreateProcessingJob and what belongs to it."""

    def __init__(self, state: SandboxState, ledger: QuotaLedger, tags: TagService) -> None:
        self._state = state
        self._ledger = ledger
        self._jobs = JobStore(state, tags, ProcessingJob, _past_processing_job)
        state.seeders[UsageResource.PROCESSING_JOB] = self.add_seed_record

    @aws_operation("sagemaker", "CreateProcessingJob")
    def create_processing_job(self, call: ApiCall) -> dict[str, Any]:
        now, account_region = self._state.now(), call.account_region
        job = ProcessingJob(account_region, call.params, now, now, request_tags(call.params))
        check_role(self._state, account_region, call.params["RoleArn"])
        with self._state.lock(account_region):
            self._jobs.refuse_used_name(job)
            self._ledger.check_capacity(account_region, call.operation, *job.instance_usage())
            self._ledger.check_amount(
                account_region, "Longest run time for a processing job", job.max_runtime_seconds, "Seconds"
            )
            self._jobs.add_job(job)
        threading.Thread(target=self._run_without_container, args=(job,), name=job.name, daemon=True).start()
        return {"ProcessingJobArn": job.arn}

    def _run_without_container(self, job: ProcessingJob) -> None:
        stopped = job.stop_requested.wait(RUN_SECONDS)
        with self._state.lock(job.account_region):
            if stopped:
                job.mark_ended(JobStatus.STOPPED, self._state.now())
            else:
                job.mark_ended(JobStatus.FAILED, self._state.now(), _NO_CONTAINER)

    @aws_operation("sagemaker", "DescribeProcessingJob")
    def describe_processing_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            return self._jobs.get_job(call).describe()

    @aws_operation("sagemaker", "ListProcessingJobs")
    def list_processing_jobs(self, call: ApiCall) -> dict[str, Any]:
        rows = self._jobs.list_rows(call.account_region, self._state.now())
        return list_response(call, rows, "ProcessingJobSummaries", newest_first=False)

    @aws_operation("sagemaker", "StopProcessingJob")
    def stop_processing_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            job = self._jobs.get_job(call)
            if not job.status.is_active:
                raise validation_error(
                    f"The request was rejected because the processing job is in status {job.status}."
                )
            job.status, job.modified = JobStatus.STOPPING, self._state.now()
            job.stop_requested.set()
            if not job.has_process:
                job.mark_ended(JobStatus.STOPPED, job.modified)
        return {}

    @aws_operation("sagemaker", "DeleteProcessingJob")
    def delete_processing_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            job = self._jobs.get_job(call)
            if job.status.is_active:
                raise ApiError("ResourceInUse", f"The processing job {job.arn} is in status {job.status}.")
            self._jobs.delete_job(job)
        return {}

    def add_seed_record(self, account_region: AccountRegion, seed: RecordSeed) -> None:
        """Enter a job that is said to be processing since ``running_for``, without a process."""
        self._jobs.add_job(_seed_processing_job(account_region, seed, self._state.now() - seed.running_for))


def _seed_processing_job(account_region: AccountRegion, seed: RecordSeed, created: datetime) -> ProcessingJob:
    cluster = {"InstanceType": seed.instance_type, "InstanceCount": seed.count, "VolumeSizeInGB": 30}
    params = {
        "ProcessingJobName": seed.name,
        "ProcessingResources": {"ClusterConfig": cluster},
        "AppSpecification": {
            "ImageUri": f"{account_region.account}.dkr.ecr.{account_region.region}.amazonaws.com/features:latest"
        },
        "RoleArn": execution_role_arn(account_region.account),
    }
    return ProcessingJob(account_region, params, created, created, started=created, has_process=False)


def _past_processing_job(past: PastJob[ProcessingJob]) -> ProcessingJob:
    job = _seed_processing_job(past.history.account_region, past.seed, past.created)
    job.mark_ended(past.status, past.modified, past.failure)
    return job
