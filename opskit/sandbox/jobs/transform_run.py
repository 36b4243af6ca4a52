"""Running one transform job: its container, its files, its predictions."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from opskit.sandbox.hosting.model_container import CannotServe, Container, Unhealthy
from opskit.sandbox.jobs.record_filters import payloads, picked
from opskit.sandbox.jobs.training_run import Closing, JobFailed
from opskit.sandbox.jobs.transform_job import TransformJob
from opskit.sandbox.state import World
from opskit.sandbox.storage.log_streams import LogStream
from opskit.sandbox.storage.s3_objects import S3Uri, Source, StorageFailure, Store

_log = logging.getLogger(__name__)

GROUP = "/aws/sagemaker/TransformJobs"
_SEE_LOGS = "See job logs for more information"
_NO_CONTENT = 204


class Stopped(Exception):
    """StopTransformJob was called."""


@dataclass
class TransformRun:
    """The life of one transform job, on a thread of its own."""

    world: World
    job: TransformJob
    model: Mapping[str, Any]
    folder: Path

    def __post_init__(self) -> None:
        self._store = Store(self.world, self.job.place)
        stream = f"{self.job.name}/i-{uuid4().hex[:17]}-{int(time.time())}"
        self._container_log = LogStream(self.world, self.job.place, GROUP, stream)
        self._data_log = LogStream(self.world, self.job.place, GROUP, f"{stream}/data-log")

    def run(self) -> None:
        """Take the job to its end, whatever that is."""
        try:
            self._run()
            self._end("Completed")
        except Closing:
            return
        except Stopped:
            self._end("Stopped")
        except Unhealthy:
            self._end("Failed", f"AlgorithmError: {_SEE_LOGS}")
        except (CannotServe, StorageFailure) as reason:
            self._end("Failed", f"ClientError: {reason}")
        except JobFailed as reason:
            self._end("Failed", str(reason))
        except Exception:
            if self.world.closing.is_set():
                return
            _log.exception("transform job %s", self.job.name)
            self._end("Failed", "InternalServerError: We encountered an internal error.  Please try again.")

    def _end(self, status: str, reason: str | None = None) -> None:
        with self.world.lock(self.job.place):
            self.job.end(status, self.world.now(), reason)

    def _run(self) -> None:
        container = Container.start(
            self.world, self.job.place, self.model, self.folder / "container", self._container_log, batch=True
        )
        try:
            if not container.wait(self.job.stop):
                self._look_up()
            with self.world.lock(self.job.place):
                self.job.begin(self.world.now())
            for source in self._store.sources(self.job.params["TransformInput"]["DataSource"]["S3DataSource"]):
                self._transform(container, source)
            self._look_up()
        finally:
            container.end()
            if not self.world.closing.is_set():
                container.carry_log(last=True)

    def _look_up(self) -> None:
        """Raise what ends the run early: Closing or Stopped."""
        if self.world.closing.is_set():
            raise Closing
        if self.job.stop.is_set():
            raise Stopped

    def _transform(self, container: Container, source: Source) -> None:
        given = self.job.params["TransformInput"]
        path = self._store.fetch(source, self.folder / "input", unzip=given.get("CompressionType") == "Gzip")
        text = path.read_text(errors="replace")
        answers: list[str] = []
        for lines in self._requests(text):
            self._look_up()
            answers.append(self._answer(container, source, lines))
        result = self.folder / "output" / f"{source.name}.out"
        result.parent.mkdir(parents=True, exist_ok=True)
        result.write_text(self._assembled(answers))
        output = S3Uri.parse(self.job.params["TransformOutput"]["S3OutputPath"])
        self._store.put(result, output.below(f"{source.name}.out"))
        path.unlink()

    def _requests(self, text: str) -> list[list[str]]:
        lines = [line for line in text.splitlines() if line.strip()]
        if self.job.params["TransformInput"].get("SplitType", "None") == "None":
            return [lines] if lines else []
        single = self.job.params.get("BatchStrategy") == "SingleRecord"
        return list(payloads(lines, most_bytes=self.job.most_bytes, single=single))

    def _answer(self, container: Container, source: Source, lines: list[str]) -> str:
        processing = self.job.params.get("DataProcessing", {})
        body = "\n".join(picked(line, processing.get("InputFilter")) for line in lines)
        if len(body.encode()) > self.job.most_bytes:
            raise self._refused(source, "Too much data for max payload size", "ClientError")
        predictions = self._ask(container, source, body)
        if processing.get("JoinSource", "None") == "None" and "OutputFilter" not in processing:
            return predictions
        return self._joined(source, lines, predictions.splitlines(), processing)

    def _ask(self, container: Container, source: Source, body: str) -> str:
        given, wanted = self.job.params["TransformInput"], self.job.params["TransformOutput"]
        try:
            answer = container.ask(body.encode(), given.get("ContentType", ""), wanted.get("Accept", ""))
        except OSError as error:
            self._look_up()
            raise self._refused(source, f"Model server did not respond: {error}", "AlgorithmError") from error
        if answer.status == _NO_CONTENT:
            return ""
        if answer.status != 200:
            kind = "ClientError" if answer.status < 500 else "AlgorithmError"
            message = answer.body.decode("utf-8", "replace")
            raise self._refused(source, f"Bad HTTP status received from algorithm: {answer.status}", kind, message)
        return answer.body.decode()

    def _refused(self, source: Source, what: str, kind: str, message: str = "") -> JobFailed:
        where = f"[sagemaker logs]: {source.uri.bucket}/{source.uri.key}:"
        said = [f"{where} Message:", *(f"{where} {line}" for line in message.splitlines())] if message else []
        self._data_log.write([f"{where} {what}", *said])
        return JobFailed(f"{kind}: {_SEE_LOGS}")

    def _joined(self, source: Source, lines: list[str], answers: list[str], processing: Mapping[str, str]) -> str:
        if processing.get("JoinSource") == "Input":
            if len(lines) != len(answers):
                raise self._refused(
                    source, "Fail to join data: mismatched line count between the input and output", "ClientError"
                )
            answers = [f"{line},{answer}" for line, answer in zip(lines, answers, strict=True)]
        return "".join(f"{picked(answer, processing.get('OutputFilter'))}\n" for answer in answers)

    def _assembled(self, answers: list[str]) -> str:
        if self.job.params["TransformOutput"].get("AssembleWith") != "Line":
            return "".join(answers)
        return "".join(f"{answer.rstrip(chr(10))}\n" for answer in answers if answer)
