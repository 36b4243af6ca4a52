"""Whose a bucket is, and what lies in it."""

from __future__ import annotations

import io

import pytest
from botocore.response import StreamingBody

from opskit.errors import AwsFailure, Denied, UsageProblem
from opskit.observe.storage import BucketState, bucket_state, object_at, object_exists, objects_under
from tests.unit.stubbed import ACCOUNT, scripted

HEAD = {"Bucket": "b", "ExpectedBucketOwner": ACCOUNT}


def test_a_bucket_of_ours() -> None:
    with scripted() as (door, script):
        script.answers("s3", "head_bucket", {"BucketRegion": "us-east-1"}, HEAD)
        assert bucket_state(door, "b", ACCOUNT) is BucketState.OURS


def test_a_bucket_that_is_not_there() -> None:
    with scripted() as (door, script):
        script.refuses("s3", "head_bucket", "404", "Not Found", 404)
        assert bucket_state(door, "b", ACCOUNT) is BucketState.ABSENT


def test_a_bucket_of_somebody_else_is_refused() -> None:
    with scripted() as (door, script):
        script.refuses("s3", "head_bucket", "403", "Forbidden", 403)
        with pytest.raises(AwsFailure, match="another account"):
            bucket_state(door, "b", ACCOUNT)


def test_a_bucket_of_another_region_is_refused() -> None:
    with scripted() as (door, script):
        script.answers("s3", "head_bucket", {"BucketRegion": "eu-west-1"}, HEAD)
        with pytest.raises(UsageProblem, match="eu-west-1"):
            bucket_state(door, "b", ACCOUNT)


def test_objects() -> None:
    with scripted() as (door, script):
        body = StreamingBody(io.BytesIO(b"1.5\n"), 4)
        script.answers("s3", "get_object", {"Body": body, "ETag": "e"}, {"Bucket": "b", "Key": "a/k"})
        assert object_at(door, "s3://b/a/k") == b"1.5\n"
        script.refuses("s3", "get_object", "NoSuchKey", "", 404)
        assert object_at(door, "s3://b/a/k") is None
        script.answers("s3", "head_object", {"ETag": "e"}, {"Bucket": "b", "Key": "a/k"})
        assert object_exists(door, "s3://b/a/k")
        script.refuses("s3", "head_object", "404", "", 404)
        assert not object_exists(door, "s3://b/a/k")
        script.refuses("s3", "head_object", "403", "", 403)
        with pytest.raises(Denied):  # not to be allowed to see it is not its absence
            object_exists(door, "s3://b/a/k")


def test_all_pages_of_a_prefix() -> None:
    with scripted() as (door, script):
        ours = {"ExpectedBucketOwner": ACCOUNT}
        first = {"Contents": [{"Key": "p/1"}], "IsTruncated": True, "NextContinuationToken": "t"}
        script.answers("s3", "list_objects_v2", first, {**ours, "Bucket": "b", "Prefix": "p/"})
        rest = {"Contents": [{"Key": "p/2"}], "IsTruncated": False}
        script.answers("s3", "list_objects_v2", rest, {**ours, "Bucket": "b", "Prefix": "p/", "ContinuationToken": "t"})
        assert objects_under(door, ACCOUNT, "b", "p/") == ["p/1", "p/2"]
        script.refuses("s3", "list_objects_v2", "NoSuchBucket", "", 404)
        assert objects_under(door, ACCOUNT, "b", "p/") == []
