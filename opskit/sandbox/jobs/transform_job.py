"""One batch transform job's record, and how Describe, List and Search show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opskit.sandbox.jobs.job_record import JobRecord
from opskit.sandbox.jobs.training_job import MAX_FAILURE_REASON
from opskit.sandbox.list_responses import ListedResource
from opskit.sandbox.response_shapes import echo_request
from opskit.sandbox.state import InstanceUsage

_DEFAULT_MAX_PAYLOAD_MB = 6


@dataclass
class TransformJob(JobRecord):
    """A transform job."""

    @property
    def name(self) -> str:
        return str(self.params["TransformJobName"])

    @property
    def arn(self) -> str:
        return self.account_region.arn(f"transform-job/{self.name}")

    @property
    def max_payload_bytes(self) -> int:
        """How large a request to the container may be."""
        megabytes: int = self.params.get("MaxPayloadInMB", _DEFAULT_MAX_PAYLOAD_MB)
        return megabytes * 1024 * 1024 if megabytes else 2**40

    def mark_started(self, now: datetime) -> None:
        """The instances are there."""
        self.started = self.modified = now

    def finish(self, status: str, now: datetime, failure: str | None = None) -> None:
        """Reach the state that the job stays in."""
        self.status, self.ended, self.modified = status, now, now
        self.failure = failure[:MAX_FAILURE_REASON] if failure else None

    def instance_usage(self) -> list[InstanceUsage]:
        """What quotas count for the job, whether or not it still runs."""
        resources = self.params["TransformResources"]
        return [InstanceUsage("transform-job", resources["InstanceType"], resources["InstanceCount"])]

    def describe(self) -> dict[str, Any]:
        """The answer of DescribeTransformJob."""
        given = self.params
        return {
            **echo_request("DescribeTransformJob", given),
            "TransformInput": {"CompressionType": "None", "SplitType": "None", **given["TransformInput"]},
            "TransformOutput": {"AssembleWith": "None", **given["TransformOutput"]},
            "DataProcessing": {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
            | given.get("DataProcessing", {}),
            "TransformJobArn": self.arn,
            "TransformJobStatus": self.status,
            "FailureReason": self.failure,
            "CreationTime": self.created,
            "TransformStartTime": self.started,
            "TransformEndTime": self.ended,
        }

    def list_row(self) -> ListedResource:
        """The job as ListTransformJobs shows it."""
        summary = {
            "TransformJobName": self.name,
            "TransformJobArn": self.arn,
            "CreationTime": self.created,
            "TransformEndTime": self.ended,
            "LastModifiedTime": self.modified,
            "TransformJobStatus": self.status,
            "FailureReason": self.failure,
        }
        return ListedResource(self.name, self.created, self.modified, self.status, summary)
