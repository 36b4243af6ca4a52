"""Creates the account's SageMaker bucket, and writes and deletes a workflow's objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from opskit.aws.client import AwsClient
from opskit.aws.tagged_create import create_with_tags
from opskit.aws.writer import AwsWriter
from opskit.core.exceptions import AwsError, OutcomeUnknown
from opskit.core.owners import Owner
from opskit.state.journal import journal_action

_TRIES = 3
_DELETE_BATCH = 1000  # S3's maximum of keys per DeleteObjects call
_ALREADY_OWNED_CODE = "BucketAlreadyOwnedByYou"


def create_bucket(client: AwsClient, bucket: str) -> None:
    """Create a bucket of the account, as the SageMaker SDK does.

    Raises:
        AwsError: AWS refused, or another account owns the name.
    """
    # S3 rejects a LocationConstraint of us-east-1, and requires one for every other Region.
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


def upload_object(
    client: AwsClient, account: str, owner: Owner, uri: str, content: bytes, encryption: Mapping[str, str] | None = None
) -> None:
    """Write an object into a bucket of the account, with the owner's tag and, if ``encryption`` says so, a key. Writing
    the same bytes under the same key twice is harmless, so a lost response is simply retried.

    Raises:
        AwsError: S3 did not accept it.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")

    def put(tags: Mapping[str, str]) -> None:
        tagging = {"Tagging": urlencode(tags)} if tags else {}
        AwsWriter(client).call(
            "s3",
            "put_object",
            Bucket=bucket,
            Key=key,
            Body=content,
            ExpectedBucketOwner=account,
            **tagging,
            **(encryption or {}),
        )

    for attempt in range(_TRIES):
        try:
            create_with_tags(put, owner, {}, {})
            return
        # Only a lost response is worth another try: a refusal stays a refusal.
        except OutcomeUnknown:
            if attempt == _TRIES - 1:
                raise


def delete_objects(client: AwsClient, account: str, bucket: str, keys: Sequence[str]) -> list[str]:
    """Delete objects of a bucket of the account, and return what S3 reports of those it did not delete.

    Raises:
        AwsError: S3 refused.
    """
    kept: list[str] = []
    for start in range(0, len(keys), _DELETE_BATCH):
        batch = [{"Key": key} for key in keys[start : start + _DELETE_BATCH]]
        with journal_action(client, "delete objects", f"{len(batch)} in {bucket}", "cleanup") as record:
            request = {"Objects": batch, "Quiet": True}
            response = AwsWriter(client).call(
                "s3", "delete_objects", Bucket=bucket, Delete=request, ExpectedBucketOwner=account
            )
            errors = response.get("Errors", [])
            record.detail = f"{len(errors)} kept" if errors else ""
        kept += [f"{error.get('Key')}: {error.get('Message') or error.get('Code')}" for error in errors]
    return kept
