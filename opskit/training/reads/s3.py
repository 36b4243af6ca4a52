"""Reads S3: the owner of a bucket, and the objects in it."""

from __future__ import annotations

from enum import StrEnum

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.aws.s3_objects import HEAD_NOT_FOUND_CODES, NOT_FOUND_CODES, split_s3_uri
from opskit.core.exceptions import AwsError, UsageError


class BucketState(StrEnum):
    """Whether a bucket can be used."""

    OURS = "ours"
    ABSENT = "absent"

    @property
    def is_to_be_created(self) -> bool:
        """Whether it does not exist yet."""
        match self:
            case BucketState.ABSENT:
                return True
            case BucketState.OURS:
                return False


def read_bucket_state(client: AwsClient, bucket: str, account: str) -> BucketState:
    """Whether a bucket exists and belongs to the account.

    Raises:
        UsageError: it is in another Region, where SageMaker would not find it.
        AwsError: it is somebody else's, or S3 does not say.
    """
    try:
        response = client.read("s3", "head_bucket", Bucket=bucket, ExpectedBucketOwner=account)
    except AwsError as failure:
        if failure.aws_code in HEAD_NOT_FOUND_CODES:
            return BucketState.ABSENT
        if failure.aws_code in ("403", "AccessDenied"):
            text = f"The bucket '{bucket}' belongs to another account, or you may not see it."
            hint = "Name one of your own with --bucket, or allow s3:ListBucket on it."
            raise AwsError("bucket-not-ours", text, hint, region=client.region, aws_code="403") from failure
        raise
    region = response.get("BucketRegion") or client.region
    if region != client.region:
        text = f"The bucket '{bucket}' is in {region}, and SageMaker in {client.region} reads only buckets there."
        raise UsageError("bucket-elsewhere", text, f"Name another with --bucket, or work with --region {region}.")
    return BucketState.OURS


def read_object(client: AwsClient, uri: str) -> bytes | None:
    """The bytes of an S3 object, None where there is none.

    Raises:
        AwsError: it could not be read.
    """
    bucket, key = split_s3_uri(uri)
    try:
        return bytes(client.read("s3", "get_object", Bucket=bucket, Key=key)["Body"])
    except AwsError as failure:
        if failure.aws_code in NOT_FOUND_CODES:
            return None
        raise


def list_object_keys(client: AwsClient, account: str, bucket: str, prefix: str) -> list[str]:
    """The keys of all objects under a prefix of a bucket of the account's; none where there is no such bucket.

    Raises:
        AwsError: they could not be listed.
    """
    try:
        pages = list(
            client.paginate("s3", "list_objects_v2", Bucket=bucket, Prefix=prefix, ExpectedBucketOwner=account)
        )
    except AwsError as failure:
        if failure.aws_code in NOT_FOUND_CODES:
            return []
        raise
    with parse_errors_as_aws(client, "s3:ListObjectsV2"):
        return [item["Key"] for page in pages for item in page.get("Contents", ())]
