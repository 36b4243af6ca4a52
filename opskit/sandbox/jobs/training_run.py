"""Running one training job: its folder, its process, its log lines, its model."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

from opskit.sandbox.container import failure
from opskit.sandbox.container.images import UnknownImage, check_image, is_first_image
from opskit.sandbox.jobs.job_status import JobStatus
from opskit.sandbox.jobs.training_job import SecondaryStatus, TrainingJob
from opskit.sandbox.processes import container_environment
from opskit.sandbox.state import SandboxState
from opskit.sandbox.storage.log_streams import LogStream, LogTail
from opskit.sandbox.storage.s3_objects import S3Error, S3Store, S3Uri

_log = logging.getLogger(__name__)

TRAINING_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
# Long enough for a client to see the job in Starting; AWS takes minutes.
_STARTING_SECONDS = 0.2
_POLL_SECONDS = 0.1


class JobFailed(Exception):
    """The job ends as Failed; the text is its FailureReason."""


class SandboxClosing(Exception):
    """The sandbox is ending, and nobody will read what becomes of the job."""


class TrainingEnd(Enum):
    """How a training process came to its end."""

    COMPLETED = auto()
    STOPPED = auto()
    TOO_LONG = auto()

    @property
    def is_completed(self) -> bool:
        """Whether it was left to itself, so that its exit code is its own."""
        match self:
            case TrainingEnd.COMPLETED:
                return True
            case TrainingEnd.STOPPED | TrainingEnd.TOO_LONG:
                return False


@dataclass
class TrainingRun:
    """The life of one job, on a thread of its own."""

    state: SandboxState
    job: TrainingJob
    folder: Path

    def run_job(self) -> None:
        """Take the job from Starting to its end, whatever that is, and remove its folder."""
        try:
            self._run_steps()
        except SandboxClosing:
            return
        except JobFailed as reason:
            self._fail(str(reason))
        except S3Error as reason:
            self._fail(f"ClientError: Data download failed:{reason}")
        except Exception:
            if self.state.closing.is_set():
                return
            _log.exception("training job %s", self.job.name)
            self._fail("InternalServerError: We encountered an internal error.  Please try again.")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _run_steps(self) -> None:
        if self._wait_for_stop(_STARTING_SECONDS):
            self._finish(JobStatus.STOPPED, SecondaryStatus.STOPPED)
            return
        self._check_algorithm()
        self._enter_status(SecondaryStatus.DOWNLOADING)
        self._prepare_input()
        if self.job.stop_requested.is_set():
            self._finish(JobStatus.STOPPED, SecondaryStatus.STOPPED)
            return
        self._enter_status(SecondaryStatus.TRAINING)
        end = self._train_in_container()
        if end.is_completed:
            self._enter_status(SecondaryStatus.UPLOADING)
        self._upload_model(must=end.is_completed)
        # Also where the stop was asked for after the algorithm was done.
        if self.job.stop_requested.is_set():
            end = TrainingEnd.STOPPED
        self._finish(*_final_statuses(end))

    def _wait_for_stop(self, seconds: float) -> bool:
        """Wait; true where the job was stopped meanwhile. Raises SandboxClosing."""
        stopped = self.job.stop_requested.wait(seconds)
        if self.state.closing.is_set():
            raise SandboxClosing
        return stopped

    def _enter_status(self, secondary: SecondaryStatus) -> None:
        with self.state.lock(self.job.account_region):
            # A job that is being stopped stays in Stopping, whatever its process still does.
            if self.job.status is JobStatus.IN_PROGRESS:
                self.job.enter_status(secondary, self.state.now())

    def _finish(self, status: JobStatus, secondary: SecondaryStatus, reason: str | None = None) -> None:
        with self.state.lock(self.job.account_region):
            self.job.finish(status, secondary, self.state.now(), reason)

    def _fail(self, reason: str) -> None:
        self._finish(JobStatus.FAILED, SecondaryStatus.FAILED, reason)

    def _check_algorithm(self) -> None:
        specification = self.job.params["AlgorithmSpecification"]
        if "ContainerEntrypoint" in specification or "ContainerArguments" in specification:
            raise JobFailed("ClientError: The sandbox runs the built-in XGBoost as it is, without an entrypoint.")
        try:
            check_image(specification.get("TrainingImage"), self.job.account_region.region)
        except UnknownImage as error:
            raise JobFailed(f"ClientError: {error}") from error

    # The folders of a run are those of /opt/ml in AWS's containers: input/config, input/data/CHANNEL, model, output.
    def _prepare_input(self) -> None:
        store = S3Store(self.state, self.job.account_region)
        config = self.folder / "input" / "config"
        config.mkdir(parents=True)
        for name, value in self._config_files().items():
            (config / f"{name}.json").write_text(json.dumps(value))
        for channel in self.job.params.get("InputDataConfig", []):
            self._download_channel(store, channel)

    def _config_files(self) -> dict[str, Any]:
        channels = self.job.params.get("InputDataConfig", [])
        mode = self.job.params["AlgorithmSpecification"]["TrainingInputMode"]
        return {
            "hyperparameters": self.job.params.get("HyperParameters", {}),
            "inputdataconfig": {channel["ChannelName"]: _channel_config(channel, mode) for channel in channels},
            "resourceconfig": {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"},
        }

    def _download_channel(self, store: S3Store, channel: dict[str, Any]) -> None:
        source = channel["DataSource"].get("S3DataSource")
        if source is None:
            raise JobFailed("ClientError: The sandbox reads channels from S3 alone.")
        folder = self.folder / "input" / "data" / channel["ChannelName"]
        folder.mkdir(parents=True, exist_ok=True)
        for item in store.list_sources(source):
            store.download(item, folder, unzip=channel.get("CompressionType") == "Gzip")

    def _train_in_container(self) -> TrainingEnd:
        output = self.folder / "log.txt"
        first_image = is_first_image(self.job.params["AlgorithmSpecification"]["TrainingImage"])
        stream = LogStream(
            self.state, self.job.account_region, TRAINING_LOG_GROUP, f"{self.job.name}/algo-1-{int(time.time())}"
        )
        with output.open("wb") as file:
            process = self.state.processes.start(
                [sys.executable, "-m", "opskit.sandbox.container.train", str(self.folder)],
                cwd=self.folder,
                env={
                    **self.job.params.get("Environment", {}),
                    # Last, so that no Environment of a job changes the path or the number of threads.
                    **container_environment(XGBOOST_FIRST_IMAGE=str(int(first_image))),
                },
                output=file,
            )
        log = LogTail(output)
        end = self._wait_for_process(process, log, stream)
        self._forward_log(log, stream, last=True)
        if end.is_completed and process.returncode:
            reason = failure.read_failure_file(self.folder) or "the algorithm left no reason"
            raise JobFailed(f"AlgorithmError: {reason}, exit code: {process.returncode}")
        return end

    def _wait_for_process(self, process: subprocess.Popen[bytes], log: LogTail, stream: LogStream) -> TrainingEnd:
        deadline = time.monotonic() + self.job.max_runtime_seconds
        while process.poll() is None:
            if self._wait_for_stop(_POLL_SECONDS):
                self.state.processes.end(process)
                return TrainingEnd.STOPPED
            if time.monotonic() > deadline:
                self.state.processes.end(process)
                return TrainingEnd.TOO_LONG
            self._forward_log(log, stream)
        return TrainingEnd.COMPLETED

    def _forward_log(self, log: LogTail, stream: LogStream, *, last: bool = False) -> None:
        lines = log.new_lines(last=last)
        with self.state.lock(self.job.account_region):
            self.job.record_metrics(lines, self.state.now())
        stream.write_lines(lines)

    def _upload_model(self, *, must: bool) -> None:
        files = sorted(path for path in (self.folder / "model").rglob("*") if path.is_file())
        if not files and not must:
            return
        try:
            self._upload_files(files)
        except S3Error as error:
            raise JobFailed(f"ClientError: Artifact upload failed:{error}") from error

    def _upload_files(self, files: list[Path]) -> None:
        store, model = S3Store(self.state, self.job.account_region), self.folder / "model"
        target = S3Uri.parse(self.job.model_artifacts_uri)
        if target.key.endswith("/"):
            for path in files:
                store.upload(path, target.child(path.relative_to(model).as_posix()))
            return
        archive = self.folder / "model.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            for path in files:
                tar.add(path, path.relative_to(model).as_posix())
        store.upload(archive, target)


def _final_statuses(end: TrainingEnd) -> tuple[JobStatus, SecondaryStatus]:
    match end:
        case TrainingEnd.COMPLETED:
            return JobStatus.COMPLETED, SecondaryStatus.COMPLETED
        case TrainingEnd.STOPPED:
            return JobStatus.STOPPED, SecondaryStatus.STOPPED
        case TrainingEnd.TOO_LONG:
            return JobStatus.STOPPED, SecondaryStatus.MAX_RUNTIME_EXCEEDED


def _channel_config(channel: dict[str, Any], mode: str) -> dict[str, Any]:
    source = channel["DataSource"].get("S3DataSource", {})
    config = {
        "ContentType": channel.get("ContentType"),
        "TrainingInputMode": channel.get("InputMode", mode),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return {name: value for name, value in config.items() if value is not None}
