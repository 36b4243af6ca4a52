"""Reads S3: whose a bucket is, and what lies in it."""

from __future__ import annotations

from enum import StrEnum

from opskit.aws import Door
from opskit.errors import AwsFailure, UsageProblem
from opskit.observe.bad_answers import understood

_ABSENT = ("NoSuchKey", "NoSuchBucket")
_ABSENT_BY_HEAD = (*_ABSENT, "404")
"""An answer to HEAD has no body for a code to stand in."""


class BucketState(StrEnum):
    """Whether a bucket can be used."""

    OURS = "ours"
    ABSENT = "absent"


def bucket_state(door: Door, bucket: str, account: str) -> BucketState:
    """Whether a bucket is there and belongs to the account.

    Raises:
        UsageProblem: it is in another Region, where SageMaker would not find it.
        AwsFailure: it is somebody else's, or S3 does not say.
    """
    try:
        told = door.read("s3", "head_bucket", Bucket=bucket, ExpectedBucketOwner=account)
    except AwsFailure as failure:
        if failure.aws_code in _ABSENT_BY_HEAD:
            return BucketState.ABSENT
        if failure.aws_code in ("403", "AccessDenied"):
            text = f"The bucket '{bucket}' belongs to another account, or you may not see it."
            hint = "Name one of your own with --bucket, or allow s3:ListBucket on it."
            raise AwsFailure("bucket-not-ours", text, hint, region=door.region, aws_code="403") from failure
        raise
    region = told.get("BucketRegion") or door.region
    if region != door.region:
        text = f"The bucket '{bucket}' is in {region}, and SageMaker in {door.region} reads only buckets there."
        raise UsageProblem("bucket-elsewhere", text, f"Name another with --bucket, or work with --region {region}.")
    return BucketState.OURS


def object_at(door: Door, uri: str) -> bytes | None:
    """The bytes of an S3 object, None where there is none.

    Raises:
        AwsFailure: it could not be read.
    """
    bucket, key = parts_of(uri)
    try:
        return bytes(door.read("s3", "get_object", Bucket=bucket, Key=key)["Body"])
    except AwsFailure as failure:
        if failure.aws_code in _ABSENT:
            return None
        raise


def object_exists(door: Door, uri: str) -> bool:
    """Whether there is an S3 object.

    Raises:
        AwsFailure: S3 does not say.
    """
    bucket, key = parts_of(uri)
    try:
        door.read("s3", "head_object", Bucket=bucket, Key=key)
    except AwsFailure as failure:
        if failure.aws_code in _ABSENT_BY_HEAD:
            return False
        raise
    return True


def objects_under(door: Door, account: str, bucket: str, prefix: str) -> list[str]:
    """The keys of all objects under a prefix of a bucket of the account's; none where there is no such bucket.

    Raises:
        AwsFailure: they could not be listed.
    """
    try:
        pages = list(door.pages("s3", "list_objects_v2", Bucket=bucket, Prefix=prefix, ExpectedBucketOwner=account))
    except AwsFailure as failure:
        if failure.aws_code in _ABSENT:
            return []
        raise
    with understood(door, "s3:ListObjectsV2"):
        return [item["Key"] for page in pages for item in page.get("Contents", ())]


def parts_of(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
