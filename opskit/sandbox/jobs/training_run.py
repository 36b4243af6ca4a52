"""Running one training job: its folder, its process, its log lines, its model."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from opskit.sandbox.container import failure
from opskit.sandbox.container.images import UnknownImage, algorithm_of
from opskit.sandbox.jobs.training_job import TrainingJob
from opskit.sandbox.state import World
from opskit.sandbox.storage.log_streams import Growing, LogStream
from opskit.sandbox.storage.s3_objects import S3Uri, StorageFailure, Store

_log = logging.getLogger(__name__)

GROUP = "/aws/sagemaker/TrainingJobs"
_STARTING_SECONDS = 0.2
_POLL_SECONDS = 0.1


class JobFailed(Exception):
    """The job ends as Failed; the text is its FailureReason."""


class Closing(Exception):
    """The sandbox is ending, and nobody will read what becomes of the job."""


class Ending(Enum):
    """How a training process came to its end."""

    COMPLETED = "Completed"
    STOPPED = "Stopped"
    TOO_LONG = "MaxRuntimeExceeded"


def child_environment(**more: str) -> dict[str, str]:
    """What a container's process sees: a small environment, and one thread for its arithmetic."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    return {**kept, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", **more}


@dataclass
class TrainingRun:
    """The life of one job, on a thread of its own."""

    world: World
    job: TrainingJob
    folder: Path

    def run(self) -> None:
        """Take the job from Starting to its end, whatever that is."""
        try:
            self._run()
        except Closing:
            return
        except JobFailed as reason:
            self._end("Failed", "Failed", str(reason))
        except StorageFailure as reason:
            self._end("Failed", "Failed", f"ClientError: Data download failed:{reason}")
        except Exception:
            if self.world.closing.is_set():
                return
            _log.exception("training job %s", self.job.name)
            self._end("Failed", "Failed", "InternalServerError: We encountered an internal error.  Please try again.")

    def _run(self) -> None:
        if self._paused(_STARTING_SECONDS):
            self._end("Stopped", "Stopped")
            return
        algorithm = self._algorithm()
        self._move("Downloading")
        self._lay_out()
        if self.job.stop.is_set():
            self._end("Stopped", "Stopped")
            return
        self._move("Training")
        ending = self._train(of_old=algorithm)
        if ending is Ending.COMPLETED:
            self._move("Uploading")
        self._upload(must=ending is Ending.COMPLETED)
        if self.job.stop.is_set():  # also where it was asked for after the algorithm was done
            ending = Ending.STOPPED
        self._end("Completed" if ending is Ending.COMPLETED else "Stopped", ending.value)

    def _paused(self, seconds: float) -> bool:
        """Wait; true where the job was stopped meanwhile. Raises Closing."""
        stopped = self.job.stop.wait(seconds)
        if self.world.closing.is_set():
            raise Closing
        return stopped

    def _move(self, secondary: str) -> None:
        with self.world.lock(self.job.place):
            if self.job.status == "InProgress":
                self.job.move(secondary, self.world.now())

    def _end(self, status: str, secondary: str, reason: str | None = None) -> None:
        with self.world.lock(self.job.place):
            self.job.end(status, secondary, self.world.now(), reason)

    def _algorithm(self) -> bool:
        specification = self.job.params["AlgorithmSpecification"]
        if "ContainerEntrypoint" in specification or "ContainerArguments" in specification:
            raise JobFailed("ClientError: The sandbox runs the built-in XGBoost as it is, without an entrypoint.")
        try:
            return algorithm_of(specification.get("TrainingImage"), self.job.place.region).of_old
        except UnknownImage as error:
            raise JobFailed(f"ClientError: {error}") from error

    def _lay_out(self) -> None:
        store = Store(self.world, self.job.place)
        config = self.folder / "input" / "config"
        config.mkdir(parents=True)
        for name, value in self._config().items():
            (config / f"{name}.json").write_text(json.dumps(value))
        for channel in self.job.params.get("InputDataConfig", []):
            self._fetch(store, channel)

    def _config(self) -> dict[str, Any]:
        channels = self.job.params.get("InputDataConfig", [])
        mode = self.job.params["AlgorithmSpecification"]["TrainingInputMode"]
        return {
            "hyperparameters": self.job.params.get("HyperParameters", {}),
            "inputdataconfig": {channel["ChannelName"]: _as_seen_inside(channel, mode) for channel in channels},
            "resourceconfig": {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"},
        }

    def _fetch(self, store: Store, channel: dict[str, Any]) -> None:
        source = channel["DataSource"].get("S3DataSource")
        if source is None:
            raise JobFailed("ClientError: The sandbox reads channels from S3 alone.")
        folder = self.folder / "input" / "data" / channel["ChannelName"]
        folder.mkdir(parents=True, exist_ok=True)
        for item in store.sources(source):
            store.fetch(item, folder, unzip=channel.get("CompressionType") == "Gzip")

    def _train(self, *, of_old: bool) -> Ending:
        output = self.folder / "log.txt"
        stream = LogStream(self.world, self.job.place, GROUP, f"{self.job.name}/algo-1-{int(time.time())}")
        with output.open("wb") as file:
            process = self.world.children.start(
                [sys.executable, "-m", "opskit.sandbox.container.train", str(self.folder)],
                cwd=self.folder,
                env={
                    **self.job.params.get("Environment", {}),
                    **child_environment(XGBOOST_OF_OLD=str(int(of_old))),
                },
                output=file,
            )
        log = Growing(output)
        ending = self._watched(process, log, stream)
        self._carry(log, stream, last=True)
        if ending is Ending.COMPLETED and process.returncode:
            reason = failure.reported(self.folder) or "the algorithm left no reason"
            raise JobFailed(f"AlgorithmError: {reason}, exit code: {process.returncode}")
        return ending

    def _watched(self, process: subprocess.Popen[bytes], log: Growing, stream: LogStream) -> Ending:
        deadline = time.monotonic() + self.job.longest_seconds
        while process.poll() is None:
            if self._paused(_POLL_SECONDS):
                self.world.children.end(process)
                return Ending.STOPPED
            if time.monotonic() > deadline:
                self.world.children.end(process)
                return Ending.TOO_LONG
            self._carry(log, stream)
        return Ending.COMPLETED

    def _carry(self, log: Growing, stream: LogStream, *, last: bool = False) -> None:
        lines = log.lines(last=last)
        with self.world.lock(self.job.place):
            self.job.note(lines, self.world.now())
        stream.write(lines)

    def _upload(self, *, must: bool) -> None:
        files = sorted(path for path in (self.folder / "model").rglob("*") if path.is_file())
        if not files and not must:
            return
        try:
            self._put(files)
        except StorageFailure as error:
            raise JobFailed(f"ClientError: Artifact upload failed:{error}") from error

    def _put(self, files: list[Path]) -> None:
        store, model = Store(self.world, self.job.place), self.folder / "model"
        target = S3Uri.parse(self.job.artifacts)
        if target.key.endswith("/"):
            for path in files:
                store.put(path, target.below(path.relative_to(model).as_posix()))
            return
        archive = self.folder / "model.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            for path in files:
                tar.add(path, path.relative_to(model).as_posix())
        store.put(archive, target)


def _as_seen_inside(channel: dict[str, Any], mode: str) -> dict[str, Any]:
    source = channel["DataSource"].get("S3DataSource", {})
    seen = {
        "ContentType": channel.get("ContentType"),
        "TrainingInputMode": channel.get("InputMode", mode),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return {name: value for name, value in seen.items() if value is not None}
