"""Tags of the sandbox's own resources, whichever service keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError, FallThrough, validation_error
from opskit.sandbox.list_responses import validated_page
from opskit.sandbox.state import AccountRegion, ApiCall

# AWS's limit for one resource.
_MAX_TAGS = 50
_PAGE_SIZE = 100

TagLookup = Callable[[AccountRegion, str], dict[str, str] | None]
"""The tags of a service's resource by its name, None where there is no such resource."""


def request_tags(params: Mapping[str, Any]) -> dict[str, str]:
    """The tags a request makes a resource with. Raises AWS's ValidationException for those it cannot have."""
    return _merge_tags({}, params.get("Tags", []))


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags in AWS's shape."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _merge_tags(tags: Mapping[str, str], added: Iterable[Mapping[str, str]]) -> dict[str, str]:
    keys = [tag["Key"] for tag in added]
    if len(keys) != len(set(keys)):
        raise validation_error("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(key.lower().startswith("aws:") for key in keys):
        raise validation_error("aws: prefixed tag key names are not allowed for external use.")
    merged = {**tags, **{tag["Key"]: tag["Value"] for tag in added}}
    if len(merged) > _MAX_TAGS:
        raise ApiError("ResourceLimitExceeded", f"The tag quota of {_MAX_TAGS} tags per resource was exceeded")
    return merged


@dataclass
class TagService:
    """AddTags, ListTags and DeleteTags over the tags that each service keeps on its own records.

    A service registers the resource types that are its own; ARNs of other types go on to moto.
    """

    _lookups: dict[str, TagLookup] = field(default_factory=dict)

    def register_resource_type(self, arn_type: str, tags_of: TagLookup) -> None:
        """Let resources of ``kind`` (the word in the ARN, such as ``training-job``) be a service's own."""
        self._lookups[arn_type] = tags_of

    @aws_operation("sagemaker", "AddTags")
    def add_tags(self, call: ApiCall) -> dict[str, Any]:
        tags = self._own_tags(call)
        tags.update(_merge_tags(tags, call.params["Tags"]))
        return {"Tags": tag_list(tags)}

    @aws_operation("sagemaker", "ListTags")
    def list_tags(self, call: ApiCall) -> dict[str, Any]:
        tags, token = validated_page(call, tag_list(self._own_tags(call)), _PAGE_SIZE)
        return {"Tags": tags, "NextToken": token}

    @aws_operation("sagemaker", "DeleteTags")
    def delete_tags(self, call: ApiCall) -> dict[str, Any]:
        tags = self._own_tags(call)
        for key in call.params["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _own_tags(self, call: ApiCall) -> dict[str, str]:
        arn = str(call.params["ResourceArn"])
        arn_type, _, name = arn.split(":", 5)[-1].partition("/")
        if arn_type not in self._lookups:
            raise FallThrough
        tags = (
            self._lookups[arn_type](call.account_region, name)
            if call.account_region.arn(f"{arn_type}/{name}") == arn
            else None
        )
        if tags is None:
            raise ApiError("ResourceNotFound", f"Could not find resource with ARN {arn}")
        return tags
