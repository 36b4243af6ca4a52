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

from opskit.sandbox.errors import ApiError, validation_error
from opskit.sandbox.state import AccountRegion, SandboxState


class S3Error(Exception):
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
            raise validation_error(f"Invalid S3 URI: {text}. Expected s3://bucket/key")
        return cls(bucket, key)

    def child(self, name: str) -> S3Uri:
        """The object ``name`` under this prefix."""
        return S3Uri(self.bucket, f"{self.key.rstrip('/')}/{name}".lstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class S3Source:
    """One object of a data source, and its path below the channel or the output prefix."""

    uri: S3Uri
    name: str


class S3Store:
    """S3 as a job of one account and Region sees it."""

    def __init__(self, state: SandboxState, account_region: AccountRegion) -> None:
        self._s3 = state.client("s3", account_region)

    def list_sources(self, source: Mapping[str, Any]) -> list[S3Source]:
        """The objects of an ``S3DataSource`` (S3Prefix or ManifestFile). Raises S3Error."""
        uri = S3Uri.parse(source["S3Uri"])
        if source["S3DataType"] == "ManifestFile":
            return list(self._read_manifest(uri))
        return [S3Source(S3Uri(uri.bucket, key), _relative_key(uri.key, key)) for key in self._list_keys(uri)]

    def _list_keys(self, uri: S3Uri) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=uri.bucket, Prefix=uri.key)
        try:
            for page in pages:
                # Consoles stand empty objects for folders, with a slash at their end.
                yield from (item["Key"] for item in page.get("Contents", []) if not item["Key"].endswith("/"))
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchBucket", "404"):
                raise S3Error(_s3_error_text(uri, error)) from error

    def _read_manifest(self, manifest: S3Uri) -> Iterator[S3Source]:
        try:
            entries = json.loads(self._open_object(manifest).read())
            prefix = S3Uri.parse(entries[0]["prefix"])
            names = [str(name) for name in entries[1:]]
        except (ValueError, LookupError, TypeError, ApiError) as error:
            raise S3Error(f"Failed to parse manifest file {manifest}: {error}") from error
        for name in names:
            yield S3Source(prefix.child(name), name)

    def object_exists(self, uri: S3Uri) -> bool:
        """Whether the object is there. Raises S3Error where S3 does not say."""
        if not uri.key:
            return False
        try:
            self._s3.head_object(Bucket=uri.bucket, Key=uri.key)
        except ClientError as error:
            # HEAD has no body that could name the error, so its code is the status.
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
                return False
            raise S3Error(_s3_error_text(uri, error)) from error
        return True

    def download(self, source: S3Source, folder: Path, *, unzip: bool = False) -> Path:
        """Copy an object into ``folder`` under its name. Raises S3Error."""
        name = source.name.removesuffix(".gz") if unzip else source.name
        # A key may be any text, and none may be written outside the channel's folder.
        if ".." in PurePosixPath(name).parts:
            raise S3Error(f"{source.uri} has a key that leads out of its channel")
        path = folder.joinpath(*[part for part in PurePosixPath(name).parts if part != "/"])
        path.parent.mkdir(parents=True, exist_ok=True)
        body = self._open_object(source.uri)
        try:
            with path.open("wb") as file:
                shutil.copyfileobj(gzip.GzipFile(fileobj=body) if unzip else body, file)
        except (OSError, EOFError) as error:
            raise S3Error(f"{source.uri} cannot be read: {error}") from error
        return path

    def _open_object(self, uri: S3Uri) -> Any:
        try:
            return self._s3.get_object(Bucket=uri.bucket, Key=uri.key)["Body"]
        except (ClientError, ParamValidationError) as error:
            raise S3Error(_s3_error_text(uri, error)) from error

    def upload(self, path: Path, uri: S3Uri) -> None:
        """Write a file to S3. Raises S3Error."""
        try:
            with path.open("rb") as body:
                self._s3.put_object(Bucket=uri.bucket, Key=uri.key, Body=body)
        except (ClientError, ParamValidationError) as error:
            raise S3Error(_s3_error_text(uri, error)) from error


def _relative_key(prefix: str, key: str) -> str:
    """A key's path in its channel: what is below the prefix as a folder, else what is behind its last slash."""
    folder = f"{prefix.rstrip('/')}/".lstrip("/")
    return key.removeprefix(folder) if key.startswith(folder) else key[prefix.rfind("/") + 1 :]


def _s3_error_text(uri: S3Uri, error: ClientError | ParamValidationError) -> str:
    if isinstance(error, ParamValidationError):
        return f"{uri}: {error}"
    return f"{uri}: {error.response['Error']['Code']}: {error.response['Error'].get('Message', '')}"


def check_data_source(state: SandboxState, account_region: AccountRegion, source: Mapping[str, Any], role: str) -> None:
    """Raise AWS's ValidationException for a data source without objects."""
    if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise validation_error(
            f"The sandbox reads data of S3DataType S3Prefix or ManifestFile, not {source['S3DataType']}."
        )
    uri = source["S3Uri"]
    bucket = S3Uri.parse(uri).bucket
    try:
        has_objects = source["S3DataType"] == "ManifestFile" or S3Store(state, account_region).list_sources(source)
    except S3Error as error:
        raise validation_error(str(error)) from error
    if has_objects:
        return
    raise validation_error(
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists '
        f"in the selected region ({account_region.region}), that objects exist under that S3 prefix, and that the role "
        f'"{role}" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )
