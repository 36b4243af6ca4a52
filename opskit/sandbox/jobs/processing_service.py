"""Processing jobs: the quotas let them in and count them, and then no container runs, which they say as they fail."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from opskit.sandbox.account.execution_roles import check_role
from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError, validation_error
from opskit.sandbox.jobs.job_record import JobRecord
from opskit.sandbox.jobs.training_job import ACTIVE_STATUSES
from opskit.sandbox.list_responses import ListedResource, list_response
from opskit.sandbox.quotas.quota_ledger import QuotaLedger
from opskit.sandbox.response_shapes import echo_request
from opskit.sandbox.scenarios import ROLE_NAME, RecordSeed
from opskit.sandbox.state import AccountRegion, ApiCall, InstanceUsage, SandboxState
from opskit.sandbox.tags import TagService, request_tags

_RUN_SECONDS = 1.0
_NO_CONTAINER = "ClientError: The sandbox runs no processing containers; the job was let in by the quotas and no more."


@dataclass
class ProcessingJob(JobRecord):
    """A processing job."""

    @property
    def name(self) -> str:
        return str(self.params["ProcessingJobName"])

    @property
    def arn(self) -> str:
        return self.account_region.arn(f"processing-job/{self.name}")

    @property
    def max_runtime_seconds(self) -> int:
        return int(self.params.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 0))

    def instance_usage(self) -> InstanceUsage:
        """What quotas count for the job, whether or not it is over."""
        cluster = self.params["ProcessingResources"]["ClusterConfig"]
        return InstanceUsage("processing-job", cluster["InstanceType"], cluster["InstanceCount"])

    def describe(self) -> dict[str, Any]:
        """The answer of DescribeProcessingJob."""
        given = echo_request("DescribeProcessingJob", self.params)
        return {**given, **self._summary_members(), "ProcessingStartTime": self.started}

    def list_row(self) -> ListedResource:
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
        self._jobs: dict[AccountRegion, dict[str, ProcessingJob]] = {}
        state.usage_sources.append(self.instances_in_use)
        state.seeders["processing-job"] = self.add_seed_record
        tags.register_resource_type("processing-job", self._job_tags)

    def _jobs_by_name(self, account_region: AccountRegion) -> dict[str, ProcessingJob]:
        return self._jobs.setdefault(account_region, {})

    def _job_tags(self, account_region: AccountRegion, name: str) -> dict[str, str] | None:
        job = self._jobs_by_name(account_region).get(name)
        return job.tags if job else None

    def instances_in_use(self, account_region: AccountRegion) -> Iterable[InstanceUsage]:
        """The instances of the jobs that are not over."""
        return [
            job.instance_usage()
            for job in list(self._jobs_by_name(account_region).values())
            if job.status in ACTIVE_STATUSES
        ]

    @aws_operation("sagemaker", "CreateProcessingJob")
    def create_processing_job(self, call: ApiCall) -> dict[str, Any]:
        now, account_region = self._state.now(), call.account_region
        job = ProcessingJob(account_region, call.params, now, now, request_tags(call.params))
        check_role(self._state, account_region, call.params["RoleArn"])
        with self._state.lock(account_region):
            if job.name in self._jobs_by_name(account_region):
                raise ApiError(
                    "ResourceInUse",
                    "Job name must be unique within an AWS account and region, and a job with this name already "
                    f"exists ({job.arn})",
                )
            self._ledger.check_capacity(account_region, call.operation, job.instance_usage())
            self._ledger.check_amount(
                account_region, "Longest run time for a processing job", job.max_runtime_seconds, "Seconds"
            )
            self._jobs_by_name(account_region)[job.name] = job
        threading.Thread(target=self._run_without_container, args=(job,), name=job.name, daemon=True).start()
        return {"ProcessingJobArn": job.arn}

    def _run_without_container(self, job: ProcessingJob) -> None:
        stopped = job.stop_requested.wait(_RUN_SECONDS)
        with self._state.lock(job.account_region):
            job.status, job.failure = ("Stopped", None) if stopped else ("Failed", _NO_CONTAINER)
            job.ended = job.modified = self._state.now()

    @aws_operation("sagemaker", "DescribeProcessingJob")
    def describe_processing_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            return self._find_job(call).describe()

    @aws_operation("sagemaker", "ListProcessingJobs")
    def list_processing_jobs(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            rows = [job.list_row() for job in self._jobs_by_name(call.account_region).values()]
        return list_response(call, rows, "ProcessingJobSummaries")

    @aws_operation("sagemaker", "StopProcessingJob")
    def stop_processing_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            job = self._find_job(call)
            if job.status not in ACTIVE_STATUSES:
                raise validation_error(
                    f"The request was rejected because the processing job is in status {job.status}."
                )
            job.status, job.modified = "Stopping", self._state.now()
            job.stop_requested.set()
            if not job.has_process:
                job.status, job.ended = "Stopped", job.modified
        return {}

    @aws_operation("sagemaker", "DeleteProcessingJob")
    def delete_processing_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            job = self._find_job(call)
            if job.status in ACTIVE_STATUSES:
                raise ApiError("ResourceInUse", f"The processing job {job.arn} is in status {job.status}.")
            del self._jobs_by_name(call.account_region)[job.name]
        return {}

    def _find_job(self, call: ApiCall) -> ProcessingJob:
        name = call.params["ProcessingJobName"]
        try:
            return self._jobs_by_name(call.account_region)[name]
        except KeyError:
            raise validation_error(f"Could not find requested job with name: {name}") from None

    def add_seed_record(self, account_region: AccountRegion, seed: RecordSeed) -> None:
        """Enter a job that is said to be processing since ``running_for``, without a process."""
        born = self._state.now() - seed.running_for
        cluster = {"InstanceType": seed.instance_type, "InstanceCount": seed.count, "VolumeSizeInGB": 30}
        params = {
            "ProcessingJobName": seed.name,
            "ProcessingResources": {"ClusterConfig": cluster},
            "AppSpecification": {
                "ImageUri": f"{account_region.account}.dkr.ecr.{account_region.region}.amazonaws.com/features:latest"
            },
            "RoleArn": f"arn:aws:iam::{account_region.account}:role/service-role/{ROLE_NAME}",
        }
        job = ProcessingJob(account_region, params, born, born, started=born, has_process=False)
        with self._state.lock(account_region):
            self._jobs_by_name(account_region)[job.name] = job
