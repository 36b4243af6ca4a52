"""Reads whose SageMaker resources are."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.aws.resource_tags import list_named_tags, read_tags
from opskit.core.exceptions import AwsError
from opskit.core.owners import owner_from_tags

# ListTags answers for one resource a call, at five a second.
_FEW = 5


def read_owners(client: AwsClient, arns: Sequence[str]) -> dict[str, str | None]:
    """The owners that the tags of resources name, by ARN; None if they name none, or could not be read."""
    if len(arns) > _FEW:
        with suppress(AwsError):  # the tagging API has a permission of its own
            tags = list_named_tags(client, arns)
            return {arn: owner_from_tags(tags.tags_of(arn), client.owner_keys) for arn in arns}
    return dict(zip(arns, gather_all([partial(read_holder_owner, client, arn) for arn in arns]), strict=True))


def read_holder_owner(client: AwsClient, arn: str) -> str | None:
    """The owner that a resource's tags name; None if they name none, or could not be read."""
    try:
        return owner_from_tags(read_tags(client, arn), client.owner_keys)
    except AwsError:  # whose it is, is additional information
        return None
