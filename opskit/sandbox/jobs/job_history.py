"""The jobs of one type that ran and ended in the two years before the sandbox was started (``--history``).

An account has tens of thousands of them, so each is made only when somebody looks at it: what stays in memory is a
row with its name and its time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from opskit.sandbox.jobs.job_status import JobStatus
from opskit.sandbox.scenarios import RecordSeed
from opskit.sandbox.state import AccountRegion, UsageResource

if TYPE_CHECKING:
    from opskit.sandbox.jobs.job_record import JobRecord

_OLDEST, _NEWEST = timedelta(days=730), timedelta(hours=2)
_RUN_TIME = timedelta(minutes=20)
_INSTANCE_TYPES = ("ml.m4.xlarge", "ml.m5.xlarge", "ml.c5.2xlarge")
# Primes, so that statuses and types do not repeat together.
_EVERY_FAILED, _EVERY_STOPPED = 7, 31
_FAILURE = "AlgorithmError: ExecuteUserScriptError: ExitCode 1"

Job = TypeVar("Job", bound="JobRecord")


@dataclass(frozen=True, slots=True)
class PastJob(Generic[Job]):
    """One job of the past, as a list operation sees it."""

    history: JobHistory[Job]
    number: int
    created: datetime
    name: str

    @property
    def modified(self) -> datetime:
        """When it ended."""
        return self.created + _RUN_TIME

    @property
    def status(self) -> JobStatus:
        if self.number % _EVERY_FAILED == _EVERY_FAILED - 1:
            return JobStatus.FAILED
        return JobStatus.STOPPED if self.number % _EVERY_STOPPED == _EVERY_STOPPED - 1 else JobStatus.COMPLETED

    @property
    def failure(self) -> str | None:
        """Why it failed, if it did."""
        return _FAILURE if self.status.has_failed else None

    @property
    def seed(self) -> RecordSeed:
        """What it ran on, as a scenario says it of its own."""
        return RecordSeed(self.history.resource, self.name, _INSTANCE_TYPES[self.number % len(_INSTANCE_TYPES)])

    @property
    def summary(self) -> dict[str, Any]:
        return self.history.make_record(self).list_row(self.modified).summary


@dataclass
class JobHistory(Generic[Job]):
    """The past of one type of job, in one Region of one account. ``began`` is when the sandbox was started."""

    resource: UsageResource
    account_region: AccountRegion
    began: datetime
    size: int
    make_job: Callable[[PastJob[Job]], Job]
    """The service's way to make a job that has ended."""
    _tags: dict[str, dict[str, str]] = field(default_factory=dict)
    _by_name: dict[str, PastJob[Job]] | None = None

    def rows(self, account_region: AccountRegion) -> list[PastJob[Job]]:
        """Every job there was in an account and Region, the newest first."""
        return list(self._jobs(account_region).values())

    def find_record(self, account_region: AccountRegion, name: str) -> Job | None:
        """The record of a job of the past; None where there was none of this name."""
        past = self._jobs(account_region).get(name)
        return None if past is None else self.make_record(past)

    def tagged_names(self, account_region: AccountRegion) -> list[str]:
        """The names of those that may have been given tags."""
        return [name for name in self._tags if name in self._jobs(account_region)]

    def forget_job(self, account_region: AccountRegion, name: str) -> None:
        """It was deleted."""
        del self._jobs(account_region)[name]

    def make_record(self, past: PastJob[Job]) -> Job:
        """The record of a job. Its tags are kept, the rest is made anew by every look."""
        job = self.make_job(past)
        job.tags = self._tags.setdefault(past.name, {})
        return job

    def _jobs(self, account_region: AccountRegion) -> dict[str, PastJob[Job]]:
        if account_region != self.account_region:
            return {}
        if self._by_name is None:
            self._by_name = {job.name: job for job in map(self._make_row, range(self.size))}
        return self._by_name

    def _make_row(self, number: int) -> PastJob[Job]:
        created = self.began - _NEWEST - number * (_OLDEST - _NEWEST) / self.size
        name = f"{self.resource.value.removesuffix('-job')}-{created:%Y%m%d-%H%M%S}-{number:05}"
        return PastJob(self, number, created, name)
