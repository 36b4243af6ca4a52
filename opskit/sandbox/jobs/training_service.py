"""Training jobs: they are let in by the quotas, and then they truly train."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from opskit.sandbox.account.execution_roles import check_role
from opskit.sandbox.container.images import xgboost_image
from opskit.sandbox.dispatcher import owns
from opskit.sandbox.errors import ApiError, invalid
from opskit.sandbox.jobs.training_job import ACTIVE, TrainingJob
from opskit.sandbox.jobs.training_run import TrainingRun
from opskit.sandbox.list_responses import listed
from opskit.sandbox.quotas.quota_ledger import QuotaBook
from opskit.sandbox.scenarios import ROLE_NAME, RecordSeed
from opskit.sandbox.state import Call, Held, Place, World
from opskit.sandbox.storage.s3_objects import S3Uri, check_source
from opskit.sandbox.tags import Tags, tags_given

_NOT_FOUND = "Requested resource not found."


class TrainingRoom:
    """CreateTrainingJob and what belongs to it."""

    def __init__(self, world: World, book: QuotaBook, tags: Tags) -> None:
        self._world = world
        self._book = book
        self._jobs: dict[Place, dict[str, TrainingJob]] = {}
        world.holders.append(self.held)
        world.seeders["training-job"] = world.seeders["spot-training-job"] = self.seed
        tags.own("training-job", self._tags_of)

    def _at(self, place: Place) -> dict[str, TrainingJob]:
        return self._jobs.setdefault(place, {})

    def _tags_of(self, place: Place, name: str) -> dict[str, str] | None:
        job = self._at(place).get(name)
        return job.tags if job else None

    def held(self, place: Place) -> Iterable[Held]:
        """The instances of the jobs that are not over."""
        return [held for job in self.jobs(place) if job.status in ACTIVE for held in job.holds()]

    def jobs(self, place: Place) -> list[TrainingJob]:
        """Every job of a place, the oldest first."""
        return list(self._at(place).values())

    @owns("sagemaker", "CreateTrainingJob")
    def create_training_job(self, call: Call) -> dict[str, Any]:
        now = self._world.now()
        job = TrainingJob(call.place, call.params, now, now, tags_given(call.params))
        self._check(job)
        with self._world.lock(call.place):
            self._refuse_used_name(job)
            self._admit(call.operation, job)
            job.move("Starting", now)
            self._at(call.place)[job.name] = job
        run = TrainingRun(self._world, job, self._folder(job))
        threading.Thread(target=self._run, args=(run,), name=job.name, daemon=True).start()
        return {"TrainingJobArn": job.arn}

    def _admit(self, operation: str, job: TrainingJob) -> None:
        place, volume = job.place, job.params["ResourceConfig"].get("VolumeSizeInGB", 0)
        self._book.admit(place, operation, *job.holds())
        self._book.admit(place, operation, *job.watched_by())
        self._book.admit_amount(place, "Longest run time for a training job", job.longest_seconds, "Seconds")
        self._book.admit_amount(place, "Size of EBS volume for a training job instance", volume, "Gigabytes")

    def _folder(self, job: TrainingJob) -> Path:
        folder = self._world.folder / "training" / job.place.account / job.place.region / job.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _run(self, run: TrainingRun) -> None:
        run.run()
        shutil.rmtree(run.folder, ignore_errors=True)

    def _refuse_used_name(self, job: TrainingJob) -> None:
        if job.name in self._at(job.place):
            raise ApiError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a training job with this "
                f"name already exists ({job.arn})",
            )

    def _check(self, job: TrainingJob) -> None:
        self._refuse_used_name(job)
        _check_algorithm(job.params)
        _check_resources(job)
        _check_times(job.params)
        S3Uri.parse(job.params["OutputDataConfig"]["S3OutputPath"])
        check_role(self._world, job.place, job.params["RoleArn"])
        self._check_data(job)

    def _check_data(self, job: TrainingJob) -> None:
        channels = job.params.get("InputDataConfig", [])
        names = [channel["ChannelName"] for channel in channels]
        if len(names) != len(set(names)):
            raise invalid("Duplicate channel names found in InputDataConfig.")
        for channel in channels:
            if source := channel["DataSource"].get("S3DataSource"):
                check_source(self._world, job.place, source, job.params["RoleArn"])

    @owns("sagemaker", "DescribeTrainingJob")
    def describe_training_job(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            return self._named(call).described()

    def _named(self, call: Call) -> TrainingJob:
        try:
            return self._at(call.place)[call.params["TrainingJobName"]]
        except KeyError:
            raise invalid(_NOT_FOUND) from None

    @owns("sagemaker", "ListTrainingJobs")
    def list_training_jobs(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            rows = [job.listed() for job in self.jobs(call.place)]
        if "WarmPoolStatusEquals" in call.params or "TrainingPlanArnEquals" in call.params:
            rows = []
        return listed(call, rows, "TrainingJobSummaries", newest_first=False)

    @owns("sagemaker", "StopTrainingJob")
    def stop_training_job(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            job = self._named(call)
            if job.status == "Stopping":
                return {}
            if job.status != "InProgress":
                raise invalid(f"The request was rejected because the training job is in status {job.status}.")
            job.move("Stopping", self._world.now())
            job.status = "Stopping"
            job.stop.set()
            if not job.runs:
                job.end("Stopped", "Stopped", self._world.now())
        return {}

    @owns("sagemaker", "UpdateTrainingJob")
    def update_training_job(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            job = self._named(call)
            if "ResourceConfig" in call.params:
                raise invalid(f"The training job {job.name} has no warm pool to update: the sandbox keeps none.")
            if job.status != "InProgress":
                raise invalid(f"The request was rejected because the training job is in status {job.status}.")
            changed = {name: value for name, value in call.params.items() if name != "TrainingJobName"}
            job.params = {**job.params, **changed}
            job.modified = self._world.now()
        return {"TrainingJobArn": job.arn}

    @owns("sagemaker", "DeleteTrainingJob")
    def delete_training_job(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            job = self._named(call)
            if job.status in ACTIVE:
                raise ApiError("ResourceInUse", f"The training job {job.arn} is in status {job.status}.")
            del self._at(call.place)[job.name]
        return {}

    def seed(self, place: Place, seed: RecordSeed) -> None:
        """Enter a job that is said to be training since ``running_for``, without a process."""
        born = self._world.now() - seed.running_for
        job = TrainingJob(place, _seed_params(place, seed), born, born, runs=False)
        for number, secondary in enumerate(("Starting", "Downloading", "Training")):
            job.move(secondary, born + timedelta(seconds=30 * number))
        with self._world.lock(place):
            self._at(place)[job.name] = job


def _check_algorithm(params: dict[str, Any]) -> None:
    specification = params.get("AlgorithmSpecification")
    if specification is None:
        raise invalid("AlgorithmSpecification is required.")
    if ("TrainingImage" in specification) == ("AlgorithmName" in specification):
        raise invalid("Exactly one of TrainingImage and AlgorithmName must be specified in AlgorithmSpecification.")


def _check_resources(job: TrainingJob) -> None:
    resources = job.params.get("ResourceConfig")
    if resources is None:
        raise invalid("ResourceConfig is required.")
    if not resources.get("InstanceGroups") and not {"InstanceType", "InstanceCount"} <= set(resources):
        raise invalid("ResourceConfig must have either InstanceType and InstanceCount, or InstanceGroups.")
    if any(count < 1 for _, count in job.instances()):
        raise invalid(
            "1 validation error detected: Value '0' at 'resourceConfig.instanceCount' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1"
        )


def _check_times(params: dict[str, Any]) -> None:
    if not params.get("EnableManagedSpotTraining"):
        return
    condition = params.get("StoppingCondition", {})
    longest, patience = condition.get("MaxRuntimeInSeconds", 0), condition.get("MaxWaitTimeInSeconds", 0)
    if patience < max(1, longest):
        raise invalid(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        )


def _seed_params(place: Place, seed: RecordSeed) -> dict[str, Any]:
    bucket = f"s3://sagemaker-{place.region}-{place.account}/{seed.name}"
    return {
        "TrainingJobName": seed.name,
        "AlgorithmSpecification": {"TrainingImage": xgboost_image(place.region), "TrainingInputMode": "File"},
        "RoleArn": f"arn:aws:iam::{place.account}:role/service-role/{ROLE_NAME}",
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
