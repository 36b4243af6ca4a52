"""Measure what a look at jobs costs by how many ever ran, on an AWS that filters after it cuts the page, at
AWS's rates. Ends with 1 when a promise is broken.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from tabulate import tabulate

from benchmarks.__main__ import LATENCY_SECONDS, Expectation, measure_slowdown
from opskit.aws.session import open_session
from opskit.core.model import Workload
from opskit.quotas.reads.usage import count_in_use
from tests.fakes.fake_aws import RATES, UNPUBLISHED_RATE, FakeAws, serve_fake_aws
from tests.fakes.job_history import JobHistory, PastJob

SIZES = (0, 1_000, 20_000)
KINDS = {Workload.TRAINING: "TrainingJob", Workload.TRANSFORM: "TransformJob", Workload.PROCESSING: "ProcessingJob"}
LATER_LOOKS = 8
"""Of which the shortest counts: what makes one longer is this machine."""
PAGE = 100
REST_SECONDS = 1.0
"""Between looks, until the slowest rate is as if nobody had called: one look does not know what another has used."""
NOISE_SECONDS = 0.1
"""What two looks that are alike may differ by on a busy machine."""


@contextmanager
def account_of_its_own(aws: FakeAws) -> Iterator[None]:
    """An AWS, and a home in which nothing is remembered."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as home, serve_fake_aws(aws):
        os.environ.update(aws.environment() | {f"XDG_{kind}_HOME": home for kind in ("CACHE", "STATE", "CONFIG")})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


@dataclass(frozen=True)
class Looks:
    """Looks at jobs of a kind: the seconds of the first and of a later one, the calls of a later one, and how many jobs
    it counted (-1: unknown). ``slowdown`` is by how much other work has slowed the later ones down.
    """

    first: float
    later: float
    later_calls: int
    counted: int
    slowdown: float


def look_seconds(workload: Workload, size: int) -> Looks:
    """Look at an account with so many old jobs, and one that is 50 days old and runs."""
    now = datetime.now(UTC)
    history = JobHistory(KINDS[workload], now)
    history.add_jobs(PastJob(f"old-{at}", now - timedelta(hours=2 + at * 17520 / max(size, 1))) for at in range(size))
    history.add_jobs([PastJob("runs", now - timedelta(days=50), "InProgress")])
    aws = FakeAws(latency_seconds=LATENCY_SECONDS, rates=True)
    history.serve_from(aws)
    seconds, calls, slowdowns = [], [], []
    with account_of_its_own(aws):
        for _ in range(1 + LATER_LOOKS):
            time.sleep(REST_SECONDS)
            slowdowns.append(measure_slowdown())
            client = open_session().client()
            aws.forget_calls()
            began = time.monotonic()
            counts = count_in_use(client, [workload])[workload]
            seconds.append(time.monotonic() - began)
            calls.append(len(aws.calls))
    counted = counts.count(None) if counts.incomplete is None else -1
    return Looks(seconds[0], min(seconds[1:]), min(calls[1:]), counted, median(slowdowns[1:]))


def main(workloads: Sequence[Workload] = tuple(KINDS)) -> int:
    """Measure, and print a line for each promise."""
    expectations = []
    for workload in workloads:
        looks = {size: look_seconds(workload, size) for size in SIZES}
        none = looks[0]
        for size in SIZES[1:]:
            look = looks[size]
            pages = size / PAGE / RATES.get(f"List{KINDS[workload]}s", UNPUBLISHED_RATE)[0]
            floor = pages + none.first
            what = f"{workload}, {size:,} jobs"
            expectations += [
                Expectation(f"{what}: first look", look.first, 1.2 * floor, "s"),
                Expectation(
                    f"{what}: later look, against none",
                    look.later,
                    max(1.2 * none.later, none.later + NOISE_SECONDS),
                    "s",
                    slowdown=max(look.slowdown, none.slowdown),
                ),
                # The job that runs is described where it is older than all on the page that is listed.
                Expectation(f"{what}: calls of a later look, against none", look.later_calls, none.later_calls + 1),
                Expectation(f"{what}: a job of 50 days that is missed", float(look.counted != 1), 0),
            ]
    print(tabulate([each.row() for each in expectations], headers=("What", "Measured", "At most", "Share", "")))
    return 0 if all(each.is_met for each in expectations) else 1


if __name__ == "__main__":
    sys.exit(main())
