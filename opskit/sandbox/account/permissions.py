"""What the sandbox's callers may not do (``--deny``), refused in AWS's words, so that it can be practised.

An action is IAM's name of an operation, such as ``sagemaker:CreateTrainingJob``: the prefix is the service a request
is signed for, the rest is the operation; S3 alone names its actions otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4
from xml.sax.saxutils import escape

from werkzeug.wrappers import Request, Response

from opskit.sandbox.account.caller_identity import caller_arn
from opskit.sandbox.dispatcher import FORM_CONTENT_TYPE, OPERATION_PATHS, error_response
from opskit.sandbox.errors import ApiError
from opskit.sandbox.signature import signed_account_region, signing_service
from opskit.sandbox.state import INTERNAL_USER_AGENT, AccountRegion

# IAM's prefixes that are not the name in signatures.
_ACTION_PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}
# AWS answers it to everybody, whatever a policy says.
_ALWAYS_ALLOWED = "sts:GetCallerIdentity"
_INVOCATION_PATH = re.compile("/endpoints/([^/]+)/invocations")
_FORBIDDEN = 403


@dataclass(frozen=True)
class RequiredPermission:
    """One permission that a request needs."""

    action: str
    resource: str


@dataclass(frozen=True)
class Permissions:
    """Everything is allowed but the actions that one of the ``denied`` patterns fits (``*`` as in a policy)."""

    denied: tuple[str, ...] = ()

    def is_allowed(self, action: str) -> bool:
        """Whether callers may do this."""
        return action == _ALWAYS_ALLOWED or not any(fits_action(action, pattern) for pattern in self.denied)

    def denial_response(self, request: Request) -> Response | None:
        """AWS's answer to a request that is not allowed; None where it is. The sandbox's own calls always are."""
        if not self.denied or INTERNAL_USER_AGENT in request.user_agent.string:
            return None
        for permission in _required_permissions(request):
            if not self.is_allowed(permission.action):
                return _access_denied_response(request, permission)
        return None


def requested_action(request: Request) -> str | None:
    """IAM's name of what a request is for, such as ``sagemaker:ListTags``; None where it names nothing."""
    return next((permission.action for permission in _required_permissions(request)), None)


def fits_action(action: str, pattern: str) -> bool:
    """Whether an action is one that a pattern with ``*`` means, as in a policy: IAM does not mind the case."""
    return fnmatchcase(action.lower(), pattern.lower())


def _required_permissions(request: Request) -> Iterator[RequiredPermission]:
    service = signing_service(request) or ""
    if service == "s3":
        yield _s3_permission(request)
    elif operation := _operation_name(request):
        yield from _operation_permissions(service, operation, request)


def _operation_name(request: Request) -> str | None:
    """The operation that a request names: in its target, in its form or by its path."""
    if target := request.headers.get("X-Amz-Target"):
        return target.rpartition(".")[2]
    if request.mimetype == FORM_CONTENT_TYPE:
        return next(iter(parse_qs(request.get_data(as_text=True)).get("Action", [])), None)
    if _INVOCATION_PATH.fullmatch(request.path):
        return "InvokeEndpoint"
    return OPERATION_PATHS.get(request.path, ("", None))[1]


def _operation_permissions(service: str, operation: str, request: Request) -> Iterator[RequiredPermission]:
    prefix = _ACTION_PREFIXES.get(service, service)
    if prefix != "sagemaker":
        yield RequiredPermission(f"{prefix}:{operation}", "*")
        return
    params = _sagemaker_params(request)
    resource = _resource_arn(signed_account_region(request), params) or "*"
    yield RequiredPermission(f"sagemaker:{operation}", resource)
    # AWS asks for AddTags too where a resource is created with tags, and for PassRole where a role is handed over.
    if operation.startswith("Create") and params.get("Tags"):
        yield RequiredPermission("sagemaker:AddTags", resource)
    for member in ("RoleArn", "ExecutionRoleArn"):
        if member in params:
            yield RequiredPermission("iam:PassRole", str(params[member]))


def _sagemaker_params(request: Request) -> dict[str, Any]:
    """A SageMaker request's members; none where it is no JSON, which is refused later."""
    if "X-Amz-Target" not in request.headers:
        invoked = _INVOCATION_PATH.fullmatch(request.path)
        return {"EndpointName": invoked[1]} if invoked else {}
    try:
        params = json.loads(request.get_data() or b"{}")
    except ValueError:
        return {}
    return params if isinstance(params, dict) else {}


def _resource_arn(account_region: AccountRegion, params: dict[str, Any]) -> str | None:
    """The ARN of what a request names first: ``NotebookInstanceName`` stands for a notebook-instance."""
    for member, value in params.items():
        if member == "ResourceArn":
            return str(value)
        if member.endswith("Name") and isinstance(value, str):
            return account_region.arn(f"{_to_kebab_case(member.removesuffix('Name'))}/{value}")
    return None


def _to_kebab_case(words: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in words).lstrip("-")


def _s3_permission(request: Request) -> RequiredPermission:
    bucket, _, key = request.path.lstrip("/").partition("/")
    resource = f"arn:aws:s3:::{request.path.strip('/')}" if bucket else "*"
    return RequiredPermission(f"s3:{_s3_action(request, bucket, key)}", resource)


def _s3_action(request: Request, bucket: str, key: str) -> str:
    """IAM's name of what a request asks of S3; of a bucket's settings, whichever it is, only reading and writing."""
    method = request.method
    if not bucket:
        return "ListAllMyBuckets"
    if key:
        # A key's uploads in parts are PutObject too.
        return {"GET": "GetObject", "HEAD": "GetObject", "DELETE": "DeleteObject"}.get(method, "PutObject")
    setting = next((name for name in _BUCKET_SETTINGS if name in request.args), None)
    if setting:
        return f"{'Get' if method == 'GET' else 'Put'}Bucket{setting.capitalize()}"
    # A POST to a bucket deletes many of its objects.
    return {"PUT": "CreateBucket", "DELETE": "DeleteBucket", "POST": "DeleteObject"}.get(method, "ListBucket")


_BUCKET_SETTINGS = ("location", "versioning", "tagging", "policy", "acl", "cors", "logging", "notification", "website")


def _access_denied_response(request: Request, permission: RequiredPermission) -> Response:
    text = (
        f"User: {caller_arn(request)} is not authorized to perform: {permission.action} "
        f"on resource: {permission.resource} because no identity-based policy allows the {permission.action} action"
    )
    if signing_service(request) == "s3":
        return _forbidden_xml(f"<Error><Code>AccessDenied</Code><Message>{escape(text)}</Message></Error>")
    if request.mimetype != FORM_CONTENT_TYPE:
        return error_response(ApiError("AccessDeniedException", text))
    # EC2 alone has an envelope and a code of its own.
    if signing_service(request) == "ec2":
        error_body = (
            f"<Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation. {text}"
        )
        return _forbidden_xml(f"<Response><Errors><Error>{error_body}</Message></Error></Errors></Response>")
    error_body = f"<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{escape(text)}</Message></Error>"
    return _forbidden_xml(f"<ErrorResponse>{error_body}<RequestId>{uuid4()}</RequestId></ErrorResponse>")


def _forbidden_xml(body: str) -> Response:
    return Response(body, status=_FORBIDDEN, content_type="text/xml")
