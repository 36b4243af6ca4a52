"""What jobs read from S3 and write to it, through the sandbox's own S3 as any other client."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from opskit.sandbox.errors import ApiError, invalid
from opskit.sandbox.state import Place, World


class StorageFailure(Exception):
    """S3 did not give or take what a job needed; the text fits into a FailureReason."""


_BUCKET = re.compile(r"[a-zA-Z0-9.\-_]{1,255}")


@dataclass(frozen=True)
class S3Uri:
    """An object or a prefix in S3."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> S3Uri:
        """Read ``s3://bucket/key``. Raises AWS's ValidationException for anything else."""
        scheme, _, rest = text.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not _BUCKET.fullmatch(bucket):
            raise invalid(f"Invalid S3 URI: {text}. Expected s3://bucket/key")
        return cls(bucket, key)

    def below(self, name: str) -> S3Uri:
        """The object ``name`` under this prefix."""
        return S3Uri(self.bucket, f"{self.key.rstrip('/')}/{name}".lstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class Source:
    """One object of a data source, and its path below the channel or the output prefix."""

    uri: S3Uri
    name: str


class Store:
    """S3 as a job of one place sees it."""

    def __init__(self, world: World, place: Place) -> None:
        self._s3 = world.client("s3", place)

    def sources(self, source: Mapping[str, Any]) -> list[Source]:
        """The objects of an ``S3DataSource`` (S3Prefix or ManifestFile). Raises StorageFailure."""
        uri = S3Uri.parse(source["S3Uri"])
        if source["S3DataType"] == "ManifestFile":
            return list(self._listed_in(uri))
        return [Source(S3Uri(uri.bucket, key), _below(uri.key, key)) for key in self._keys(uri)]

    def _keys(self, uri: S3Uri) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=uri.bucket, Prefix=uri.key)
        try:
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", []) if not item["Key"].endswith("/"))
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchBucket", "404"):
                raise StorageFailure(_said(uri, error)) from error

    def _listed_in(self, manifest: S3Uri) -> Iterator[Source]:
        try:
            entries = json.loads(self._body(manifest).read())
            prefix = S3Uri.parse(entries[0]["prefix"])
            names = [str(name) for name in entries[1:]]
        except (ValueError, LookupError, TypeError, ApiError) as error:
            raise StorageFailure(f"Failed to parse manifest file {manifest}: {error}") from error
        for name in names:
            yield Source(prefix.below(name), name)

    def exists(self, uri: S3Uri) -> bool:
        """Whether the object is there. Raises StorageFailure where S3 does not say."""
        if not uri.key:
            return False
        try:
            self._s3.head_object(Bucket=uri.bucket, Key=uri.key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
                return False
            raise StorageFailure(_said(uri, error)) from error
        return True

    def fetch(self, source: Source, folder: Path, *, unzip: bool = False) -> Path:
        """Copy an object into ``folder`` under its name. Raises StorageFailure."""
        name = source.name.removesuffix(".gz") if unzip else source.name
        if ".." in PurePosixPath(name).parts:
            raise StorageFailure(f"{source.uri} has a key that leads out of its channel")
        path = folder.joinpath(*[part for part in PurePosixPath(name).parts if part != "/"])
        path.parent.mkdir(parents=True, exist_ok=True)
        body = self._body(source.uri)
        try:
            with path.open("wb") as file:
                shutil.copyfileobj(gzip.GzipFile(fileobj=body) if unzip else body, file)
        except (OSError, EOFError) as error:
            raise StorageFailure(f"{source.uri} cannot be read: {error}") from error
        return path

    def _body(self, uri: S3Uri) -> Any:
        try:
            return self._s3.get_object(Bucket=uri.bucket, Key=uri.key)["Body"]
        except (ClientError, ParamValidationError) as error:
            raise StorageFailure(_said(uri, error)) from error

    def put(self, path: Path, uri: S3Uri) -> None:
        """Write a file to S3. Raises StorageFailure."""
        try:
            with path.open("rb") as body:
                self._s3.put_object(Bucket=uri.bucket, Key=uri.key, Body=body)
        except (ClientError, ParamValidationError) as error:
            raise StorageFailure(_said(uri, error)) from error


def _below(prefix: str, key: str) -> str:
    """A key's path in its channel: what is below the prefix as a folder, else what is behind its last slash."""
    folder = f"{prefix.rstrip('/')}/".lstrip("/")
    return key.removeprefix(folder) if key.startswith(folder) else key[prefix.rfind("/") + 1 :]


def _said(uri: S3Uri, error: ClientError | ParamValidationError) -> str:
    if isinstance(error, ParamValidationError):
        return f"{uri}: {error}"
    return f"{uri}: {error.response['Error']['Code']}: {error.response['Error'].get('Message', '')}"


def check_source(world: World, place: Place, source: Mapping[str, Any], role: str) -> None:
    """Raise AWS's ValidationException for a data source without objects."""
    if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise invalid(f"The sandbox reads data of S3DataType S3Prefix or ManifestFile, not {source['S3DataType']}.")
    uri = source["S3Uri"]
    bucket = S3Uri.parse(uri).bucket
    try:
        found = source["S3DataType"] == "ManifestFile" or Store(world, place).sources(source)
    except StorageFailure as error:
        raise invalid(str(error)) from error
    if found:
        return
    raise invalid(
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists '
        f"in the selected region ({place.region}), that objects exist under that S3 prefix, and that the role "
        f'"{role}" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )
