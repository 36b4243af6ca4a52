"""Processing jobs: the quotas let them in and count them, and then no container runs, which they say as they fail."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from opskit.sandbox.account.execution_roles import check_role
from opskit.sandbox.dispatcher import owns
from opskit.sandbox.errors import ApiError, invalid
from opskit.sandbox.jobs.job_record import Job
from opskit.sandbox.jobs.training_job import ACTIVE
from opskit.sandbox.list_responses import Listed, listed
from opskit.sandbox.quotas.quota_ledger import QuotaBook
from opskit.sandbox.request_echo import echoed
from opskit.sandbox.scenarios import ROLE_NAME, RecordSeed
from opskit.sandbox.state import Call, Held, Place, World
from opskit.sandbox.tags import Tags, tags_given

_TAKES_SECONDS = 1.0
_NO_CONTAINER = "ClientError: The sandbox runs no processing containers; the job was let in by the quotas and no more."


@dataclass
class ProcessingJob(Job):
    """A processing job."""

    @property
    def name(self) -> str:
        return str(self.params["ProcessingJobName"])

    @property
    def arn(self) -> str:
        return self.place.arn(f"processing-job/{self.name}")

    @property
    def longest_seconds(self) -> int:
        return int(self.params.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 0))

    def holds(self) -> Held:
        """What quotas count for the job, whether or not it is over."""
        cluster = self.params["ProcessingResources"]["ClusterConfig"]
        return Held("processing-job", cluster["InstanceType"], cluster["InstanceCount"])

    def described(self) -> dict[str, Any]:
        """The answer of DescribeProcessingJob."""
        given = echoed("DescribeProcessingJob", self.params)
        return {**given, **self._summary(), "ProcessingStartTime": self.started}

    def listed(self) -> Listed:
        """The job as ListProcessingJobs shows it."""
        return Listed(self.name, self.created, self.modified, self.status, self._summary())

    def _summary(self) -> dict[str, Any]:
        return {
            "ProcessingJobName": self.name,
            "ProcessingJobArn": self.arn,
            "ProcessingJobStatus": self.status,
            "FailureReason": self.failure,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "ProcessingEndTime": self.ended,
        }


class ProcessingRoom:
    """CreateProcessingJob and what belongs to it."""

    def __init__(self, world: World, book: QuotaBook, tags: Tags) -> None:
        self._world = world
        self._book = book
        self._jobs: dict[Place, dict[str, ProcessingJob]] = {}
        world.holders.append(self.held)
        world.seeders["processing-job"] = self.seed
        tags.own("processing-job", self._tags_of)

    def _at(self, place: Place) -> dict[str, ProcessingJob]:
        return self._jobs.setdefault(place, {})

    def _tags_of(self, place: Place, name: str) -> dict[str, str] | None:
        job = self._at(place).get(name)
        return job.tags if job else None

    def held(self, place: Place) -> Iterable[Held]:
        """The instances of the jobs that are not over."""
        return [job.holds() for job in list(self._at(place).values()) if job.status in ACTIVE]

    @owns("sagemaker", "CreateProcessingJob")
    def create_processing_job(self, call: Call) -> dict[str, Any]:
        now, place = self._world.now(), call.place
        job = ProcessingJob(place, call.params, now, now, tags_given(call.params))
        check_role(self._world, place, call.params["RoleArn"])
        with self._world.lock(place):
            if job.name in self._at(place):
                raise ApiError(
                    "ResourceInUse",
                    "Job name must be unique within an AWS account and region, and a job with this name already "
                    f"exists ({job.arn})",
                )
            self._book.admit(place, call.operation, job.holds())
            self._book.admit_amount(place, "Longest run time for a processing job", job.longest_seconds, "Seconds")
            self._at(place)[job.name] = job
        threading.Thread(target=self._run, args=(job,), name=job.name, daemon=True).start()
        return {"ProcessingJobArn": job.arn}

    def _run(self, job: ProcessingJob) -> None:
        stopped = job.stop.wait(_TAKES_SECONDS)
        with self._world.lock(job.place):
            job.status, job.failure = ("Stopped", None) if stopped else ("Failed", _NO_CONTAINER)
            job.ended = job.modified = self._world.now()

    @owns("sagemaker", "DescribeProcessingJob")
    def describe_processing_job(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            return self._named(call).described()

    @owns("sagemaker", "ListProcessingJobs")
    def list_processing_jobs(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            rows = [job.listed() for job in self._at(call.place).values()]
        return listed(call, rows, "ProcessingJobSummaries")

    @owns("sagemaker", "StopProcessingJob")
    def stop_processing_job(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            job = self._named(call)
            if job.status not in ACTIVE:
                raise invalid(f"The request was rejected because the processing job is in status {job.status}.")
            job.status, job.modified = "Stopping", self._world.now()
            job.stop.set()
            if not job.runs:
                job.status, job.ended = "Stopped", job.modified
        return {}

    @owns("sagemaker", "DeleteProcessingJob")
    def delete_processing_job(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            job = self._named(call)
            if job.status in ACTIVE:
                raise ApiError("ResourceInUse", f"The processing job {job.arn} is in status {job.status}.")
            del self._at(call.place)[job.name]
        return {}

    def _named(self, call: Call) -> ProcessingJob:
        name = call.params["ProcessingJobName"]
        try:
            return self._at(call.place)[name]
        except KeyError:
            raise invalid(f"Could not find requested job with name: {name}") from None

    def seed(self, place: Place, seed: RecordSeed) -> None:
        """Enter a job that is said to be processing since ``running_for``, without a process."""
        born = self._world.now() - seed.running_for
        cluster = {"InstanceType": seed.instance_type, "InstanceCount": seed.count, "VolumeSizeInGB": 30}
        params = {
            "ProcessingJobName": seed.name,
            "ProcessingResources": {"ClusterConfig": cluster},
            "AppSpecification": {"ImageUri": f"{place.account}.dkr.ecr.{place.region}.amazonaws.com/features:latest"},
            "RoleArn": f"arn:aws:iam::{place.account}:role/service-role/{ROLE_NAME}",
        }
        job = ProcessingJob(place, params, born, born, started=born, runs=False)
        with self._world.lock(place):
            self._at(place)[job.name] = job
