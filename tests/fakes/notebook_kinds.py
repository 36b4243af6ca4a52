"""Notebooks of all kinds whose verdict is known, an account that holds them, and `notebook stop --idle` run in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import CLOSED, GARBLED, FakeAws, Fault
from tests.fakes.fake_jupyter import serve_notebooks
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks

MakeAccount = Callable[..., tuple[FakeAws, FakeNotebooks]]

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
OLD = 5 * HOUR
MARK = "opskit:idle-since"
LONG_SECONDS, SHORT_SECONDS = 600.0, 0.5
"""What a Jupyter gets for its answers where they must come however busy this machine is, and where none need."""


def failing(what: str, fault: Fault) -> Callable[[str], Fault | None]:
    return lambda asked: fault if what in ("everything", asked) else None


def odd_time(lab: FakeNotebook) -> FakeNotebook:
    lab.kernels[0]["last_activity"] = "yesterday"
    return lab


def iso(ago: timedelta) -> str:
    return (datetime.now(UTC) - ago).isoformat(timespec="seconds")


Make = Callable[[str], FakeNotebook]
KINDS: dict[str, tuple[str, Make]] = {
    "kernel": ("idle", lambda name: FakeNotebook(name).kernel("idle", OLD)),
    "two-kernels": ("idle", lambda name: FakeNotebook(name).kernel("idle", OLD).kernel("idle", 2 * HOUR)),
    "nothing-open": ("idle", FakeNotebook),
    "stuck-in-starting": ("idle", lambda name: FakeNotebook(name).kernel("starting", OLD)),
    "dead": ("idle", lambda name: FakeNotebook(name).kernel("dead", OLD)),
    "tab-open": ("idle", lambda name: FakeNotebook(name, used=datetime.now(UTC)).kernel("idle", OLD, 1)),
    "kept-no-more": (
        "idle",
        lambda name: FakeNotebook(name, tags={"opskit:keep-until": iso(HOUR)}).kernel("idle", OLD),
    ),
    "clock-ahead": ("idle", lambda name: FakeNotebook(name, ahead=5 * MINUTE).kernel("idle", 61 * MINUTE)),
    "clock-behind": ("idle", lambda name: FakeNotebook(name, ahead=-5 * MINUTE).kernel("idle", 61 * MINUTE)),
    "computes": ("busy", lambda name: FakeNotebook(name).kernel("busy", OLD)),
    "computes-beside": ("busy", lambda name: FakeNotebook(name).kernel("idle", OLD).kernel("busy", OLD, 2)),
    "just-used": ("busy", lambda name: FakeNotebook(name).kernel("idle", MINUTE)),
    "used-clock-behind": ("busy", lambda name: FakeNotebook(name, ahead=-5 * MINUTE).kernel("idle", 56 * MINUTE)),
    "opened": ("busy", lambda name: FakeNotebook(name).kernel("starting", OLD, 1)),
    "browsed": ("busy", lambda name: FakeNotebook(name, since=datetime.now(UTC) - 3 * HOUR, used=datetime.now(UTC))),
    "saved": ("busy", lambda name: FakeNotebook(name, used=datetime.now(UTC)).kernel("idle", 2 * HOUR)),
    "launcher-left-open": ("idle", lambda name: FakeNotebook(name, used=datetime.now(UTC))),
    "terminals-off": (
        "idle",
        lambda name: FakeNotebook(name, fault=failing("terminals", Fault(404))).kernel("idle", OLD),
    ),
    "terminal-of-old": ("unknown", lambda name: FakeNotebook(name).kernel("idle", OLD).terminal(None)),
    "pending-maintenance": ("idle", lambda name: FakeNotebook(name, status="PendingMaintenance").kernel("idle", OLD)),
    "waits-for-maintenance": ("busy", lambda name: FakeNotebook(name, status="PendingMaintenance").kernel("busy", OLD)),
    "in-maintenance": ("unknown", lambda name: FakeNotebook(name, status="InMaintenance").kernel("idle", OLD)),
    "typed": ("busy", lambda name: FakeNotebook(name).terminal(MINUTE)),
    "terminal": ("unknown", lambda name: FakeNotebook(name).kernel("idle", OLD).terminal(OLD)),
    "just-started": ("starting", lambda name: FakeNotebook(name, since=datetime.now(UTC) - MINUTE)),
    "pending": ("starting", lambda name: FakeNotebook(name, status="Pending")),
    "kept": ("protected", lambda name: FakeNotebook(name, tags={"opskit:keep": "thesis"}).kernel("idle", OLD)),
    "kept-until": (
        "protected",
        lambda name: FakeNotebook(name, tags={"opskit:keep-until": iso(-HOUR)}).kernel("idle", OLD),
    ),
    "kept-oddly": (
        "protected",
        lambda name: FakeNotebook(name, tags={"opskit:keep-until": "soon"}).kernel("idle", OLD),
    ),
    "stopped": ("stopped", lambda name: FakeNotebook(name, status="Stopped")),
    "silent": ("unknown", lambda name: FakeNotebook(name, fault=failing("everything", CLOSED)).kernel("idle", OLD)),
    "broken": ("unknown", lambda name: FakeNotebook(name, fault=failing("terminals", Fault(500))).kernel("idle", OLD)),
    "half": ("unknown", lambda name: FakeNotebook(name, fault=failing("sessions", GARBLED)).kernel("idle", OLD)),
    "odd-time": ("unknown", lambda name: odd_time(FakeNotebook(name).kernel("idle", OLD))),
    "slow": (
        "unknown",
        lambda name: FakeNotebook(name, fault=failing("kernels", Fault(404, seconds=3.0))).kernel("idle", OLD),
    ),
}


MANY = pytest.mark.parametrize("many", [len(KINDS), pytest.param(20 * len(KINDS), marks=pytest.mark.soak)])


def mixed(many: int, but: tuple[str, ...] = ()) -> list[FakeNotebook]:
    """So many notebooks, of all kinds in turn, but some; each is named after its kind."""
    kinds = [each for each in KINDS.items() if each[0] not in but]
    return [make(f"{kind}-{at:03}") for at in range(many) for kind, (_, make) in [kinds[at % len(kinds)]]]


def truth(name: str) -> str:
    return KINDS[name[:-4]][0]


def stop(capsys: pytest.CaptureFixture[str], *words: str) -> CliResult:
    return run_opskit(capsys, "notebook", "stop", "--idle", "-o", "json", *words)


def rows(ran: CliResult) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in ran.data["notebooks"]}


def stops(rooms: FakeNotebooks) -> dict[str, int]:
    return {name: lab.stops for name, lab in rooms.labs.items() if lab.stops}


def idle_ones(rooms: FakeNotebooks) -> dict[str, int]:
    return {name: 1 for name in rooms.labs if truth(name) == "idle"}


def no_key_is_told(rooms: FakeNotebooks, home: Path, *told: str) -> None:
    files = "".join(path.read_bytes().decode("latin-1") for path in home.rglob("*") if path.is_file())
    assert rooms.keys
    for key in rooms.keys:
        assert key not in files + "".join(told)


@contextmanager
def notebook_accounts(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeAccount]:
    """What makes accounts with some notebooks, that clients made in this process talk to. Nobody waits for long."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setattr("opskit.notebooks.reads.jupyter.TIMEOUT_SECONDS", LONG_SECONDS)
    monkeypatch.setenv("OPSKIT_READ_TIMEOUT", f"{LONG_SECONDS}s")
    monkeypatch.setattr("opskit.aws.client.random.uniform", lambda low, high: 0.0)
    monkeypatch.setattr("opskit.aws.pacing.FIRST_PER_SECOND", 200.0)
    monkeypatch.setattr("opskit.aws.pacing.SLOWEST_PER_SECOND", 100.0)
    running = []

    def made(*labs: FakeNotebook) -> tuple[FakeAws, FakeNotebooks]:
        aws, rooms = FakeAws(), FakeNotebooks.of(*labs)
        running.append(serve_notebooks(aws, rooms))
        running[-1].__enter__()
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        return aws, rooms

    yield made
    for each in running:
        each.__exit__(None, None, None)
