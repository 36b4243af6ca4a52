"""Tags of SageMaker resources: of one by ListTags, and of all of a kind by the resource groups tagging API; and whose
resources are by them.

ListTags answers for one resource, at a rate of a few calls a second, so that a list of hundreds would take minutes. The
tagging API answers for a hundred a call. It is an index, though, which may lag: what acts on a tag reads it again by
ListTags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.aws.gather import gather_all
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.owners import owner_from_tags
from opskit.core.result_or_error import unknown_from_error

# The most that GetResources takes, as a page and as a list of ARNs.
_PAGE = 100


class TagsByArn(dict[str, Mapping[str, str]]):
    """The tags of resources by ARN, whatever its case: AWS writes a name in an ARN in lower case here and as it was
    made there, and no two resources of a kind have names that differ in case alone.
    """

    @classmethod
    def of(cls, listed: Mapping[str, Mapping[str, str]]) -> TagsByArn:
        """A listing by ARN as AWS wrote it."""
        return cls((arn.lower(), tags) for arn, tags in listed.items())

    def tags_of(self, arn: str) -> Mapping[str, str]:
        """The tags of a resource; none where it is not in the listing."""
        return self.get(arn.lower(), {})


def read_tags(client: AwsClient, arn: str) -> Mapping[str, str]:
    """The tags of a SageMaker resource.

    Raises:
        AwsError: they could not be read.
    """
    pages = list(client.paginate("sagemaker", "list_tags", ResourceArn=arn, MaxResults=_PAGE))
    with parse_errors_as_aws(client, "sagemaker:ListTags"):
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def read_arn_tags(client: AwsClient, arn: str) -> dict[str, str] | Unknown:
    """The tags of a SageMaker resource, or why they are not known."""
    try:
        return dict(read_tags(client, arn))
    except AwsError as failure:
        return unknown_from_error(failure)


def list_kind_tags(client: AwsClient, *kinds: str, key: str | None = None) -> Mapping[str, Mapping[str, str]]:
    """The tags of a Region's resources of some kinds (``sagemaker:endpoint``) by ARN; with ``key`` only of those that
    have a tag of that key. A resource that never had a tag is not in it, nor is one that is not indexed yet.

    Raises:
        AwsError: they could not be read; the tagging API has a permission of its own.
    """
    asked: dict[str, Any] = {"ResourceTypeFilters": list(kinds), "ResourcesPerPage": _PAGE}
    asked |= {"TagFilters": [{"Key": key}]} if key else {}
    return _list_tags(client, asked)


def list_named_tags(client: AwsClient, arns: Sequence[str]) -> TagsByArn:
    """The tags of these resources, a hundred a call. Those that never had a tag, or are not indexed yet, are not in it.

    Raises:
        AwsError: they could not be read.
    """
    found: dict[str, Mapping[str, str]] = {}
    for start in range(0, len(arns), _PAGE):
        found |= _list_tags(client, {"ResourceARNList": list(arns[start : start + _PAGE])})
    return TagsByArn.of(found)


def _list_tags(client: AwsClient, asked: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    pages = list(client.paginate("resourcegroupstaggingapi", "get_resources", **asked))
    with parse_errors_as_aws(client, "resourcegroupstaggingapi:GetResources"):
        return {
            mapping["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in mapping["Tags"]}
            for page in pages
            for mapping in page["ResourceTagMappingList"]
        }


def list_kind_tags_or_none(client: AwsClient, kind: str) -> TagsByArn | None:
    """The same, where None says that ListTags has to be used: the tagging API cannot be, or knows no tag of any such
    resource. That is what it says too where it has not indexed them, and a keep tag that is not seen is worse than a
    slow list.
    """
    try:
        return TagsByArn.of(list_kind_tags(client, kind)) or None
    except AwsError:
        return None


# ListTags answers for one resource a call, at five a second.
_MAX_LISTED_ONE_BY_ONE = 5
_NOT_INDEXED = Unknown("the tagging API does not list it: it was never tagged, or is not indexed yet")


def read_owners(client: AwsClient, arns: Sequence[str]) -> dict[str, str | Unknown | None]:
    """The owners that the tags of resources name, by ARN, or why they are not known; None if the tags name none. Of
    many resources one that is not in the index may have tags.
    """
    if len(arns) > _MAX_LISTED_ONE_BY_ONE:
        with suppress(AwsError):  # the tagging API has a permission of its own
            tags = list_named_tags(client, arns)
            return {
                arn: owner_from_tags(tags.tags_of(arn), client.owner_keys) if arn.lower() in tags else _NOT_INDEXED
                for arn in arns
            }
    return dict(zip(arns, gather_all([partial(read_holder_owner, client, arn) for arn in arns]), strict=True))


def read_holder_owner(client: AwsClient, arn: str) -> str | Unknown | None:
    """The owner that a resource's tags name, or why it is not known; None if they name none."""
    tags = read_arn_tags(client, arn)
    return tags if isinstance(tags, Unknown) else owner_from_tags(tags, client.owner_keys)
