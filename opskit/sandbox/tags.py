"""Tags of the sandbox's own resources, whichever service keeps them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError, FallThrough, validation_error
from opskit.sandbox.lag import LaggingRead
from opskit.sandbox.list_responses import validated_page
from opskit.sandbox.pagination import cut_page
from opskit.sandbox.state import AccountRegion, ApiCall, SandboxState

# AWS's limit for one resource.
_MAX_TAGS = 50
_PAGE_SIZE = 100
# The default of ResourcesPerPage.
_RESOURCES_PER_PAGE = 50

# The words in the ARNs of what moto knows the tags of; with any other it ends in an error, where AWS lists none.
_MOTOS_TYPES = frozenset(
    (
        *("model", "notebook-instance", "endpoint", "endpoint-config", "cluster", "domain", "pipeline"),
        *("training-job", "transform-job", "processing-job", "compilation-job", "automl-job"),
        *("experiment", "experiment-trial", "experiment-trial-component", "hyper-parameter-tuning-job"),
        *("model-package-group", "model-card", "model-bias-job-definition", "model-quality-job-definition"),
        *("data-quality-job-definition", "model-explainability-job-definition"),
    )
)

TagLookup = Callable[[AccountRegion, str], dict[str, str] | None]
"""The tags of a service's resource by its name, None where there is no such resource."""
NameLister = Callable[[AccountRegion], Iterable[str]]
"""The names of a service's resources of a type."""


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


def _meets_tag_filters(tags: Mapping[str, str], filters: Iterable[Mapping[str, Any]]) -> bool:
    """Whether tags meet all filters: a key, with one of the values where any are named."""
    return all(
        each["Key"] in tags and (not each.get("Values") or tags[each["Key"]] in each["Values"]) for each in filters
    )


@dataclass(frozen=True)
class _StaleTags:
    """What ListTags tells until a moment."""

    until: datetime
    tags: dict[str, str]


