"""What the sandbox's callers may not do (``--deny``, and what a ``--policy`` does not allow), refused in AWS's words,
so that it can be practised.

An action is IAM's name of an operation, such as ``sagemaker:CreateTrainingJob``: the prefix is the service a request
is signed for, the rest is the operation; S3 alone names its actions otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4
from xml.sax.saxutils import escape, unescape

from werkzeug.wrappers import Request, Response

from opskit.sandbox.account.caller_identity import caller_arn
from opskit.sandbox.account.policy_file import PolicyFile, RequestContext
from opskit.sandbox.account.request_context import (
    BoundaryReader,
    TagReader,
    iam_context,
    resource_of_request,
    s3_context,
    sagemaker_context,
)
from opskit.sandbox.dispatcher import FORM_CONTENT_TYPE, OPERATION_PATHS, error_response
from opskit.sandbox.errors import ApiError
from opskit.sandbox.signature import signed_account_region, signing_service
from opskit.sandbox.state import INTERNAL_USER_AGENT, AccountRegion

# IAM's prefixes that are not the name in signatures.
_ACTION_PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}
# AWS answers it to everybody, whatever a policy says.
_ALWAYS_ALLOWED = "sts:GetCallerIdentity"
_INVOCATION_PATH = re.compile("/endpoints/([^/]+)/invocations")
_DELETED_KEY = re.compile("<Key>(.*?)</Key>", re.DOTALL)
_FORBIDDEN = 403


@dataclass(frozen=True)
class RequiredPermission:
    """One permission that a request needs; ``context`` is what the request says, by IAM's condition keys."""

    action: str
    resource: str
    context: RequestContext = field(default_factory=dict)


@dataclass(frozen=True)
class Permissions:
    """Everything is allowed but the actions that one of the ``denied`` patterns fits (``*`` as in a policy), and with a
    ``policy`` only what that allows; None: there is none. The readers say what a condition may ask of a resource.
    """

    denied: tuple[str, ...] = ()
    policy: PolicyFile | None = None
    read_tags: TagReader = lambda arn, place: None
    read_boundary: BoundaryReader = lambda role, place: None

    def is_allowed(self, permission: RequiredPermission) -> bool:
        """Whether callers have this permission."""
        action = permission.action
        if action == _ALWAYS_ALLOWED:
            return True
        if any(fits_action(action, pattern) for pattern in self.denied):
            return False
        return self.policy is None or self.policy.allows(action, permission.resource, permission.context)

    def denial_response(self, request: Request) -> Response | None:
        """AWS's answer to a request that is not allowed; None where it is. The sandbox's own calls always are."""
        if not (self.denied or self.policy) or INTERNAL_USER_AGENT in request.user_agent.string:
            return None
        for permission in _required_permissions(request, self.read_tags, self.read_boundary):
            if not self.is_allowed(permission):
                return _access_denied_response(request, permission)
        return None


def requested_action(request: Request) -> str | None:
    """IAM's name of what a request is for, such as ``sagemaker:ListTags``; None where it names nothing."""
    return next((permission.action for permission in _required_permissions(request)), None)


def fits_action(action: str, pattern: str) -> bool:
    """Whether an action is one that a pattern with ``*`` means, as in a policy: IAM does not mind the case."""
    return fnmatchcase(action.lower(), pattern.lower())


def _required_permissions(
    request: Request,
    read_tags: TagReader = lambda arn, place: None,
    read_boundary: BoundaryReader = lambda role, place: None,
) -> Iterator[RequiredPermission]:
    service = signing_service(request) or ""
    if service == "s3":
        yield from _s3_permissions(request)
    elif operation := _operation_name(request):
        if service == "sagemaker":
            yield from _sagemaker_permissions(operation, request, read_tags)
        else:
            yield from _operation_permissions(service, operation, request, read_boundary)


