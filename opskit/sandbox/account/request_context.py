"""What a request says of itself, by IAM's condition keys, and the resources that services other than SageMaker name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from werkzeug.wrappers import Request

from opskit.sandbox.signature import signed_account_region
from opskit.sandbox.state import AccountRegion

TagReader = Callable[[str, AccountRegion], Mapping[str, str] | None]
"""The tags that a resource of this ARN has; None where there is no such resource of the sandbox's own."""
BoundaryReader = Callable[[str, AccountRegion], str | None]
"""The permissions boundary of a role of this name; None where it has none, or there is no such role."""

_TO_SAGEMAKER = "sagemaker.amazonaws.com"


def sagemaker_context(
    operation: str, params: Mapping[str, Any], resource: str, place: AccountRegion, read_tags: TagReader
) -> dict[str, Sequence[str]]:
    """What a SageMaker request says: the tags it brings, those its resource has, and whom a role is passed to."""
    brought = [tag for tag in params.get("Tags") or () if isinstance(tag, dict)]
    context: dict[str, Sequence[str]] = {"iam:PassedToService": (_TO_SAGEMAKER,)}
    context |= {f"aws:RequestTag/{tag.get('Key')}": (str(tag.get("Value")),) for tag in brought}
    keys = [str(tag.get("Key")) for tag in brought] or [str(key) for key in params.get("TagKeys") or ()]
    if keys:
        context["aws:TagKeys"] = keys
    if brought and operation.startswith("Create"):
        context["sagemaker:TaggingAction"] = (operation,)
    if not operation.startswith("Create"):  # what is yet to be has no tags
        has = read_tags(resource, place) or {}
        context |= {f"aws:ResourceTag/{key}": (value,) for key, value in has.items()}
    return context


def s3_context(request: Request) -> dict[str, Sequence[str]]:
    """What an S3 request says: the tags that an object gets."""
    tags = parse_qsl(request.headers.get("x-amz-tagging", ""), keep_blank_values=True)
    return {"s3:RequestObjectTagKeys": [key for key, _ in tags]} if tags else {}


def iam_context(request: Request, operation: str, read_boundary: BoundaryReader) -> dict[str, Sequence[str]]:
    """What an IAM request says: the boundary of the role that it makes or changes."""
    form = _form_of(request)
    asked = form.get("PermissionsBoundary")
    made = operation == "CreateRole"
    boundary = asked if made else read_boundary(form.get("RoleName", ""), signed_account_region(request))
    return {"iam:PermissionsBoundary": (boundary,)} if boundary else {}


def resource_of_request(service: str, operation: str, request: Request) -> str:
    """The ARN of what a request of another service names, where a policy can be narrowed to it; else ``*``."""
    place = signed_account_region(request)
    if f"{service}:{operation}" == "servicequotas:RequestServiceQuotaIncrease":
        return place.arn(f"sagemaker/{_json_of(request).get('QuotaCode')}", "servicequotas")
    if service == "logs":
        return place.arn(f"log-group:{_json_of(request).get('logGroupName')}:log-stream:", "logs")
    if service == "iam" and (role := _form_of(request).get("RoleName")):
        return f"arn:aws:iam::{place.account}:role/{role}"
    # The body is read only where it has to be: moto, which may answer, reads most of them from the socket.
    named = {"sns": "TopicArn", "sts": "RoleArn"}.get(service)
    return _form_of(request).get(named, "*") if named else "*"


def _json_of(request: Request) -> dict[str, Any]:
    try:
        params = json.loads(request.get_data() or b"{}")
    except ValueError:
        return {}
    return params if isinstance(params, dict) else {}


def _form_of(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.get_data(as_text=True)).items()}
