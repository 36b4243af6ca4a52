"""A look at jobs costs what is new, not what ever ran; and whatever was remembered, no job that runs is missed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from opskit.aws.session import open_session
from opskit.core.model import Workload
from opskit.core.workloads import WORKLOADS, UsageCounter
from opskit.quotas.reads.usage import count_in_use
from tests.fakes.fake_aws import FakeAws
from tests.fakes.job_history import JobHistory, PastJob
from tests.seeds import few_of_many

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
KINDS = {
    Workload.TRAINING: "TrainingJob",
    Workload.TRANSFORM: "TransformJob",
    Workload.PROCESSING: "ProcessingJob",
}
PAGES = 20


def test_every_kind_of_job_that_takes_a_quota_is_looked_at_here() -> None:
    looked_at = {WORKLOADS[workload].counter for workload in KINDS}
    missing = {counter.name for counter in UsageCounter if counter.value.endswith(" jobs") and counter not in looked_at}
    assert not missing, f"add one of its workloads to KINDS: {missing}"


@pytest.fixture(autouse=True)
def no_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opskit.aws.pacing.RATES", {})


def old_jobs(count: int, *, until: timedelta = timedelta(hours=2)) -> list[PastJob]:
    """Jobs that have ended, over two years."""
    span = timedelta(days=730) - until
    return [PastJob(f"old-{at}", NOW - until - span * at / max(1, count)) for at in range(count)]


def history(aws: FakeAws, workload: Workload, *jobs: PastJob, old: int = 100 * PAGES) -> JobHistory:
    made = JobHistory(KINDS[workload], NOW)
    made.add_jobs([*old_jobs(old), *jobs])
    made.serve_from(aws)
    return made


def count_used(workload: Workload) -> int:
    in_use = count_in_use(open_session().client("us-east-1"), [workload])[workload]
    assert in_use.incomplete is None
    return in_use.count("ml.m4.xlarge")


@pytest.mark.parametrize("workload", list(KINDS))
@pytest.mark.parametrize("age", [timedelta(minutes=1), timedelta(hours=5), timedelta(days=50), timedelta(days=700)])
def test_a_job_of_any_age_that_runs_is_counted(fake_aws: FakeAws, workload: Workload, age: timedelta) -> None:
    history(fake_aws, workload, PastJob("runs", NOW - age, "InProgress"))
    assert count_used(workload) == 1
    assert count_used(workload) == 1, "and by the next look, which remembers"


@pytest.mark.parametrize("workload", list(KINDS))
@pytest.mark.parametrize("status", ["Stopping", "SomethingNew"])
def test_what_has_not_ended_counts_whatever_aws_calls_it(fake_aws: FakeAws, workload: Workload, status: str) -> None:
    history(fake_aws, workload, PastJob("goes", NOW - timedelta(days=50), status))
    for _ in range(2):
        assert count_used(workload) == 1


@pytest.mark.parametrize("workload", [Workload.TRANSFORM, Workload.PROCESSING])
def test_only_the_first_look_walks_through_all_that_ever_ran(fake_aws: FakeAws, workload: Workload) -> None:
    history(fake_aws, workload, PastJob("runs", NOW - timedelta(days=50), "InProgress"))
    listing = f"List{KINDS[workload]}s"
    count_used(workload)
    assert fake_aws.count(listing) == PAGES + 1
    fake_aws.forget_calls()
    count_used(workload)
    assert fake_aws.count(listing) == 1
    assert fake_aws.count(f"Describe{KINDS[workload]}") == 1


def test_training_walks_only_through_what_search_may_not_know(fake_aws: FakeAws) -> None:
    history(fake_aws, Workload.TRAINING, PastJob("runs", NOW - timedelta(days=50), "InProgress"))
    assert count_used(Workload.TRAINING) == 1
    assert fake_aws.count("ListTrainingJobs") == 1


@pytest.mark.parametrize("refused", ["TrainingJobStatus", "WarmPoolStatus.Status"])
def test_training_without_search_walks_once(fake_aws: FakeAws, refused: str) -> None:
    pool = PastJob("pool", NOW - timedelta(days=2), pool="Available")
    made = history(fake_aws, Workload.TRAINING, pool, PastJob("runs", NOW - timedelta(days=50), "InProgress"))
    made.unsearchable = frozenset({refused})
    assert count_used(Workload.TRAINING) == 2
    assert fake_aws.count("ListTrainingJobs") == PAGES + 1
    fake_aws.forget_calls()
    assert count_used(Workload.TRAINING) == 2
    assert fake_aws.count("ListTrainingJobs") == 1


def test_many_jobs_of_one_hour_are_not_walked_through(fake_aws: FakeAws) -> None:
    """A sweep of last week: AWS's own clock says that Search knows all of it by now."""
    sweep = [PastJob(f"sweep-{at}", NOW - timedelta(days=7, seconds=at)) for at in range(1000)]
    running = PastJob("runs", NOW - timedelta(days=7, minutes=12), "InProgress")
    history(fake_aws, Workload.TRAINING, *sweep, running, old=0)
    fake_aws.clock = lambda: NOW
    assert count_used(Workload.TRAINING) == 1
    assert fake_aws.count("ListTrainingJobs") == 1


