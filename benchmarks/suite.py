"""Measure what the tests cost: CPU seconds of their processes and of all that these started and waited for. What a busy
machine does to wall-clock time, it does not do to them. Nothing is promised, so nothing can be broken.

``python -m benchmarks.suite`` measures every part, ``python -m benchmarks.suite unit`` one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabulate import tabulate

PARTS: Mapping[str, Sequence[str]] = {
    "unit": ("-m", "not served", "tests/unit"),
    "served": ("-m", "served", "tests/unit"),
    "sandbox": ("tests/sandbox",),
    "journeys": ("tests/journeys",),
    "packaging": ("tests/packaging",),
}
PYTEST = ("-m", "pytest", "-q", "--no-header", "-n", "0", "-p", "no:cacheprovider", "-W", "ignore")


@dataclass(frozen=True)
class Cost:
    """What a run cost, in seconds of CPU and by the clock, and its exit code."""

    user: float
    system: float
    clock: float
    code: int

    def row(self, part: str) -> tuple[str, ...]:
        """The cost as a line of the report."""
        seconds = (self.user, self.system, self.user + self.system, self.clock)
        return part, *(f"{each:.0f}" for each in seconds), "passed" if self.code == 0 else f"ended with {self.code}"


def cost_of(arguments: Sequence[str]) -> Cost:
    """Run pytest in one process and wait for its end."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, *PYTEST, *arguments], stdout=sys.stderr)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(used.ru_utime, used.ru_stime, time.monotonic() - began, process.returncode)


def main() -> int:
    """Measure and report."""
    unknown = set(sys.argv[1:]) - PARTS.keys()
    if unknown:
        print(f"There is no part {', '.join(sorted(unknown))}: {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    rows = [cost_of(PARTS[part]).row(part) for part in sys.argv[1:] or PARTS]
    print(tabulate(rows, ("Part", "User", "System", "CPU seconds", "By the clock", "")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
