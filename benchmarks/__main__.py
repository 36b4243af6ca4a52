"""Measure what was promised about speed and memory. Ends with 1 when a promise is broken."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from benchmarks.small_aws import Entry, SmallAws, serve
from opskit.observe.known_codes import shipped_codes

LATENCY_SECONDS = 0.05
QUOTAS = 1800
RUNS = 5
REST_SECONDS = 1.3  # until a server's rates are as if nobody had called
REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1")

LISTED, FEWER_LISTED, MORE_LISTED = 1500, 500, 2300
TWENTY = tuple(
    f"{place}-{side}-{number}"
    for place in ("us", "eu", "ap", "sa", "ca")
    for side in ("east", "west")
    for number in (1, 2)
)

CHECK = ("-m", "opskit", "quotas", "check", "-o", "json")
LIST = ("-m", "opskit", "quotas", "list", "-o", "json")
PLAIN_LIST = ("-m", "benchmarks.plain_list")
FIVE = tuple(word for region in REGIONS for word in ("--region", region))
BOTO = """
import boto3
session = boto3.Session()
for service in ("sts", "service-quotas", "sagemaker"):
    session.client(service, region_name="us-east-1")
"""


@dataclass(frozen=True)
class Ran:
    """One process: wall-clock seconds and peak memory in MB."""

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Promise:
    """A number, and the most it may be."""

    what: str
    measured: float
    most: float
    unit: str = ""

    @property
    def kept(self) -> bool:
        """Whether it is."""
        return self.measured <= self.most

    def row(self) -> tuple[str, str, str, str, str]:
        """The promise as a line of the report."""
        share = f"{self.measured / self.most:.2f}" if self.most else ""
        return self.what, f"{self.measured:.3g} {self.unit}", f"{self.most:g} {self.unit}", share, _word(self.kept)


def _word(kept: bool) -> str:
    return "kept" if kept else "BROKEN"


def run(arguments: Sequence[str], environment: dict[str, str], ends: Sequence[int] = (0, 3)) -> Ran:
    """A Python process from its start to its end, which is to be with one of these codes."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ends:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")
    return Ran(seconds, used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024))


def typical(arguments: Sequence[str], environment: dict[str, str], before: Callable[[], None] = lambda: None) -> Ran:
    """The median of several runs."""
    runs = []
    for _ in range(RUNS):
        before()
        runs.append(run(arguments, environment))
    return Ran(statistics.median(ran.seconds for ran in runs), max(ran.megabytes for ran in runs))


def usual_megabytes(arguments: Sequence[str], environment: dict[str, str]) -> float:
    """The median of the peaks of several runs, for differences that are smaller than what their peaks differ by."""
    return statistics.median(_rested(arguments, environment).megabytes for _ in range(RUNS))


def _rested(arguments: Sequence[str], environment: dict[str, str]) -> Ran:
    """A run that finds the rates untouched: one process cannot know what another has used of them."""
    time.sleep(REST_SECONDS)
    return run(arguments, environment)


def grown_account() -> list[Entry]:
    """As many quotas as a grown account has; nothing of ml.p2.xlarge, and not everything applied."""
    known = [
        Entry(name, code, None if at % 40 == 7 else 4, 2)
        for at, (name, code) in enumerate(shipped_codes().items())
        if "ml.p2.xlarge" not in name
    ]
    others = [Entry(f"ml.m9.{at}xlarge for training job usage", f"L-{at:08X}") for at in range(QUOTAS - len(known))]
    return others[::2] + known + others[1::2]


def of_help(environment: dict[str, str]) -> list[Promise]:
    """Help and version against what Typer alone takes."""
    bare = min(run(("-c", "import typer"), environment).seconds for _ in range(3 * RUNS))
    return [
        Promise(
            f"opskit {' '.join(words)} : import typer",
            min(run(("-m", "opskit", *words), environment).seconds for _ in range(3 * RUNS)) / bare,
            1.5,
        )
        for words in (("--version",), ("--help",), ("quotas", "check", "--help"))
    ]


def of_check(aws: SmallAws, environment: dict[str, str], cache: Path) -> list[Promise]:
    """``quotas check`` when it knows nothing, when it knows all, and in five Regions."""

    def rest() -> None:
        time.sleep(REST_SECONDS)
        aws.forget_calls()

    def forget() -> None:
        for file in cache.rglob("*.json"):
            file.unlink()
        rest()

    boto = typical(("-c", BOTO), environment)
    first = typical(CHECK, environment, forget)
    unknown = typical((*CHECK, "ml.new1.xlarge", "--for", "training"), environment, forget)
    _rested(CHECK, environment)
    warm = typical(CHECK, environment, rest)
    chain = aws.one_after_another()
    listings = aws.count("ListAWSDefaultServiceQuotas")
    _rested((*CHECK, *FIVE), environment)
    five = typical((*CHECK, *FIVE), environment, rest)
    return [
        Promise("first run, beyond boto3 and its clients", first.seconds - boto.seconds, 1.5, "s"),
        Promise("a name without a code, beyond boto3 and its clients", unknown.seconds - boto.seconds, 1.5, "s"),
        Promise("known, beyond boto3 and its clients", warm.seconds - boto.seconds, 0.3, "s"),
        Promise("known, calls one after another", chain, 3),
        Promise("known, full listings", listings, 0),
        Promise("five Regions : one", five.seconds / warm.seconds, 2),
        Promise("peak memory, one Region", warm.megabytes, 100, "MB"),
        Promise("peak memory, five Regions", five.megabytes, 100, "MB"),
    ]


def used_account(quotas: int) -> tuple[list[Entry], dict[str, dict[float, float]]]:
    """So many quotas, each with a day of use."""
    now = time.time()
    day = {now - 3600 * hour: float(hour % 4) for hour in range(24)}
    kinds = [f"training-job/ml.m9.{at}xlarge" for at in range(quotas)]
    entries = [
        Entry(f"{kind[13:]} for training job usage", f"L-{at:08X}", None if at % 40 == 7 else 4, 2, metric=kind)
        for at, kind in enumerate(kinds)
    ]
    return entries, dict.fromkeys(kinds, day)


def of_list(aws: SmallAws, environment: dict[str, str]) -> list[Promise]:
    """``quotas list`` against a plain script that reads half as much, and what a quota costs in memory."""

    def rest() -> None:
        time.sleep(REST_SECONDS)
        aws.forget_calls()

    aws.quotas, aws.published = used_account(LISTED)
    plain = typical(PLAIN_LIST, environment, rest)
    plain_calls = len(aws.calls)
    listed = typical(LIST, environment, rest)
    calls = len(aws.calls)
    aws.quotas, aws.published = used_account(MORE_LISTED)
    many = usual_megabytes(LIST, environment)
    aws.quotas, aws.published = used_account(FEWER_LISTED)
    grown = (many - usual_megabytes(LIST, environment)) * 1024 / (MORE_LISTED - FEWER_LISTED)
    what = f"list of {LISTED} with use, {calls} calls : plain script, {plain_calls} calls"
    return [
        Promise(what, listed.seconds / plain.seconds, 1.1),
        Promise(f"memory a quota, from {FEWER_LISTED} to {MORE_LISTED}", grown, 2, "KB"),
    ]


def of_regions(aws: SmallAws, environment: dict[str, str]) -> list[Promise]:
    """Twenty Regions at once."""

    def rest() -> None:
        time.sleep(REST_SECONDS)
        aws.forget_calls()

    aws.quotas, aws.enabled = grown_account(), TWENTY
    everywhere = ("--region", "all")
    _rested((*CHECK, *everywhere), environment)
    check = typical((*CHECK, *everywhere), environment, rest)
    listed = typical((*LIST, *everywhere, "--used"), environment, rest)
    return [
        Promise("check in twenty Regions", check.seconds, 2.5, "s"),
        Promise("check in twenty Regions, peak memory", check.megabytes, 150, "MB"),
        Promise("list in twenty Regions", listed.seconds, 2.5, "s"),
        Promise("list in twenty Regions, peak memory", listed.megabytes, 150, "MB"),
    ]


def main() -> int:
    """Measure and report."""
    aws = SmallAws(grown_account(), latency_seconds=LATENCY_SECONDS, rates=True)
    with serve(aws), tempfile.TemporaryDirectory() as folder:
        own = {f"XDG_{kind}_HOME": str(Path(folder) / kind.lower()) for kind in ("CACHE", "STATE", "CONFIG")}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_"))}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed opskit is compiled
        environment = kept | aws.environment() | own
        run(("-m", "opskit", "--version"), environment)
        promises = [
            *of_help(environment),
            *of_check(aws, environment, Path(folder)),
            *of_list(aws, environment),
            *of_regions(aws, environment),
            Promise("calls refused by AWS's rates", aws.refused, 0),
        ]
    print(f"{QUOTAS} quotas, {LATENCY_SECONDS * 1000:g} ms a call, AWS's rates; median of {RUNS} runs\n")
    print(tabulate([each.row() for each in promises], ("What", "Measured", "Promised", "Share", "")))
    return 0 if all(each.kept for each in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
