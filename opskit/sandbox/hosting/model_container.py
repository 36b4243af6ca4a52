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
from opskit.sandbox.container.images import UnknownImage, check_image
from opskit.sandbox.processes import container_environment
from opskit.sandbox.state import AccountRegion, SandboxState
from opskit.sandbox.storage.log_streams import LogStream, LogTail
from opskit.sandbox.storage.s3_objects import S3Error, S3Source, S3Store, S3Uri

_POLL_SECONDS = 0.05
# AWS waits as long for a container's answer.
_ANSWER_SECONDS = 60


class ModelNotServable(Exception):
    """The model cannot be put behind a container; the text is for the user."""


class ContainerUnhealthy(ModelNotServable):
    """The container ended before it answered: the model cannot be loaded. Its log says why."""


@dataclass(frozen=True)
class ContainerResponse:
    """What a container said to one request."""

    status: int
    content_type: str
    body: bytes


class ModelContainer:
    """A process that serves one model. ``start`` it, ``wait_until_ready``, ``invoke`` it, ``end`` it."""

    def __init__(self, state: SandboxState, folder: Path, process: subprocess.Popen[bytes], stream: LogStream) -> None:
        self._state = state
        self._folder = folder
        self._process = process
        self._log = LogTail(folder / "log.txt")
        self._stream = stream
        self._port = 0

    @classmethod
    def start(
        cls,
        state: SandboxState,
        account_region: AccountRegion,
        model: Mapping[str, Any],
        folder: Path,
        stream: LogStream,
        *,
        batch: bool,
    ) -> ModelContainer:
        """Fetch the model's data and start its container. Raises ModelNotServable."""
        container = _single_container(model)
        try:
            check_image(container.get("Image"), account_region.region)
        except UnknownImage as error:
            raise ModelNotServable(str(error)) from error
        _download_model(S3Store(state, account_region), container, folder)
        batched = {"SAGEMAKER_BATCH": "true"} if batch else {}
        with (folder / "log.txt").open("wb") as log:
            process = state.processes.start(
                [sys.executable, "-m", "opskit.sandbox.container.serve", str(folder)],
                cwd=folder,
                env={**container.get("Environment", {}), **container_environment(**batched)},
                output=log,
            )
        return cls(state, folder, process, stream)

    def wait_until_ready(self, stop: threading.Event) -> bool:
        """Until it answers; false where ``stop`` came first. Raises ModelNotServable."""
        while not (self._folder / "port").exists():
            if self._process.poll() is not None:
                self.forward_log(last=True)
                reason = failure.read_failure_file(self._folder) or "The container ended before it served."
                # A missing xgboost is no fault of the model's, and the log would not help.
                raise ModelNotServable(reason) if reason == failure.XGBOOST_MISSING else ContainerUnhealthy(reason)
            if stop.wait(_POLL_SECONDS) or self._state.closing.is_set():
                return False
        self._port = int((self._folder / "port").read_text())
        return True

    def invoke(self, body: bytes, content_type: str, accept: str) -> ContainerResponse:
        """One POST to ``/invocations``. Raises OSError where the container is gone or too slow."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_SECONDS)
        headers = {"Content-Type": content_type, "Accept": accept}
        try:
            connection.request("POST", "/invocations", body, {name: text for name, text in headers.items() if text})
            response = connection.getresponse()
            return ContainerResponse(response.status, response.getheader("Content-Type", ""), response.read())
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def forward_log(self, *, last: bool = False) -> None:
        """Bring what the container said since the last time to its log stream."""
        self._stream.write_lines(self._log.new_lines(last=last))

    def end(self) -> None:
        """End the process."""
        self._state.processes.end(self._process)


def _single_container(model: Mapping[str, Any]) -> Mapping[str, Any]:
    containers = model.get("Containers") or [model.get("PrimaryContainer", {})]
    if len(containers) > 1:
        raise ModelNotServable("The sandbox serves models of one container, not inference pipelines.")
    container: Mapping[str, Any] = containers[0]
    return container


def _download_model(store: S3Store, container: Mapping[str, Any], folder: Path) -> None:
    uri, zipped = model_data_location(container)
    if uri is None:
        raise ModelNotServable(
            "The model has no ModelDataUrl, and the sandbox has no algorithm that works without one."
        )
    model = folder / "model"
    model.mkdir(parents=True)
    try:
        if not zipped:
            for source in store.list_sources({"S3DataType": "S3Prefix", "S3Uri": uri}):
                store.download(source, model)
            return
        archive = store.download(S3Source(S3Uri.parse(uri), "model.tar.gz"), folder)
    except S3Error as error:
        raise ModelNotServable(f"Failed to download model data from {uri}: {error}") from error
    _extract_archive(archive, model, uri)


def model_data_location(container: Mapping[str, Any]) -> tuple[str | None, bool]:
    """Where a container's model data is, and whether it is an archive."""
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source:
        return source["S3Uri"], source["CompressionType"] == "Gzip"
    return container.get("ModelDataUrl"), True


def _extract_archive(archive: Path, folder: Path, uri: str) -> None:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            # The data filter refuses links and paths that lead out of the folder.
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ModelNotServable(
            f'Failed to extract model data archive from URL "{uri}". Please ensure that the object located at the '
            "URL is a valid tar.gz archive."
        ) from error
