"""What the sandbox keeps of any job, whatever it does, and the store in which a service keeps its jobs."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from opskit.sandbox.errors import ApiError, truncate_reason, validation_error
from opskit.sandbox.jobs.job_history import JobHistory, PastJob
from opskit.sandbox.jobs.job_status import JobStatus
from opskit.sandbox.list_responses import ListedResource, ListRow
from opskit.sandbox.state import AccountRegion, ApiCall, InstanceUsage, SandboxState, UsageResource
from opskit.sandbox.tags import TagService


@dataclass
class JobRecord(ABC):
    """A job's record: its request and its status. Change it under the lock of its account and Region. ``failure``,
    ``started`` and ``ended`` None: it has not failed, begun or ended.
    """

    arn_type: ClassVar[str]
    """The job's type in its ARN, such as ``training-job``."""
    name_member: ClassVar[str]
    """The member of requests that has the job's name, such as ``TrainingJobName``."""

    account_region: AccountRegion
    params: dict[str, Any]
    created: datetime
    modified: datetime
    tags: dict[str, str] = field(default_factory=dict)
    status: JobStatus = JobStatus.IN_PROGRESS
    failure: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    stop_requested: threading.Event = field(default_factory=threading.Event)
    has_process: bool = True
    """False for what a scenario says is running: there is no process to stop."""

    @property
    def name(self) -> str:
        return str(self.params[self.name_member])

    @property
    def arn(self) -> str:
        return self.account_region.arn(f"{self.arn_type}/{self.name}")

    @abstractmethod
    def instance_usage(self) -> list[InstanceUsage]:
        """What quotas count for the job, whether or not it still runs."""

    @abstractmethod
    def list_row(self, now: datetime) -> ListedResource:
        """The job as its list operation shows it."""

    def held_instances(self, now: datetime) -> list[InstanceUsage]:
        """What the job holds now."""
        return self.instance_usage() if self.status.is_active else []

    def needs_stop(self) -> bool:
        """Whether a request to stop the job is the first one. Raises AWS's error where the job is over."""
        match self.status:
            case JobStatus.IN_PROGRESS:
                return True
            case JobStatus.STOPPING:
                return False
            case JobStatus.STOPPED | JobStatus.COMPLETED | JobStatus.FAILED:
                kind = self.arn_type.replace("-", " ")
                raise validation_error(f"The request was rejected because the {kind} is in status {self.status}.")

    def mark_ended(self, status: JobStatus, now: datetime, failure: str | None = None) -> None:
        """Reach the status that the job stays in."""
        self.status, self.ended, self.modified = status, now, now
        self.failure = truncate_reason(failure)

    @classmethod
    def not_found_error(cls, name: str) -> ApiError:
        """What AWS answers where there is no job of this name."""
        return validation_error(f"Could not find requested job with name: {name}")

    def name_in_use_error(self) -> ApiError:
        """What AWS answers where the job's name was used before."""
        return ApiError(
            "ResourceInUse",
            "Job name must be unique within an AWS account and region, and a job with this name already exists "
            f"({self.arn})",
        )


Job = TypeVar("Job", bound=JobRecord)


class JobStore(Generic[Job]):
    """The jobs of one type. What quotas count of them and which tags they have is read from here."""

    def __init__(
        self, state: SandboxState, tags: TagService, job_type: type[Job], make_past_job: Callable[[PastJob[Job]], Job]
    ) -> None:
        self._state = state
        self._job_type = job_type
        self.history = JobHistory(
            UsageResource(job_type.arn_type), state.home, state.now(), state.past_jobs, make_past_job
        )
        self._jobs: dict[AccountRegion, dict[str, Job]] = {}
        state.usage_sources.append(self.instances_in_use)
        tags.register_resource_type(job_type.arn_type, self.job_tags, self._tagged_names)

    def all_jobs(self, account_region: AccountRegion) -> list[Job]:
        """Every job of an account and Region since the sandbox was started, the oldest first."""
        return list(self._jobs.get(account_region, {}).values())

    def list_rows(self, account_region: AccountRegion, now: datetime) -> list[ListRow]:
        """Every job that an account and Region ever had, as its list operation sees it."""
        with self._state.lock(account_region):
            return [
                *self.history.rows(account_region),
                *(job.list_row(now) for job in self.all_jobs(account_region)),
            ]

    def _find_job(self, account_region: AccountRegion, name: str) -> Job | None:
        job = self._jobs.get(account_region, {}).get(name)
        return job or self.history.find_record(account_region, name)

    def get_job(self, call: ApiCall) -> Job:
        """The job that a request names. Raises AWS's error where there is none."""
        name = call.params[self._job_type.name_member]
        job = self._find_job(call.account_region, name)
        if job is None:
            raise self._job_type.not_found_error(name)
        return job

    def refuse_used_name(self, job: Job) -> None:
        """Raise AWS's error where the account and Region had a job of this name."""
        if self._find_job(job.account_region, job.name):
            raise job.name_in_use_error()

    def add_job(self, job: Job) -> None:
        """Keep a job from now on."""
        with self._state.lock(job.account_region):
            self._jobs.setdefault(job.account_region, {})[job.name] = job

    def delete_job(self, job: Job) -> None:
        """Forget a job."""
        if self._jobs.get(job.account_region, {}).pop(job.name, None) is None:
            self.history.forget_job(job.account_region, job.name)

    def job_tags(self, account_region: AccountRegion, name: str) -> dict[str, str] | None:
        """The tags of a job, None where there is no such job."""
        job = self._find_job(account_region, name)
        return job.tags if job else None

    def _tagged_names(self, account_region: AccountRegion) -> list[str]:
        """The names of all jobs that may have tags."""
        return [*self._jobs.get(account_region, {}), *self.history.tagged_names(account_region)]

    def instances_in_use(self, account_region: AccountRegion) -> list[InstanceUsage]:
        """The instances that jobs hold."""
        now = self._state.now()
        return [usage for job in self.all_jobs(account_region) for usage in job.held_instances(now)]
