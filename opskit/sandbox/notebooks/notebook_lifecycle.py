"""Notebook instances coming to life and ending: what takes its time on AWS happens here, off the request's thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError

from opskit.sandbox.notebooks.code_repositories import CodeRepositories
from opskit.sandbox.notebooks.git_clone import NotCloned, clone
from opskit.sandbox.notebooks.jupyter.launch import Jupyter, JupyterFailed, Past
from opskit.sandbox.notebooks.notebook_record import Notebook
from opskit.sandbox.state import World
from opskit.sandbox.storage.log_streams import Growing, LogStream

_log = logging.getLogger(__name__)

_LOG_GROUP = "/aws/sagemaker/NotebookInstances"
_AT_ONCE = 2
"""Jupyter servers that may be starting side by side: each keeps a core busy meanwhile."""
_LOOK_EVERY_SECONDS = 0.5
_SHOW_FOR_SECONDS = 0.3
_REASON_LENGTH = 1024


class NotebookLives:
    """Runs each notebook's Jupyter from Pending to Stopped, and the short-lived statuses between."""

    def __init__(self, world: World, repositories: CodeRepositories) -> None:
        self._world = world
        self._repositories = repositories
        self._starting = threading.BoundedSemaphore(_AT_ONCE)
        self._lives: dict[str, threading.Thread] = {}

    def start(self, notebook: Notebook, past: Past | None = None) -> None:
        """Take a Pending notebook to InService (or Failed) and on until its Jupyter ends."""
        self._lives[notebook.arn] = self._in_background(notebook, lambda: self._live(notebook, past))

    def stop(self, notebook: Notebook) -> None:
        """Take a Stopping notebook to Stopped: Jupyter and everything beside the volume goes."""
        self._in_background(notebook, lambda: self._end(notebook))

    def soon(self, notebook: Notebook, then: Callable[[], None]) -> None:
        """Let a passing status (Updating, Deleting) be seen for a moment, then do ``then`` under the lock."""

        def later() -> None:
            self._world.closing.wait(_SHOW_FOR_SECONDS)
            with self._world.lock(notebook.place):
                then()

        self._in_background(notebook, later)

    def _in_background(self, notebook: Notebook, work: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                work()
            except Exception as error:
                if self._world.closing.is_set():
                    return  # the sandbox is ending under this thread
                _log.exception("notebook %s", notebook.name)
                self._fail(notebook, f"InternalServerError: {error}")

        thread = threading.Thread(target=guarded, name=f"notebook-{notebook.name}", daemon=True)
        thread.start()
        return thread

    def _live(self, notebook: Notebook, past: Past | None) -> None:
        feed = _Feed(self._world, notebook)
        try:
            jupyter = self._started(notebook, past)
        except (JupyterFailed, NotCloned) as failure:
            feed.send()
            self._fail(notebook, str(failure))
            return
        feed.send(timedelta(seconds=past.idle_seconds) if past else timedelta())
        with self._world.lock(notebook.place):
            notebook.jupyter = jupyter
            notebook.move("InService", notebook.modified if past else self._world.now())
        while jupyter.running and not self._world.closing.wait(_LOOK_EVERY_SECONDS):
            feed.send()
        feed.send()

    def _started(self, notebook: Notebook, past: Past | None) -> Jupyter:
        folder = notebook.folder
        for repository in self._repositories.of(notebook.place, notebook.details):
            clone(self._world, repository, folder.volume, folder.root / "git.log")
        with self._starting:
            jupyter = Jupyter(self._world.children, notebook.folder, self._environment(notebook), past)
            jupyter.wait_until_ready(self._world.closing)
            return jupyter

    def _environment(self, notebook: Notebook) -> dict[str, str]:
        """What a notebook's code needs to talk to this AWS, as the execution role gives it on an instance."""
        return {
            "AWS_ENDPOINT_URL": self._world.url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": notebook.place.region,
            "AWS_REGION": notebook.place.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _end(self, notebook: Notebook) -> None:
        if notebook.jupyter:
            notebook.jupyter.stop()
            self._lives[notebook.arn].join()  # it sends the last lines of the log
        notebook.folder.lose_instance()
        with self._world.lock(notebook.place):
            notebook.jupyter = None
            notebook.move("Stopped", self._world.now())

    def _fail(self, notebook: Notebook, reason: str) -> None:
        with self._world.lock(notebook.place):
            notebook.failure = reason[:_REASON_LENGTH]
            notebook.jupyter = None
            notebook.move("Failed", self._world.now())


class _Feed:
    """Jupyter's log lines on their way into CloudWatch Logs, where AWS puts them too."""

    def __init__(self, world: World, notebook: Notebook) -> None:
        self._world = world
        self._file = notebook.folder.log
        self._lines = Growing(self._file)
        self._stream = LogStream(world, notebook.place, _LOG_GROUP, f"{notebook.name}/jupyter.log")

    def send(self, ago: timedelta = timedelta()) -> None:
        """Send what is new; a notebook lives on where that fails, and the lines stay in its own file."""
        if not self._file.exists():
            return
        try:
            self._stream.write(self._lines.lines(), ago)
        except (BotoCoreError, ClientError) as error:
            if not self._world.closing.is_set():
                _log.warning("Jupyter's log lines were not sent to CloudWatch Logs: %s", error)
