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
from tests.fakes.price_answers import priced_products

LATENCY_SECONDS = 0.05
# Where calls are counted that wait for one another: so long that no pause of this machine passes for such a wait.
COUNTED_LATENCY_SECONDS = 0.4
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
    """One process: seconds by the clock and of CPU, and peak memory in MB."""

    seconds: float
    megabytes: float
    cpu_seconds: float = 0.0


@dataclass(frozen=True)
class Expectation:
    """A number, and the most it may be. ``slowdown`` is by how much other work has slowed this machine down meanwhile,
    where the number is of the clock: of a busy machine it says nothing, and breaks nothing.
    """

    what: str
    measured: float
    most: float
    unit: str = ""
    slowdown: float = 1.0

    @property
    def is_met(self) -> bool:
        """Whether it is, or cannot be judged."""
        return self.measured <= self.most or self.slowdown > _MAX_SLOWDOWN

    def row(self) -> tuple[str, str, str, str, str]:
        """The promise as a line of the report."""
        share = f"{self.measured / self.most:.2f}" if self.most else ""
        return (
            self.what,
            f"{self.measured:.3g} {self.unit}",
            f"{self.most:g} {self.unit}",
            share,
            self._met_word(),
        )

    def _met_word(self) -> str:
        if self.measured <= self.most:
            return "kept"
        return f"not judged: {self.slowdown:.1f} x slower by other work" if self.is_met else "BROKEN"


# A process that has a core for itself gets 0.97 and more of it.
_MAX_SLOWDOWN = 1.15
_SPIN_SECONDS = 0.1


def measure_slowdown() -> float:
    """By how much other work slows this machine down now: the clock's time of some work over its CPU time."""
    began, used = time.perf_counter(), time.process_time()
    while time.process_time() - used < _SPIN_SECONDS:
        pass
    return (time.perf_counter() - began) / _SPIN_SECONDS


