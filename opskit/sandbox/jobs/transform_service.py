"""Batch transform jobs: a model, a container, and a prediction for every line."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import validation_error
from opskit.sandbox.hosting.model_service import ModelService
from opskit.sandbox.jobs.job_history import PastJob
from opskit.sandbox.jobs.job_record import JobStore
from opskit.sandbox.jobs.job_status import JobStatus
from opskit.sandbox.jobs.record_filters import check_column_filter
from opskit.sandbox.jobs.transform_job import TransformJob
from opskit.sandbox.jobs.transform_run import TransformRun
from opskit.sandbox.list_responses import list_response
from opskit.sandbox.quotas.quota_ledger import QuotaLedger
from opskit.sandbox.scenarios import RecordSeed
from opskit.sandbox.state import AccountRegion, ApiCall, SandboxState, UsageResource
from opskit.sandbox.storage.s3_objects import S3Uri, check_data_source
from opskit.sandbox.tags import TagService, request_tags


class TransformService:
    """CreateTransformJob and what belongs to it."""

    def __init__(self, state: SandboxState, ledger: QuotaLedger, tags: TagService, models: ModelService) -> None:
        self._state = state
        self._ledger = ledger
        self._models = models
        self._jobs = JobStore(state, tags, TransformJob, _past_transform_job)
        state.seeders[UsageResource.TRANSFORM_JOB] = self.add_seed_record

    @aws_operation("sagemaker", "CreateTransformJob")
    def create_transform_job(self, call: ApiCall) -> dict[str, Any]:
        now = self._state.now()
        job = TransformJob(call.account_region, call.params, now, now, request_tags(call.params))
        self._jobs.refuse_used_name(job)
        model = self._models.models.get_record(call.account_region, call.params["ModelName"])
        self._check_request(job, model.params.get("ExecutionRoleArn", ""))
        with self._state.lock(call.account_region):
            self._jobs.refuse_used_name(job)
            self._ledger.check_capacity(call.account_region, call.operation, *job.instance_usage())
            self._jobs.add_job(job)
        folder = self._state.folder / "transform" / call.account_region.account / call.account_region.region / job.name
        run = TransformRun(self._state, job, model.params, folder)
        threading.Thread(target=run.run_job, name=job.name, daemon=True).start()
        return {"TransformJobArn": job.arn}

    def _check_request(self, job: TransformJob, role: str) -> None:
        transform_input, processing = job.params["TransformInput"], job.params.get("DataProcessing", {})
        if transform_input.get("SplitType") in ("RecordIO", "TFRecord"):
            raise validation_error("The sandbox splits input by Line or not at all.")
        if processing.get("JoinSource") == "Input" and transform_input.get("SplitType") != "Line":
            raise validation_error("JoinSource Input needs SplitType Line.")
        for name in ("InputFilter", "OutputFilter"):
            check_column_filter(processing.get(name))
        S3Uri.parse(job.params["TransformOutput"]["S3OutputPath"])
        check_data_source(self._state, job.account_region, transform_input["DataSource"]["S3DataSource"], role)

    @aws_operation("sagemaker", "DescribeTransformJob")
    def describe_transform_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            return self._jobs.get_job(call).describe()

    @aws_operation("sagemaker", "ListTransformJobs")
    def list_transform_jobs(self, call: ApiCall) -> dict[str, Any]:
        rows = self._jobs.list_rows(call.account_region, self._state.now())
        return list_response(call, rows, "TransformJobSummaries")

    @aws_operation("sagemaker", "StopTransformJob")
    def stop_transform_job(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            job = self._jobs.get_job(call)
            if not job.needs_stop():
                return {}
            job.status, job.modified = JobStatus.STOPPING, self._state.now()
            job.stop_requested.set()
            if not job.has_process:
                job.mark_ended(JobStatus.STOPPED, self._state.now())
        return {}

    def add_seed_record(self, account_region: AccountRegion, seed: RecordSeed) -> None:
        """Enter a job that is said to be transforming since ``running_for``, without a process."""
        self._jobs.add_job(_seed_transform_job(account_region, seed, self._state.now() - seed.running_for))


def _seed_transform_job(account_region: AccountRegion, seed: RecordSeed, created: datetime) -> TransformJob:
    params = _seed_transform_params(account_region, seed)
    job = TransformJob(account_region, params, created, created, has_process=False)
    job.mark_started(created + timedelta(minutes=2))
    return job


def _past_transform_job(past: PastJob[TransformJob]) -> TransformJob:
    job = _seed_transform_job(past.history.account_region, past.seed, past.created)
    job.mark_ended(past.status, past.modified, past.failure)
    return job


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
