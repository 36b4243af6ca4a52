"""Measure what was promised about looking at many notebooks. Ends with 1 when a promise is broken."""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from tabulate import tabulate

from benchmarks.__main__ import LATENCY_SECONDS, Promise, Ran, run
from benchmarks.small_aws import Fault, SmallAws
from benchmarks.small_notebooks import HANGS, Lab, SmallNotebooks, serve_notebooks

MANY, MORE = 500, 1500
RUNS = 3
LOOK = ("-m", "opskit", "notebook", "stop", "--idle", "--dry-run", "-o", "json")


def department(many: int) -> SmallNotebooks:
    """So many notebooks, three in five of them running and idle, which takes the most questions to find out."""
    labs = [Lab(f"lab-{at:05}", status="InService" if at % 5 < 3 else "Stopped") for at in range(many)]
    for lab in labs:
        lab.kernel("idle", timedelta(hours=5))
    rooms = SmallNotebooks.of(*labs)
    rooms.seconds = LATENCY_SECONDS
    return rooms


def hang(what: str) -> Fault:
    """A Jupyter that never answers."""
    return HANGS


def looked(many: int, folder: str, hanging: int = 0) -> tuple[Ran, SmallAws]:
    """The quickest of some looks at so many notebooks, of which some hang."""
    rooms, aws = department(many), SmallAws(latency_seconds=LATENCY_SECONDS, rates=True)
    for lab in list(rooms.labs.values())[:hanging]:
        lab.fault = hang
    with serve_notebooks(aws, rooms):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_"))}
        own = {f"XDG_{kind}_HOME": str(Path(folder) / kind.lower()) for kind in ("CACHE", "STATE", "CONFIG")}
        runs = [run(LOOK, kept | aws.environment() | own, ends=(0, 5)) for _ in range(RUNS)]
    return min(runs, key=lambda ran: ran.seconds), aws


def main() -> int:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as folder:
        few, _ = looked(5, folder)
        many, aws = looked(MANY, folder)
        more, _ = looked(MORE, folder)
        hanging, _ = looked(MANY, folder, hanging=1)
    promises = [
        Promise(f"{MANY} notebooks, {MANY * 3 // 5} running", many.seconds, 8, "s"),
        Promise("their memory", many.megabytes, 120, "MB"),
        Promise("connections at once", aws.gauge.most, 16),
        Promise("calls refused by AWS's rates", aws.refused, 0),
        Promise(f"{MORE} : {MANY}, beyond the start", (more.seconds - few.seconds) / (many.seconds - few.seconds), 3.3),
        Promise(f"memory of {MORE}", more.megabytes, 120, "MB"),
        Promise("what one that hangs adds", hanging.seconds - many.seconds, 10, "s"),
    ]
    print(f"{LATENCY_SECONDS * 1000:g} ms a call and a question; the best of {RUNS} runs\n")
    print(tabulate([each.row() for each in promises], ("What", "Measured", "Promised", "Share", "")))
    return 0 if all(each.kept for each in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