def run_measured(arguments: Sequence[str], environment: dict[str, str], ends: Sequence[int] = (0, 3)) -> Measured:
    """A Python process from its start to its end, which is to be with one of these codes."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ends:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")
    megabytes = used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
    return Measured(seconds, megabytes, used.ru_utime + used.ru_stime)


@dataclass(frozen=True)
class Rounds:
    """Several commands that were run in turn, so that what slows the machine down meets all of them: ``runs`` of each,
    round by round, and the slowdown.
    """

    runs: Sequence[Sequence[Measured]]
    slowdown: float

    def median(self, value: Callable[..., float]) -> float:
        """The median over the rounds of what is computed from the runs of one."""
        return statistics.median(value(*each) for each in zip(*self.runs, strict=True))

    def most_megabytes(self, command: int) -> float:
        """The most memory that a command took."""
        return max(ran.megabytes for ran in self.runs[command])


def run_in_turn(
    environment: dict[str, str], *commands: tuple[Sequence[str], Callable[[], None]], rounds: int = RUNS
) -> Rounds:
    """Run commands in turn, each after what is to be done before it."""
    runs: list[list[Measured]] = [[] for _ in commands]
    slowdowns = []
    for _ in range(rounds):
        for at, (arguments, before) in enumerate(commands):
            before()
            slowdowns.append(measure_slowdown())
            runs[at].append(run_measured(arguments, environment))
    return Rounds(runs, statistics.median(slowdowns))


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
    """Help and version against what Typer alone takes, in CPU time, which other work does not change by much."""
    words = (("--version",), ("--help",), ("quotas", "check", "--help"))
    commands = [("-c", "import typer"), *(("-m", "opskit", *each) for each in words)]
    rounds = run_in_turn(environment, *((each, _no_rest) for each in commands), rounds=3 * RUNS)
    bare, *ours = (min(ran.cpu_seconds for ran in runs) for runs in rounds.runs)
    return [
        Expectation(f"CPU of opskit {' '.join(each)} : import typer", cpu / bare, 1.5)
        for each, cpu in zip(words, ours, strict=True)
    ]


def _no_rest() -> None:
    """What nothing has to wait for."""


def measure_quotas_check(aws: FakeAws, environment: dict[str, str], cache: Path) -> list[Expectation]:
    """``quotas check`` when it knows nothing, when it knows all, and in five Regions."""

    def rest() -> None:
        time.sleep(REST_SECONDS)
        aws.forget_calls()

    def forget() -> None:
        for file in cache.rglob("*.json"):
            file.unlink()
        rest()

    boto = (("-c", BOTO), _no_rest)
    cold = run_in_turn(environment, boto, (CHECK, forget), ((*CHECK, "ml.new1.xlarge", "--for", "training"), forget))
    _run_rested(CHECK, environment)
    _run_rested((*CHECK, *FIVE), environment)
    known = run_in_turn(environment, boto, (CHECK, rest), ((*CHECK, *FIVE), rest))
    chain = _count_chain(aws, environment)
    # Pages come one after another; before them is the account, after them what helps.
    floor = (-(-QUOTAS // 100) + 2) * LATENCY_SECONDS
    return [
        _beyond_start("first run", cold.median(lambda boto, first, _: first.seconds - boto.seconds), 1.5, cold),
        _beyond_start(
            "first run, against pages",
            cold.median(lambda boto, first, _: first.seconds - boto.seconds) / floor,
            1.2,
            cold,
            unit="x",
        ),
        _beyond_start("a name without a code", cold.median(lambda boto, _, new: new.seconds - boto.seconds), 1.5, cold),
        _beyond_start("known", known.median(lambda boto, warm, _: warm.seconds - boto.seconds), 0.3, known),
        _beyond_start("known, CPU", known.median(lambda boto, warm, _: warm.cpu_seconds - boto.cpu_seconds), 0.3),
        Expectation("known, calls that wait for one another", chain, 3),
        Expectation("known, full listings", aws.count("ListAWSDefaultServiceQuotas"), 0),
        Expectation("five Regions : one", known.median(_five_to_one), 2, slowdown=known.slowdown),
        Expectation("peak memory, one Region", known.most_megabytes(1), 100, "MB"),
        Expectation("peak memory, five Regions", known.most_megabytes(2), 100, "MB"),
    ]


def _beyond_start(
    what: str, measured: float, most: float, rounds: Rounds | None = None, unit: str = "s"
) -> Expectation:
    return Expectation(
        f"{what}, beyond boto3 and its clients", measured, most, unit, slowdown=rounds.slowdown if rounds else 1.0
    )


def _five_to_one(boto: Measured, one: Measured, five: Measured) -> float:
    return five.seconds / one.seconds


def _count_chain(aws: FakeAws, environment: dict[str, str]) -> int:
    """The calls of a check of known codes of which each began after another had ended."""
    aws.forget_calls()
    aws.latency_seconds = COUNTED_LATENCY_SECONDS
    _run_rested(CHECK, environment)
    aws.latency_seconds = LATENCY_SECONDS
    return aws.one_after_another()


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
    aws.forget_calls()
    _run_rested(PLAIN_LIST, environment)
    plain_calls = len(aws.calls)
    rounds = run_in_turn(environment, (PLAIN_LIST, rest), (LIST, rest))
    calls = len(aws.calls)
    aws.quotas, aws.published = used_account(MORE_LISTED)
    many = median_megabytes(LIST, environment)
    aws.quotas, aws.published = used_account(FEWER_LISTED)
    grown = (many - median_megabytes(LIST, environment)) * 1024 / (MORE_LISTED - FEWER_LISTED)
    what = f"list of {LISTED} with use, {calls} calls : plain script, {plain_calls} calls"
    return [
        Expectation(
            what, rounds.median(lambda plain, listed: listed.seconds / plain.seconds), 1.1, slowdown=rounds.slowdown
        ),
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
    rounds = run_in_turn(environment, ((*CHECK, *everywhere), rest), ((*LIST, *everywhere, "--used"), rest))
    return [
        expectation
        for at, what in enumerate(("check", "list"))
        for expectation in (
            Expectation(
                f"{what} in twenty Regions",
                statistics.median(ran.seconds for ran in rounds.runs[at]),
                2.5,
                "s",
                slowdown=rounds.slowdown,
            ),
            Expectation(f"{what} in twenty Regions, peak memory", rounds.most_megabytes(at), 150, "MB"),
        )
    ]


# What a check asks the price of: the types that it looks at, and those that may do instead.
PRICES = dict.fromkeys(("ml.m4.xlarge", "ml.p2.xlarge", "ml.g4dn.xlarge", "ml.g5.xlarge"), "0.5")


def main() -> int:
    """Measure and report."""
    aws = FakeAws(grown_account(), latency_seconds=LATENCY_SECONDS, rates=True)
    aws.running["GetProducts"] = lambda asked: priced_products(asked, PRICES)
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
    print(f"{QUOTAS} quotas, {LATENCY_SECONDS * 1000:g} ms a call, AWS's rates; median of {RUNS} rounds\n")
    print(tabulate([expectation.row() for expectation in promises], ("What", "Measured", "Promised", "Share", "")))
    return 0 if all(expectation.is_met for expectation in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
