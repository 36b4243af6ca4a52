"""Measure a look at many accounts: CPU time of each account and Region, and memory, which does not grow with their
number. Ends with 1 when a promise is broken. ``python -m benchmarks.accounts [ACCOUNTS]``
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from tabulate import tabulate

from benchmarks.__main__ import Expectation
from tests.fakes.fake_aws import serve_fake_aws
from tests.fakes.organization import make_organization

ACCOUNTS = 50
REGIONS = ("ap-south-1", "eu-west-1", "us-east-1", "us-west-2")
MAX_CPU_SECONDS = 0.12
"""For each account and Region."""
MAX_CPU_SHARE = 1.3
"""Of the CPU time, the time that a run on one process may take at 32 accounts at a time, if nobody else computes."""
LOOK = ("-m", "opskit", "fleet", "check", "ml.m4.xlarge", "--for", "training", "--org", "-o", "json", "-q")


@dataclass(frozen=True)
class AccountsLook:
    """What a look took: the time, the CPU time of all its processes, and the memory of the largest, in MB."""

    seconds: float
    cpu_seconds: float
    megabytes: float


def look_at_accounts(count: int, processes: int = 1, concurrency: int = 32) -> AccountsLook:
    """Look at so many accounts in four Regions, a tenth of which fail, so many at a time."""
    organization = make_organization(count, REGIONS, fault_every=10)
    with serve_fake_aws(organization.management) as aws, tempfile.TemporaryDirectory() as folder:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_"))}
        own = {f"XDG_{kind}_HOME": f"{folder}/{kind.lower()}" for kind in ("CACHE", "STATE", "CONFIG")}
        where = [word for region in REGIONS for word in ("--region", region)]
        how = ("--concurrency", str(concurrency), "--processes", str(processes))
        began = time.monotonic()
        process = subprocess.Popen(
            (sys.executable, *LOOK, *where, *how), env=kept | aws.environment() | own, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        told = json.loads(process.stdout.read())
        # wait4: the processes that it waited for itself count, too.
        _, _, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
    failed = {each["account"] for each in told["data"]["accounts"] if each["error"]}
    assert failed == organization.faults.keys(), failed ^ organization.faults.keys()
    return AccountsLook(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main() -> int:
    """Measure, and print a line for each promise."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ACCOUNTS
    one, two = look_at_accounts(count), look_at_accounts(count, processes=2)
    # Memory is that of the accounts that are looked at together, however many there are.
    many, few = look_at_accounts(count, concurrency=8), look_at_accounts(count // 2, concurrency=8)
    places = count * len(REGIONS)
    expectations = [
        Expectation("CPU for each account and Region", one.cpu_seconds / places, MAX_CPU_SECONDS, "s"),
        Expectation("the same, two processes", two.cpu_seconds / places, MAX_CPU_SECONDS, "s"),
        Expectation("time : CPU time", one.seconds / one.cpu_seconds, MAX_CPU_SHARE),
        Expectation("two processes : one, time", two.seconds / one.seconds, 1.0),
        Expectation("the same, 8 accounts at a time", many.cpu_seconds / places, MAX_CPU_SECONDS, "s"),
        Expectation(f"memory, {count} accounts : {count // 2}", many.megabytes / few.megabytes, 1.2),
    ]
    print(one, two, many, few, sep="\n")
    print(tabulate([each.row() for each in expectations], headers=("What", "Measured", "At most", "Share", "")))
    return 0 if all(each.is_met for each in expectations) else 1


if __name__ == "__main__":
    sys.exit(main())
