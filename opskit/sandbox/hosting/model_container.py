"""A model behind a container's own HTTP, as endpoints and batch transform both use it."""

from __future__ import annotations

import http.client
import subprocess
import sys
import tarfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opskit.sandbox.container import failure
from opskit.sandbox.container.images import UnknownImage, algorithm_of
from opskit.sandbox.jobs.training_run import child_environment
from opskit.sandbox.state import Place, World
from opskit.sandbox.storage.log_streams import Growing, LogStream
from opskit.sandbox.storage.s3_objects import S3Uri, Source, StorageFailure, Store

_POLL_SECONDS = 0.05
_ANSWER_SECONDS = 60


class CannotServe(Exception):
    """The model cannot be put behind a container; the text is for the user."""


class Unhealthy(CannotServe):
    """The container ended before it answered: the model cannot be loaded. Its log says why."""


@dataclass(frozen=True)
class Answer:
    """What a container said to one request."""

    status: int
    content_type: str
    body: bytes


class Container:
    """A process that serves one model. ``start`` it, ``wait`` for it, ``ask`` it, ``end`` it."""

    def __init__(self, world: World, folder: Path, process: subprocess.Popen[bytes], stream: LogStream) -> None:
        self._world = world
        self._folder = folder
        self._process = process
        self._log = Growing(folder / "log.txt")
        self._stream = stream
        self._port = 0

    @classmethod
    def start(
        cls, world: World, place: Place, model: Mapping[str, Any], folder: Path, stream: LogStream, *, batch: bool
    ) -> Container:
        """Fetch the model's data and start its container. Raises CannotServe."""
        container = _only_container(model)
        try:
            algorithm_of(container.get("Image"), place.region)
        except UnknownImage as error:
            raise CannotServe(str(error)) from error
        _fetch_model(Store(world, place), container, folder)
        batched = {"SAGEMAKER_BATCH": "true"} if batch else {}
        with (folder / "log.txt").open("wb") as log:
            process = world.children.start(
                [sys.executable, "-m", "opskit.sandbox.container.serve", str(folder)],
                cwd=folder,
                env={**container.get("Environment", {}), **child_environment(**batched)},
                output=log,
            )
        return cls(world, folder, process, stream)

    def wait(self, stop: threading.Event) -> bool:
        """Until it answers; false where ``stop`` came first. Raises CannotServe."""
        while not (self._folder / "port").exists():
            if self._process.poll() is not None:
                self.carry_log(last=True)
                reason = failure.reported(self._folder) or "The container ended before it served."
                raise CannotServe(reason) if reason == failure.INSTALL else Unhealthy(reason)
            if stop.wait(_POLL_SECONDS) or self._world.closing.is_set():
                return False
        self._port = int((self._folder / "port").read_text())
        return True

    def ask(self, body: bytes, content_type: str, accept: str) -> Answer:
        """One POST to ``/invocations``. Raises OSError where the container is gone or too slow."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_SECONDS)
        headers = {"Content-Type": content_type, "Accept": accept}
        try:
            connection.request("POST", "/invocations", body, {name: text for name, text in headers.items() if text})
            response = connection.getresponse()
            return Answer(response.status, response.getheader("Content-Type", ""), response.read())
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def carry_log(self, *, last: bool = False) -> None:
        """Bring what the container said since the last time to its log stream."""
        self._stream.write(self._log.lines(last=last))

    def end(self) -> None:
        """End the process."""
        self._world.children.end(self._process)


def _only_container(model: Mapping[str, Any]) -> Mapping[str, Any]:
    containers = model.get("Containers") or [model.get("PrimaryContainer", {})]
    if len(containers) > 1:
        raise CannotServe("The sandbox serves models of one container, not inference pipelines.")
    container: Mapping[str, Any] = containers[0]
    return container


def _fetch_model(store: Store, container: Mapping[str, Any], folder: Path) -> None:
    uri, zipped = model_data(container)
    if uri is None:
        raise CannotServe("The model has no ModelDataUrl, and the sandbox has no algorithm that works without one.")
    model = folder / "model"
    model.mkdir(parents=True)
    try:
        if not zipped:
            for source in store.sources({"S3DataType": "S3Prefix", "S3Uri": uri}):
                store.fetch(source, model)
            return
        archive = store.fetch(Source(S3Uri.parse(uri), "model.tar.gz"), folder)
    except StorageFailure as error:
        raise CannotServe(f"Failed to download model data from {uri}: {error}") from error
    _unpack(archive, model, uri)


def model_data(container: Mapping[str, Any]) -> tuple[str | None, bool]:
    """Where a container's model data is, and whether it is an archive."""
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source:
        return source["S3Uri"], source["CompressionType"] == "Gzip"
    return container.get("ModelDataUrl"), True


def _unpack(archive: Path, folder: Path, uri: str) -> None:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise CannotServe(
            f'Failed to extract model data archive from URL "{uri}". Please ensure that the object located at the '
            "URL is a valid tar.gz archive."
        ) from error
