"""Finds the jobs of a kind that have not ended, newest first, without walking through all that ever ran.

AWS's listings cut a page before they filter it (see ``quotas/store.py``), and their documented default order
is oldest first. So no filter is used; the order is asked for, and held against the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate

from opskit.aws.client import AwsClient, response_date
from opskit.aws.gather import gather_all
from opskit.core.exceptions import AwsError
from opskit.core.job_statuses import EndingStatus, JobStatus, WarmPoolStatus
from opskit.core.model import Unknown
from opskit.core.result_or_error import first_unknown, unknown_from_error
from opskit.core.run_problems import send_notice
from opskit.quotas.reads.descriptions import Response, describe_resource, not_described_yet
from opskit.quotas.reads.usage_listings import missing_member
from opskit.quotas.store import EndedJobs, load_ended_jobs, save_ended_jobs

_PAGE = 100
# Ten pages take about five seconds at the two calls a second that AWS allows.
_LONG_LISTING = 10 * _PAGE
# A job may come into the listing later than one that was created after it.
_LISTING_LAG = timedelta(minutes=10)
# Jobs of the same moment come in any order.
_ORDER_TOLERANCE = timedelta(seconds=1)
# How old a job may be that Search does not know yet. AWS says only that its index lags; minutes were seen.
SEARCH_LAG = timedelta(hours=1)


@dataclass(frozen=True)
class JobKind:
    """How AWS lists and describes jobs of a kind, in boto3's words: ``listing`` and ``description`` are operations, and
    ``summaries`` is the listing's member. ``statuses`` are its own, since kinds differ in them: a word that they lack
    may go on.
    """

    name: str
    prefix: str
    statuses: Callable[[str], EndingStatus]
    listing: str
    summaries: str
    description: str

    @property
    def label(self) -> str:
        """As people say it."""
        return self.name.replace("_", " ")

    def has_ended(self, job: Response) -> bool:
        """Whether a job, listed or described, holds nothing more than perhaps a warm pool."""
        return self.statuses(job[f"{self.prefix}Status"]).is_finished


TRAINING_JOBS = JobKind(
    "training_job",
    "TrainingJob",
    JobStatus,
    listing="list_training_jobs",
    summaries="TrainingJobSummaries",
    description="describe_training_job",
)
TRANSFORM_JOBS = JobKind(
    "transform_job",
    "TransformJob",
    JobStatus,
    listing="list_transform_jobs",
    summaries="TransformJobSummaries",
    description="describe_transform_job",
)
PROCESSING_JOBS = JobKind(
    "processing_job",
    "ProcessingJob",
    JobStatus,
    listing="list_processing_jobs",
    summaries="ProcessingJobSummaries",
    description="describe_processing_job",
)


@dataclass(frozen=True)
class LiveJobs:
    """The jobs of a kind that may hold instances. ``listed`` are summaries of those that the listing shows as such,
    ``names`` all of them: also those that had not ended when they were last looked at. ``newest`` is when the newest
    job that was listed was made; None: there is none.
    """

    kind: JobKind
    listed: Mapping[str, Response]
    unended: frozenset[str]
    newest: datetime | None

    @property
    def names(self) -> set[str]:
        """The names of all that may hold instances; a description tells whether they do."""
        return {*self.listed, *self.unended}

    def split_by_pool(self) -> tuple[set[str], set[str]]:
        """The names of those that may run, and of those that have ended and keep their instances warm."""
        running = {name for name, summary in self.listed.items() if not self.kind.has_ended(summary)}
        return running | self.unended, self.listed.keys() - running


def list_live_jobs(
    client: AwsClient, kind: JobKind, *, search_has_older: Callable[[], bool] = lambda: False
) -> LiveJobs | Unknown:
    """Walk from the newest job to where all had ended. ``search_has_older`` is asked whether what is older than
    Search's lag is known from there, so that nothing older has to be walked through.
    """
    remembered: EndedJobs | None = None
    listed: dict[str, Response] = {}
    times: list[datetime] = []
    try:
        # The newest first, as pages come. Without a status: that filter runs after the page is cut.
        for number, page in enumerate(client.paginate("sagemaker", kind.listing, MaxResults=_PAGE)):
            # Whose account it is, and what Search knows, decides only which pages follow: the first waits for neither.
            remembered = load_ended_jobs(client, kind.name) if number == 0 else remembered
            summaries: list[Response] = page[kind.summaries]
            members = (f"{kind.prefix}Name", f"{kind.prefix}Status", "CreationTime")
            if gap := first_unknown(*(missing_member(summaries, member) for member in members)):
                return gap
            listed |= {summary[f"{kind.prefix}Name"]: summary for summary in summaries if _may_hold(kind, summary)}
            times += [summary["CreationTime"] for summary in summaries]
            # Before which Search knows all jobs. By AWS's clock, never by ours: when it gave the page or, where it does
            # not say, when the newest job was created, which was no later.
            given = response_date(page) or max(times, default=None)
            indexed = given - SEARCH_LAG if given and search_has_older() else None
            if _is_far_enough(times, remembered, indexed):
                break
            # Equal, not above: pages are full until the last one, so it is said once.
            if len(times) == _LONG_LISTING:
                send_notice(f"Looking through all {kind.label}s ever made, once; the next look goes on from here.")
    except AwsError as failure:
        return unknown_from_error(failure)
    unended = remembered.unended if remembered else frozenset()
    return LiveJobs(kind, listed, unended, max(times, default=None))


def _is_far_enough(times: Sequence[datetime], remembered: EndedJobs | None, indexed: datetime | None) -> bool:
    """Whether no job has to be walked through that is older than those with these times, newest first: all had ended
    when they were ``remembered``, or Search knows what was created before ``indexed``.
    """
    known = [bound for bound in (remembered and remembered.ended_before, indexed) if bound]
    # A listing that does not keep the order may have anything on its next page.
    return bool(known and times and times[-1] < max(known) and _is_newest_first(times))


def _is_newest_first(times: Sequence[datetime]) -> bool:
    earliest_so_far = accumulate(times, min)
    return all(time <= earliest + _ORDER_TOLERANCE for time, earliest in zip(times, earliest_so_far, strict=True))


def _may_hold(kind: JobKind, summary: Response) -> bool:
    pool = summary.get("WarmPoolStatus")
    return not kind.has_ended(summary) or (pool is not None and WarmPoolStatus(pool.get("Status")).may_hold_quota)


@dataclass(frozen=True)
class DescribedJobs:
    """What jobs say of themselves, by name; ``gone`` are those that are not there any more. ``gap`` is why not all
    could be asked; None: all were.
    """

    jobs: Mapping[str, Response]
    gone: AbstractSet[str]
    gap: Unknown | None


def read_live_jobs(client: AwsClient, kind: JobKind) -> tuple[list[Response], Unknown | None]:
    """The jobs of a kind that have not ended, each as it describes itself: for kinds whose listing contains no instance
    type and which Search does not have. The second value is why there may be more.
    """
    listed = list_live_jobs(client, kind)
    if isinstance(listed, Unknown):
        return [], listed
    described = describe_jobs(client, kind, listed.names, listed.listed.keys())
    live = {name: job for name, job in described.jobs.items() if not kind.has_ended(job)}
    remember_ended_jobs(client, listed, described.gone | (described.jobs.keys() - live.keys()))
    return list(live.values()), described.gap


def describe_jobs(
    client: AwsClient, kind: JobKind, names: AbstractSet[str], listed: AbstractSet[str] = frozenset()
) -> DescribedJobs:
    """Ask jobs for themselves, side by side. Those ``listed`` as running, or with a pool, are never gone: AWS deletes
    none such, so that one it does not find has just been created.
    """
    ordered = sorted(names)
    responses = gather_all(
        [partial(describe_resource, client, kind.description, {f"{kind.prefix}Name": name}) for name in ordered]
    )
    by_name = dict(zip(ordered, responses, strict=True))
    not_found = {name for name, job in by_name.items() if job is None}
    return DescribedJobs(
        {
            # What has no status may run.
            name: {f"{kind.prefix}Name": name, f"{kind.prefix}Status": JobStatus.UNKNOWN.value, **job}
            for name, job in by_name.items()
            if job is not None and not isinstance(job, Unknown)
        },
        not_found - listed,
        first_unknown(*responses, *(not_described_yet(kind.label, name) for name in sorted(not_found & listed))),
    )


def remember_ended_jobs(client: AwsClient, jobs: LiveJobs, ended: AbstractSet[str]) -> None:
    """Write down for the next look what this one has found: ``ended`` are those of its jobs that turned out to have
    ended, or to be gone.
    """
    if jobs.newest is None:
        return
    # By the newest job's own time and not this machine's clock, which may be wrong.
    ended_before = jobs.newest - _LISTING_LAG
    recent = {name for name, summary in jobs.listed.items() if summary["CreationTime"] >= ended_before}
    save_ended_jobs(client, jobs.kind.name, EndedJobs(ended_before, frozenset(jobs.names - ended - recent)))
