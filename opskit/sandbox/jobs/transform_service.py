"""Batch transform jobs: a model, a container, and a prediction for every line."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError, validation_error
from opskit.sandbox.hosting.model_service import ModelService
from opskit.sandbox.jobs.record_filters import check_column_filter
from opskit.sandbox.jobs.training_job import ACTIVE_STATUSES
from opskit.sandbox.jobs.transform_job import TransformJob
from opskit.sandbox.jobs.transform_run import TransformRun
from opskit.sandbox.list_responses import list_response
from opskit.sandbox.quotas.quota_ledger import QuotaLedger
from opskit.sandbox.scenarios import RecordSeed
from opskit.sandbox.state import AccountRegion, ApiCall, InstanceUsage, SandboxState
from opskit.sandbox.storage.s3_objects import S3Uri, check_data_source
from opskit.sandbox.tags import TagService, request_tags


class TransformService:
    """CreateTransformJob and what belongs to it."""

    def __init__(self, state: SandboxState, ledger: QuotaLedger, tags: TagService, models: ModelService) -> None:
        self._state = state
        self._ledger = ledger
        self._models = models
        self._jobs: dict[AccountRegion, dict[str, TransformJob]] = {}
        state.usage_sources.append(self.instances_in_use)
        state.seeders["transform-job"] = self.add_seed_record
        tags.register_resource_type("transform-job", self._job_tags)

    def _jobs_by_name(self, account_region: AccountRegion) -> dict[str, TransformJob]:
        return self._jobs.setdefault(account_region, {})

    def _job_tags(self, account_region: AccountRegion, name: str) -> dict[str, str] | None:
        job = self._jobs_by_name(account_region).get(name)
        return job.tags if job else None

    def instances_in_use(self, account_region: AccountRegion) -> Iterable[InstanceUsage]:
        """The instances of the jobs that are not over."""
        jobs = list(self._jobs_by_name(account_region).values())
        return [held for job in jobs if job.status in ACTIVE_STATUSES for held in job.instance_usage()]

    @aws_operation("sagemaker", "CreateTransformJob")
    def create_transform_job(self, call: ApiCall) -> dict[str, Any]:
        now = self._state.now()
        job = TransformJob(call.account_region, call.params, now, now, request_tags(call.params))
        self._refuse_used_name(job)
        model = self._models.models.get_record(call.account_region, call.params["ModelName"])
        self._check_request(job, model.params.get("ExecutionRoleArn", ""))
        with self._state.lock(call.account_region):
            self._refuse_used_name(job)
            self._ledger.check_capacity(call.account_region, call.operation, *job.instance_usage())
            self._jobs_by_name(call.account_region)[job.name] = job
        folder = self._state.folder / "transform" / call.account_region.account / call.account_region.region / job.name
        run = TransformRun(self._state, job, model.params, folder)
        threading.Thread(target=self._run_and_clean_up, args=(run,), name=job.name, daemon=True).start()
        return {"TransformJobArn": job.arn}

    def _run_and_clean_up(self, run: TransformRun) -> None:
        run.run_job()
        shutil.rmtree(run.folder, ignore_errors=True)

    def _refuse_used_name(self, job: TransformJob) -> None:
        if job.name in self._jobs_by_name(job.account_region):
            raise ApiError(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a job with this name already exists "
                f"({job.arn})",
            )

    def _check_request(self, job: TransformJob, role: str) -> None:
        given, processing = job.params["TransformInput"], job.params.get("DataProcessing", {})
        if given.get("SplitType") in ("RecordIO", "TFRecord"):
            raise validation_error("The sandbox splits input by Line or not at all.")
        if processing.get("JoinSource") == "Input" and given.get("SplitType") != "Line":
            raise validation_error("JoinSource Input needs SplitType Line.")
        for name in ("InputFilter", "OutputFilter"):
            check_column_filter(processing.get(name))
        S3Uri.parse(job.params["TransformOutput"]["S3OutputPath"])
        check_data_source(self._state, job.account_region, given["DataSource"]["S3DataSource"], role)

    def _find_job(self, call: ApiCall) -> TransformJob:
        name = call.params["TransformJobName"]
        try:
            return self._jobs_by_name(call.account_region)[name]
        except KeyError:
            raise validation_error(f"Could not find requested job with name: {name}") from None

    @aws_operation("sagemaker", "DescribeTransformJob")
    def describe_transform_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            return self._find_job(call).describe()

    @aws_operation("sagemaker", "ListTransformJobs")
    def list_transform_jobs(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            rows = [job.list_row() for job in self._jobs_by_name(call.account_region).values()]
        return list_response(call, rows, "TransformJobSummaries")

    @aws_operation("sagemaker", "StopTransformJob")
    def stop_transform_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            job = self._find_job(call)
            if job.status == "Stopping":
                return {}
            if job.status != "InProgress":
                raise validation_error(f"The request was rejected because the transform job is in status {job.status}.")
            job.status, job.modified = "Stopping", self._state.now()
            job.stop_requested.set()
            if not job.has_process:
                job.finish("Stopped", self._state.now())
        return {}

    def add_seed_record(self, account_region: AccountRegion, seed: RecordSeed) -> None:
        """Enter a job that is said to be transforming since ``running_for``, without a process."""
        born = self._state.now() - seed.running_for
        job = TransformJob(account_region, _seed_transform_params(account_region, seed), born, born, has_process=False)
        job.mark_started(born + timedelta(minutes=2))
        with self._state.lock(account_region):
            self._jobs_by_name(account_region)[job.name] = job


def _seed_transform_params(account_region: AccountRegion, seed: RecordSeed) -> dict[str, Any]:
    bucket = f"s3://sagemaker-{account_region.region}-{account_region.account}/{seed.name}"
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{bucket}/input"}}
    return {
        "TransformJobName": seed.name,
        "ModelName": seed.name,
        "TransformInput": {"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {"S3OutputPath": f"{bucket}/output", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": seed.instance_type, "InstanceCount": seed.count},
    }
