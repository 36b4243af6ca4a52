"""Makes the account's SageMaker bucket, writes a workflow's objects, and removes them."""

from __future__ import annotations

from collections.abc import Sequence

from opskit.aws.client import AwsClient
from opskit.aws.writer import AwsWriter
from opskit.core.exceptions import AwsError, OutcomeUnknown
from opskit.state.journal import journal_action

_TRIES = 3
_DELETE_AT_ONCE = 1000
_ALREADY_OWNED_CODE = "BucketAlreadyOwnedByYou"


def create_bucket(client: AwsClient, bucket: str) -> None:
    """Make a bucket of the account's own, as the SDK does.

    Raises:
        AwsError: AWS refused, or somebody else owns the name.
    """
    # us-east-1 is the one Region that S3 refuses to hear named here.
    where = {} if client.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": client.region}}
    try:
        with journal_action(client, "create bucket", bucket, "the account has no SageMaker bucket in this Region yet"):
            AwsWriter(client).call("s3", "create_bucket", Bucket=bucket, **where)
    except AwsError as failure:
        if failure.aws_code == "BucketAlreadyExists":
            text = f"The bucket name '{bucket}' is taken by another account."
            raise AwsError("bucket-not-ours", text, "Name one of your own with --bucket.") from failure
        if failure.aws_code != _ALREADY_OWNED_CODE:
            raise


def upload_object(client: AwsClient, account: str, uri: str, content: bytes) -> None:
    """Write an object into a bucket of the account. The same bytes under the same name may be sent twice, so a lost
    answer is no trouble.

    Raises:
        AwsError: S3 did not take it.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    for attempt in range(_TRIES):
        try:
            AwsWriter(client).call(
                "s3", "put_object", Bucket=bucket, Key=key, Body=content, ExpectedBucketOwner=account
            )
            return
        except OutcomeUnknown:
            if attempt == _TRIES - 1:
                raise


def delete_objects(client: AwsClient, account: str, bucket: str, keys: Sequence[str]) -> list[str]:
    """Delete objects of a bucket of the account's and return what S3 says of those it kept.

    Raises:
        AwsError: S3 refused.
    """
    kept: list[str] = []
    for at in range(0, len(keys), _DELETE_AT_ONCE):
        batch = [{"Key": key} for key in keys[at : at + _DELETE_AT_ONCE]]
        with journal_action(client, "delete objects", f"{len(batch)} in {bucket}", "cleanup") as deed:
            which = {"Objects": batch, "Quiet": True}
            answer = AwsWriter(client).call(
                "s3", "delete_objects", Bucket=bucket, Delete=which, ExpectedBucketOwner=account
            )
            errors = answer.get("Errors", [])
            deed.detail = f"{len(errors)} kept" if errors else ""
        kept += [f"{each.get('Key')}: {each.get('Message') or each.get('Code')}" for each in errors]
    return kept
