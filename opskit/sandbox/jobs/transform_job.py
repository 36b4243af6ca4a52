"""One batch transform job's record, and how Describe, List and Search show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opskit.sandbox.jobs.job_record import JobRecord
from opskit.sandbox.list_responses import ListedResource
from opskit.sandbox.response_shapes import echo_request
from opskit.sandbox.state import InstanceUsage, UsageResource

# AWS's default of MaxPayloadInMB; 0 stands for no limit, which here is a terabyte.
_DEFAULT_MAX_PAYLOAD_MB = 6
_UNLIMITED_BYTES = 2**40


@dataclass
class TransformJob(JobRecord):
    """A transform job."""

    arn_type = "transform-job"
    name_member = "TransformJobName"

    @property
    def max_payload_bytes(self) -> int:
        """How large a request to the container may be."""
        megabytes: int = self.params.get("MaxPayloadInMB", _DEFAULT_MAX_PAYLOAD_MB)
        return megabytes * 1024 * 1024 if megabytes else _UNLIMITED_BYTES

    def mark_started(self, now: datetime) -> None:
        """Now the instances exist."""
        self.started = self.modified = now

    def instance_usage(self) -> list[InstanceUsage]:
        resources = self.params["TransformResources"]
        return [InstanceUsage(UsageResource.TRANSFORM_JOB, resources["InstanceType"], resources["InstanceCount"])]

    def describe(self) -> dict[str, Any]:
        """The answer of DescribeTransformJob."""
        params = self.params
        return {
            **echo_request("DescribeTransformJob", params),
            "TransformInput": {"CompressionType": "None", "SplitType": "None", **params["TransformInput"]},
            "TransformOutput": {"AssembleWith": "None", **params["TransformOutput"]},
            "DataProcessing": {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
            | params.get("DataProcessing", {}),
            "TransformJobArn": self.arn,
            "TransformJobStatus": self.status,
            "FailureReason": self.failure,
            "CreationTime": self.created,
            "TransformStartTime": self.started,
            "TransformEndTime": self.ended,
        }

    def list_row(self, now: datetime) -> ListedResource:
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
