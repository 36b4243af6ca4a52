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

from opskit.quotas.reads.code_cache import bundled_codes
from tests.fakes.fake_aws import Entry, FakeAws, serve_fake_aws

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
class Measured:
    """One process: wall-clock seconds and peak memory in MB."""

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Expectation:
    """A number, and the most it may be."""

    what: str
    measured: float
    most: float
    unit: str = ""

    @property
    def is_met(self) -> bool:
        """Whether it is."""
        return self.measured <= self.most

    def row(self) -> tuple[str, str, str, str, str]:
        """The promise as a line of the report."""
        share = f"{self.measured / self.most:.2f}" if self.most else ""
        return (
            self.what,
            f"{self.measured:.3g} {self.unit}",
            f"{self.most:g} {self.unit}",
            share,
            _met_word(self.is_met),
        )


def _met_word(kept: bool) -> str:
    return "kept" if kept else "BROKEN"


def run_measured(arguments: Sequence[str], environment: dict[str, str], ends: Sequence[int] = (0, 3)) -> Measured:
    """A Python process from its start to its end, which is to be with one of these codes."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ends:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")
    return Measured(seconds, used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024))


def median_run(
    arguments: Sequence[str], environment: dict[str, str], before: Callable[[], None] = lambda: None
) -> Measured:
    """The median of several runs."""
    runs = []
    for _ in range(RUNS):
        before()
        runs.append(run_measured(arguments, environment))
    return Measured(statistics.median(ran.seconds for ran in runs), max(ran.megabytes for ran in runs))


def median_megabytes(arguments: Sequence[str], environment: dict[str, str]) -> float:
    """The median of the peaks of several runs, for differences that are smaller than what their peaks differ by."""
    return statistics.median(_run_rested(arguments, environment).megabytes for _ in range(RUNS))


def _run_rested(arguments: Sequence[str], environment: dict[str, str]) -> Measured:
    """A run that finds the rates untouched: one process cannot know what another has used of them."""
    time.sleep(REST_SECONDS)
    return run_measured(arguments, environment)


def grown_account() -> list[Entry]:
    """As many quotas as a grown account has; nothing of ml.p2.xlarge, and not everything applied."""
    known = [
        Entry(name, code, None if at % 40 == 7 else 4, 2)
        for at, (name, code) in enumerate(bundled_codes().items())
        if "ml.p2.xlarge" not in name
    ]
    others = [Entry(f"ml.m9.{at}xlarge for training job usage", f"L-{at:08X}") for at in range(QUOTAS - len(known))]
    return others[::2] + known + others[1::2]


def measure_help(environment: dict[str, str]) -> list[Expectation]:
    """Help and version against what Typer alone takes."""
    bare = min(run_measured(("-c", "import typer"), environment).seconds for _ in range(3 * RUNS))
    return [
        Expectation(
            f"opskit {' '.join(words)} : import typer",
            min(run_measured(("-m", "opskit", *words), environment).seconds for _ in range(3 * RUNS)) / bare,
            1.5,
        )
        for words in (("--version",), ("--help",), ("quotas", "check", "--help"))
    ]


def measure_quotas_check(aws: FakeAws, environment: dict[str, str], cache: Path) -> list[Expectation]:
    """``quotas check`` when it knows nothing, when it knows all, and in five Regions."""

    def rest() -> None:
        time.sleep(REST_SECONDS)
        aws.forget_calls()

    def forget() -> None:
        for file in cache.rglob("*.json"):
            file.unlink()
        rest()

    boto = median_run(("-c", BOTO), environment)
    first = median_run(CHECK, environment, forget)
    unknown = median_run((*CHECK, "ml.new1.xlarge", "--for", "training"), environment, forget)
    _run_rested(CHECK, environment)
    warm = median_run(CHECK, environment, rest)
    chain = aws.one_after_another()
    listings = aws.count("ListAWSDefaultServiceQuotas")
    _run_rested((*CHECK, *FIVE), environment)
    five = median_run((*CHECK, *FIVE), environment, rest)
    return [
        Expectation("first run, beyond boto3 and its clients", first.seconds - boto.seconds, 1.5, "s"),
        Expectation("a name without a code, beyond boto3 and its clients", unknown.seconds - boto.seconds, 1.5, "s"),
        Expectation("known, beyond boto3 and its clients", warm.seconds - boto.seconds, 0.3, "s"),
        Expectation("known, calls one after another", chain, 3),
        Expectation("known, full listings", listings, 0),
        Expectation("five Regions : one", five.seconds / warm.seconds, 2),
        Expectation("peak memory, one Region", warm.megabytes, 100, "MB"),
        Expectation("peak memory, five Regions", five.megabytes, 100, "MB"),
    ]


def used_account(quotas: int) -> tuple[list[Entry], dict[str, dict[float, float]]]:
    """So many quotas, each with a day of use."""
    now = time.time()
    day = {now - 3600 * hour: float(hour % 4) for hour in range(24)}
    instance_types = [f"training-job/ml.m9.{at}xlarge" for at in range(quotas)]
    entries = [
        Entry(
            f"{instance_type[13:]} for training job usage",
            f"L-{at:08X}",
            None if at % 40 == 7 else 4,
            2,
            metric=instance_type,
        )
        for at, instance_type in enumerate(instance_types)
    ]
    return entries, dict.fromkeys(instance_types, day)


def measure_quotas_list(aws: FakeAws, environment: dict[str, str]) -> list[Expectation]:
    """``quotas list`` against a plain script that reads half as much, and what a quota costs in memory."""

    def rest() -> None:
        time.sleep(REST_SECONDS)
        aws.forget_calls()

    aws.quotas, aws.published = used_account(LISTED)
    plain = median_run(PLAIN_LIST, environment, rest)
    plain_calls = len(aws.calls)
    listed = median_run(LIST, environment, rest)
    calls = len(aws.calls)
    aws.quotas, aws.published = used_account(MORE_LISTED)
    many = median_megabytes(LIST, environment)
    aws.quotas, aws.published = used_account(FEWER_LISTED)
    grown = (many - median_megabytes(LIST, environment)) * 1024 / (MORE_LISTED - FEWER_LISTED)
    what = f"list of {LISTED} with use, {calls} calls : plain script, {plain_calls} calls"
    return [
        Expectation(what, listed.seconds / plain.seconds, 1.1),
        Expectation(f"memory a quota, from {FEWER_LISTED} to {MORE_LISTED}", grown, 2, "KB"),
    ]


def measure_regions(aws: FakeAws, environment: dict[str, str]) -> list[Expectation]:
    """Twenty Regions at once."""

    def rest() -> None:
        time.sleep(REST_SECONDS)
        aws.forget_calls()

    aws.quotas, aws.enabled = grown_account(), TWENTY
    everywhere = ("--region", "all")
    _run_rested((*CHECK, *everywhere), environment)
    check = median_run((*CHECK, *everywhere), environment, rest)
    listed = median_run((*LIST, *everywhere, "--used"), environment, rest)
    return [
        Expectation("check in twenty Regions", check.seconds, 2.5, "s"),
        Expectation("check in twenty Regions, peak memory", check.megabytes, 150, "MB"),
        Expectation("list in twenty Regions", listed.seconds, 2.5, "s"),
        Expectation("list in twenty Regions, peak memory", listed.megabytes, 150, "MB"),
    ]


def main() -> int:
    """Measure and report."""
    aws = FakeAws(grown_account(), latency_seconds=LATENCY_SECONDS, rates=True)
    with serve_fake_aws(aws), tempfile.TemporaryDirectory() as folder:
        own = {f"XDG_{kind}_HOME": str(Path(folder) / kind.lower()) for kind in ("CACHE", "STATE", "CONFIG")}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_"))}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed opskit is compiled
        environment = kept | aws.environment() | own
        run_measured(("-m", "opskit", "--version"), environment)
        promises = [
            *measure_help(environment),
            *measure_quotas_check(aws, environment, Path(folder)),
            *measure_quotas_list(aws, environment),
            *measure_regions(aws, environment),
            Expectation("calls refused by AWS's rates", aws.refused, 0),
        ]
    print(f"{QUOTAS} quotas, {LATENCY_SECONDS * 1000:g} ms a call, AWS's rates; median of {RUNS} runs\n")
    print(tabulate([expectation.row() for expectation in promises], ("What", "Measured", "Promised", "Share", "")))
    return 0 if all(expectation.is_met for expectation in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
