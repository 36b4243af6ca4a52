"""Measure what was promised about looking at many notebooks. Ends with 1 when a promise is broken."""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from tabulate import tabulate

from benchmarks.__main__ import LATENCY_SECONDS, Expectation, Measured, measure_slowdown, run_measured
from tests.fakes.fake_aws import FakeAws, Fault
from tests.fakes.fake_jupyter import HANGS, serve_notebooks
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks

MANY, MORE = 500, 1500
RUNS = 3
LOOK = ("-m", "opskit", "notebook", "stop", "--idle", "--dry-run", "-o", "json")


def make_department(many: int) -> FakeNotebooks:
    """So many notebooks, three in five of them running and idle, which takes the most questions to find out."""
    labs = [FakeNotebook(f"lab-{at:05}", status="InService" if at % 5 < 3 else "Stopped") for at in range(many)]
    for lab in labs:
        lab.kernel("idle", timedelta(hours=5))
    rooms = FakeNotebooks.of(*labs)
    rooms.seconds = LATENCY_SECONDS
    return rooms


def never_answer(what: str) -> Fault:
    """A Jupyter that never answers."""
    return HANGS


SLOWDOWNS: list[float] = []
"""By how much other work has slowed this machine down, look by look."""


def measure_list(many: int, folder: str, hanging: int = 0) -> tuple[Measured, FakeAws]:
    """The quickest of some looks at so many notebooks, of which some hang."""
    SLOWDOWNS.append(measure_slowdown())
    rooms, aws = make_department(many), FakeAws(latency_seconds=LATENCY_SECONDS, rates=True)
    for lab in list(rooms.labs.values())[:hanging]:
        lab.fault = never_answer
    with serve_notebooks(aws, rooms):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_"))}
        own = {f"XDG_{kind}_HOME": str(Path(folder) / kind.lower()) for kind in ("CACHE", "STATE", "CONFIG")}
        runs = [run_measured(LOOK, kept | aws.environment() | own, ends=(0, 3, 5)) for _ in range(RUNS)]
    return min(runs, key=lambda ran: ran.seconds), aws


def main() -> int:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as folder:
        few, _ = measure_list(5, folder)
        many, aws = measure_list(MANY, folder)
        more, _ = measure_list(MORE, folder)
        hanging, _ = measure_list(MANY, folder, hanging=1)
    promises = [
        Expectation(f"{MANY} notebooks, {MANY * 3 // 5} running", many.seconds, 8, "s", max(SLOWDOWNS)),
        Expectation("their memory", many.megabytes, 120, "MB"),
        Expectation("connections at once", aws.gauge.most, 16),
        Expectation("calls refused by AWS's rates", aws.refused, 0),
        Expectation(
            f"{MORE} : {MANY}, beyond the start",
            (more.seconds - few.seconds) / (many.seconds - few.seconds),
            3.3,
            slowdown=max(SLOWDOWNS),
        ),
        Expectation(f"memory of {MORE}", more.megabytes, 120, "MB"),
        Expectation("what one that hangs adds", hanging.seconds - many.seconds, 10, "s", max(SLOWDOWNS)),
    ]
    print(f"{LATENCY_SECONDS * 1000:g} ms a call and a question; the best of {RUNS} runs\n")
    print(tabulate([expectation.row() for expectation in promises], ("What", "Measured", "Promised", "Share", "")))
    return 0 if all(expectation.is_met for expectation in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