def test_jobs_that_search_cannot_know_yet_are_walked_through(fake_aws: FakeAws) -> None:
    made = history(fake_aws, Workload.TRAINING, old=0)
    made.search_lag = timedelta(minutes=59)
    made.add_jobs(PastJob(f"sweep-{at}", NOW - timedelta(seconds=3 * at)) for at in range(1000))
    made.add_jobs([PastJob("runs", NOW - timedelta(minutes=40), "InProgress")])
    fake_aws.clock = lambda: NOW
    assert count_used(Workload.TRAINING) == 1
    assert fake_aws.count("ListTrainingJobs") == 11


def test_without_aws_s_clock_the_newest_job_says_how_late_it_is(fake_aws: FakeAws) -> None:
    history(fake_aws, Workload.TRAINING, PastJob("runs", NOW - timedelta(days=7), "InProgress"))
    assert count_used(Workload.TRAINING) == 1
    assert fake_aws.count("ListTrainingJobs") == 1


def test_jobs_of_one_moment_may_come_in_any_order(fake_aws: FakeAws) -> None:
    made = history(fake_aws, Workload.TRAINING, old=1000)
    made.ignores_moments = True
    made.add_jobs(PastJob(f"new-{at}", NOW - timedelta(hours=3, milliseconds=7 * at)) for at in range(90))
    fake_aws.clock = lambda: NOW
    assert count_used(Workload.TRAINING) == 0
    assert fake_aws.count("ListTrainingJobs") == 1


def test_a_search_that_pays_no_heed_to_its_filters_hides_no_count(fake_aws: FakeAws) -> None:
    """It returns all jobs that ever ran, and none of them has to be described to say that it keeps nothing warm."""
    made = history(fake_aws, Workload.TRAINING, PastJob("runs", NOW - timedelta(days=50), "InProgress"), old=1000)
    made.unheeded = frozenset({"WarmPoolStatus.Status"})
    assert count_used(Workload.TRAINING) == 1
    assert fake_aws.count("DescribeTrainingJob") <= 1


@pytest.mark.parametrize("workload", list(KINDS))
def test_a_listing_out_of_order_is_walked_to_its_end(fake_aws: FakeAws, workload: Workload) -> None:
    made = history(fake_aws, workload, old=500)
    made.ignores_order = True
    made.search_lag = timedelta(days=9999)
    made.add_jobs([PastJob(f"runs-{at}", NOW - timedelta(days=at), "InProgress") for at in range(20)])
    assert count_used(workload) == 20
    assert count_used(workload) == 20


@pytest.mark.parametrize("workload", list(KINDS))
def test_what_is_remembered_is_of_one_region(fake_aws: FakeAws, workload: Workload) -> None:
    history(fake_aws, workload, PastJob("runs", NOW - timedelta(days=50), "InProgress"))
    session = open_session()
    for region in ("us-east-1", "eu-west-1"):
        assert count_in_use(session.client(region), [workload])[workload].count("ml.m4.xlarge") == 1


@pytest.mark.parametrize("seed", few_of_many(1, 6))
@pytest.mark.parametrize("workload", list(KINDS))
def test_no_look_misses_what_runs(fake_aws: FakeAws, workload: Workload, seed: int) -> None:
    """Jobs come, some late into the listing, end, keep pools and go; each look counts what runs then."""
    chance = random.Random(seed)
    made = history(fake_aws, workload, old=150)
    running: set[str] = set()
    for look in range(12):
        made.now += timedelta(minutes=chance.choice((1, 15, 90, 60 * 24)))
        for number in range(chance.randrange(4)):
            name, late = f"{look}-{number}", timedelta(minutes=chance.choice((0, 0, 3, 9)))
            made.add_jobs([PastJob(name, made.now - late, "InProgress")])
            running.add(name)
        for name in [name for name in sorted(running) if chance.random() < 0.3]:
            made.end_job(name)
            running.remove(name)
            if chance.random() < 0.3:
                del made.jobs[name]
        assert count_used(workload) == len(running), (look, running)