def _operation_name(request: Request) -> str | None:
    """The operation that a request names: in its target, in its form or by its path."""
    if target := request.headers.get("X-Amz-Target"):
        return target.rpartition(".")[2]
    if request.mimetype == FORM_CONTENT_TYPE:
        return next(iter(parse_qs(request.get_data(as_text=True)).get("Action", [])), None)
    if _INVOCATION_PATH.fullmatch(request.path):
        return "InvokeEndpoint"
    return OPERATION_PATHS.get(request.path, ("", None))[1]


def _operation_permissions(
    service: str, operation: str, request: Request, read_boundary: BoundaryReader
) -> Iterator[RequiredPermission]:
    prefix = _ACTION_PREFIXES.get(service, service)
    resource = resource_of_request(prefix, operation, request)
    context = iam_context(request, operation, read_boundary) if service == "iam" else {}
    yield RequiredPermission(f"{prefix}:{operation}", resource, context)
    if operation == "CreateRole" and "Tags.member.1.Key" in request.get_data(as_text=True):
        yield RequiredPermission("iam:TagRole", resource, context)


def _sagemaker_permissions(operation: str, request: Request, read_tags: TagReader) -> Iterator[RequiredPermission]:
    params, place = _sagemaker_params(request), signed_account_region(request)
    resource = _resource_arn(place, operation, params) or "*"
    context = sagemaker_context(operation, params, resource, place, read_tags)
    yield RequiredPermission(f"sagemaker:{operation}", resource, context)
    if operation == "CreateEndpoint" and "EndpointConfigName" in params:  # AWS asks for it on both
        config = place.arn(f"endpoint-config/{params['EndpointConfigName']}")
        yield RequiredPermission(f"sagemaker:{operation}", config, context)
    # AWS asks for AddTags too where a resource is created with tags, and for PassRole where a role is handed over.
    if operation.startswith("Create") and params.get("Tags"):
        yield RequiredPermission("sagemaker:AddTags", resource, context)
    for member in ("RoleArn", "ExecutionRoleArn"):
        if member in params:
            yield RequiredPermission("iam:PassRole", str(params[member]), context)


def _sagemaker_params(request: Request) -> dict[str, Any]:
    """A SageMaker request's members; none where it is not JSON, which is refused later."""
    if "X-Amz-Target" not in request.headers:
        invoked = _INVOCATION_PATH.fullmatch(request.path)
        return {"EndpointName": invoked[1]} if invoked else {}
    try:
        params = json.loads(request.get_data() or b"{}")
    except ValueError:
        return {}
    return params if isinstance(params, dict) else {}


def _resource_arn(account_region: AccountRegion, operation: str, params: dict[str, Any]) -> str | None:
    """The ARN of what a request is about: ``NotebookInstanceName`` stands for a notebook-instance."""
    if operation.startswith(("List", "Search")) and "ResourceArn" not in params:
        return None
    # What the operation itself is named after counts before what else the request names.
    own_first = sorted(params.items(), key=lambda member: not operation.endswith(member[0].removesuffix("Name")))
    for member, value in own_first:
        if member == "ResourceArn":
            return str(value)
        if member.endswith("Name") and isinstance(value, str):
            return account_region.arn(f"{_to_kebab_case(member.removesuffix('Name'))}/{value}")
    return None


def _to_kebab_case(words: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in words).lstrip("-")


def _s3_permissions(request: Request) -> Iterator[RequiredPermission]:
    bucket, _, key = request.path.lstrip("/").partition("/")
    action = f"s3:{_s3_action(request, bucket, key)}"
    if action == "s3:DeleteObject" and not key:  # many at once: each is asked for
        for name in _DELETED_KEY.findall(_reread_body(request)):
            yield RequiredPermission(action, f"arn:aws:s3:::{bucket}/{unescape(name)}")
        return
    resource = f"arn:aws:s3:::{request.path.strip('/')}" if bucket else "*"
    context = s3_context(request)
    yield RequiredPermission(action, resource, context)
    if context:
        yield RequiredPermission("s3:PutObjectTagging", resource, context)


def _reread_body(request: Request) -> str:
    """The body of a request whose next reader finds it whole: moto reads S3's from the socket."""
    content = request.get_data()
    request.environ["wsgi.input"] = BytesIO(content)
    return content.decode(errors="replace")


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
