"""What every test stands on: opskit's own folders and settings are the test's, never the user's."""

from __future__ import annotations

import functools
import gc
import io
import logging
import os
import signal
import sys
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import botocore.httpsession
import pytest
import typer
from hypothesis import HealthCheck, settings

from opskit.access.reads.permissions import PROBES
from opskit.access.rules.permissions import API_CALLS, REGION_DISCOVERY_CALLS, STATE_CALLS
from opskit.aws import api_call, session
from opskit.cli import command
from opskit.cli.command_tree import app
from opskit.state.home import choose_state_home
from tests.botocore_sharing import share_botocore
from tests.fakes import direct_calls
from tests.fakes.fake_aws import FakeAws, serve_fake_aws
from tests.prefork import end_forkservers
from tests.slow import allow_servers, markers_of_fixtures, refuse_servers, serves

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts the tests in the background has Ctrl-C ignored, and every process they start inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The tests start hundreds of Pythons. Where nothing compiled is kept, each compiles boto3, moto or the SageMaker SDK
# anew, which is most of what it costs; what users install is compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# jsonschema builds forty grammars with this where it is installed, which takes 1.4 s of each worker, for a format
# (``iri``) that nobody checks here. It does without what cannot be imported.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]


COLLECTION_THRESHOLDS = (50_000, 10, 100)
"""How often the tests' process looks for garbage."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while modules are imported and tests are made, since all of it stays: that would be a quarter
    of the time. Look rarely while they run, which else would be a twelfth.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(*COLLECTION_THRESHOLDS)
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what stands on a server. Leave out what is marked ``soak`` unless -m asks for it (in addopts, another -m
    would bring it in).
    """
    for item in items:
        for name in markers_of_fixtures(item):
            item.add_marker(name)
    if "soak" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("soak")]
        items[:] = [item for item in items if not item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=left_out)


# A busy machine takes its time: how long an example takes is no failure, and neither is how long it takes to make one.
PATIENCE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Few and the same each time, so that a change is red by what it changed; `make soak` looks for many new ones.
settings.register_profile("patient", PATIENCE, derandomize=True, max_examples=40)
settings.register_profile("searching", PATIENCE, max_examples=2000)
settings.load_profile("patient")


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    """What all tests share is made around them, and not by fixtures, each of which every test would ask for. What
    botocore makes anew for every session and client is made once a process, and calls to a small AWS of this process go
    without a connection. The processes that fork go with the tests.
    """
    with pytest.MonkeyPatch.context() as patched:
        share_botocore(patched.setattr)
        patched.setattr(botocore.httpsession.URLLib3Session, "send", direct_calls.send_request)
        _share_tree(patched)
        refuse_servers(patched)
        try:
            return (yield)
        finally:
            end_forkservers()
            gc.freeze()  # all ends with the process: pytest would look once more for garbage, for a second


def _share_tree(patched: pytest.MonkeyPatch) -> None:
    """Typer's translation of the command tree into Click's, made anew only when a branch has grown. A process of a
    user's makes it once; one of the tests would for each of its hundreds of command lines.
    """
    make = typer.main.get_command

    @functools.cache
    def made_for(_: int) -> Any:
        return make(app)

    patched.setattr(
        typer.main, "get_command", lambda tree: made_for(_command_count(tree)) if tree is app else make(tree)
    )


def _command_count(tree: typer.Typer) -> int:
    below = (each.typer_instance for each in tree.registered_groups)
    return len(tree.registered_commands) + sum(1 + _command_count(each) for each in below if each is not None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What starts a server says so by its marker."""
    allow_servers(item)


_NUMBERS = count()


@pytest.fixture(scope="session")
def homes_folder() -> Iterator[Path]:
    """Where the homes of all tests are: in memory where that can be, since each command writes its journal to the disk
    and waits for that. Short names, since a line of a crontab has three of them and may not be long.
    """
    in_memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="h", dir=in_memory if os.access(in_memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def isolated_home(homes_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, where opskit's caches, state and settings go; what an earlier test chose is over."""
    choose_state_home(None)
    gc.set_threshold(*COLLECTION_THRESHOLDS)  # each command sets its own, for the process of a user's
    home = homes_folder / str(next(_NUMBERS))
    home.mkdir()
    for name in [name for name in os.environ if name.startswith("OPSKIT_")]:
        monkeypatch.delenv(name)
    for kind in ("cache", "state", "config"):
        monkeypatch.setenv(f"XDG_{kind.upper()}_HOME", str(home / kind))
    return home


@pytest.fixture(autouse=True)
def recorded_calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """What each command calls in a test. Its policy allows it (`opskit iam policy`, access/rules/permissions.py)."""
    made: dict[str, set[str]] = {}
    run = command.run_command
    monkeypatch.setattr(api_call, "call_hook", api_call.call_hook)  # --verbose sets it, for the process of a user's

    def noting(path: tuple[str, ...], *rest: Any) -> None:
        calls = made.setdefault(" ".join(path), set())
        with monkeypatch.context() as patched:
            _record_calls(patched, calls)
            try:
                run(path, *rest)
            finally:
                known = (
                    API_CALLS.get(" ".join(path), calls)
                    | REGION_DISCOVERY_CALLS
                    | STATE_CALLS
                    | (PROBES.keys() if path == ("doctor",) else set())
                )
                assert calls <= known, f"access/rules/permissions.py: {' '.join(path)} calls {calls - known} too"

    monkeypatch.setattr(command, "run_command", noting)
    return made


def _record_calls(patched: pytest.MonkeyPatch, calls: set[str]) -> None:
    """Note what goes through the connections that are opened from now on. What an earlier command began goes on in
    threads of its own, and is not this one's.
    """
    ours: list[session.AwsSession] = []
    connect, send = session.open_session, api_call.send_call

    def connecting(**how: Any) -> session.AwsSession:
        ours.append(connect(**how))
        return ours[-1]

    def sending(
        aws_session: session.AwsSession, region: str, service: str, operation: str, *rest: Any, **how: Any
    ) -> dict[str, Any]:
        if any(aws_session is each for each in ours):
            calls.add(f"{service}:{api_call.pascal_case(operation)}")
        return send(aws_session, region, service, operation, *rest, **how)

    patched.setattr(session, "open_session", connecting)
    patched.setattr(api_call, "send_call", sending)


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What any logger says in the test, at every level. pytest's own ``caplog`` is switched off: for it pytest looks
    through all loggers six times a test, a thirtieth of what the unit tests cost.
    """
    root, text = logging.getLogger(), io.StringIO()
    level, handler = root.level, logging.StreamHandler(text)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


@pytest.fixture
@serves
def fake_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """An empty small AWS that clients made in this process talk to, and nobody's own profile."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # a test before may have made one, with its credentials
    with serve_fake_aws(FakeAws()) as aws:
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        yield aws
