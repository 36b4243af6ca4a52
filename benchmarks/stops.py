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

from benchmarks.__main__ import LATENCY_SECONDS, Expectation, measure_slowdown
from tests.fakes.fake_aws import FakeAws
from tests.fakes.fake_jupyter import serve_notebooks
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks, Untidiness

SEEDS = 2
MANY, AT_A_RATE = 40, 60
STOP = ("-m", "opskit", "notebook", "stop", "--idle", "--limit", "99", "-o", "json")


INSIDE = ("--inside",)
INSIDE_SECONDS = (4.0, 5.0)
"""What a look inside takes: its readings are three seconds apart, and then it looks at the files."""


@dataclass(frozen=True)
class Night:
    """What became of a run over so many idle notebooks, and how long it took."""

    rooms: FakeNotebooks
    outcomes: Counter[str | None]
    oldest_look_ms: int
    seconds: float
    connections: int
    oldest_inside_ms: int = 0
    slowdown: float = 1.0

    @property
    def too_late(self) -> int:
        """Stops that came more than a second after somebody began to work or kept the notebook."""
        return sum(taken.too_late_seconds is not None and taken.too_late_seconds > 1 for taken in self.rooms.taken)


def stopped(many: int, untidy: Untidiness, *words: str) -> Night:
    """Stop so many notebooks, all of them idle at first."""
    labs = [FakeNotebook(f"lab-{at:03}", has_terminals=True).kernel("idle", timedelta(hours=5)) for at in range(many)]
    rooms, chance = FakeNotebooks.of(*labs), random.Random(many)
    rooms.seconds, rooms.untidy = LATENCY_SECONDS, untidy
    rooms.inside_seconds = lambda: chance.uniform(*INSIDE_SECONDS)
    aws = FakeAws(latency_seconds=LATENCY_SECONDS)
    with tempfile.TemporaryDirectory() as folder, serve_notebooks(aws, rooms):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_"))}
        own = {f"XDG_{kind}_HOME": str(Path(folder) / kind.lower()) for kind in ("CACHE", "STATE", "CONFIG")}
        slowdowns = [measure_slowdown()]
        began = time.monotonic()
        ended = subprocess.run(
            (sys.executable, *STOP, *words),
            env=kept | aws.environment() | own,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - began
        slowdowns.append(measure_slowdown())
    rows = json.loads(ended.stdout)["data"]["notebooks"]
    return Night(
        rooms,
        Counter(row["outcome"] for row in rows),
        max((row["looked_ms_ago"] or 0 for row in rows), default=0),
        seconds,
        aws.gauge.most,
        max((row["inside_ms_ago"] or 0 for row in rows), default=0),
        max(slowdowns),
    )


def promises(wild: Sequence[Night], steady: Sequence[Night]) -> list[Expectation]:
    """What is promised: of accounts in which half of the stops are throttled, and of two that take two a second, with
    looks inside in the last.
    """
    nights = (*wild, *steady)
    left_on = sum(AT_A_RATE - len(night.rooms.taken) for night in steady)
    return [
        Expectation("stops more than a second too late", sum(night.too_late for night in wild), 0),
        Expectation("stops given up, half throttled", sum(night.outcomes["refused"] for night in wild), 0),
        Expectation("the oldest look at a stop", max(night.oldest_look_ms for night in nights), 1000, "ms"),
        Expectation("the oldest look inside", max(night.oldest_inside_ms for night in nights), 30_000, "ms"),
        Expectation(f"left on, of 2 x {AT_A_RATE} at two stops a second", left_on, 0),
        Expectation("of these throttled", max(night.rooms.throttled for night in steady), AT_A_RATE / 4),
        Expectation("seconds they took", steady[0].seconds, AT_A_RATE, "s", steady[0].slowdown),
        Expectation(
            "seconds they took, with looks inside", steady[-1].seconds, 1.5 * AT_A_RATE, "s", steady[-1].slowdown
        ),
        Expectation("connections at once", max(night.connections for night in nights), 16),
    ]


def main() -> int:
    """Measure and report."""
    wild = [
        stopped(MANY, Untidiness(random.Random(seed), throttles=0.5, wakes=0.02, keeps=0.005), *words)
        for seed in range(SEEDS)
        for words in ((), INSIDE)
    ]
    steady = [stopped(AT_A_RATE, Untidiness(random.Random(0), rate=(2.0, 2.0)), *words) for words in ((), INSIDE)]
    measured = promises(wild, steady)
    taken, throttled = sum(len(night.rooms.taken) for night in wild), sum(night.rooms.throttled for night in wild)
    print(f"{LATENCY_SECONDS * 1000:g} ms a call and a question, looks inside of {INSIDE_SECONDS} s; ", end="")
    print(f"{len(wild)} x {MANY} notebooks: {taken} stops, {throttled} throttled, ", end="")
    print(f"{sum(night.seconds for night in wild):.0f} s; {AT_A_RATE} at two stops a second\n")
    print(tabulate([expectation.row() for expectation in measured], ("What", "Measured", "Promised", "Share", "")))
    return 0 if all(expectation.is_met for expectation in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
