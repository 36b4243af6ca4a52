"""Notebook instances coming to life and ending: what takes its time on AWS happens here, off the request's thread."""

from __future__ import annotations

import logging
import threading
from base64 import b64decode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from opskit.sandbox.errors import truncate_reason
from opskit.sandbox.notebooks.code_repositories import CodeRepositoryService
from opskit.sandbox.notebooks.git_clone import CloneFailed, clone_repository
from opskit.sandbox.notebooks.jupyter.launch import InstanceSetup, JupyterFailed, JupyterProcess
from opskit.sandbox.notebooks.jupyter.start_orders import NotebookPast
from opskit.sandbox.notebooks.notebook_record import NotebookRecord, NotebookStatus
from opskit.sandbox.state import SandboxState, client_variables
from opskit.sandbox.storage.log_streams import LogStream, LogTail

_log = logging.getLogger(__name__)

_LOG_GROUP = "/aws/sagemaker/NotebookInstances"
# Jupyter servers that may be starting side by side: each keeps a core busy meanwhile.
_MAX_STARTING = 2
_LOG_POLL_SECONDS = 0.5
# Long enough for a client that polls to see the status.
_TRANSITION_SECONDS = 0.3


class NotebookLifecycle:
    """Runs each notebook's Jupyter from Pending to Stopped, and the short-lived statuses between."""

    def __init__(self, state: SandboxState, repositories: CodeRepositoryService) -> None:
        self._state = state
        self._repositories = repositories
        self._starting = threading.BoundedSemaphore(_MAX_STARTING)
        self._threads: dict[str, threading.Thread] = {}

    def start(self, notebook: NotebookRecord, past: NotebookPast | None = None) -> None:
        """Take a Pending notebook to InService (or Failed) and on until its Jupyter ends."""
        self._threads[notebook.arn] = self._run_in_background(notebook, lambda: self._run_jupyter(notebook, past))

    def stop(self, notebook: NotebookRecord) -> None:
        """Take a Stopping notebook to Stopped: Jupyter and everything beside the volume goes."""
        self._run_in_background(notebook, lambda: self._stop_jupyter(notebook))

    def schedule(self, notebook: NotebookRecord, action: Callable[[], None]) -> None:
        """Let a passing status (Updating, Deleting) be seen for a moment, then do ``then`` under the lock."""

        def run_later() -> None:
            self._state.closing.wait(_TRANSITION_SECONDS)
            with self._state.lock(notebook.account_region):
                action()

        self._run_in_background(notebook, run_later)

    def _run_in_background(self, notebook: NotebookRecord, work: Callable[[], None]) -> threading.Thread:
        def run_guarded() -> None:
            try:
                work()
            except Exception as error:
                if self._state.closing.is_set():
                    # The sandbox is ending under this thread.
                    return
                _log.exception("notebook %s", notebook.name)
                self._mark_failed(notebook, f"InternalServerError: {error}")

        thread = threading.Thread(target=run_guarded, name=f"notebook-{notebook.name}", daemon=True)
        thread.start()
        return thread

    def _run_jupyter(self, notebook: NotebookRecord, past: NotebookPast | None) -> None:
        feed = _NotebookLogFeed(self._state, notebook, notebook.folder.log, "jupyter.log")
        of_script = _NotebookLogFeed(
            self._state, notebook, notebook.folder.on_start_log, notebook.folder.on_start_log.stem
        )
        try:
            jupyter = self._start_jupyter(notebook, past)
        except (JupyterFailed, CloneFailed) as failure:
            of_script.send_new_lines()
            feed.send_new_lines()
            self._mark_failed(notebook, str(failure))
            return
        of_script.send_new_lines()
        feed.send_new_lines(timedelta(seconds=past.idle_seconds) if past else timedelta())
        with self._state.lock(notebook.account_region):
            notebook.jupyter = jupyter
            # What a scenario seeds was last changed before the sandbox was started.
            notebook.enter_status(NotebookStatus.IN_SERVICE, notebook.modified if past else self._state.now())
        while jupyter.is_running and not self._state.closing.wait(_LOG_POLL_SECONDS):
            feed.send_new_lines()
        feed.send_new_lines()

    def _start_jupyter(self, notebook: NotebookRecord, past: NotebookPast | None) -> JupyterProcess:
        folder = notebook.folder
        for repository in self._repositories.repositories_to_clone(notebook.account_region, notebook.details):
            clone_repository(self._state, repository, folder.volume, folder.root / "git.log")
        with self._starting:
            # What code in the notebook needs to talk to this AWS, as the execution role gives it on an instance.
            variables = client_variables(self._state.url, notebook.account_region.region)
            setup = InstanceSetup(notebook.instance_type, past, self._on_start_script(notebook))
            jupyter = JupyterProcess(self._state.processes, notebook.folder, variables, setup)
            jupyter.wait_until_ready(self._state.closing)
            return jupyter

    def _on_start_script(self, notebook: NotebookRecord) -> str | None:
        """The OnStart script of its lifecycle configuration; None where it has none."""
        name = notebook.details.get("NotebookInstanceLifecycleConfigName")
        if name is None:
            return None
        client = self._state.client("sagemaker", notebook.account_region)
        described = client.describe_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name)
        scripts = described.get("OnStart") or []
        return b64decode(scripts[0]["Content"]).decode() if scripts else None

    def _stop_jupyter(self, notebook: NotebookRecord) -> None:
        if notebook.jupyter:
            notebook.jupyter.stop()
            # Its thread sends the last lines of the log.
            self._threads[notebook.arn].join()
        notebook.folder.delete_instance()
        with self._state.lock(notebook.account_region):
            notebook.jupyter = None
            notebook.enter_status(NotebookStatus.STOPPED, self._state.now())

    def _mark_failed(self, notebook: NotebookRecord, reason: str) -> None:
        with self._state.lock(notebook.account_region):
            notebook.failure = truncate_reason(reason)
            notebook.jupyter = None
            notebook.enter_status(NotebookStatus.FAILED, self._state.now())


class _NotebookLogFeed:
    """A log file's lines on their way into CloudWatch Logs, where AWS puts them too."""

    def __init__(self, state: SandboxState, notebook: NotebookRecord, file: Path, stream: str) -> None:
        self._state = state
        self._file = file
        self._lines = LogTail(self._file)
        self._stream = LogStream(state, notebook.account_region, _LOG_GROUP, f"{notebook.name}/{stream}")

    def send_new_lines(self, ago: timedelta = timedelta()) -> None:
        """Send what is new; a notebook lives on where that fails, and the lines stay in its own file."""
        if not self._file.exists():
            return
        try:
            self._stream.write_lines(self._lines.new_lines(), ago)
        except (BotoCoreError, ClientError) as error:
            if not self._state.closing.is_set():
                _log.warning("Jupyter's log lines were not sent to CloudWatch Logs: %s", error)
