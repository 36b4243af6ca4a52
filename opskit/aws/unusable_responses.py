"""Responses that are valid for the service and still cannot be used: an entry without its name, an unknown status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opskit.aws.client import AwsClient
from opskit.aws.errors import incomplete


@contextmanager
def parse_errors_as_aws(client: AwsClient, operation: str) -> Iterator[None]:
    """Turn an exception while parsing a response into an ``AwsError`` of the call. It is raised outside of the handler,
    since the original exception may hold a presigned URL or a token.

    Raises:
        AwsError: the block could not parse the response.
    """
    parse_error = ""
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        parse_error = f"{type(error).__name__}: {error}" if isinstance(error, LookupError) else type(error).__name__
    if parse_error:
        raise incomplete(operation, client.region, f"with content that cannot be parsed ({parse_error})")
