"""Descriptions of what a listing names and does not tell enough of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.errors import is_not_found
from opskit.aws.gather import gather_all
from opskit.core.aws_statuses import AppStatus, ClusterStatus, EndpointStatus
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import first_unknown, unknown_from_error

Response = Mapping[str, Any]
APP_KEY = ("DomainId", "SpaceName", "UserProfileName", "AppType", "AppName")
"""The members that name an app, in the order in which people read them."""


@dataclass(frozen=True)
class ListedResource:
    """A resource whose listing does not tell enough of it. ``kind`` and ``name`` are for people, ``key`` is what its
    description takes. ``may_be_new``: by the status in the listing it may have been made just now.
    """

    kind: str
    name: str
    key: Mapping[str, str]
    may_be_new: bool


def describe_resources(
    client: AwsClient, operation: str, listed: Iterable[ListedResource]
) -> tuple[list[Response], Unknown | None]:
    """Descriptions of the listed resources that still exist, and why not all of them are known."""
    responses = gather_all([partial(describe_listed, client, operation, each) for each in listed])
    return [response for response in responses if isinstance(response, dict)], first_unknown(*responses)


def describe_listed(client: AwsClient, operation: str, listed: ListedResource) -> Response | Unknown | None:
    """One description; None: it was deleted between its listing and this. What may be new is not called that: AWS shows
    writes late.
    """
    described = describe_resource(client, operation, listed.key)
    return not_described_yet(listed.kind, listed.name) if described is None and listed.may_be_new else described


def describe_resource(client: AwsClient, operation: str, key: Mapping[str, str]) -> Response | Unknown | None:
    """One description; None if there is no such resource any more."""
    try:
        return client.read("sagemaker", operation, **key)
    except AwsError as failure:
        return None if is_not_found(failure) else unknown_from_error(failure)


def not_described_yet(kind: str, name: str) -> Unknown:
    """Why it is not known what something holds that is listed and not found: AWS shows writes late."""
    return Unknown(f"AWS lists the {kind} {name} and does not describe it yet; try again in a moment", "bad-answer")


def listed_app(summary: Response) -> ListedResource:
    """An app of Studio, as ListApps tells it."""
    key = {member: str(summary[member]) for member in APP_KEY if summary.get(member)}
    may_be_new = AppStatus(summary.get("Status", "")).may_be_new
    return ListedResource("app", str(summary.get("AppName")), key, may_be_new)


def listed_cluster(summary: Response) -> ListedResource:
    """A cluster, as ListClusters tells it."""
    name, status = str(summary["ClusterName"]), ClusterStatus(str(summary.get("ClusterStatus")))
    return ListedResource("cluster", name, {"ClusterName": name}, status.may_be_new)


def listed_endpoint(summary: Response) -> ListedResource:
    """An endpoint, as ListEndpoints tells it."""
    name, status = str(summary["EndpointName"]), EndpointStatus(str(summary.get("EndpointStatus")))
    return ListedResource("endpoint", name, {"EndpointName": name}, status.traits.may_be_new)
