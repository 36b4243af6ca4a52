"""Measure looks at many endpoints and notebooks at AWS's rates: nothing stays unknown, and a look costs little more
than its calls must at those rates. Ends with 1 when a promise is broken.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tabulate import tabulate

from benchmarks.__main__ import LATENCY_SECONDS, Expectation, measure_slowdown
from benchmarks.histories import account_of_its_own
from opskit.aws.session import open_session
from opskit.core.model import Workload
from opskit.quotas.reads.usage import count_in_use
from tests.fakes.endpoint_fleet import EndpointFleet
from tests.fakes.fake_aws import DENIED, UNPUBLISHED_RATE, UNPUBLISHED_RATES, FakeAws
from tests.fakes.fake_jupyter import serve_notebooks
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks

ENDPOINTS, NOTEBOOKS, FEW = 200, 300, 5
LOOK = ("-m", "opskit", "notebook", "stop", "--idle", "--dry-run", "-o", "json")


@dataclass(frozen=True)
class Look:
    """How long a look took, and of how many resources something stayed unknown."""

    seconds: float
    unknown: int


def look_at_endpoints() -> tuple[Look, Look]:
    """A first count of endpoints, and the next one, which remembers their configurations."""
    aws = FakeAws(latency_seconds=LATENCY_SECONDS, rates=True)
    EndpointFleet.of_size(ENDPOINTS).serve_from(aws)
    with account_of_its_own(aws):
        return _count_endpoints(), _count_endpoints()


def _count_endpoints() -> Look:
    client = open_session().client()
    began = time.monotonic()
    counted = count_in_use(client, [Workload.ENDPOINT])[Workload.ENDPOINT]
    return Look(time.monotonic() - began, ENDPOINTS - counted.count("ml.m4.xlarge"))


def look_at_notebooks(many: int, refuse: Callable[[str], bool] = lambda name: False) -> Look:
    """A dry run over so many notebooks, all of which run; the operations to ``refuse`` are not allowed."""
    labs = [FakeNotebook(f"lab-{at:03}").kernel("idle", timedelta(hours=5)) for at in range(many)]
    labs[0].tags = {"opskit:keep": "thesis"}
    aws = FakeAws(latency_seconds=LATENCY_SECONDS, rates=True)
    aws.fault = lambda operation, region: DENIED if refuse(operation) else None
    with serve_notebooks(aws, FakeNotebooks.of(*labs)), tempfile.TemporaryDirectory() as folder:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_"))}
        own = {f"XDG_{kind}_HOME": str(Path(folder) / kind.lower()) for kind in ("CACHE", "STATE", "CONFIG")}
        began = time.monotonic()
        ended = subprocess.run(
            (sys.executable, *LOOK), env=kept | aws.environment() | own, stdout=subprocess.PIPE, text=True, check=False
        )
    rows: list[dict[str, Any]] = json.loads(ended.stdout)["data"]["notebooks"]
    return Look(time.monotonic() - began, many - sum(row["verdict"] in ("idle", "protected") for row in rows))


def _beyond(start: float, look: Look) -> Look:
    """A look without what the start of its process takes."""
    return Look(look.seconds - start, look.unknown)


def floor_seconds(calls: int, rate: tuple[float, float] = UNPUBLISHED_RATE) -> float:
    """What so many calls of one operation need at a rate: calls a second, and how many at once."""
    per_second, at_once = rate
    return max(0.0, calls - at_once) / per_second


def main() -> int:
    """Measure, and print a line for each promise."""
    slowdowns = [measure_slowdown()]
    first, later = look_at_endpoints()
    start = look_at_notebooks(FEW).seconds
    slowdowns.append(measure_slowdown())
    listed = look_at_notebooks(NOTEBOOKS)
    slowdowns.append(measure_slowdown())
    each = look_at_notebooks(NOTEBOOKS, lambda name: name == "GetResources")
    lines = {
        f"{ENDPOINTS} endpoints": (first, floor_seconds(ENDPOINTS)),
        f"{ENDPOINTS} endpoints again": (later, floor_seconds(ENDPOINTS)),
        f"{NOTEBOOKS} notebooks": (_beyond(start, listed), floor_seconds(NOTEBOOKS)),
        f"{NOTEBOOKS} notebooks, ListTags alone": (
            _beyond(start, each),
            floor_seconds(NOTEBOOKS, UNPUBLISHED_RATES["ListTags"]),
        ),
    }
    expectations = [
        expectation
        for what, (look, floor) in lines.items()
        for expectation in (
            Expectation(f"{what}: unknown", look.unknown, 0),
            Expectation(f"{what}: against what the calls need", look.seconds, 1.2 * floor, "s", max(slowdowns)),
        )
    ]
    print(tabulate([each.row() for each in expectations], headers=("What", "Measured", "At most", "Share", "")))
    return 0 if all(each.is_met for each in expectations) else 1


if __name__ == "__main__":
    sys.exit(main())
