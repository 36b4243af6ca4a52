"""IAM's names of the operations that opskit calls."""

from __future__ import annotations

from collections.abc import Mapping

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
