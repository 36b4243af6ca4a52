"""The tags of what runs: a hundred resources a call from the tagging API, and from ListTags what that is not asked for.

ListTags answers for one resource at a few calls a second. The tagging API is an index that may lag, which does for a
list; what acts on a tag reads it again. Of jobs it is not asked: it would tell the tags of all that ever ran.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.aws.resource_tags import TagsByArn, list_kind_tags, read_arn_tags
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.inventory.rules.running_resource import RunningResource

INDEXED_TYPES = ("notebook-instance", "endpoint", "app", "space", "cluster")
"""The types, as ARNs have them, whose tags the tagging API is asked for."""


def read_tag_index(client: AwsClient) -> TagsByArn | Unknown:
    """The tags of a Region's resources of those types; what never had a tag is not in it."""
    try:
        return TagsByArn.of(list_kind_tags(client, *(f"sagemaker:{each}" for each in INDEXED_TYPES)))
    except AwsError as failure:
        return unknown_from_error(failure)


def read_missing_tags(
    client: AwsClient, resources: Iterable[RunningResource], index: TagsByArn | Unknown
) -> tuple[RunningResource, ...]:
    """The resources with their tags; ``Unknown`` says why those of one could not be read."""
    listed = [_with_indexed_tags(resource, index) for resource in resources]
    arns = list(dict.fromkeys(each.arn for each in listed if each.tags is None and each.arn))
    tags = dict(zip(arns, gather_all([partial(read_arn_tags, client, arn) for arn in arns]), strict=True))
    no_arn = Unknown("AWS did not report its ARN", "bad-answer")
    return tuple(replace(each, tags=tags.get(each.arn, no_arn)) if each.tags is None else each for each in listed)


def _with_indexed_tags(resource: RunningResource, index: TagsByArn | Unknown) -> RunningResource:
    if resource.tags is not None or isinstance(index, Unknown) or _arn_type(resource.arn) not in INDEXED_TYPES:
        return resource
    return replace(resource, tags=index.tags_of(resource.arn))


def _arn_type(arn: str) -> str:
    return arn.split(":", 5)[-1].partition("/")[0]
