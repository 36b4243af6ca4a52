"""Tags of the sandbox's own resources, whichever room they stand in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opskit.sandbox.dispatcher import owns
from opskit.sandbox.errors import ApiError, NotOurs, invalid
from opskit.sandbox.pagination import BadToken, page
from opskit.sandbox.state import Call, Place

_MOST_TAGS = 50
_PAGE = 100

TagsOf = Callable[[Place, str], dict[str, str] | None]
"""The tags of a room's resource by its name, None where there is no such resource."""


def tags_given(params: Mapping[str, Any]) -> dict[str, str]:
    """The tags a request makes a resource with. Raises AWS's ValidationException for those it cannot have."""
    return _merged({}, params.get("Tags", []))


def shown(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags in AWS's shape."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _merged(tags: Mapping[str, str], more: Iterable[Mapping[str, str]]) -> dict[str, str]:
    keys = [tag["Key"] for tag in more]
    if len(keys) != len(set(keys)):
        raise invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid("aws: prefixed tag key names are not allowed for external use.")
    merged = {**tags, **{tag["Key"]: tag["Value"] for tag in more}}
    if len(merged) > _MOST_TAGS:
        raise ApiError("ResourceLimitExceeded", f"The tag quota of {_MOST_TAGS} tags per resource was exceeded")
    return merged


@dataclass
class Tags:
    """AddTags, ListTags and DeleteTags over the tags that each room keeps on its own records.

    A room says with ``own`` which kinds of resource are its; ARNs of other kinds go on to moto.
    """

    _tags_of: dict[str, TagsOf] = field(default_factory=dict)

    def own(self, kind: str, tags_of: TagsOf) -> None:
        """Let resources of ``kind`` (the word in the ARN, such as ``training-job``) be a room's own."""
        self._tags_of[kind] = tags_of

    @owns("sagemaker", "AddTags")
    def add_tags(self, call: Call) -> dict[str, Any]:
        tags = self._ours(call)
        tags.update(_merged(tags, call.params["Tags"]))
        return {"Tags": shown(tags)}

    @owns("sagemaker", "ListTags")
    def list_tags(self, call: Call) -> dict[str, Any]:
        size, token = call.params.get("MaxResults", _PAGE), call.params.get("NextToken")
        try:
            tags, following = page(call, shown(self._ours(call)), size, token)
        except BadToken as error:
            raise invalid("Invalid pagination token.") from error
        return {"Tags": tags, "NextToken": following}

    @owns("sagemaker", "DeleteTags")
    def delete_tags(self, call: Call) -> dict[str, Any]:
        tags = self._ours(call)
        for key in call.params["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _ours(self, call: Call) -> dict[str, str]:
        arn = str(call.params["ResourceArn"])
        kind, _, name = arn.split(":", 5)[-1].partition("/")
        if kind not in self._tags_of:
            raise NotOurs
        tags = self._tags_of[kind](call.place, name) if call.place.arn(f"{kind}/{name}") == arn else None
        if tags is None:
            raise ApiError("ResourceNotFound", f"Could not find resource with ARN {arn}")
        return tags
