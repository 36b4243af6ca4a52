"""One training job's record: its states as AWS moves them, and how Describe, List and Search show it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from opskit.sandbox.jobs.job_record import Job
from opskit.sandbox.list_responses import Listed
from opskit.sandbox.request_echo import echoed
from opskit.sandbox.state import Held

ACTIVE = ("InProgress", "Stopping")
LONGEST_REASON = 1024

MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "Failed": "Training job failed",
}
_ROUND = re.compile(r"\[\d+\]((?:#011[\w@.-]+:[-+.\w]+)+)")
_DEFAULT_RUNTIME = 86_400


@dataclass
class Step:
    """One entry of SecondaryStatusTransitions."""

    status: str
    started: datetime
    message: str
    ended: datetime | None = None

    def shown(self) -> dict[str, Any]:
        """The entry in AWS's shape."""
        return {
            "Status": self.status,
            "StartTime": self.started,
            "EndTime": self.ended,
            "StatusMessage": self.message,
        }


@dataclass
class TrainingJob(Job):
    """A training job."""

    steps: list[Step] = field(default_factory=list)
    metrics: dict[str, tuple[float, datetime]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.params["TrainingJobName"])

    @property
    def arn(self) -> str:
        return self.place.arn(f"training-job/{self.name}")

    @property
    def secondary(self) -> str:
        return self.steps[-1].status

    @property
    def artifacts(self) -> str:
        """Where the model goes: an archive, or a prefix where the job asked for no compression."""
        output = self.params["OutputDataConfig"]
        whole = output.get("CompressionType") == "NONE"
        return f"{output['S3OutputPath'].rstrip('/')}/{self.name}/output/{'model/' if whole else 'model.tar.gz'}"

    @property
    def longest_seconds(self) -> int:
        condition = self.params.get("StoppingCondition", {})
        return int(condition.get("MaxRuntimeInSeconds", _DEFAULT_RUNTIME))

    def move(self, secondary: str, now: datetime) -> None:
        """Go on to the next secondary status."""
        if self.steps:
            self.steps[-1].ended = now
        self.steps.append(Step(secondary, now, MESSAGES[secondary]))
        self.modified = now
        if secondary == "Downloading":
            self.started = now

    def end(self, status: str, secondary: str, now: datetime, failure: str | None = None) -> None:
        """Reach the state that the job stays in."""
        self.move(secondary, now)
        self.steps[-1].ended = now
        self.status, self.ended = status, now
        self.failure = failure[:LONGEST_REASON] if failure else None
        if failure:
            self.steps[-1].message = failure[:LONGEST_REASON]

    def note(self, lines: Iterable[str], now: datetime) -> None:
        """Take the last values of the algorithm's metrics from its log lines."""
        for line in lines:
            match = _ROUND.fullmatch(line)
            if match:
                for part in match[1].split("#011")[1:]:
                    name, _, value = part.rpartition(":")
                    self.metrics[name.replace("-", ":", 1)] = (float(value), now)

    def instances(self) -> list[tuple[str, int]]:
        """The instance types and counts the job asked for, one pair an instance group."""
        resources = self.params["ResourceConfig"]
        groups = resources.get("InstanceGroups") or [resources]
        return [(group["InstanceType"], group["InstanceCount"]) for group in groups]

    def holds(self) -> list[Held]:
        """What quotas count for the job, whether or not it still runs."""
        resource = "spot-training-job" if self.params.get("EnableManagedSpotTraining") else "training-job"
        return [Held(resource, instance_type, count) for instance_type, count in self.instances()]

    def watched_by(self) -> list[Held]:
        """The processing jobs that the job's debugger and profiler rules would run beside it."""
        rules = [*self.params.get("DebugRuleConfigurations", []), *self.params.get("ProfilerRuleConfigurations", [])]
        return [Held("processing-job", rule["InstanceType"]) for rule in rules if "InstanceType" in rule]

    def described(self) -> dict[str, Any]:
        """The answer of DescribeTrainingJob."""
        return {
            **_DEFAULTS,
            **echoed("DescribeTrainingJob", self.params),
            **self._inputs(),
            **self._times(),
            "TrainingJobArn": self.arn,
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.secondary,
            "SecondaryStatusTransitions": [step.shown() for step in self.steps],
            "ModelArtifacts": {"S3ModelArtifacts": self.artifacts},
            "FailureReason": self.failure,
            "StoppingCondition": {
                "MaxRuntimeInSeconds": self.longest_seconds,
                **self.params.get("StoppingCondition", {}),
            },
            "FinalMetricDataList": self._metrics() or None,
        }

    def _inputs(self) -> dict[str, Any]:
        channels = self.params.get("InputDataConfig")
        return {"InputDataConfig": [_channel(channel) for channel in channels]} if channels else {}

    def _times(self) -> dict[str, Any]:
        times: dict[str, Any] = {"CreationTime": self.created, "LastModifiedTime": self.modified}
        if self.started:
            times["TrainingStartTime"] = self.started
        if self.ended:
            times["TrainingEndTime"] = self.ended
        if self.started and self.ended:
            seconds = max(1, math.ceil((self.ended - self.started).total_seconds()))
            times["TrainingTimeInSeconds"] = times["BillableTimeInSeconds"] = seconds
        return times

    def _metrics(self) -> list[dict[str, Any]]:
        return [
            {"MetricName": name, "Value": value, "Timestamp": at}
            for name, (value, at) in self.metrics.items()
            if math.isfinite(value)
        ]

    def listed(self) -> Listed:
        """The job as ListTrainingJobs shows it."""
        summary = {
            "TrainingJobName": self.name,
            "TrainingJobArn": self.arn,
            "CreationTime": self.created,
            "TrainingEndTime": self.ended,
            "LastModifiedTime": self.modified,
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.secondary,
        }
        return Listed(self.name, self.created, self.modified, self.status, summary)


_DEFAULTS = {
    "EnableNetworkIsolation": False,
    "EnableInterContainerTrafficEncryption": False,
    "EnableManagedSpotTraining": False,
}


def _channel(channel: dict[str, Any]) -> dict[str, Any]:
    shown = {"CompressionType": "None", "RecordWrapperType": "None", **channel}
    source = channel["DataSource"].get("S3DataSource")
    if source:
        shown["DataSource"] = {"S3DataSource": {"S3DataDistributionType": "FullyReplicated", **source}}
    return shown
