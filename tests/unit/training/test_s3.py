"""Whose a bucket is, and what lies in it."""

from __future__ import annotations

import io

import pytest
from botocore.response import StreamingBody

from opskit.aws.s3_objects import object_exists
from opskit.core.exceptions import AccessDenied, AwsError, UsageError
from opskit.training.reads.s3 import BucketState, list_object_keys, read_bucket_state, read_object
from tests.fakes.stubbed_client import ACCOUNT, stubbed_client

HEAD = {"Bucket": "b", "ExpectedBucketOwner": ACCOUNT}


def test_a_bucket_of_ours() -> None:
    with stubbed_client() as (client, script):
        script.add_answer("s3", "head_bucket", {"BucketRegion": "us-east-1"}, HEAD)
        assert read_bucket_state(client, "b", ACCOUNT) is BucketState.OURS


def test_a_bucket_that_is_not_there() -> None:
    with stubbed_client() as (client, script):
        script.add_refusal("s3", "head_bucket", "404", "Not Found", 404)
        assert read_bucket_state(client, "b", ACCOUNT) is BucketState.ABSENT


def test_a_bucket_of_somebody_else_is_refused() -> None:
    with stubbed_client() as (client, script):
        script.add_refusal("s3", "head_bucket", "403", "Forbidden", 403)
        with pytest.raises(AwsError, match="another account"):
            read_bucket_state(client, "b", ACCOUNT)


def test_a_bucket_of_another_region_is_refused() -> None:
    with stubbed_client() as (client, script):
        script.add_answer("s3", "head_bucket", {"BucketRegion": "eu-west-1"}, HEAD)
        with pytest.raises(UsageError, match="eu-west-1"):
            read_bucket_state(client, "b", ACCOUNT)


def test_s3_objects_are_read_or_missing() -> None:
    with stubbed_client() as (client, script):
        body = StreamingBody(io.BytesIO(b"1.5\n"), 4)
        script.add_answer("s3", "get_object", {"Body": body, "ETag": "e"}, {"Bucket": "b", "Key": "a/k"})
        assert read_object(client, "s3://b/a/k") == b"1.5\n"
        script.add_refusal("s3", "get_object", "NoSuchKey", "", 404)
        assert read_object(client, "s3://b/a/k") is None
        script.add_answer("s3", "head_object", {"ETag": "e"}, {"Bucket": "b", "Key": "a/k"})
        assert object_exists(client, "s3://b/a/k")
        script.add_refusal("s3", "head_object", "404", "", 404)
        assert not object_exists(client, "s3://b/a/k")
        script.add_refusal("s3", "head_object", "403", "", 403)
        with pytest.raises(AccessDenied):  # not to be allowed to see it is not its absence
            object_exists(client, "s3://b/a/k")


def test_all_pages_of_a_prefix() -> None:
    with stubbed_client() as (client, script):
        ours = {"ExpectedBucketOwner": ACCOUNT}
        first = {"Contents": [{"Key": "p/1"}], "IsTruncated": True, "NextContinuationToken": "t"}
        script.add_answer("s3", "list_objects_v2", first, {**ours, "Bucket": "b", "Prefix": "p/"})
        rest = {"Contents": [{"Key": "p/2"}], "IsTruncated": False}
        script.add_answer(
            "s3", "list_objects_v2", rest, {**ours, "Bucket": "b", "Prefix": "p/", "ContinuationToken": "t"}
        )
        assert list_object_keys(client, ACCOUNT, "b", "p/") == ["p/1", "p/2"]
        script.add_refusal("s3", "list_objects_v2", "NoSuchBucket", "", 404)
        assert list_object_keys(client, ACCOUNT, "b", "p/") == []
