"""Runs of ``notebook stop --idle`` that look inside notebooks of the small AWS."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import FakeAws
from tests.fakes.fake_jupyter import serve_notebooks
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks

OLD = timedelta(hours=5)
Account = Callable[..., FakeNotebooks]


def at_rest(name: str, since: timedelta = OLD, **more: Any) -> FakeNotebook:
    """A notebook that nobody has used for long."""
    more = {"has_terminals": True} | more
    return FakeNotebook(name, used=datetime.now(UTC) - since, **more).kernel("idle", since)


def stop_idle(capsys: pytest.CaptureFixture[str], *words: str) -> CliResult:
    """A run of ``notebook stop --idle`` with these further words."""
    return run_opskit(capsys, "notebook", "stop", "--idle", "-o", "json", *words)


def rows_by_name(ran: CliResult) -> dict[str, dict[str, Any]]:
    """What the run said of each notebook."""
    return {row["name"]: row for row in ran.data["notebooks"]}


@contextmanager
def inside_accounts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """Makes accounts with the notebooks given, in which nobody waits for long. The last one made is the one asked. With
    ``on_wire`` AWS too is asked over connections, which the notebooks then count.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("OPSKIT_READ_TIMEOUT", "600s")
    monkeypatch.setattr("opskit.notebooks.reads.jupyter.TIMEOUT_SECONDS", 600.0)
    monkeypatch.setattr("opskit.notebooks.flows.stop.FRESH_SECONDS", 600.0)
    monkeypatch.setattr("opskit.aws.pacing.FIRST_PER_SECOND", 200.0)
    monkeypatch.setattr("opskit.aws.pacing.SLOWEST_PER_SECOND", 100.0)
    with ExitStack() as held:

        def made(*labs: FakeNotebook, on_wire: bool = False) -> FakeNotebooks:
            aws, rooms = FakeAws(on_wire=on_wire), FakeNotebooks.of(*labs)
            rooms.most_connections = lambda: aws.gauge.most
            held.enter_context(serve_notebooks(aws, rooms))
            for name, value in aws.environment().items():
                monkeypatch.setenv(name, value)
            return rooms

        yield made
