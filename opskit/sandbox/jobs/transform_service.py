"""Batch transform jobs: a model, a container, and a prediction for every line."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from opskit.sandbox.dispatcher import owns
from opskit.sandbox.errors import ApiError, invalid
from opskit.sandbox.hosting.model_service import ModelRoom
from opskit.sandbox.jobs.record_filters import check_filter
from opskit.sandbox.jobs.training_job import ACTIVE
from opskit.sandbox.jobs.transform_job import TransformJob
from opskit.sandbox.jobs.transform_run import TransformRun
from opskit.sandbox.list_responses import listed
from opskit.sandbox.quotas.quota_ledger import QuotaBook
from opskit.sandbox.scenarios import RecordSeed
from opskit.sandbox.state import Call, Held, Place, World
from opskit.sandbox.storage.s3_objects import S3Uri, check_source
from opskit.sandbox.tags import Tags, tags_given


class TransformRoom:
    """CreateTransformJob and what belongs to it."""

    def __init__(self, world: World, book: QuotaBook, tags: Tags, models: ModelRoom) -> None:
        self._world = world
        self._book = book
        self._models = models
        self._jobs: dict[Place, dict[str, TransformJob]] = {}
        world.holders.append(self.held)
        world.seeders["transform-job"] = self.seed
        tags.own("transform-job", self._tags_of)

    def _at(self, place: Place) -> dict[str, TransformJob]:
        return self._jobs.setdefault(place, {})

    def _tags_of(self, place: Place, name: str) -> dict[str, str] | None:
        job = self._at(place).get(name)
        return job.tags if job else None

    def held(self, place: Place) -> Iterable[Held]:
        """The instances of the jobs that are not over."""
        jobs = list(self._at(place).values())
        return [held for job in jobs if job.status in ACTIVE for held in job.holds()]

    @owns("sagemaker", "CreateTransformJob")
    def create_transform_job(self, call: Call) -> dict[str, Any]:
        now = self._world.now()
        job = TransformJob(call.place, call.params, now, now, tags_given(call.params))
        self._refuse_used_name(job)
        model = self._models.models.get(call.place, call.params["ModelName"])
        self._check(job, model.params.get("ExecutionRoleArn", ""))
        with self._world.lock(call.place):
            self._refuse_used_name(job)
            self._book.admit(call.place, call.operation, *job.holds())
            self._at(call.place)[job.name] = job
        folder = self._world.folder / "transform" / call.place.account / call.place.region / job.name
        run = TransformRun(self._world, job, model.params, folder)
        threading.Thread(target=self._run, args=(run,), name=job.name, daemon=True).start()
        return {"TransformJobArn": job.arn}

    def _run(self, run: TransformRun) -> None:
        run.run()
        shutil.rmtree(run.folder, ignore_errors=True)

    def _refuse_used_name(self, job: TransformJob) -> None:
        if job.name in self._at(job.place):
            raise ApiError(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a job with this name already exists "
                f"({job.arn})",
            )

    def _check(self, job: TransformJob, role: str) -> None:
        given, processing = job.params["TransformInput"], job.params.get("DataProcessing", {})
        if given.get("SplitType") in ("RecordIO", "TFRecord"):
            raise invalid("The sandbox splits input by Line or not at all.")
        if processing.get("JoinSource") == "Input" and given.get("SplitType") != "Line":
            raise invalid("JoinSource Input needs SplitType Line.")
        for name in ("InputFilter", "OutputFilter"):
            check_filter(processing.get(name))
        S3Uri.parse(job.params["TransformOutput"]["S3OutputPath"])
        check_source(self._world, job.place, given["DataSource"]["S3DataSource"], role)

    def _named(self, call: Call) -> TransformJob:
        name = call.params["TransformJobName"]
        try:
            return self._at(call.place)[name]
        except KeyError:
            raise invalid(f"Could not find requested job with name: {name}") from None

    @owns("sagemaker", "DescribeTransformJob")
    def describe_transform_job(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            return self._named(call).described()

    @owns("sagemaker", "ListTransformJobs")
    def list_transform_jobs(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            rows = [job.listed() for job in self._at(call.place).values()]
        return listed(call, rows, "TransformJobSummaries")

    @owns("sagemaker", "StopTransformJob")
    def stop_transform_job(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            job = self._named(call)
            if job.status == "Stopping":
                return {}
            if job.status != "InProgress":
                raise invalid(f"The request was rejected because the transform job is in status {job.status}.")
            job.status, job.modified = "Stopping", self._world.now()
            job.stop.set()
            if not job.runs:
                job.end("Stopped", self._world.now())
        return {}

    def seed(self, place: Place, seed: RecordSeed) -> None:
        """Enter a job that is said to be transforming since ``running_for``, without a process."""
        born = self._world.now() - seed.running_for
        job = TransformJob(place, _seed_params(place, seed), born, born, runs=False)
        job.begin(born + timedelta(minutes=2))
        with self._world.lock(place):
            self._at(place)[job.name] = job


def _seed_params(place: Place, seed: RecordSeed) -> dict[str, Any]:
    bucket = f"s3://sagemaker-{place.region}-{place.account}/{seed.name}"
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{bucket}/input"}}
    return {
        "TransformJobName": seed.name,
        "ModelName": seed.name,
        "TransformInput": {"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {"S3OutputPath": f"{bucket}/output", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": seed.instance_type, "InstanceCount": seed.count},
    }
