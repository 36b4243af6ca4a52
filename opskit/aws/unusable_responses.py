"""Answers that are AWS's and still cannot be read: an entry without its name, a status nobody has heard of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opskit.aws.client import AwsClient
from opskit.aws.errors import incomplete


@contextmanager
def parse_errors_as_aws(client: AwsClient, operation: str) -> Iterator[None]:
    """Turn stumbling over an answer into a failure of the call. Raised outside of the handler, since what stumbled may
    hold a key.

    Raises:
        AwsError: the block stumbled over the answer.
    """
    stumbled = ""
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        stumbled = f"{type(error).__name__}: {error}" if isinstance(error, LookupError) else type(error).__name__
    if stumbled:
        raise incomplete(operation, client.region, f"what makes no sense ({stumbled})")
