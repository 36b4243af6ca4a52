"""Whether there are objects in S3, by their URIs."""

from __future__ import annotations

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError

NOT_FOUND_CODES = ("NoSuchKey", "NoSuchBucket")
"""The codes of errors that say that there is no such object or bucket."""
HEAD_NOT_FOUND_CODES = (*NOT_FOUND_CODES, "404")
"""The same of HEAD: its response has no body and so no error code, and botocore gives the HTTP status instead."""


def object_exists(client: AwsClient, uri: str) -> bool:
    """Whether there is an S3 object.

    Raises:
        AwsError: S3 does not say.
    """
    bucket, key = split_s3_uri(uri)
    try:
        client.read("s3", "head_object", Bucket=bucket, Key=key)
    except AwsError as failure:
        if failure.aws_code in HEAD_NOT_FOUND_CODES:
            return False
        raise
    return True


def prefix_exists(client: AwsClient, uri: str) -> bool:
    """Whether any S3 object has a URI that begins like this.

    Raises:
        AwsError: S3 does not say.
    """
    bucket, prefix = split_s3_uri(uri)
    try:
        return bool(client.read("s3", "list_objects_v2", Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Contents"))
    except AwsError as failure:
        if failure.aws_code in NOT_FOUND_CODES:
            return False
        raise


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
