"""One training job's record: its states as AWS moves them, and how Describe, List and Search show it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from opskit.sandbox.errors import ApiError, validation_error
from opskit.sandbox.jobs.job_record import JobRecord
from opskit.sandbox.jobs.job_status import JobStatus
from opskit.sandbox.jobs.warm_pool import WarmPool, WarmPoolState
from opskit.sandbox.list_responses import ListedResource
from opskit.sandbox.response_shapes import echo_request
from opskit.sandbox.state import InstanceUsage, UsageResource


class SecondaryStatus(StrEnum):
    """The steps of a training job, which SecondaryStatusTransitions lists."""

    STARTING = "Starting"
    DOWNLOADING = "Downloading"
    TRAINING = "Training"
    UPLOADING = "Uploading"
    COMPLETED = "Completed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    MAX_RUNTIME_EXCEEDED = "MaxRuntimeExceeded"
    FAILED = "Failed"


STATUS_MESSAGES: Mapping[SecondaryStatus, str] = {
    SecondaryStatus.STARTING: "Preparing the instances for training",
    SecondaryStatus.DOWNLOADING: "Downloading input data",
    SecondaryStatus.TRAINING: "Training image download completed. Training in progress.",
    SecondaryStatus.UPLOADING: "Uploading generated training model",
    SecondaryStatus.COMPLETED: "Training job completed",
    SecondaryStatus.STOPPING: "Stopping the training job",
    SecondaryStatus.STOPPED: "Training job stopped",
    SecondaryStatus.MAX_RUNTIME_EXCEEDED: "Training job runtime exceeded MaxRuntimeInSeconds provided",
    SecondaryStatus.FAILED: "Training job failed",
}
# A round's line, such as [3]#011train-rmse:0.5#011validation-rmse:0.7; AWS's logs have #011 where the algorithm
# printed a tab.
_ROUND_LINE = re.compile(r"\[\d+\]((?:#011[\w@.-]+:[-+.\w]+)+)")
# A day: what AWS takes where StoppingCondition has no MaxRuntimeInSeconds.
_DEFAULT_MAX_RUNTIME_SECONDS = 86_400


@dataclass
class StatusTransition:
    """One entry of SecondaryStatusTransitions. ``ended`` None: it lasts."""

    status: SecondaryStatus
    started: datetime
    message: str
    ended: datetime | None = None

    def describe(self) -> dict[str, Any]:
        """The entry in AWS's shape."""
        return {
            "Status": self.status,
            "StartTime": self.started,
            "EndTime": self.ended,
            "StatusMessage": self.message,
        }


