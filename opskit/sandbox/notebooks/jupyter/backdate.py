"""What a scenario's notebook did before the sandbox was started.

The kernels, sessions and terminals are real and made the way a person makes them. Only the clock is not: once they
are there, the activity Jupyter recorded is set back, because nobody can wait for hours. From then on it is recorded
as ever, so any new work moves it.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, assert_never

from jupyter_server._tz import utcnow
from jupyter_server.serverapp import ServerApp

from opskit.sandbox.notebooks.jupyter.start_orders import NotebookPast, PastWork

_SHORT_CELL = "sum(range(10))"
_ENDLESS_CELL = "import time\nwhile True:\n    time.sleep(0.2)"
# It prints nothing, so that only the open terminal shows that something runs.
_SILENT_COMMAND = "sleep 1000000\n"
# A third of a processor: enough to be seen, and something is left for all that goes on beside it.
_COMPUTING_COMMAND = "while :; do at=0; while [ $at -lt 100000 ]; do at=$((at + 1)); done; sleep 0.2; done"
_NOTEBOOK = "analysis.ipynb"
# How long to wait for a kernel's first change, and from then on for one more.
_FIRST_KERNEL_CHANGE_SECONDS = 10.0
_SILENCE_SECONDS = 2.0

# Jupyter chooses free ports for a kernel, which another process may take before the kernel does: Jupyter then starts it
# again on others, where its first client never hears it.
_KERNEL_WAITS_SECONDS = (30.0, 60.0, 120.0)

KernelChange = tuple[str, Any]
"""The name of a recorded property of a kernel and its new value; None stands for any."""


async def replay_past(app: ServerApp, past: NotebookPast) -> None:
    """Do the work of a scenario's notebook, then set Jupyter's record of it back by ``past.idle_seconds``."""
    match past.work:
        case PastWork.IDLE:
            await _run_short_cell(app)
        case PastWork.BUSY:
            await _run_cell(app, _ENDLESS_CELL, [("execution_state", "busy"), ("last_activity", None)])
        case PastWork.STARTING:
            await _start_unconnected_kernel(app)
        case PastWork.TERMINAL:
            await _run_in_terminal(app)
        case PastWork.EMPTY:
            pass
        case PastWork.NO_TERMINALS:
            await _run_short_cell(app)
        case PastWork.JOB_COMPUTES:
            await _run_short_cell(app)
            await _leave_job_behind(app, _COMPUTING_COMMAND)
        case PastWork.JOB_POLLS:
            await _run_short_cell(app)
            await _leave_job_behind(app, "while :; do sleep 0.5; done")
        case PastWork.JOB_SLEEPS:
            await _run_short_cell(app)
            await _leave_job_behind(app, "sleep 1000000; :")
        case _:
            assert_never(past.work)
    _backdate_activity(app, timedelta(seconds=past.idle_seconds))


async def _run_short_cell(app: ServerApp) -> None:
    await _run_cell(app, _SHORT_CELL, [("execution_state", "busy"), ("execution_state", "idle")])


async def _run_cell(app: ServerApp, code: str, seen_by_jupyter: list[KernelChange]) -> None:
    """Open a notebook with one cell, run it until Jupyter saw these changes of the kernel, and leave as one who
    closes the browser tab.
    """
    _write_notebook(Path(app.root_dir) / _NOTEBOOK, code)
    kernel, client = await _open_notebook(app)
    changes = _observe_kernel(kernel)
    client.execute(code)
    for change in seen_by_jupyter:
        await _wait_for_change(changes, change)
    client.stop_channels()


async def _open_notebook(app: ServerApp) -> tuple[Any, Any]:
    """The kernel of a notebook that was opened, and a client that it has answered.

    Raises:
        RuntimeError: none of several kernels answered.
    """
    sessions: Any = app.session_manager
    for seconds in _KERNEL_WAITS_SECONDS:
        session = await sessions.create_session(path=_NOTEBOOK, name=_NOTEBOOK, type="notebook", kernel_name="python3")
        kernel = app.kernel_manager.get_kernel(session["kernel"]["id"])
        client: Any = kernel.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=seconds)
        except RuntimeError:
            client.stop_channels()
            await sessions.delete_session(session["id"])
        else:
            return kernel, client
    raise RuntimeError("no kernel answered")


async def _start_unconnected_kernel(app: ServerApp) -> None:
    """Start a kernel that nobody ever connects to: Jupyter holds it for starting, for ever."""
    number = await app.kernel_manager.start_kernel()
    changes = _observe_kernel(app.kernel_manager.get_kernel(number))
    patience = _FIRST_KERNEL_CHANGE_SECONDS
    # A kernel reports a change or two by itself, or none that Jupyter was in time to hear.
    with suppress(TimeoutError):
        while True:
            await asyncio.wait_for(changes.get(), patience)
            patience = _SILENCE_SECONDS


async def _run_in_terminal(app: ServerApp) -> None:
    """Open a terminal and start a command in it that prints nothing."""
    terminals = app.web_app.settings["terminal_manager"]
    shell = terminals.terminals[terminals.create()["name"]].ptyproc
    shell.write(_SILENT_COMMAND)
    # Until the command has the terminal, and all that the shell printed before was read.
    while os.tcgetpgrp(shell.fd) == shell.pid or select.select([shell.fd], [], [], 0)[0]:
        await asyncio.sleep(0.02)


async def _leave_job_behind(app: ServerApp, command: str) -> None:
    """Begin a job in a terminal with nohup and setsid, and shut the terminal."""
    terminals = app.web_app.settings["terminal_manager"]
    name = terminals.create()["name"]
    begun = Path.home() / "job.pid"
    script = Path.home() / "job.sh"
    script.write_text(f"echo $$ > {begun}\n{command}\n")
    terminals.terminals[name].ptyproc.write(f"setsid nohup sh {script} > /dev/null 2>&1 &\n")
    while not begun.exists():
        await asyncio.sleep(0.02)
    await terminals.terminate(name, force=True)


def _observe_kernel(kernel: Any) -> asyncio.Queue[KernelChange]:
    """The changes of Jupyter's record of a kernel, from now on."""
    queue: asyncio.Queue[KernelChange] = asyncio.Queue()
    kernel.observe(
        lambda change: queue.put_nowait((change["name"], change["new"])), ["execution_state", "last_activity"]
    )
    return queue


async def _wait_for_change(changes: asyncio.Queue[KernelChange], expected: KernelChange) -> None:
    """Wait for a change of this name, to this value where one is given."""
    while True:
        name, value = await changes.get()
        if name == expected[0] and expected[1] in (None, value):
            return


def _write_notebook(path: Path, code: str) -> None:
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "one",
        "metadata": {},
        "source": code,
        "outputs": [],
        "execution_count": None,
    }
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))


def _backdate_activity(app: ServerApp, age: timedelta) -> None:
    past = utcnow() - age
    settings: dict[str, Any] = app.web_app.settings
    # Jupyter was started before its first kernel.
    settings["started"] = past - timedelta(minutes=5)
    for name in [name for name in settings if name.endswith("_last_activity")]:
        settings[name] = past
    kernels: Any = app.kernel_manager
    kernels.last_kernel_activity = past
    for number in kernels.list_kernel_ids():
        kernels.get_kernel(number).last_activity = past
    for file in Path(app.root_dir).rglob("*"):
        os.utime(file, (past.timestamp(), past.timestamp()))
    terminals = settings.get("terminal_manager")
    for terminal in terminals.terminals.values() if terminals else ():
        terminal.last_activity = past
