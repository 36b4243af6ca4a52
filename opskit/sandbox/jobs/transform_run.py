"""Running one transform job: its container, its files, its predictions."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from opskit.sandbox.hosting.model_container import ContainerUnhealthy, ModelContainer, ModelNotServable
from opskit.sandbox.jobs.job_status import JobStatus
from opskit.sandbox.jobs.record_filters import group_payloads, select_columns
from opskit.sandbox.jobs.training_run import JobFailed, SandboxClosing
from opskit.sandbox.jobs.transform_job import TransformJob
from opskit.sandbox.state import SandboxState
from opskit.sandbox.storage.log_streams import LogStream
from opskit.sandbox.storage.s3_objects import S3Error, S3Source, S3Store, S3Uri

_log = logging.getLogger(__name__)

TRANSFORM_LOG_GROUP = "/aws/sagemaker/TransformJobs"
_SEE_LOGS = "See job logs for more information"
_NO_CONTENT = 204


class JobStopped(Exception):
    """StopTransformJob was called."""


@dataclass
class TransformRun:
    """The life of one transform job, on a thread of its own."""

    state: SandboxState
    job: TransformJob
    model: Mapping[str, Any]
    folder: Path

    def __post_init__(self) -> None:
        self._store = S3Store(self.state, self.job.account_region)
        stream = f"{self.job.name}/i-{uuid4().hex[:17]}-{int(time.time())}"
        self._container_log = LogStream(self.state, self.job.account_region, TRANSFORM_LOG_GROUP, stream)
        self._data_log = LogStream(self.state, self.job.account_region, TRANSFORM_LOG_GROUP, f"{stream}/data-log")

    def run_job(self) -> None:
        """Take the job to its end, whatever that is, and remove its folder."""
        try:
            self._run_steps()
            self._finish(JobStatus.COMPLETED)
        except SandboxClosing:
            return
        except JobStopped:
            self._finish(JobStatus.STOPPED)
        except ContainerUnhealthy:
            self._finish(JobStatus.FAILED, f"AlgorithmError: {_SEE_LOGS}")
        except (ModelNotServable, S3Error) as reason:
            self._finish(JobStatus.FAILED, f"ClientError: {reason}")
        except JobFailed as reason:
            self._finish(JobStatus.FAILED, str(reason))
        except Exception:
            if self.state.closing.is_set():
                return
            _log.exception("transform job %s", self.job.name)
            self._finish(JobStatus.FAILED, "InternalServerError: We encountered an internal error.  Please try again.")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _finish(self, status: JobStatus, reason: str | None = None) -> None:
        with self.state.lock(self.job.account_region):
            self.job.mark_ended(status, self.state.now(), reason)

    def _run_steps(self) -> None:
        container = ModelContainer.start(
            self.state, self.job.account_region, self.model, self.folder / "container", self._container_log, batch=True
        )
        try:
            if not container.wait_until_ready(self.job.stop_requested):
                self._raise_if_ended()
            with self.state.lock(self.job.account_region):
                self.job.mark_started(self.state.now())
            for source in self._store.list_sources(self.job.params["TransformInput"]["DataSource"]["S3DataSource"]):
                self._transform_object(container, source)
            self._raise_if_ended()
        finally:
            container.end()
            if not self.state.closing.is_set():
                container.forward_log(last=True)

    def _raise_if_ended(self) -> None:
        """Raise what ends the run early: SandboxClosing or JobStopped."""
        if self.state.closing.is_set():
            raise SandboxClosing
        if self.job.stop_requested.is_set():
            raise JobStopped

    def _transform_object(self, container: ModelContainer, source: S3Source) -> None:
        transform_input = self.job.params["TransformInput"]
        path = self._store.download(
            source, self.folder / "input", unzip=transform_input.get("CompressionType") == "Gzip"
        )
        text = path.read_text(errors="replace")
        predictions: list[str] = []
        for lines in self._split_requests(text):
            self._raise_if_ended()
            predictions.append(self._predict_lines(container, source, lines))
        output_file = self.folder / "output" / f"{source.name}.out"
        output_file.parent.mkdir(parents=True, exist_ok=True)
        output_file.write_text(self._assemble_output(predictions))
        output = S3Uri.parse(self.job.params["TransformOutput"]["S3OutputPath"])
        self._store.upload(output_file, output.child(f"{source.name}.out"))
        # Inputs may be large, and each is needed once.
        path.unlink()

    def _split_requests(self, text: str) -> list[list[str]]:
        lines = [line for line in text.splitlines() if line.strip()]
        if self.job.params["TransformInput"].get("SplitType", "None") == "None":
            return [lines] if lines else []
        single = self.job.params.get("BatchStrategy") == "SingleRecord"
        return list(group_payloads(lines, most_bytes=self.job.max_payload_bytes, single=single))

    def _predict_lines(self, container: ModelContainer, source: S3Source, lines: list[str]) -> str:
        processing = self.job.params.get("DataProcessing", {})
        body = "\n".join(select_columns(line, processing.get("InputFilter")) for line in lines)
        if len(body.encode()) > self.job.max_payload_bytes:
            raise self._refusal_error(source, "Too much data for max payload size", "ClientError")
        predictions = self._invoke_container(container, source, body)
        if processing.get("JoinSource", "None") == "None" and "OutputFilter" not in processing:
            return predictions
        return self._join_output(source, lines, predictions.splitlines(), processing)

    def _invoke_container(self, container: ModelContainer, source: S3Source, body: str) -> str:
        transform_input, transform_output = self.job.params["TransformInput"], self.job.params["TransformOutput"]
        try:
            response = container.invoke(
                body.encode(), transform_input.get("ContentType", ""), transform_output.get("Accept", "")
            )
        except OSError as error:
            self._raise_if_ended()
            raise self._refusal_error(source, f"Model server did not respond: {error}", "AlgorithmError") from error
        if response.status == _NO_CONTENT:
            return ""
        # The container's 4xx are the user's mistake, its 5xx are the algorithm's.
        if response.status != 200:
            error_type = "ClientError" if response.status < 500 else "AlgorithmError"
            message = response.body.decode("utf-8", "replace")
            raise self._refusal_error(
                source, f"Bad HTTP status received from algorithm: {response.status}", error_type, message
            )
        return response.body.decode()

    def _refusal_error(self, source: S3Source, problem: str, error_type: str, message: str = "") -> JobFailed:
        prefix = f"[sagemaker logs]: {source.uri.bucket}/{source.uri.key}:"
        details = [f"{prefix} Message:", *(f"{prefix} {line}" for line in message.splitlines())] if message else []
        self._data_log.write_lines([f"{prefix} {problem}", *details])
        return JobFailed(f"{error_type}: {_SEE_LOGS}")

    def _join_output(
        self, source: S3Source, lines: list[str], predictions: list[str], processing: Mapping[str, str]
    ) -> str:
        if processing.get("JoinSource") == "Input":
            if len(lines) != len(predictions):
                raise self._refusal_error(
                    source, "Fail to join data: mismatched line count between the input and output", "ClientError"
                )
            predictions = [f"{line},{prediction}" for line, prediction in zip(lines, predictions, strict=True)]
        return "".join(f"{select_columns(prediction, processing.get('OutputFilter'))}\n" for prediction in predictions)

    def _assemble_output(self, predictions: list[str]) -> str:
        if self.job.params["TransformOutput"].get("AssembleWith") != "Line":
            return "".join(predictions)
        # One newline after each answer, whether or not the container wrote one.
        return "".join(f"{prediction.rstrip(chr(10))}\n" for prediction in predictions if prediction)