@dataclass
class TagService:
    """AddTags, ListTags, DeleteTags and GetResources over the tags that each service keeps on its own records.

    A service registers the resource types that are its own; ARNs of other types go on to moto, or are kept here where
    moto knows no tags of theirs. After a change ListTags may tell the tags of before for a while.
    """

    _state: SandboxState
    _lookups: dict[str, TagLookup] = field(default_factory=dict)
    _names: dict[str, NameLister] = field(default_factory=dict)
    _changes: Counter[str] = field(default_factory=Counter)
    _stale: dict[str, _StaleTags] = field(default_factory=dict)
    _of_others: dict[str, dict[str, str]] = field(default_factory=dict)

    def register_resource_type(self, arn_type: str, tags_of: TagLookup, names: NameLister) -> None:
        """Let resources of a type (the word in the ARN, such as ``training-job``) be a service's own."""
        self._lookups[arn_type] = tags_of
        self._names[arn_type] = names

    def current_tags(self, arn: str, account_region: AccountRegion) -> dict[str, str] | None:
        """The tags that a resource has; None where there is no such resource of the sandbox's own."""
        arn_type, _, name = arn.split(":", 5)[-1].partition("/")
        return self._lookups[arn_type](account_region, name) if arn_type in self._lookups else None

    @aws_operation("sagemaker", "AddTags")
    def add_tags(self, call: ApiCall) -> dict[str, Any]:
        tags = self._own_tags(call)
        added = _merge_tags(tags, call.params["Tags"])
        self._record_stale_tags(call, tags)
        tags.update(added)
        return {"Tags": tag_list(tags)}

    @aws_operation("sagemaker", "ListTags")
    def list_tags(self, call: ApiCall) -> dict[str, Any]:
        told = self._reported_tags(str(call.params["ResourceArn"]), self._own_tags(call))
        page, token = validated_page(call, tag_list(told), _PAGE_SIZE)
        return {"Tags": page, "NextToken": token}

    @aws_operation("sagemaker", "DeleteTags")
    def delete_tags(self, call: ApiCall) -> dict[str, Any]:
        tags = self._own_tags(call)
        self._record_stale_tags(call, tags)
        for key in call.params["TagKeys"]:
            tags.pop(key, None)
        return {}

    @aws_operation("resourcegroupstaggingapi", "GetResources")
    def get_resources(self, call: ApiCall) -> dict[str, Any]:
        """The tags of many resources: of those that have any. What is not SageMaker's is moto's."""
        arns = call.params.get("ResourceARNList", [])
        if arns and all(arn.split(":")[2] == "sagemaker" for arn in arns):
            return {
                "ResourceTagMappingList": list(self._named_mappings(call.account_region, arns)),
                "PaginationToken": "",
            }
        types = call.params.get("ResourceTypeFilters", [])
        if not types or any(each.partition(":")[0] != "sagemaker" for each in types):
            raise FallThrough
        wanted = [arn_type for arn_type in self._lookups if {"sagemaker", f"sagemaker:{arn_type}"} & set(types)]
        mappings = [
            {"ResourceARN": arn, "Tags": tag_list(tags)}
            for arn_type in wanted
            for arn, tags in self._tagged_resources(call.account_region, arn_type)
            if _meets_tag_filters(tags, call.params.get("TagFilters", []))
        ]
        renamed = {"PaginationToken": "NextToken", "ResourcesPerPage": "MaxResults"}
        asked = {renamed.get(name, name): value for name, value in call.params.items()}
        error = ApiError("PaginationTokenExpiredException", "The pagination token is not valid any more.")
        page, token = cut_page(replace(call, params=asked), mappings, _RESOURCES_PER_PAGE, error)
        return {"ResourceTagMappingList": page, "PaginationToken": token or ""}

    def _named_mappings(self, account_region: AccountRegion, arns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Of the resources with these ARNs those that have tags; AWS takes no filter besides, and has no pages then."""
        for arn in arns:
            arn_type, _, name = arn.split(":", 5)[-1].partition("/")
            lookup = self._lookups.get(arn_type)
            if lookup and (tags := self._reported_tags(arn, lookup(account_region, name) or {})):
                yield {"ResourceARN": arn, "Tags": tag_list(tags)}

    def _tagged_resources(self, account_region: AccountRegion, arn_type: str) -> Iterator[tuple[str, dict[str, str]]]:
        for name in self._names[arn_type](account_region):
            arn = account_region.arn(f"{arn_type}/{name}")
            tags = self._reported_tags(arn, self._lookups[arn_type](account_region, name) or {})
            if tags:
                yield arn, tags

    def _reported_tags(self, arn: str, tags: dict[str, str]) -> dict[str, str]:
        """The tags as they are told: for a while after a change, those of before."""
        stale = self._stale.get(arn)
        return stale.tags if stale and self._state.now() < stale.until else tags

    def _record_stale_tags(self, call: ApiCall, tags: dict[str, str]) -> None:
        """Let ListTags lag behind the change that is about to be made, where it does."""
        arn = str(call.params["ResourceArn"])
        self._changes[arn] += 1
        delay = self._state.lag.delay(LaggingRead.TAGS, arn, self._changes[arn])
        self._stale[arn] = _StaleTags(self._state.now() + delay, dict(tags))

    def _own_tags(self, call: ApiCall) -> dict[str, str]:
        arn = str(call.params["ResourceArn"])
        arn_type, _, name = arn.split(":", 5)[-1].partition("/")
        if arn_type not in self._lookups:
            if arn_type in _MOTOS_TYPES:
                raise FallThrough
            return self._of_others.setdefault(arn, {})
        tags = (
            self._lookups[arn_type](call.account_region, name)
            if call.account_region.arn(f"{arn_type}/{name}") == arn
            else None
        )
        if tags is None:
            raise ApiError("ResourceNotFound", f"Could not find resource with ARN {arn}")
        return tags
