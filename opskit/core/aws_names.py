"""How AWS names what opskit uses: IAM's actions, the default bucket and the prefixes of runs in S3, and the log groups
and names of SageMaker resources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opskit.core.model import Unknown

# Where boto3's name of a service is not IAM's.
_PREFIXES: Mapping[str, str] = {
    "service-quotas": "servicequotas",
    "sagemaker-runtime": "sagemaker",
    "resourcegroupstaggingapi": "tag",
}
# IAM's actions for S3 have other names than the operations that need them.
_OF_S3: Mapping[str, str] = {
    "CreateBucket": "CreateBucket",
    "DeleteObjects": "DeleteObject",
    "GetObject": "GetObject",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "PutObject": "PutObject",
}


def iam_action(call: str) -> str:
    """The action that a policy has to allow for an operation, by boto3's name of it: ``s3:GetObject`` for
    ``s3:HeadObject``.
    """
    service, _, operation = call.partition(":")
    name = _OF_S3.get(operation, operation) if service == "s3" else operation
    return f"{_PREFIXES.get(service, service)}:{name}"


BUCKET_NAME = re.compile(r"[a-zA-Z0-9._-]{1,255}")
"""What S3 takes as the name of a bucket: older ones of us-east-1 may have more than today's lower-case letters and 63
characters (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
"""
ANY_DEFAULT_BUCKET = "sagemaker-*"
"""Matches all default buckets, for policies."""


def default_bucket(region: str, account: str) -> str:
    """The default bucket of a Region and account."""
    return f"sagemaker-{region}-{account}"


def workflow_prefix(workflow: str) -> str:
    """The key prefix of all runs of a workflow."""
    return f"opskit/{workflow}/"


def run_prefix(workflow: str, job: str) -> str:
    """The key prefix of one run."""
    return f"{workflow_prefix(workflow)}{job}/"


TRAINING_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
PROCESSING_LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
TRANSFORM_LOG_GROUP = "/aws/sagemaker/TransformJobs"
NOTEBOOK_LOGS = "/aws/sagemaker/NotebookInstances"


LONGEST_NAME = 63
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")


def is_possible_name(word: str) -> bool:
    """Whether a notebook instance or an endpoint may have this name, by AWS's API model."""
    return len(word) <= LONGEST_NAME and _NAME.fullmatch(word) is not None


def endpoint_log_group(name: str) -> str:
    """The log group of an endpoint."""
    return f"/aws/sagemaker/Endpoints/{name}"


@dataclass(frozen=True)
class LogTail:
    """The last ``lines`` in the streams of a log group that begin with ``prefix`` (empty: in all), the oldest first.
    Without lines there are none yet.
    """

    group: str
    prefix: str
    lines: tuple[str, ...] | Unknown = ()
