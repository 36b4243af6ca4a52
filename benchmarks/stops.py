"""Measure what was promised about stops on an AWS that throttles them, in which somebody begins to work or keeps a
notebook all the time. Ends with 1 when a promise is broken.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tabulate import tabulate

from benchmarks.__main__ import LATENCY_SECONDS, Expectation
from tests.fakes.fake_aws import FakeAws
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks, Untidiness, serve_notebooks

SEEDS = 2
MANY, AT_A_RATE = 40, 60
STOP = ("-m", "opskit", "notebook", "stop", "--idle", "--limit", "99", "-o", "json")


@dataclass(frozen=True)
class Night:
    """What became of a run over so many idle notebooks, and how long it took."""

    rooms: FakeNotebooks
    outcomes: Counter[str | None]
    oldest_look_ms: int
    seconds: float
    connections: int

    @property
    def too_late(self) -> int:
        """Stops that came more than a second after somebody began to work or kept the notebook."""
        return sum(taken.too_late_seconds is not None and taken.too_late_seconds > 1 for taken in self.rooms.taken)


def stopped(many: int, untidy: Untidiness) -> Night:
    """Stop so many notebooks, all of them idle at first."""
    rooms = FakeNotebooks.of(*(FakeNotebook(f"lab-{at:03}").kernel("idle", timedelta(hours=5)) for at in range(many)))
    rooms.seconds, rooms.untidy = LATENCY_SECONDS, untidy
    aws = FakeAws(latency_seconds=LATENCY_SECONDS)
    with tempfile.TemporaryDirectory() as folder, serve_notebooks(aws, rooms):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_"))}
        own = {f"XDG_{kind}_HOME": str(Path(folder) / kind.lower()) for kind in ("CACHE", "STATE", "CONFIG")}
        began = time.monotonic()
        ended = subprocess.run(
            (sys.executable, *STOP), env=kept | aws.environment() | own, stdout=subprocess.PIPE, text=True, check=False
        )
    rows = json.loads(ended.stdout)["data"]["notebooks"]
    looked = [row.get("looked_ms_ago") for row in rows]
    return Night(
        rooms,
        Counter(row["outcome"] for row in rows),
        max((each for each in looked if each is not None), default=0),
        time.monotonic() - began,
        aws.gauge.most,
    )


def promises(wild: Sequence[Night], steady: Night) -> list[Expectation]:
    """What is promised: of accounts in which half of the stops are throttled, and of one that takes two a second."""
    return [
        Expectation("stops more than a second too late", sum(night.too_late for night in wild), 0),
        Expectation("stops given up, half throttled", sum(night.outcomes["refused"] for night in wild), 0),
        Expectation("the oldest look at a stop", max(night.oldest_look_ms for night in (*wild, steady)), 1000, "ms"),
        Expectation(f"left on, of {AT_A_RATE} at two stops a second", AT_A_RATE - len(steady.rooms.taken), 0),
        Expectation("of these throttled", steady.rooms.throttled, AT_A_RATE / 4),
        Expectation("seconds they took", steady.seconds, AT_A_RATE),
        Expectation("connections at once", max(night.connections for night in (*wild, steady)), 16),
    ]


def main() -> int:
    """Measure and report."""
    wild = [
        stopped(MANY, Untidiness(random.Random(seed), throttles=0.5, wakes=0.02, keeps=0.005)) for seed in range(SEEDS)
    ]
    steady = stopped(AT_A_RATE, Untidiness(random.Random(0), rate=(2.0, 2.0)))
    measured = promises(wild, steady)
    taken, throttled = sum(len(night.rooms.taken) for night in wild), sum(night.rooms.throttled for night in wild)
    print(f"{LATENCY_SECONDS * 1000:g} ms a call and a question; {SEEDS} x {MANY} notebooks: {taken} stops, ", end="")
    print(f"{throttled} throttled, {sum(night.seconds for night in wild):.0f} s; {AT_A_RATE} at two stops a second\n")
    print(tabulate([expectation.row() for expectation in measured], ("What", "Measured", "Promised", "Share", "")))
    return 0 if all(expectation.is_met for expectation in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
