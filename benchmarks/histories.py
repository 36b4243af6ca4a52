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
from datetime import UTC, datetime, timedelta

from tabulate import tabulate

from benchmarks.__main__ import LATENCY_SECONDS, Expectation
from opskit.aws.session import open_session
from opskit.core.model import Workload
from opskit.quotas.reads.usage import count_in_use
from tests.fakes.fake_aws import RATES, UNPUBLISHED_RATE, FakeAws, serve_fake_aws
from tests.fakes.job_history import JobHistory, PastJob

SIZES = (0, 1_000, 20_000)
KINDS = {Workload.TRAINING: "TrainingJob", Workload.TRANSFORM: "TransformJob", Workload.PROCESSING: "ProcessingJob"}
LATER_LOOKS = 5
"""Of which the shortest counts: what makes one longer is this machine."""
PAGE = 100


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


def look_seconds(workload: Workload, size: int) -> tuple[float, float, int]:
    """Seconds of a first look and of the next, and how many jobs the next one counted; one of them is 50 days old."""
    now = datetime.now(UTC)
    history = JobHistory(KINDS[workload], now)
    history.add_jobs(PastJob(f"old-{at}", now - timedelta(hours=2 + at * 17520 / max(size, 1))) for at in range(size))
    history.add_jobs([PastJob("runs", now - timedelta(days=50), "InProgress")])
    aws = FakeAws(latency_seconds=LATENCY_SECONDS, rates=True)
    history.serve_from(aws)
    seconds = []
    with account_of_its_own(aws):
        for _ in range(1 + LATER_LOOKS):
            client = open_session().client()
            began = time.monotonic()
            counts = count_in_use(client, [workload])[workload]
            seconds.append(time.monotonic() - began)
    return seconds[0], min(seconds[1:]), counts.count(None) if counts.incomplete is None else -1


def main(workloads: Sequence[Workload] = tuple(KINDS)) -> int:
    """Measure, and print a line for each promise."""
    expectations = []
    for workload in workloads:
        looks = {size: look_seconds(workload, size) for size in SIZES}
        most = max(SIZES)
        first, later, counted = looks[most]
        floor = most / PAGE / RATES.get(f"List{KINDS[workload]}s", UNPUBLISHED_RATE)[0]
        expectations += [
            Expectation(f"{workload}: first look at {most:,} jobs", first, 1.2 * floor, "s"),
            Expectation(f"{workload}: later look, against none", later, max(1.2 * looks[0][1], looks[0][1] + 0.1), "s"),
            Expectation(f"{workload}: a job of 50 days that is missed", float(counted != 1), 0),
        ]
    print(tabulate([each.row() for each in expectations], headers=("What", "Measured", "At most", "Share", "")))
    return 0 if all(each.is_met for each in expectations) else 1


if __name__ == "__main__":
    sys.exit(main())
