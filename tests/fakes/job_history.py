"""Jobs as AWS lists them: oldest first unless asked otherwise, pages cut before they are filtered, a late index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.fake_aws import FakeAws, Fault

GONE = Fault(400, "ValidationException", "Requested resource not found.")
_DEFAULT_PAGE = 10


@dataclass(frozen=True)
class PastJob:
    """A job that was made at a time. ``pool`` is the status of what it keeps warm."""

    name: str
    created: datetime
    status: str = "Completed"
    pool: str | None = None
    instance_type: str = "ml.m4.xlarge"


@dataclass
class JobHistory:
    """All jobs of a kind that an account ever made. ``word`` is AWS's: TrainingJob, TransformJob, ProcessingJob.

    ``ignores_order``: the listing comes as it likes, and with ``ignores_moments`` within a second. ``unsearchable``:
    members that Search refuses to filter by; ``unheeded``: those that it pays no heed to.
    """

    word: str
    now: datetime
    jobs: dict[str, PastJob] = field(default_factory=dict)
    ignores_order: bool = False
    ignores_moments: bool = False
    search_lag: timedelta = timedelta(minutes=20)
    unsearchable: frozenset[str] = frozenset()
    unheeded: frozenset[str] = frozenset()

    def add_jobs(self, jobs: Iterable[PastJob]) -> None:
        """More jobs."""
        self.jobs |= {job.name: job for job in jobs}

    def end_job(self, name: str) -> None:
        """A job ends."""
        self.jobs[name] = replace(self.jobs[name], status="Completed")

    def serve_from(self, aws: FakeAws) -> None:
        """Let an AWS answer with it."""
        answers: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            f"List{self.word}s": self._list_page,
            f"Describe{self.word}": self._describe,
        }
        aws.running |= answers | ({"Search": self._search} if self.word == "TrainingJob" else {})

    def _list_page(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        ordered = sorted(
            self.jobs.values(), key=lambda job: job.created, reverse=asked.get("SortOrder") == "Descending"
        )
        if self.ignores_moments:
            ordered.sort(
                key=lambda job: (job.created.replace(microsecond=0), job.created.microsecond * -1), reverse=True
            )
        if self.ignores_order:
            ordered.sort(key=lambda job: job.name[::-1])
        start, size = int(asked.get("NextToken", 0)), asked.get("MaxResults", _DEFAULT_PAGE)
        page = ordered[start : start + size]
        more = {"NextToken": str(start + size)} if start + size < len(ordered) else {}
        kept = [job for job in page if asked.get("StatusEquals") in (job.status, None)]
        kept = [job for job in kept if asked.get("WarmPoolStatusEquals") in (job.pool, None)]
        return {f"{self.word}Summaries": [self._summary(job) for job in kept], **more}

    def _summary(self, job: PastJob) -> dict[str, Any]:
        pool = {"WarmPoolStatus": {"Status": job.pool}} if job.pool else {}
        return {
            f"{self.word}Name": job.name,
            f"{self.word}Arn": f"arn:{job.name}",
            f"{self.word}Status": job.status,
            "CreationTime": job.created.timestamp(),
            **pool,
        }

    def _describe(self, asked: Mapping[str, Any]) -> dict[str, Any] | Fault:
        job = self.jobs.get(asked[f"{self.word}Name"])
        return GONE if job is None else self._description(job)

    def _description(self, job: PastJob) -> dict[str, Any]:
        fleet = {"InstanceType": job.instance_type, "InstanceCount": 1, "VolumeSizeInGB": 1}
        resources: dict[str, dict[str, Any]] = {
            "TrainingJob": {"ResourceConfig": fleet, "EnableManagedSpotTraining": False},
            "TransformJob": {"TransformResources": fleet},
            "ProcessingJob": {"ProcessingResources": {"ClusterConfig": fleet}},
        }
        return {**self._summary(job), **resources[self.word]}

    def _search(self, asked: Mapping[str, Any]) -> dict[str, Any] | Fault:
        wanted = asked["SearchExpression"]["Filters"]
        if self.unsearchable & {each["Name"] for each in wanted}:
            return Fault(400, "ValidationException", "The property is not searchable.")
        indexed = [job for job in self.jobs.values() if job.created < self.now - self.search_lag]
        meets = all if asked["SearchExpression"].get("Operator", "And") == "And" else any
        found = [job for job in indexed if meets(self._matches(job, each) for each in wanted)]
        return {"Results": [{"TrainingJob": self._description(job)} for job in found]}

    def _matches(self, job: PastJob, wanted: Mapping[str, str]) -> bool:
        values = {"TrainingJobStatus": job.status, "WarmPoolStatus.Status": job.pool}
        value = values[wanted["Name"]]
        # Only what has the property can differ in it.
        is_same = value == wanted["Value"]
        if wanted["Name"] in self.unheeded:
            return True
        return value is not None and not is_same if wanted["Operator"] == "NotEquals" else is_same