@dataclass
class TrainingJob(JobRecord):
    """A training job."""

    arn_type = "training-job"
    name_member = "TrainingJobName"

    transitions: list[StatusTransition] = field(default_factory=list)
    metrics: dict[str, tuple[float, datetime]] = field(default_factory=dict)
    pool: WarmPool | None = None
    """Its warm pool, which it asked for or took over; None: it has none."""

    @property
    def secondary_status(self) -> SecondaryStatus:
        return self.transitions[-1].status

    @property
    def model_artifacts_uri(self) -> str:
        """Where the model goes: an archive, or a prefix where the job asked for no compression."""
        output = self.params["OutputDataConfig"]
        uncompressed = output.get("CompressionType") == "NONE"
        return f"{output['S3OutputPath'].rstrip('/')}/{self.name}/output/{'model/' if uncompressed else 'model.tar.gz'}"

    @property
    def max_runtime_seconds(self) -> int:
        condition = self.params.get("StoppingCondition", {})
        return int(condition.get("MaxRuntimeInSeconds", _DEFAULT_MAX_RUNTIME_SECONDS))

    def enter_status(self, secondary: SecondaryStatus, now: datetime) -> None:
        """Go on to the next secondary status."""
        if self.transitions:
            self.transitions[-1].ended = now
        self.transitions.append(StatusTransition(secondary, now, STATUS_MESSAGES[secondary]))
        self.modified = now
        if secondary is SecondaryStatus.DOWNLOADING:
            self.started = now

    def finish(self, status: JobStatus, secondary: SecondaryStatus, now: datetime, failure: str | None = None) -> None:
        """Reach the statuses that the job stays in."""
        self.enter_status(secondary, now)
        self.mark_ended(status, now, failure)
        self.transitions[-1].ended = now
        if self.failure:
            self.transitions[-1].message = self.failure
        if self.pool:
            self.pool.release(now, is_kept=not status.has_failed)

    def as_of(self, when: datetime) -> TrainingJob:
        """The job as it was at a moment after it was made, which is what Search's index tells of it for a while."""
        if self.modified <= when:
            return self
        is_over = self.ended is not None and self.ended <= when
        steps = [step for step in self.transitions if step.started <= when] or self.transitions[:1]
        return replace(
            self,
            status=self.status if is_over else JobStatus.IN_PROGRESS,
            ended=self.ended if is_over else None,
            failure=self.failure if is_over else None,
            modified=steps[-1].started,
            transitions=[*steps[:-1], replace(steps[-1], ended=None)],
        )

    def record_metrics(self, lines: Iterable[str], now: datetime) -> None:
        """Take the last values of the algorithm's metrics from its log lines."""
        for line in lines:
            found = _ROUND_LINE.fullmatch(line)
            if found:
                for part in found[1].split("#011")[1:]:
                    name, _, value = part.rpartition(":")
                    # The image prints validation-rmse, the API calls it validation:rmse.
                    self.metrics[name.replace("-", ":", 1)] = (float(value), now)

    def instance_counts(self) -> list[tuple[str, int]]:
        """The instance types and counts the job has, one pair an instance group; of preferences the first, since the
        sandbox never lacks capacity.
        """
        resources = self.params["ResourceConfig"]
        if preferred := self.preferred_counts():
            return preferred[:1]
        groups = resources.get("InstanceGroups") or [resources]
        return [(group["InstanceType"], group["InstanceCount"]) for group in groups]

    def preferred_counts(self) -> list[tuple[str, int]]:
        """The instance types of a list of preferences, in their order, each with its count."""
        resources = self.params["ResourceConfig"]
        return [
            (each["InstanceType"], each.get("InstanceCount", resources.get("InstanceCount", 0)))
            for each in resources.get("InstancePreferences", [])
        ]

    def instance_usage(self) -> list[InstanceUsage]:
        resource = training_resource(self.params)
        return [InstanceUsage(resource, instance_type, count) for instance_type, count in self.instance_counts()]

    def pool_state(self, now: datetime) -> WarmPoolState | None:
        """What has become of its warm pool; None where it has none."""
        return self.pool.state_at(now) if self.pool else None

    def holds_pool(self, now: datetime) -> bool:
        """Whether instances are held for it in a warm pool, which it uses itself or leaves to the next job."""
        state = self.pool_state(now)
        return state is not None and state.is_held

    def held_instances(self, now: datetime) -> list[InstanceUsage]:
        """Its instances while it runs, and as long as they wait for the next job: AWS counts both as training."""
        state = self.pool_state(now)
        waits = state is not None and state.waits_for_job
        return self.instance_usage() if self.status.is_active or waits else []

    def rule_usage(self) -> list[InstanceUsage]:
        """The processing jobs that the job's debugger and profiler rules would run beside it."""
        rules = [*self.params.get("DebugRuleConfigurations", []), *self.params.get("ProfilerRuleConfigurations", [])]
        processing = UsageResource.PROCESSING_JOB
        return [InstanceUsage(processing, rule["InstanceType"]) for rule in rules if "InstanceType" in rule]

    @classmethod
    def not_found_error(cls, name: str) -> ApiError:
        return validation_error("Requested resource not found.")

    def name_in_use_error(self) -> ApiError:
        return ApiError(
            "ResourceInUse",
            "Training job names must be unique within an AWS account and region, and a training job with this "
            f"name already exists ({self.arn})",
        )

    def describe(self, now: datetime) -> dict[str, Any]:
        """The answer of DescribeTrainingJob."""
        return {
            **_DEFAULTS,
            **echo_request("DescribeTrainingJob", self.params),
            "ResourceConfig": self._resource_members(),
            **self._input_members(),
            **self._time_members(),
            "TrainingJobArn": self.arn,
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.secondary_status,
            "SecondaryStatusTransitions": [step.describe() for step in self.transitions],
            "ModelArtifacts": {"S3ModelArtifacts": self.model_artifacts_uri},
            "FailureReason": self.failure,
            "StoppingCondition": {
                "MaxRuntimeInSeconds": self.max_runtime_seconds,
                **self.params.get("StoppingCondition", {}),
            },
            "FinalMetricDataList": self._metric_members() or None,
            "WarmPoolStatus": self.pool.describe(now) if self.pool else None,
        }

    def _resource_members(self) -> dict[str, Any]:
        """The resources, and which of several types was taken, once that is settled."""
        resources = dict(self.params["ResourceConfig"])
        if self.started and (preferred := self.preferred_counts()):
            resources |= {"SelectedInstanceType": preferred[0][0], "SelectedInstanceCount": preferred[0][1]}
        return resources

    def _input_members(self) -> dict[str, Any]:
        channels = self.params.get("InputDataConfig")
        return {"InputDataConfig": [_channel_with_defaults(channel) for channel in channels]} if channels else {}

    def _time_members(self) -> dict[str, Any]:
        times: dict[str, Any] = {"CreationTime": self.created, "LastModifiedTime": self.modified}
        if self.started:
            times["TrainingStartTime"] = self.started
        if self.ended:
            times["TrainingEndTime"] = self.ended
        if self.started and self.ended:
            # A second that was begun is billed.
            seconds = max(1, math.ceil((self.ended - self.started).total_seconds()))
            times["TrainingTimeInSeconds"] = times["BillableTimeInSeconds"] = seconds
        return times

    def _metric_members(self) -> list[dict[str, Any]]:
        return [
            {"MetricName": name, "Value": value, "Timestamp": timestamp}
            for name, (value, timestamp) in self.metrics.items()
            if math.isfinite(value)
        ]

    def list_row(self, now: datetime) -> ListedResource:
        """The job as ListTrainingJobs shows it."""
        summary = {
            "TrainingJobName": self.name,
            "TrainingJobArn": self.arn,
            "CreationTime": self.created,
            "TrainingEndTime": self.ended,
            "LastModifiedTime": self.modified,
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.secondary_status,
            "WarmPoolStatus": self.pool.describe(now) if self.pool else None,
        }
        return ListedResource(self.name, self.created, self.modified, self.status, summary)


def training_resource(params: Mapping[str, Any]) -> UsageResource:
    """What quotas count training jobs as: spot ones are counted apart."""
    return UsageResource.SPOT_TRAINING_JOB if params.get("EnableManagedSpotTraining") else UsageResource.TRAINING_JOB


_DEFAULTS = {
    "EnableNetworkIsolation": False,
    "EnableInterContainerTrafficEncryption": False,
    "EnableManagedSpotTraining": False,
}


def _channel_with_defaults(channel: dict[str, Any]) -> dict[str, Any]:
    with_defaults = {"CompressionType": "None", "RecordWrapperType": "None", **channel}
    source = channel["DataSource"].get("S3DataSource")
    if source:
        with_defaults["DataSource"] = {"S3DataSource": {"S3DataDistributionType": "FullyReplicated", **source}}
    return with_defaults
