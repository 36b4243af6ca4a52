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
from opskit.sandbox.dispatcher import FORM, PATHS, error_answer
from opskit.sandbox.errors import ApiError
from opskit.sandbox.signature import place_of, signed_for
from opskit.sandbox.state import INSIDE, Place

_PREFIXES = {"monitoring": "cloudwatch"}
"""IAM's prefixes that are not the name in signatures."""
_ANYWAY = "sts:GetCallerIdentity"
"""AWS answers it to everybody, whatever a policy says."""
_INVOKED = re.compile("/endpoints/([^/]+)/invocations")
_FORBIDDEN = 403


@dataclass(frozen=True)
class Asked:
    """One permission that a request needs."""

    action: str
    resource: str


@dataclass(frozen=True)
class Permissions:
    """Everything is allowed but the actions that one of the ``denied`` patterns fits (``*`` as in a policy)."""

    denied: tuple[str, ...] = ()

    def allows(self, action: str) -> bool:
        """Whether callers may do this. IAM does not mind the case of an action."""
        lower = action.lower()
        return action == _ANYWAY or not any(fnmatchcase(lower, pattern.lower()) for pattern in self.denied)

    def refusal(self, request: Request) -> Response | None:
        """AWS's answer to a request that is not allowed; None where it is. The sandbox's own calls always are."""
        if not self.denied or INSIDE in request.user_agent.string:
            return None
        refused = (asked for asked in _asked(request) if not self.allows(asked.action))
        first = next(refused, None)
        return _refusal(request, first) if first else None


def _asked(request: Request) -> Iterator[Asked]:
    service = signed_for(request) or ""
    if service == "s3":
        yield _asked_of_s3(request)
    elif operation := _operation(request):
        yield from _asked_of(service, operation, request)


def _operation(request: Request) -> str | None:
    """The operation that a request names: in its target, in its form or by its path."""
    if target := request.headers.get("X-Amz-Target"):
        return target.rpartition(".")[2]
    if request.mimetype == FORM:
        return next(iter(parse_qs(request.get_data(as_text=True)).get("Action", [])), None)
    if _INVOKED.fullmatch(request.path):
        return "InvokeEndpoint"
    return PATHS.get(request.path, ("", None))[1]


def _asked_of(service: str, operation: str, request: Request) -> Iterator[Asked]:
    prefix = _PREFIXES.get(service, service)
    if prefix != "sagemaker":
        yield Asked(f"{prefix}:{operation}", "*")
        return
    params = _params(request)
    resource = _resource(place_of(request), params) or "*"
    yield Asked(f"sagemaker:{operation}", resource)
    if operation.startswith("Create") and params.get("Tags"):
        yield Asked("sagemaker:AddTags", resource)
    for member in ("RoleArn", "ExecutionRoleArn"):
        if member in params:
            yield Asked("iam:PassRole", str(params[member]))


def _params(request: Request) -> dict[str, Any]:
    """A SageMaker request's members; none where it is no JSON, which is refused later."""
    if "X-Amz-Target" not in request.headers:
        invoked = _INVOKED.fullmatch(request.path)
        return {"EndpointName": invoked[1]} if invoked else {}
    try:
        params = json.loads(request.get_data() or b"{}")
    except ValueError:
        return {}
    return params if isinstance(params, dict) else {}


def _resource(place: Place, params: dict[str, Any]) -> str | None:
    """The ARN of what a request names first: ``NotebookInstanceName`` stands for a notebook-instance."""
    for member, value in params.items():
        if member == "ResourceArn":
            return str(value)
        if member.endswith("Name") and isinstance(value, str):
            return place.arn(f"{_kebab(member.removesuffix('Name'))}/{value}")
    return None


def _kebab(words: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in words).lstrip("-")


def _asked_of_s3(request: Request) -> Asked:
    bucket, _, key = request.path.lstrip("/").partition("/")
    resource = f"arn:aws:s3:::{request.path.strip('/')}" if bucket else "*"
    return Asked(f"s3:{_s3_action(request, bucket, key)}", resource)


def _s3_action(request: Request, bucket: str, key: str) -> str:
    """IAM's name of what a request asks of S3; of a bucket's settings, whichever it is, only reading and writing."""
    method = request.method
    if not bucket:
        return "ListAllMyBuckets"
    if key:
        return {"GET": "GetObject", "HEAD": "GetObject", "DELETE": "DeleteObject"}.get(method, "PutObject")
    setting = next((name for name in _SETTINGS if name in request.args), None)
    if setting:
        return f"{'Get' if method == 'GET' else 'Put'}Bucket{setting.capitalize()}"
    return {"PUT": "CreateBucket", "DELETE": "DeleteBucket", "POST": "DeleteObject"}.get(method, "ListBucket")


_SETTINGS = ("location", "versioning", "tagging", "policy", "acl", "cors", "logging", "notification", "website")


def _refusal(request: Request, asked: Asked) -> Response:
    text = (
        f"User: {caller_arn(request)} is not authorized to perform: {asked.action} on resource: {asked.resource} "
        f"because no identity-based policy allows the {asked.action} action"
    )
    if signed_for(request) == "s3":
        return _xml(f"<Error><Code>AccessDenied</Code><Message>{escape(text)}</Message></Error>")
    if request.mimetype != FORM:
        return error_answer(ApiError("AccessDeniedException", text))
    if signed_for(request) == "ec2":
        said = f"<Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation. {text}"
        return _xml(f"<Response><Errors><Error>{said}</Message></Error></Errors></Response>")
    said = f"<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{escape(text)}</Message></Error>"
    return _xml(f"<ErrorResponse>{said}<RequestId>{uuid4()}</RequestId></ErrorResponse>")


def _xml(body: str) -> Response:
    return Response(body, status=_FORBIDDEN, content_type="text/xml")
