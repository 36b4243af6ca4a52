"""Measure what a look at all that bills costs at AWS's rates, the first time and the next: hundreds of notebooks and
endpoints, tens of thousands of jobs that have ended. Ends with 1 when a promise is broken.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tabulate import tabulate

from benchmarks.__main__ import LATENCY_SECONDS, Expectation, measure_slowdown
from benchmarks.fleets import floor_seconds
from tests.fakes.billed_account import notebook
from tests.fakes.endpoint_fleet import EndpointFleet
from tests.fakes.fake_aws import FakeAws, serve_fake_aws
from tests.fakes.job_history import JobHistory, PastJob
from tests.fakes.price_answers import price_list

NOTEBOOKS, ENDPOINTS, OLD_JOBS, PAGE = 300, 200, 20_000, 100
COSTS = ("-m", "opskit", "costs", "-o", "json")
WARM_SECONDS, MEGABYTES = 6, 120


@dataclass(frozen=True)
class CostsRun:
    """How long a run took, how many items it found, and the memory that it needed at most, in MB."""

    seconds: float
    items: int
    megabytes: float
    code: int


def billed_account() -> FakeAws:
    """An account with so many of everything, a third of the notebooks stopped, and one running job of each kind."""
    now = datetime.now(UTC)
    aws = FakeAws(latency_seconds=LATENCY_SECONDS, rates=True)
    for word in ("TransformJob", "ProcessingJob", "TrainingJob"):
        history = JobHistory(word, now)
        history.add_jobs(
            PastJob(f"old-{at}", now - timedelta(hours=2 + at * 17520 / OLD_JOBS)) for at in range(OLD_JOBS)
        )
        history.add_jobs([PastJob("runs", now - timedelta(days=50), "InProgress")])
        history.serve_from(aws)
    search_jobs = aws.running["Search"]
    fleet = EndpointFleet.of_size(ENDPOINTS)
    fleet.serve_from(aws)
    labs = [notebook(f"lab-{at:03}", "InService" if at % 3 else "Stopped", 5 + at, 5) for at in range(NOTEBOOKS)]
    by_name = {lab["NotebookInstanceName"]: lab for lab in labs}
    aws.running |= {
        "Search": lambda asked: search_jobs(asked) if asked["Resource"] == "TrainingJob" else fleet.search_page(asked),
        "ListNotebookInstances": lambda asked: _page_of(labs, asked),
        "DescribeNotebookInstance": lambda asked: by_name[asked["NotebookInstanceName"]],
        "GetProducts": price_list,
    }
    return aws


def _page_of(labs: list[dict[str, Any]], asked: Mapping[str, Any]) -> dict[str, Any]:
    start = int(asked.get("NextToken", 0))
    listed = [{name: lab[name] for name in lab if name != "VolumeSizeInGB"} for lab in labs[start : start + PAGE]]
    more = {"NextToken": str(start + PAGE)} if start + PAGE < len(labs) else {}
    return {"NotebookInstances": listed, **more}


def run_costs(aws: FakeAws, home: str) -> CostsRun:
    """One run of the command in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_"))}
    own = {f"XDG_{kind}_HOME": str(Path(home) / kind.lower()) for kind in ("CACHE", "STATE", "CONFIG")}
    began = time.monotonic()
    ended = subprocess.run(
        (sys.executable, *COSTS), env=kept | aws.environment() | own, stdout=subprocess.PIPE, text=True, check=False
    )
    seconds = time.monotonic() - began
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    return CostsRun(seconds, len(json.loads(ended.stdout)["data"]["items"]), most, ended.returncode)


def main() -> int:
    """Measure, and print a line for each promise."""
    with tempfile.TemporaryDirectory() as home, serve_fake_aws(billed_account()) as aws:
        slowdowns = [measure_slowdown()]
        cold = run_costs(aws, home)
        slowdowns.append(measure_slowdown())
        called = {operation: aws.count(operation) for operation, _ in aws.calls}
        warm = run_costs(aws, home)
        slowdowns.append(measure_slowdown())
    # Each operation has a rate of its own, so the slowest of them is the floor.
    floor = max(floor_seconds(NOTEBOOKS), floor_seconds(ENDPOINTS), floor_seconds(OLD_JOBS // PAGE))
    missing = NOTEBOOKS + NOTEBOOKS * 2 // 3 + ENDPOINTS + 3 - cold.items
    expectations = [
        Expectation("first run: items that are missing", missing, 0),
        Expectation("first run: against what the calls need", cold.seconds, 1.2 * floor, "s", max(slowdowns)),
        Expectation("next run", warm.seconds, WARM_SECONDS, "s", max(slowdowns)),
        Expectation("next run: items that are missing", cold.items - warm.items, 0),
        Expectation("memory", max(cold.megabytes, warm.megabytes), MEGABYTES, "MB"),
        Expectation("exit codes", cold.code + warm.code, 0),
    ]
    print(tabulate([each.row() for each in expectations], headers=("What", "Measured", "At most", "Share", "")))
    print(", ".join(f"{name} {count}" for name, count in sorted(called.items(), key=lambda each: -each[1])[:8]))
    return 0 if all(each.is_met for each in expectations) else 1


if __name__ == "__main__":
    sys.exit(main())
